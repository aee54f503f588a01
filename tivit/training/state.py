"""Resumable training state, outside the pipeline's outputs: `.tivit/state/<fingerprint>/last.pt` (or below $TIVIT_STATE_DIR).

The fingerprint names the run: seed, params, data and code. Another run never sees this state; the same run goes on from it.
It is replaced in one move, and deleted when the checkpoint of the ended run is written.
"""

from __future__ import annotations

import logging
import shutil
from typing import Any

from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError
from tivit.core.run import fingerprint
from tivit.model.checkpoint import read_torch, to_bytes

log = logging.getLogger(__name__)
CODE = ("core", "model", "training", "targets.py")
"""What of the package decides the outcome of training."""


def fingerprint_of(**parts: Any) -> str:
    """Return a name for a run.

    Parameters
    ----------
    **parts : what JSON has
        All that decides the outcome beside the code; the code that training depends on is added here.

    Returns
    -------
    str
        24 hexadecimal digits.
    """
    return fingerprint.fingerprint_of(CODE, **parts)[:24]


class StateFile:
    """The state of one run on disk; `name` is the run's fingerprint."""

    def __init__(self, name: str) -> None:
        self.path = fingerprint.state_folder("state") / name / "last.pt"

    def load(self) -> dict[str, Any] | None:
        """Return the saved state.

        Returns
        -------
        dict or None
            As `Trainer.state` made it; None when there is none. A damaged file is reported in the log and not used.
        """
        if not self.path.exists():
            return None
        try:
            return read_torch(self.path)
        except InputError as error:
            log.warning("%s; training starts from the beginning", error)
            return None

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved state in one move."""
        write_bytes(self.path, to_bytes(state))

    def delete(self) -> None:
        """Remove the state of this run."""
        shutil.rmtree(self.path.parent, ignore_errors=True)
