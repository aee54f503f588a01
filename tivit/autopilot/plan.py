"""What a run of the autopilot does: its settings, and the DVC command of every round, known before anything runs.

Round k trains to `first + (k - 1) * burst` steps. That continues round k - 1, because the states of a training are found again
by `tivit/training/state.py`; and it gives the same bytes as a training of that many steps in one go, so an experiment needs
nothing but its commit and its params to be repeated. A round ends with the stage `sweep`: it makes logits of the validation
split alone, and nothing in it looks at the test split.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tivit.core.artifacts import read_json, write_json
from tivit.core.errors import InputError

LAST_STAGE = "sweep"
SPLIT = "val"
LIMITED = {"logits.splits": f"[{SPLIT}]"}
"""What every round sets beside its steps, to leave the test split alone."""
FAST_GRID = {
    "sweep.onset_thresholds": "[0.2,0.35,0.5,0.65,0.8]",
    "sweep.pitch_thresholds": "[0.0,0.3,0.6]",
    "sweep.hold_thresholds": "[0.2,0.4,0.6]",
    "sweep.offset_thresholds": "[0.3,0.6,1.0]",
}
"""The coarse grid of a fast calibration."""
FAST_ROUNDS = {"classic": 0, "two_stage": 1}
"""Strategy of a fast calibration -> further searches between the best points of the coarse grid."""
METRICS = {"onset_ev_f1": ("onset_f1",), "offset_ev_f1": ("note_f1",), "ev_f1_mean": ("onset_f1", "note_f1")}
"""Name of a target as the original had it -> the figures below `val` of metrics/sweep.json whose mean it is."""
OWN_FOLDERS = (Path("data/own"), Path("data/pretrained"))
"""Inputs of the user that git does not track, so DVC must be told to copy them for an experiment."""
TRACKED_IN_THEM = "README.md"

Calibration = Literal["thorough", "fast"]


@dataclass(frozen=True)
class Settings:
    """The options that decide what the rounds compute; a run that is resumed keeps them.

    Attributes
    ----------
    first_step : str
        "train", or "calib": the first round calibrates the model that the commit has, without training.
    first_calib : str
        "thorough" or "fast": the search of the first round; later rounds are thorough.
    fast_strategy : str
        A key of `FAST_ROUNDS`.
    burst_steps : int
        Steps that each round adds.
    target_metric : str
        A key of `METRICS`.
    seed : int or None
        `train.seed`; None: that of the params file.
    dataset_max_clips, calib_max_clips : int or None
        At most so many clips of each split are used, and of the validation split for the calibration.
    set_params : tuple of str
        Further values, `key=value`, as `dvc exp run -S` takes them.
    """

    first_step: Literal["train", "calib"]
    first_calib: Calibration
    fast_strategy: str
    burst_steps: int
    target_metric: str
    seed: int | None
    dataset_max_clips: int | None
    calib_max_clips: int | None
    set_params: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """When a run stops: at a score on validation, after rounds without a better one, or after so many rounds."""

    target: float | None
    patience: int
    max_rounds: int


@dataclass(frozen=True)
class Plan:
    """A run: its number, the commit it belongs to, and its settings.

    Attributes
    ----------
    run : int
        1, 2, ... in this clone.
    baseline : str
        The commit (40 hexadecimal digits) that all experiments of the run are attributed to.
    head : str
        What HEAD names: a branch (`refs/heads/...`), or the commit itself.
    trained_steps : int
        `train.steps` of the params file.
    settings : Settings
    rules : Rules
    applied : str or None
        The experiment that was applied to the workspace when the run ended.
    """

    run: int
    baseline: str
    head: str
    trained_steps: int
    settings: Settings
    rules: Rules
    applied: str | None = None

    def experiment(self, number: int) -> str:
        """Return the name of the experiment of a round."""
        return f"autopilot{self.run}-{number:02d}"

    def steps(self, number: int) -> int:
        """Return how many steps of training a round ends with."""
        first = self.trained_steps if self.settings.first_step == "calib" else self.settings.burst_steps
        return first + (number - 1) * self.settings.burst_steps

    def calibration(self, number: int) -> Calibration:
        """Return how a round searches its thresholds, unless that fails."""
        return self.settings.first_calib if number == 1 else "thorough"

    def command(self, number: int, calibration: Calibration) -> list[str]:
        """Return the arguments of `dvc` for a round.

        Parameters
        ----------
        number : int
            1, 2, ...
        calibration : str
            "thorough": the grids of the params file; "fast": the coarse one.
        """
        chosen = dict(text.split("=", 1) for text in self.settings.set_params)
        values = {"train.steps": str(self.steps(number)), **LIMITED, **chosen, **self._given()}
        if number == 1 and self.settings.first_step == "calib":
            del values["train.steps"]
        if calibration == "fast":
            values |= FAST_GRID | {"sweep.refine_rounds": str(FAST_ROUNDS[self.settings.fast_strategy])}
        settings = [f"--set-param={key}={value}" for key, value in values.items()]
        copied = [f"--copy-paths={path.as_posix()}" for path in _own_files()]
        return ["exp", "run", "--temp", f"--name={self.experiment(number)}", *settings, *copied, LAST_STAGE]

    def test_command(self, params: Mapping[str, Any]) -> list[str]:
        """Return the arguments of `dvc` that score the applied round on the test split: without the limits of the rounds.

        Parameters
        ----------
        params : mapping
            The params file of the commit.
        """
        limited = ("splits", "max_clips") if self.settings.calib_max_clips else ("splits",)
        values = ",".join(params["logits"]["splits"]), params["logits"]["max_clips"]
        texts = (f"[{values[0]}]", "null" if values[1] is None else str(values[1]))
        return ["exp", "run", *(f"--set-param=logits.{name}={text}" for name, text in zip(limited, texts, strict=False))]

    def _given(self) -> dict[str, str]:
        given = {
            "train.seed": self.settings.seed,
            "data.clips.max_per_split": self.settings.dataset_max_clips,
            "logits.max_clips": self.settings.calib_max_clips,
        }
        return {key: str(value) for key, value in given.items() if value is not None}


def _own_files() -> list[Path]:
    """Return what lies in the user's folders, each by itself: DVC copies no folder to where there is one already."""
    return [
        path for folder in OWN_FOLDERS if folder.is_dir() for path in sorted(folder.iterdir()) if path.name != TRACKED_IN_THEM
    ]


def shown(command: list[str]) -> str:
    """Return a command of DVC as a person would type it."""
    return shlex.join(["dvc", *command])


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan, atomically."""
    write_json(path, asdict(plan), decimals=12)


def read_plan(path: Path) -> Plan | None:
    """Return the plan of the last run.

    Parameters
    ----------
    path : Path
        What `write_plan` wrote.

    Returns
    -------
    Plan or None
        None where there is none.

    Raises
    ------
    InputError
        The file is no plan.
    """
    if not path.exists():
        return None
    content = read_json(path)
    try:
        return _plan_of(content)
    except (KeyError, TypeError):
        raise InputError(f"{path}: not the plan of an autopilot run; remove it and begin with --mode fresh") from None


def _plan_of(content: Mapping[str, Any]) -> Plan:
    settings = Settings(**{**content["settings"], "set_params": tuple(content["settings"]["set_params"])})
    return Plan(**{**content, "settings": settings, "rules": Rules(**content["rules"])})
