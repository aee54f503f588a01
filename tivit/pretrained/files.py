"""Which weights a transcription uses: those that come with the project, or a checkpoint with its thresholds. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tivit.core.errors import InputError
from tivit.pretrained import names
from tivit.pretrained.names import RECIPE_NAME, THRESHOLDS_NAME, TRAINED_CHECKPOINT, TRAINED_THRESHOLDS, WEIGHTS_NAME


@dataclass(frozen=True)
class Trained:
    """The files that a transcription uses.

    Attributes
    ----------
    checkpoint : Path
        The weights.
    thresholds : Path
        Those that were chosen for the checkpoint.
    recipe : Path or None
        The params that a transcription with them needs (`tivit.pretrained.recipe`); None: a params file has them.
    """

    checkpoint: Path
    thresholds: Path
    recipe: Path | None = None


def shipped(folder: Path) -> Trained:
    """Return the files that come with the project.

    Parameters
    ----------
    folder : Path
        Where they lie.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        One of them is missing.
    """
    paths = [folder / name for name in (WEIGHTS_NAME, THRESHOLDS_NAME, RECIPE_NAME)]
    for path in paths:
        if not path.is_file():
            raise InputError(
                f"{path}: no such file, so this copy of the project has no weights of its own; give --checkpoint and "
                f"--thresholds ({TRAINED_CHECKPOINT} and {TRAINED_THRESHOLDS} after `dvc repro`)"
            )
    return Trained(*paths)


def thresholds_beside(weights: Path) -> Path:
    """Return where the thresholds of weights that `tivit finetune` writes lie.

    Parameters
    ----------
    weights : Path
        The weights, such as `piano.pt`.

    Returns
    -------
    Path
        `piano.thresholds.json` beside them.
    """
    return weights.with_suffix(".thresholds.json")


def weights_of_own(weights: Path) -> Trained:
    """Return the files that `tivit finetune` wrote, with the recipe of the project.

    Parameters
    ----------
    weights : Path
        The weights.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        The weights, their thresholds or the recipe are missing.
    """
    for path in (weights, thresholds_beside(weights)):
        if not path.is_file():
            raise InputError(
                f"{path}: no such file; --weights takes what `tivit finetune` wrote, with its thresholds beside it. Other "
                "weights are given by --checkpoint and --thresholds"
            )
    return Trained(weights, thresholds_beside(weights), shipped(names.FOLDER).recipe)


def chosen(checkpoint: Path | None, thresholds: Path | None) -> Trained:
    """Return the files to use: both that are given, or those that come with the project when none is.

    Parameters
    ----------
    checkpoint, thresholds : Path or None
        What the user names.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        One is given without the other (thresholds fit only the weights they were chosen for), or none is given and the project
        came without weights.
    """
    if checkpoint is None and thresholds is None:
        return shipped(names.FOLDER)
    if thresholds is None:
        raise InputError(f"--checkpoint {checkpoint} needs --thresholds, those chosen for it (such as {TRAINED_THRESHOLDS})")
    if checkpoint is None:
        raise InputError(f"--thresholds {thresholds} needs --checkpoint, the one they were chosen for")
    return Trained(checkpoint, thresholds)
