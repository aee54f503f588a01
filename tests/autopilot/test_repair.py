"""What a killed command leaves behind is put right: in a git repository made by hand, with the files of DVC and no DVC."""

import json
import os
import subprocess
import sys

import pytest

from tivit.autopilot import repair
from tivit.autopilot.plan import Plan, Rules, Settings
from tivit.autopilot.repository import experiments, git, head_commit, head_name
from tivit.core.errors import InputError


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a repository of one commit with `params.yaml`, `dvc.lock` and `code.py`; the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.lock", "code.py"):
        (tmp_path / name).write_text(f"{name} of the commit\n")
    (tmp_path / ".gitignore").write_text("/.tivit/\n/.dvc/\n")
    for command in (
        ["init", "-qb", "main"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@l", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], check=True)
    return tmp_path


def plan() -> Plan:
    settings = Settings("train", "thorough", "classic", 30, "ev_f1_mean", None, None, None, ())
    return Plan(1, head_commit(), head_name(), 90, settings, Rules(None, 2, 4))


def test_an_emptied_lock_file_comes_back_and_a_changed_file_is_kept_beside(repository, caplog):
    (repository / "dvc.lock").write_text("")
    (repository / "params.yaml").write_text("train: {steps: 3}\n")
    repair.repair(plan())
    assert (repository / "dvc.lock").read_text() == "dvc.lock of the commit\n"
    assert (repository / "params.yaml").read_text() == "params.yaml of the commit\n"
    assert (repository / repair.REPLACED / "params.yaml").read_text() == "train: {steps: 3}\n"
    assert "params.yaml: left changed by a run that ended before" in caplog.text


def test_work_of_the_user_is_never_touched(repository):
    (repository / "code.py").write_text("work\n")
    with pytest.raises(InputError, match="code.py: changed since the commit, .* commit or stash it"):
        repair.repair(plan())
    assert (repository / "code.py").read_text() == "work\n"


def test_a_run_of_another_commit_changes_nothing(repository):
    before = plan()
    (repository / "code.py").write_text("more\n")
    git("-c", "user.name=t", "-c", "user.email=t@l", "commit", "-qam", "of the user")
    (repository / "params.yaml").write_text("work\n")
    with pytest.raises(InputError, match=f"run 1 belongs to commit {before.baseline[:7]}: check it out"):
        repair.repair(before)
    assert (repository / "params.yaml").read_text() == "work\n"


def test_head_returns_to_its_branch_from_a_commit_of_the_run_and_from_no_other(repository):
    before = plan()
    git("checkout", "-q", "--detach")
    repair.repair(before)
    assert head_name() == "refs/heads/main"
    (repository / "code.py").write_text("more\n")
    git("checkout", "-q", "--detach")
    git("-c", "user.name=t", "-c", "user.email=t@l", "commit", "-qam", "of the user")
    with pytest.raises(InputError, match="run 1 began on refs/heads/main"):
        repair.repair(before)
    base = before.baseline
    git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/autopilot1-01", head_commit())
    assert experiments() == {"autopilot1-01": (base, head_commit())}
    with pytest.raises(InputError, match="code.py"):  # HEAD is back on main, where this file was other
        repair.repair(before)
    assert head_name() == "refs/heads/main"


def test_a_lock_of_git_goes_when_nobody_has_it_open(repository):
    path = repository / ".git/index.lock"
    with open(path, "w"):
        repair.release_locks()
        assert path.exists() or not os.path.isdir("/proc/self/fd")
    repair.release_locks()
    assert not path.exists()


def test_the_list_of_dvc_keeps_the_living(repository):
    path = repository / repair.DVC_TMP / "rwlock"
    path.parent.mkdir(parents=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "dvc"], stdin=subprocess.PIPE)
    try:
        entries = [{"pid": process.pid, "cmd": "dvc"} for process in (dead, living)]
        path.write_text(json.dumps({"read": {"a": entries, "b": entries[:1]}, "write": {"c": entries[0]}}))
        repair.release_locks()
        assert json.loads(path.read_text()) == {"read": {"a": entries[1:]}, "write": {}}
    finally:
        living.communicate()
    repair.release_locks()
    assert not path.exists()
    path.write_text('{"read": {')
    repair.release_locks()
    assert not path.exists()


def test_folders_of_killed_experiments_go_and_those_in_use_stay(repository):
    folder = repository / repair.EXPERIMENT_FOLDERS
    for name in ("tmpdead", "tmplive"):
        (folder / name).mkdir(parents=True)
    living = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, cwd=folder / "tmplive"
    )
    try:
        repair.repair(plan())
        assert [path.name for path in folder.iterdir()] == ["tmplive"]
    finally:
        living.communicate()
