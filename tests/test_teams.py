"""A team on one pipeline, as docs/teams.md says: what one clone computed, no other computes again."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import blocks
from pipeline_cases import change_params, committed_copy, environment, git, run, shell, stages_run
from s3_server import s3_server

from tivit.core.artifacts import md5_of

PAGE = "docs/teams.md"
LATE = ["decode", "sweep", "evaluate"]
EVALUATE = "stages/evaluate.py"
OUTPUTS = ("Synthetic", "registration", "strips", "manifest", "logits", "decoded", "model/best.pt")


def block(begin: str) -> str:
    """Return the block of the page that begins so."""
    return next(found.text for found in blocks(PAGE) if found.text.startswith(begin))


@pytest.fixture(scope="module")
def first(pristine_clone, tmp_path_factory) -> Path:
    """Return the clone of the colleague who ran the pipeline and committed it; tests make their own clones of it."""
    return committed_copy(pristine_clone, tmp_path_factory.mktemp("team") / "first")


@pytest.fixture
def bucket(monkeypatch) -> Iterator[tuple[str, str]]:
    """Yield the address of an empty bucket and of the S3 server on this machine that holds it."""
    with s3_server(monkeypatch, "team") as endpoint:
        yield "s3://team/tivit", endpoint


def push_and_clone(first: Path, tmp_path: Path, setup: str) -> Path:
    """Let a copy of the first clone set up a remote, push and commit; return a second clone, without data and cache."""
    sender, second = tmp_path / "sender", tmp_path / "second"
    shutil.copytree(first, sender, symlinks=True)
    shell(sender, setup)
    git(sender, "commit", "-qam", "remote")
    git(tmp_path, "clone", "-q", str(sender), str(second))
    assert not any((second / "data" / name).exists() for name in OUTPUTS) and not (second / ".dvc/cache").exists()
    return second


def pulls_and_runs_late_stages_alone(second: Path) -> None:
    """Fail unless a clone that pulls renders, registers and trains nothing for other values of decode and sweep."""
    shell(second, block("dvc pull"))
    said = run(second, "dvc", "exp", "run", "-n", "mine", "-S", "decode.lambda_key=0.2", "-S", "sweep.tie_f1=0.0")
    assert stages_run(said) == LATE and "skipping run" not in said


def test_a_second_clone_computes_nothing_again_over_a_folder(first, tmp_path):
    setup = block("dvc remote add -d team /mnt").replace("/mnt/shared/tivit", str(tmp_path / "remote"))
    second = push_and_clone(first, tmp_path, setup)
    repro = [sys.executable, "-m", "dvc", "repro"]
    refused = subprocess.run(repro, cwd=second, env=environment(), capture_output=True, text=True)
    assert refused.returncode != 0 and stages_run(refused.stdout) == ["synthesize"]
    assert "was made of exactly these inputs before" in refused.stderr and "dvc pull" in refused.stderr
    assert not (second / "data/Synthetic").exists()
    pulls_and_runs_late_stages_alone(second)
    run(second, "dvc", "push", "--run-cache")
    third = tmp_path / "third"
    git(tmp_path, "clone", "-q", str(tmp_path / "sender"), str(third))
    said = run(third, "dvc", "exp", "run", "--pull", "--allow-missing", "-S", "decode.lambda_key=0.2", "-S", "sweep.tie_f1=0.0")
    assert "Stage 'decode' is cached - skipping run" in said and stages_run(said) == ["sweep", "evaluate"]
    assert not (third / "data/Synthetic").exists() and not (third / "data/strips").exists()


def test_a_second_clone_computes_nothing_again_over_s3(first, tmp_path, bucket):
    address, endpoint = bucket
    setup = block("dvc remote add -d team s3").replace("s3://BUCKET/tivit", address).replace("https://s3.example.org", endpoint)
    pulls_and_runs_late_stages_alone(push_and_clone(first, tmp_path, setup))


def test_a_merge_of_two_branches_that_both_ran_is_settled_by_one_command(first, tmp_path):
    folder = shutil.copytree(first, tmp_path / "merge", symlinks=True)
    for branch, values, line in (
        ("prior", {"decode": {"lambda_key": 0.3}}, '    title = f"'),
        ("ties", {"sweep": {"tie_place": 0.0}}, "    settings = "),
    ):
        git(folder, "checkout", "-q", "-b", branch, "main")
        run(folder, "dvc", "checkout", "--force")
        change_params(folder, **values)
        code = (folder / EVALUATE).read_text()
        assert code.count(line) == 1
        (folder / EVALUATE).write_text(code.replace(line, f'    log.debug("{branch}")\n{line}'))
        run(folder, "dvc", "repro")
        git(folder, "commit", "-qam", branch)
    merge = subprocess.run(["git", "merge", "prior"], cwd=folder, env=environment(), capture_output=True, text=True)
    conflicts = set(git(folder, "diff", "--name-only", "--diff-filter=U").split())
    assert merge.returncode != 0 and {"dvc.lock", "data/code/evaluate.txt"} <= conflicts and EVALUATE not in conflicts
    said = shell(folder, block("git checkout --ours"))
    assert set(stages_run(said)) == {"code", "sweep", "evaluate"}
    assert git(folder, "status", "--porcelain") == "" and len(git(folder, "rev-list", "--parents", "-1", "HEAD").split()) == 3
    assert stages_run(run(folder, "dvc", "repro")) == []
    params = (folder / "params.yaml").read_text()
    assert "lambda_key: 0.3 " in params and "tie_place: 0.0 " in params
    chosen = json.loads((folder / "metrics/thresholds.json").read_text())["chosen_under"]["decode"]
    assert chosen["lambda_key"] == 0.3


def place(kind: str, first: Path, tmp_path: Path) -> Path:
    """Return the project in a place of a kind, without cache."""
    folder = tmp_path / "outer/piano"
    if kind == "crlf":
        git(tmp_path, "-c", "core.autocrlf=true", "clone", "-q", "-c", "core.autocrlf=true", str(first), str(folder))
    elif kind == "worktree":
        git(first, "worktree", "add", "-q", str(folder), "-b", "worktree")
    elif kind == "submodule":
        git(tmp_path, "init", "-q", "outer")
        git(folder.parent, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(first), "piano")
    else:
        git(tmp_path, "init", "-q", "outer")
        folder.mkdir()
        shell(tmp_path, f"git -C '{first}' archive HEAD | tar -x -C '{folder}'")
        git(folder.parent, "add", "-A")
        git(folder.parent, "commit", "-qm", "piano in a larger repository")
    return folder


@pytest.mark.slow  # half a minute
@pytest.mark.parametrize("kind", ["crlf", "worktree", "submodule", "subfolder"])
def test_a_clone_anywhere_shares_the_cache_and_runs_what_changed(kind, first, tmp_path):
    folder = place(kind, first, tmp_path)
    shell(folder, block("dvc cache dir").replace("/srv/tivit-cache", str(first / ".dvc/cache")))
    value = {"crlf": 0.81, "worktree": 0.82, "submodule": 0.83, "subfolder": 0.84}[kind]
    said = run(folder, "dvc", "exp", "run", "-n", kind, "-S", f"sweep.tie_place={value}")
    assert stages_run(said)[0] == "sweep" and set(stages_run(said)) <= {"sweep", "evaluate"}


def test_paths_of_videos_change_no_result_and_run_nothing(first, tmp_path):
    folder = shutil.copytree(first, tmp_path / "elsewhere", symlinks=True)
    before = {path.name: path.read_bytes() for path in (folder / "data/manifest").iterdir()}
    shutil.move(folder / "data/Synthetic", tmp_path / "videos/Synthetic")
    moved = environment() | {"TIVIT_DATA_DIR": str(tmp_path / "videos"), "DATASETS_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "stages.manifest"], cwd=folder, env=moved, check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in (folder / "data/manifest").iterdir()} == before
    shutil.move(tmp_path / "videos/Synthetic", folder / "data/Synthetic")
    os.utime(folder / "data/Synthetic")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"], cwd=folder, env=moved, check=True, capture_output=True, text=True
    )
    assert stages_run(done.stdout) == []


def digests(folder: Path) -> dict[str, str]:
    """Return the MD5 of all that the stages write which open videos or labels."""
    places = [folder / f"data/{name}" for name in ("registration", "strips", "manifest")]
    return {str(path.relative_to(folder)): md5_of(path) for place in places for path in place.rglob("*") if path.is_file()}


def stages_read_videos_from(address: str, folder: Path, variables: dict[str, str]) -> None:
    """Fail unless the stages write the same bytes with the videos in a bucket, of which little may lie on this disk."""
    before, largest = digests(folder), max(path.stat().st_size for path in (folder / "data/Synthetic").rglob("*.mp4"))
    shutil.rmtree(folder / "data/Synthetic")
    shutil.rmtree(folder / ".tivit", ignore_errors=True)
    bound = round(3.2 * largest / 1e9, 6)
    change_params(folder, data={"root": address, "fetched_gb": max(bound, 0.001)}, runtime={"workers": 2})
    for stage in ("register", "strips", "manifest"):
        command = [sys.executable, "-m", f"stages.{stage}"]
        done = subprocess.run(command, cwd=folder, env=environment() | variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        taken = sum(path.stat().st_size for path in (folder / ".tivit/fetched").glob("*/*"))
        assert 0 < taken <= max(bound, 0.001) * 1e9
    assert digests(folder) == before and len(before) > 10


def test_videos_in_a_bucket_give_the_same_bytes(first, tmp_path):
    folder = shutil.copytree(first, tmp_path / "far", symlinks=True)
    shutil.copytree(folder / "data/Synthetic", tmp_path / "bucket")
    stages_read_videos_from(f"file://{tmp_path}/bucket", folder, {})


def test_videos_on_s3_give_the_same_bytes(first, tmp_path, bucket):
    import boto3

    _, endpoint = bucket
    folder = shutil.copytree(first, tmp_path / "far", symlinks=True)
    root, client = folder / "data/Synthetic", boto3.client("s3", endpoint_url=endpoint)
    for path in filter(Path.is_file, root.rglob("*")):
        client.upload_file(str(path), "team", f"videos/{path.relative_to(root)}")
    stages_read_videos_from("s3://team/videos", folder, {"AWS_ENDPOINT_URL": endpoint})
