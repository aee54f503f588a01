"""The learning rate: warm-up, a stable law that does not know its end, and a branch that decays."""

import pytest
from model_cases import train_params

from tivit.training.schedule import branch_step, learning_rate_at


def test_the_rate_warms_up_slows_and_decays():
    params = train_params(steps=1000, warmup_steps=2, slowing_steps=100, decay_share=0.2, learning_rate=0.01)
    assert learning_rate_at(0, params) == pytest.approx(0.005)
    assert learning_rate_at(2, params) == pytest.approx(0.01)
    assert learning_rate_at(302, params) == pytest.approx(0.005)
    stable = train_params(steps=10_000, warmup_steps=2, slowing_steps=100, decay_share=0.2, learning_rate=0.01)
    assert learning_rate_at(900, params) == pytest.approx(learning_rate_at(900, stable) * (1 - 0.99 * 0.5**0.5))
    assert learning_rate_at(999, params) < 0.02 * learning_rate_at(999, stable)


def test_the_stable_part_does_not_know_its_end():
    short, long = (train_params(steps=steps, warmup_steps=3, decay_share=0.25) for steps in (40, 400))
    assert branch_step(short) == 30
    rates = [[learning_rate_at(step, params) for step in range(40)] for params in (short, long)]
    assert rates[0][:31] == rates[1][:31]
    assert all(low < high for low, high in zip(rates[0][31:], rates[1][31:], strict=True))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.34, 1.0])
def test_more_steps_never_leave_the_stable_part_earlier(share):
    starts = [branch_step(train_params(steps=steps, decay_share=share)) for steps in range(1, 60)]
    assert starts == sorted(starts) and starts[0] == 1
    assert all(1 <= start <= steps for steps, start in enumerate(starts, start=1))
