"""What a stage refuses before it works: an experiment without its files, and work that a colleague has done.

Both are asked only where DVC runs the stage: a stage that is run by hand does as it is told.

DVC runs `--temp` and `--queue` experiments in a copy of the repository below `TEMPORARY`, which holds what git tracks.
Files that git ignores are not in it, so a training would silently leave out the user's own clips.

In a clone without data DVC makes all outputs again, unless it is told to fetch them. `dvc.lock` says whether the same inputs
gave outputs before; where they did, and a remote is set, they are fetched in a fraction of the time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tivit.core.errors import InputError

USER_FOLDERS = ("data/own", "data/pretrained", "data/subsets")
"""Folders that stages depend on and whose files git may not track."""
TEMPORARY = (".dvc", "tmp", "exps")
"""Where DVC runs experiments that are not in the workspace."""
EXPENSIVE = ("synthesize", "register", "strips", "train")
"""Stages that take longer than fetching what they write."""
OVERRIDE = "TIVIT_RECOMPUTE"
RUN_BY_DVC = "DVC_STAGE"
"""The environment variable that DVC sets to the stage whose command it runs."""
MOST_NAMED = 5
"""Most files that a message names."""


def refuse_unwanted(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to start a stage whose files did not come along, or whose outputs can be fetched.

    Parameters
    ----------
    environment : mapping
        Variables of this process: DVC sets `RUN_BY_DVC`, and the user may set `TIVIT_RECOMPUTE`.

    Raises
    ------
    InputError
        The message says which files are missing, or what can be fetched, and gives the command to run instead.
    """
    stage = environment.get(RUN_BY_DVC, "")
    if not stage:
        return
    refuse_files_left_behind(Path.cwd())
    if stage.rpartition(":")[2] in EXPENSIVE and not environment.get(OVERRIDE):
        _refuse_recomputing(stage)


def refuse_files_left_behind(folder: Path) -> None:
    """Raise InputError when a temporary copy of the repository lacks files of the user's that the repository has.

    Parameters
    ----------
    folder : Path
        The root of the project in which the stage runs.

    Raises
    ------
    InputError
        A file of `USER_FOLDERS` is missing; the message gives the options that bring it along.
    """
    workspace = _workspace_of(folder)
    if workspace is None:
        return
    left = [
        f"{name}/{path.name}"
        for name in USER_FOLDERS
        for path in sorted((workspace / name).glob("*"))
        if path.is_file() and not path.name.startswith(".") and not (folder / name / path.name).exists()
    ]
    if left:
        options = " ".join(f"-C {name}" for name in left[:MOST_NAMED]) + (" ..." if len(left) > MOST_NAMED else "")
        raise InputError(
            f"{left[0]}: this experiment runs in a folder of its own, and {len(left)} of your files did not come along, "
            f"because git does not track them; bring each one along (`dvc exp run ... {options}`), or run in the workspace"
        )


def _workspace_of(folder: Path) -> Path | None:
    """Return the project of which `folder` is the copy of an experiment; None where it is none."""
    parts = folder.resolve().parts
    starts = (i for i in range(len(parts)) if parts[i : i + len(TEMPORARY)] == TEMPORARY)
    return next((Path(*parts[:i]) for i in starts), None)


def _refuse_recomputing(address: str) -> None:
    """Raise InputError when `dvc.lock` has outputs of exactly the present inputs, the cache lacks them, and a remote is set."""
    from dvc.repo import Repo  # takes half a second, and only DVC runs this

    with Repo() as repo:
        remote = repo.config["core"].get("remote")
        stage = next(iter(repo.stage.collect(address)))
        recorded = bool(stage.outs) and all(out.hash_info for out in stage.outs if out.use_cache)
        if not remote or not recorded or stage.changed_stage() or any(dep.status() for dep in stage.deps):
            return
        missing = [str(out) for out in stage.outs if out.use_cache and out.changed_cache()]
    if missing:
        raise InputError(
            f"{missing[0]}: was made of exactly these inputs before, and the remote {remote!r} may have it; run `dvc pull`, or "
            f"`dvc repro --pull --allow-missing` to fetch only what is needed, or set {OVERRIDE}=1 to make it again"
        )
