"""States that a training goes on from, in `.tivit/state/` (or $TIVIT_STATE_DIR): a memory of work done, never an input.

A run is named by its identity: a digest each of the model, the params, the data, the code and the way of computing. How many
steps it takes and how it decays at the end is no part of it, so a longer run goes on from the states of a shorter one and ends
with the bytes that it would have without them. Another run never sees these states.

    <run>/<step>.pt    of the stable part of the schedule
    <run>/branch.pt    of the branch that decays, for a run that is killed in it
    offered.pt         a state from elsewhere (the `data/model/state.pt` of a colleague), used where it is of the same run
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError
from tivit.core.run import fingerprint
from tivit.model.checkpoint import read_torch, to_bytes
from tivit.training.params import TrainParams
from tivit.training.schedule import branch_step

log = logging.getLogger(__name__)
CODE = ("core", "model", "training", "targets.py")
"""What of the package decides the outcome of training."""
OFFERED, BRANCH = "offered.pt", "branch.pt"
KEPT_STATES, KEPT_RUNS = 3, 8
"""How many stable states of a run, and how many runs, stay when a training ends: 9 MB each with the default model."""
_RUN_NAME = re.compile(r"[0-9a-f]{24}")


def fingerprint_of(**parts: Any) -> str:
    """Return a name for a training.

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


def identity_of(**parts: Any) -> dict[str, str]:
    """Return what tells a run from others.

    Parameters
    ----------
    **parts : what JSON has
        All that decides the stable part of a training, beside the code.

    Returns
    -------
    dict
        Name of a part, `source` (the code) among them -> its digest.
    """
    return {name: fingerprint_of(**{name: value}) for name, value in {**parts, "source": None}.items()}


class RunStates:
    """The states of one run on disk.

    Parameters
    ----------
    identity : mapping
        From `identity_of`.
    params : TrainParams
        How many steps are taken, and how many of them in the branch.
    """

    def __init__(self, identity: Mapping[str, str], params: TrainParams) -> None:
        self.identity = dict(identity)
        self.branch_step = branch_step(params)
        self.end = [params.steps, params.decay_share]
        self.name = fingerprint_of(**identity)
        self.folder = fingerprint.state_folder("state") / self.name
        self._last_saved: Path | None = None

    @property
    def stable_path(self) -> Path:
        """The state at which the branch leaves the stable part: what a longer run goes on from."""
        return self.folder / f"{self.branch_step}.pt"

    def load(self) -> dict[str, Any] | None:
        """Return the state nearest to the end of the run.

        Returns
        -------
        dict or None
            As `Trainer.state` made it; None when there is none. A file that is damaged or of another run is reported in the log
            and not used.
        """
        self._adopt_offered()
        branch = self._read(self.folder / BRANCH) if self.stable_path.exists() and (self.folder / BRANCH).exists() else None
        if branch is not None and branch["end"] == self.end:
            return branch["trainer"]
        for step in sorted((step for step in self._steps() if step <= self.branch_step), reverse=True):
            content = self._read(self.folder / f"{step}.pt")
            if content is not None:
                return content["trainer"]
        return None

    def save(self, state: dict[str, Any]) -> None:
        """Save a state of `Trainer.state` in one move; of the stable part, it replaces the last one that this process saved."""
        if state["step"] > self.branch_step:
            self._write(self.folder / BRANCH, state, end=self.end)
            return
        path = self.folder / f"{state['step']}.pt"
        self._write(path, state)
        if self._last_saved not in (None, path):
            self._last_saved.unlink(missing_ok=True)
        self._last_saved = path

    def finish(self) -> None:
        """Remove what a longer run will not need: the branch, all but the last states of this run, and the oldest runs."""
        (self.folder / BRANCH).unlink(missing_ok=True)
        for step in sorted(self._steps())[:-KEPT_STATES]:
            if step != self.branch_step:
                (self.folder / f"{step}.pt").unlink(missing_ok=True)
        runs = [path for path in self.folder.parent.glob("*") if _RUN_NAME.fullmatch(path.name) and path != self.folder]
        for run in sorted(runs, key=_modified_s, reverse=True)[KEPT_RUNS - 1 :]:
            shutil.rmtree(run, ignore_errors=True)

    def _write(self, path: Path, state: dict[str, Any], **more: Any) -> None:
        write_bytes(path, to_bytes({"identity": self.identity, **more, "trainer": state}))

    def _steps(self) -> list[int]:
        return [int(path.stem) for path in self.folder.glob("*.pt") if path.stem.isdecimal()]

    def _read(self, path: Path) -> dict[str, Any] | None:
        """Return the content of a state file; None, with a sentence in the log, where it is no state of this run."""
        try:
            content = read_torch(path)
        except InputError as error:
            log.warning("%s; it is not used", error)
            return None
        identity = content.get("identity") if isinstance(content, dict) else None
        if not isinstance(identity, dict) or "trainer" not in content:
            log.warning("%s: not a training state; it is not used", path)
            return None
        other = [name for name, digest in self.identity.items() if identity.get(name) != digest]
        if other:
            log.warning("%s: of a training with other %s; it is not used", path, ", ".join(other))
            return None
        return content

    def _adopt_offered(self) -> None:
        """Put the state from elsewhere among those of this run, where it is one of them."""
        path = self.folder.parent / OFFERED
        content = self._read(path) if path.exists() else None
        if content is not None:
            self._write(self.folder / f"{content['trainer']['step']}.pt", content["trainer"])


def _modified_s(path: Path) -> float:
    """Return when a folder was last changed; 0 where another process has removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
