"""One of the processes of test_training_team.py: the train stage on params.yaml here; keeps what its trainer ends with.

Arguments: the step at which the process of rank 1 kills itself, -1 for never.
"""

import os
import signal
import sys

import torch

from stages import train
from tivit.core.stage import run_stage
from tivit.training.loop import Trainer

RANK = int(os.environ["RANK"])


def main() -> int:
    """Run the stage and write `end_<rank>.pt`; return its exit status."""
    die_at, trainers, train_step = int(sys.argv[1]), [], Trainer.train_step

    def step_or_die(trainer: Trainer) -> dict[str, float]:
        trainers[:] = [trainer]
        if (RANK, trainer.step) == (1, die_at):
            os.kill(os.getpid(), signal.SIGKILL)
        return train_step(trainer)

    Trainer.train_step = step_or_die
    status = run_stage(train.run, [])
    state = trainers[0].state()
    torch.save({name: state[name] for name in ("step", "model", "average", "optimizer")}, f"end_{RANK}.pt")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
