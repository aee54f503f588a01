"""A stage that DVC runs refuses to start without the user's files, and to make again what can be fetched."""

import subprocess
import sys
from pathlib import Path

import pytest

from tivit.core.errors import InputError
from tivit.core.run.guard import OVERRIDE, TEMPORARY, refuse_files_left_behind, refuse_unwanted

PIPELINE = """\
stages:
  train:
    cmd: echo run >> runs.txt && echo weights > best.pt
    deps: [code.py]
    outs: [best.pt]
"""


@pytest.mark.parametrize("copy", ["tmp1", "standalone/tmp2", "tmp3/below"])
def test_files_that_did_not_come_along_are_named_with_the_command(tmp_path, copy):
    for name in ("first.mp4", "first.mid", "README.md", ".hidden"):
        (tmp_path / "data/own").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data/own" / name).write_text(name)
    folder = tmp_path.joinpath(*TEMPORARY, copy)
    (folder / "data/own").mkdir(parents=True)
    (folder / "data/own/README.md").write_text("README.md")
    with pytest.raises(
        InputError, match=r"data/own/first.mid: .* 2 of your files .* -C data/own/first.mid -C data/own/first.mp4`"
    ):
        refuse_files_left_behind(folder)
    for name in ("first.mp4", "first.mid"):
        (folder / "data/own" / name).write_text(name)
    refuse_files_left_behind(folder)


def test_a_workspace_without_files_is_no_experiment_without_its_files(tmp_path):
    refuse_files_left_behind(tmp_path)


def dvc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments, "-q"], check=True)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """Return a project whose stage has run, and whose outputs and cache are gone, as in a clone."""
    monkeypatch.chdir(tmp_path)
    dvc("init", "--no-scm")
    Path("dvc.yaml").write_text(PIPELINE)
    Path("code.py").write_text("1")
    dvc("repro")
    dvc("remote", "add", "-d", "team", "remote")
    dvc("push")
    subprocess.run(["rm", "-rf", "best.pt", ".dvc/cache"], check=True)
    return tmp_path


def test_what_a_remote_may_have_is_not_made_again_unless_the_user_insists(project):
    with pytest.raises(InputError, match=f"best.pt: was made .* remote 'team' .* `dvc pull`.*{OVERRIDE}=1"):
        refuse_unwanted({"DVC_STAGE": "train"})
    refuse_unwanted({"DVC_STAGE": "train", OVERRIDE: "1"})
    refuse_unwanted({})
    Path("code.py").write_text("2")
    refuse_unwanted({"DVC_STAGE": "train"})  # nobody has made this
    Path("code.py").write_text("1")
    dvc("remote", "default", "--unset")
    refuse_unwanted({"DVC_STAGE": "train"})  # there is nothing to fetch from
    dvc("remote", "default", "team")
    dvc("pull")
    refuse_unwanted({"DVC_STAGE": "train"})  # as in `dvc repro --force`
