"""What a killed DVC leaves behind, put right before the next command: locks of the dead, files half changed, HEAD astray.

An experiment changes the workspace only for a moment, while DVC takes its params down, and again when it is applied. The
autopilot begins in a clean workspace, so what such a moment leaves can be told and undone. A file that is restored is copied
to `.tivit/autopilot/replaced` before.
"""

from __future__ import annotations

import contextlib
import glob
import json
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tivit.autopilot.plan import Plan
from tivit.autopilot.repository import changed_files, experiments, git, head_commit, head_name
from tivit.core.errors import InputError

log = logging.getLogger(__name__)
DVC_TMP = Path(".dvc/tmp")
EXPERIMENT_FOLDERS = DVC_TMP / "exps/standalone"
REPLACED = Path(".tivit/autopilot/replaced")
WRITTEN_BY_DVC = ("dvc.lock", "data/dvc.lock", "params.yaml", "metrics/")
"""Tracked files that `dvc exp run --temp` and `dvc exp apply` change in the workspace."""


def repair(plan: Plan) -> None:
    """Put the clone back to where it was before a command of a run was killed.

    Parameters
    ----------
    plan : Plan
        Of the run that was killed.

    Raises
    ------
    InputError
        HEAD is at another commit than the run's, or files were changed that no command of the run changes.
    """
    release_locks()
    _return_head(plan)
    if head_commit() != plan.baseline:
        raise InputError(f"run {plan.run} belongs to commit {plan.baseline[:7]}: check it out, or begin with --mode fresh")
    restore_files()
    _remove_experiment_folders()


def release_locks() -> None:
    """Remove the locks of git and DVC whose owner is dead; a lock of a process that lives stays."""
    held = _open_files()
    for folder in {git("rev-parse", "--absolute-git-dir"), str(Path(git("rev-parse", "--git-common-dir")).resolve())}:
        for path in (*Path(folder).glob("*.lock"), *Path(folder, "refs").rglob("*.lock")):
            if str(path) not in held:
                log.warning("%s: left by a process that was killed; removed", path)
                path.unlink(missing_ok=True)
    path = DVC_TMP / "rwlock"
    if path.exists():
        _release_rwlock(path)


def restore_files() -> None:
    """Bring back the tracked files that a killed command of DVC left changed, an emptied dvc.lock among them.

    Raises
    ------
    InputError
        Other tracked files differ from the commit.
    """
    changed = changed_files()
    others = [name for name in changed if not name.startswith(WRITTEN_BY_DVC)]
    if others:
        raise InputError(f"{others[0]}: changed since the commit, so no round could be attributed to it; commit or stash it")
    for name in changed:
        if Path(name).exists():
            copy = REPLACED / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, copy)
        log.warning("%s: left changed by a run that ended before; restored from the commit (a copy is in %s)", name, REPLACED)
    if changed:
        git("checkout", "--quiet", "HEAD", "--", *changed)


def _return_head(plan: Plan) -> None:
    """Point HEAD at the branch again on which the run began, when a killed command left it at a commit of the run."""
    if head_name() == plan.head:
        return
    known = {commit for baseline, commit in experiments().values() if baseline == plan.baseline} | {plan.baseline}
    if head_name().startswith("refs/") or head_commit() not in known:
        raise InputError(
            f"run {plan.run} began on {plan.head}, HEAD is {head_name()}; check that out again, or begin with --mode fresh"
        )
    log.warning("HEAD: left detached by a command that was killed; back on %s", plan.head)
    if plan.head.startswith("refs/"):
        git("symbolic-ref", "HEAD", plan.head)
    else:
        git("update-ref", "--no-deref", "HEAD", plan.head)
    git("reset", "--quiet")


def _release_rwlock(path: Path) -> None:
    """Take the dead out of DVC's list of who reads and writes what; a list that is damaged is removed."""
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        readers = {name: [item for item in items if _is_alive(item["pid"])] for name, items in lock["read"].items()}
        writers = {name: item for name, item in lock["write"].items() if _is_alive(item["pid"])}
    except (ValueError, KeyError, TypeError, AttributeError):
        readers, writers = {}, {}
    alive = {"read": {name: items for name, items in readers.items() if items}, "write": writers}
    if alive["read"] or alive["write"]:
        path.write_text(json.dumps(alive), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    """True when a process of this number lives and, where /proc tells, is DVC: numbers are used again."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    command = Path(f"/proc/{int(pid)}/cmdline")
    return b"dvc" in command.read_bytes() if command.exists() else True


def _remove_experiment_folders() -> None:
    """Remove the folders in which experiments ran that were killed: those that no living process works in."""
    used = set(_open_files()) | set(_working_folders())
    for folder in EXPERIMENT_FOLDERS.glob("tmp*"):
        root = str(folder.resolve())
        if not any(path == root or path.startswith(root + os.sep) for path in used):
            shutil.rmtree(folder, ignore_errors=True)


def _open_files() -> set[str]:
    """Return the paths that living processes have open, where /proc tells."""
    return set(_targets("fd/*"))


def _working_folders() -> set[str]:
    """Return the current folders of living processes, where /proc tells."""
    return set(_targets("cwd"))


def _targets(pattern: str) -> Iterator[str]:
    for link in glob.iglob(f"/proc/[0-9]*/{pattern}"):
        with contextlib.suppress(OSError):  # it has ended, or belongs to another user
            yield os.readlink(link)
