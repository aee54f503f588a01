"""How the learning rate goes over the steps: warm-up, a stable part that need not know its end, and a short branch that decays.

In the stable part the rate is a law of the step alone, so a training can be continued from any of its states as if it had never
stopped. What is kept and scored comes from a branch: it leaves the stable part `train.decay_share` of the steps before the end,
and its rate falls to nearly nothing, because weights under a high rate score worse than they could. The branch never changes
the stable part. (Warm-up, stable, decay: Hu et al. 2024, MiniCPM; Hägele et al. 2024, Scaling laws beyond fixed durations.)
"""

from __future__ import annotations

import math

from tivit.training.params import TrainParams

LAST_RATE = 0.01
"""The branch ends at this share of the rate with which it began."""


def branch_step(params: TrainParams) -> int:
    """Return the step after which the branch leaves the stable part.

    Parameters
    ----------
    params : TrainParams
        `steps` counts the steps of the branch too.

    Returns
    -------
    int
        1 .. `params.steps`; more steps never give an earlier one.
    """
    return max(params.steps - round(params.decay_share * params.steps), 1)


def learning_rate_at(step: int, params: TrainParams) -> float:
    """Return the learning rate of a step.

    It rises in proportion to the step over `warmup_steps`; n steps later it has fallen by 1 / sqrt(1 + n / slowing_steps).
    In the branch it is multiplied by 1 - sqrt(share of the branch that is done), down to `LAST_RATE`.

    Parameters
    ----------
    step : int
        0 .. `params.steps` - 1.
    params : TrainParams
        `learning_rate` is the highest, reached after `warmup_steps`.

    Returns
    -------
    float
    """
    since = step - params.warmup_steps
    stable = (step + 1) / params.warmup_steps if since < 0 else 1 / math.sqrt(1 + since / params.slowing_steps)
    first = branch_step(params)
    done = (step - first) / (params.steps - first) if step > first else 0.0
    return params.learning_rate * stable * (1 - (1 - LAST_RATE) * math.sqrt(done))
