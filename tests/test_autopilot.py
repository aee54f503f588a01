"""The autopilot in a real clone with tiny params: rounds, what they leave alone, a fast grid in need, and kills at random."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from autopilot_cases import RESULTS, autopilot, commit_all, fly_with_kills, log_lines, outcome, undisturbed
from pipeline_cases import run

from tivit.core.run.guard import TEMPORARY

RATE = "train.learning_rate=0.0003"
"""High enough for rounds to differ; the clone's own rate keeps the weights it starts from."""
pytestmark = pytest.mark.slow  # eight experiments: three minutes
OPTIONS = ("--burst-steps", "6", "--max-rounds", "2", "-S", RATE)
KILLS, SEED = 1, 20261122


@pytest.fixture(scope="module")
def committed(pristine_clone, tmp_path_factory) -> Path:
    """Return a clone in which the tiny pipeline has run and everything is committed; copy it, never change it."""
    folder = shutil.copytree(pristine_clone, tmp_path_factory.mktemp("autopilot") / "committed", symlinks=True)
    commit_all(folder)
    return folder


@pytest.fixture(scope="module")
def flown(committed, tmp_path_factory) -> tuple[Path, int, str]:
    """Return a clone in which a run of two rounds has ended, the lines of its logs and what it said."""
    folder = shutil.copytree(committed, tmp_path_factory.mktemp("flown") / "clone", symlinks=True)
    said = undisturbed(folder, *OPTIONS)
    return folder, log_lines(folder), said


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the table, by the names of the columns."""
    header, *lines = (folder / RESULTS).read_text().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def git(folder: Path, *arguments: str) -> str:
    """Return what a git command prints."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def file_of(folder: Path, experiment: str, path: str) -> dict:
    """Return a YAML file as an experiment has it."""
    names = git(folder, "for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    (name,) = [line for line in names if line.endswith(f"/{experiment}")]
    return yaml.safe_load(git(folder, "show", f"{name}:{path}"))


def test_each_round_is_an_experiment_and_the_best_is_applied(flown):
    folder, _, said = flown
    rows = rows_of(folder)
    assert [(row["experiment"], row["steps"]) for row in rows] == [("autopilot1-01", "6"), ("autopilot1-02", "12")]
    assert len({row["weights_md5"] for row in rows}) == 2
    assert run(folder, "dvc", "exp", "list", "--name-only").split() == ["autopilot1-01", "autopilot1-02"]
    best = max(rows, key=lambda row: (float(row["score"]), -int(row["round"])))
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    assert best["weights_md5"] in {out["md5"] for out in lock["stages"]["train"]["outs"]}
    assert f"best: round {best['round']} ({best['experiment']})" in said and "stopped: max rounds: 2 done" in said
    summary = (folder / RESULTS).with_name("summary.md").read_text()
    assert f"| {best['round']} (best) |" in summary and "Stopped: max rounds: 2 done." in summary


def test_the_second_burst_goes_on_from_the_first(flown):
    log = (flown[0] / "metrics/autopilot/logs/run1_round02.log").read_text()
    assert "going on from step 4 of 12" in log


def test_no_round_touches_the_test_split(flown):
    folder = flown[0]
    for row in rows_of(folder):
        log = (folder / f"metrics/autopilot/logs/run1_round{int(row['round']):02d}.log").read_text()
        assert "logits val" in log and "logits test" not in log and "decode test" not in log
        assert "Running stage 'evaluate'" not in log
        stages = file_of(folder, row["experiment"], "dvc.lock")["stages"]
        (logits,) = stages["logits"]["outs"]
        assert logits["nfiles"] == 1
    assert [path.name for path in (folder / "data/logits").iterdir()] == ["val.npz"]
    scored = "metrics/evaluate.json"
    assert file_of(folder, "autopilot1-01", scored) == file_of(folder, "autopilot1-02", scored)


def test_a_run_that_has_ended_says_so_and_another_is_numbered_on(flown):
    folder = flown[0]
    status, said = autopilot(folder, "--mode", "resume")
    assert status == 0 and "run 1 has ended (max rounds: 2 done)" in said and "--mode fresh" in said
    status, said = autopilot(folder, "--mode", "resume", "--burst-steps", "7")
    assert status == 2 and said == "error: --burst-steps: run 1 has 6, not 7; leave it out, or begin with --mode fresh\n"
    status, said = autopilot(folder)
    assert status == 2 and "changed since the commit, so no round could be attributed to it" in said
    status, said = autopilot(folder, "--dry-run", "--max_rounds", "1")
    assert status == 0 and "--name=autopilot2-01" in said


def test_a_failed_search_falls_back_to_a_fast_grid_and_needs_no_training(committed, tmp_path):
    folder = shutil.copytree(committed, tmp_path / "clone", symlinks=True)
    options = ("--first-step", "calib", "--max-rounds", "1", "-S", "sweep.onset_thresholds=[2.0]", "--ckpt-dir", "kept")
    status, said = autopilot(folder, *options)
    assert status == 0 and "falling back to a fast grid" in said, said
    (row,) = rows_of(folder)
    assert (row["calibration"], row["steps"]) == ("fast", "4")
    assert "Running stage 'train'" not in (folder / "metrics/autopilot/logs/run1_round01.log").read_text()
    assert (folder / "kept/best.pt").read_bytes() == (committed / "data/model/best.pt").read_bytes()


def test_a_run_killed_at_random_moments_ends_like_one_that_was_not(committed, flown, tmp_path):
    whole, lines, _ = flown
    folder = shutil.copytree(committed, tmp_path / "clone", symlinks=True)
    rng = random.Random(SEED)
    kills, said = fly_with_kills(folder, OPTIONS, [int(rng.uniform(0.1, 0.6) * lines) for _ in range(KILLS)])
    assert kills == KILLS, said
    assert outcome(folder) == outcome(whole)
    assert git(folder, "symbolic-ref", "HEAD").startswith("refs/heads/")
    assert not list(folder.joinpath(*TEMPORARY, "standalone").glob("tmp*"))
