"""What git and DVC know of a clone: its commit, its experiments and their files. Facts that survive a kill.

Commands are lists of arguments, never text for a shell. DVC runs with the interpreter that runs this program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tivit.core.errors import InputError
from tivit.core.run.fingerprint import STATE_DIR_VARIABLE

DVC = (sys.executable, "-m", "dvc")
STATES = Path(".tivit/state")


def git(*arguments: str, check: bool = True) -> str:
    """Return what a git command prints, without white space at its end.

    Raises
    ------
    InputError
        git is not installed, or the command fails and `check` is True.
    """
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise InputError("the autopilot needs git, which is not installed") from None
    if done.returncode and check:
        raise InputError(f"git {arguments[0]}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")
    return done.stdout.rstrip() if done.returncode == 0 else ""


def head_commit() -> str:
    """Return the commit that HEAD is at, 40 hexadecimal digits."""
    return git("rev-parse", "HEAD")


def head_name() -> str:
    """Return the branch that HEAD names, `refs/heads/...`, or the commit where it names none."""
    return git("symbolic-ref", "--quiet", "HEAD", check=False) or head_commit()


def changed_files() -> list[str]:
    """Return the tracked files that differ from HEAD, in the workspace or in the index."""
    return git("diff", "--name-only", "HEAD").splitlines()


def experiments() -> dict[str, tuple[str, str]]:
    """Return name of an experiment -> the commit it is attributed to, and its own."""
    found = {}
    for line in git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").splitlines():
        name, commit = line.split(" ")
        parts = name.split("/")
        if len(parts) == 5 and len(parts[2]) == 2 and len(parts[3]) == 38:  # refs/exps/ab/cdef.../name
            found[parts[4]] = (parts[2] + parts[3], commit)
    return found


def yaml_at(commit: str, path: str) -> Any:
    """Return a YAML or JSON file as a commit has it.

    Raises
    ------
    InputError
        The commit does not have it, or it cannot be read.
    """
    text = git("show", f"{commit}:{path}")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"{path} of commit {commit[:7]}: not readable") from None


def environment() -> dict[str, str]:
    """Return the environment of DVC: this interpreter first on the path, and the states of training kept in this clone."""
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "DVC_NO_ANALYTICS": "1",
        STATE_DIR_VARIABLE: os.environ.get(STATE_DIR_VARIABLE) or str(STATES.resolve()),
    }
    return os.environ | own
