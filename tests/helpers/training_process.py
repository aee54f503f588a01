"""One of the processes of test_training_team.py: the train stage on params.yaml here; keeps what its trainer ends with.

Argument: after how many steps a process kills itself, -1 for never: that of rank 1 in the middle, that of rank 0 at the end.
"""

import os
import signal
import sys

import torch

from stages import train
from tivit.core.run.stage import run_stage
from tivit.training import loop

RANK = int(os.environ["RANK"])
DIE_AT = int(sys.argv[1])
TRAINERS = []


class MortalTrainer(loop.Trainer):
    """A trainer that kills its process at a step."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        TRAINERS.append(self)

    def train_step(self) -> dict[str, float]:
        self._die_as(1)
        return super().train_step()

    def result(self, *arguments: object) -> loop.TrainResult:
        self._die_as(0)
        return super().result(*arguments)

    def _die_as(self, rank: int) -> None:
        if (RANK, self.step) == (rank, DIE_AT):
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Run the stage and write `end_<rank>.pt`; return its exit status."""
    loop.Trainer = MortalTrainer
    status = run_stage(train.run, [])
    (state,) = (trainer.state() for trainer in TRAINERS)
    torch.save({name: state[name] for name in ("step", "model", "average", "optimizer")}, f"end_{RANK}.pt")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
