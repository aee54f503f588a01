"""The real pipeline in a scratch clone with tiny params, for every test that needs what it leaves."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from dvc.utils.serialize import modify_yaml
from paths import ROOT

from tivit.core.params import load

STAGES = ["code", "synthesize", "register", "strips", "manifest", "train", "logits", "decode", "sweep", "evaluate"]
SHIPPED, START = ROOT / "tivit/pretrained/weights.pt", "data/pretrained/best.pt"
"""The tiny training starts from the weights that come with the project, so that there are notes to look at."""
LOCKS = {"dvc.lock", "data/dvc.lock"}
USER = {"NAME": "test", "EMAIL": "test@localhost"}
"""Who commits, so that the tests need no settings of git."""


def environment(*first: Path) -> dict[str, str]:
    """Return the environment of a command whose programs are those in `first`, then those of this interpreter."""
    folders = [*map(str, first), str(Path(sys.executable).parent), os.environ["PATH"]]
    user = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in USER.items()}
    return os.environ | user | {"PATH": os.pathsep.join(folders), "OMP_WAIT_POLICY": "PASSIVE", "DVC_NO_ANALYTICS": "1"}


def run(folder: Path, *arguments: str) -> str:
    """Run `python -m ...` in `folder` with this interpreter first on the path; return stdout, fail with all output."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_beside(folder: Path, *options: str) -> str:
    """Run an experiment with --temp beside others, as docs/experiments.md says; return stdout, fail with all output."""
    return run(folder, "dvc", "--wait-for-lock", "exp", "run", "--temp", *options)


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder`; return stdout, fail with all output."""
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shell(folder: Path, text: str) -> str:
    """Run lines of a page in `folder`, as a user would; return stdout, fail with all output."""
    command = ["bash", "-euo", "pipefail", "-c", text]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def stages_run(output: str) -> list[str]:
    """Return the stages DVC says it ran, in order."""
    return re.findall(r"Running stage '(?:data/dvc.yaml:)?(\w+)'", output)


def change_params(folder: Path, **sections: dict) -> None:
    """Change values of sections of the params file as DVC would; a mapping inside a section changes the keys it names."""
    with modify_yaml(folder / "params.yaml") as params:
        for name, values in sections.items():
            unknown = set(values) - set(params[name])
            assert not unknown, f"{name} has no {unknown}"
            for key, value in values.items():
                if isinstance(value, dict):
                    params[name][key].update(value)
                else:
                    params[name][key] = value


def make_clone(folder: Path) -> None:
    """Make `folder` a fresh git + DVC repository of the project's tracked and new files, with tiny params, reproduced once."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and name not in LOCKS:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    change_params(folder, **load(ROOT / "tests/tiny_params.yaml"))
    shutil.copy(SHIPPED, folder / START)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "clone")
    assert stages_run(run(folder, "dvc", "repro")) == STAGES


def committed_copy(clone: Path, folder: Path) -> Path:
    """Make `folder` a copy of a clone with results and checkpoint committed, so that other clones and experiments have them."""
    shutil.copytree(clone, folder, symlinks=True)
    git(folder, "add", "-A")
    git(folder, "add", "--force", START)
    git(folder, "commit", "-qm", "results")
    return folder
