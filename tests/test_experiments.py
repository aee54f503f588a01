"""Experiments with DVC on the tiny pipeline: what docs/experiments.md promises beyond that its commands run."""

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dvc.api
import pytest
import yaml
from doc_pages import blocks
from pipeline_cases import ROOT, committed_copy, environment, git, run, run_beside, shell, stages_run

from tivit.core.run.guard import TEMPORARY

pytestmark = pytest.mark.slow  # many DVC commands: two minutes
PAGE = "docs/experiments.md"
COLUMNS = 120
DVC = (sys.executable, "-m", "dvc")


def block(begin: str) -> str:
    """Return the block of the page that begins so."""
    return next(found.text for found in blocks(PAGE) if found.text.startswith(begin))


@pytest.fixture(scope="module")
def clone(pristine_clone, tmp_path_factory) -> Path:
    """Return a clone in which the tiny pipeline has run and is committed; every test leaves its workspace clean."""
    return committed_copy(pristine_clone, tmp_path_factory.mktemp("experiments") / "clone")


def experiments(folder: Path, *more: str) -> set[str]:
    """Return the names of the experiments that DVC lists."""
    return set(run(folder, "dvc", "exp", "list", "--name-only", *more).split())


def shown(folder: Path, name: str) -> dict:
    """Return the metrics of an experiment, both files in one mapping."""
    return dvc.api.metrics_show(repo=str(folder), rev=name)


def test_two_experiments_at_once_leave_the_workspace_alone_and_fit_the_terminal(clone):
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run_beside, clone, "-n", f"at-{value}", "-S", f"decode.lambda_key=0.{value}") for value in (3, 4)]
    for job in jobs:
        assert set(stages_run(job.result())) == {"decode", "sweep", "evaluate"}
    assert {"at-3", "at-4"} <= experiments(clone)
    assert git(clone, "status", "--porcelain") == ""
    table = shell(clone, block("dvc exp show"))
    assert "decode.lambda_key" in table and "at-3" in table and "│" not in table
    assert max(len(line.rstrip()) for line in table.splitlines()) <= COLUMNS
    metrics = shown(clone, "at-3")
    assert all(isinstance(value, (int, float)) for value in metrics.values() if not isinstance(value, dict))
    changes = json.loads(run(clone, "dvc", "params", "diff", "--json", "HEAD", "at-4"))
    assert changes == {"params.yaml": {"decode.lambda_key": {"old": 0.0, "new": 0.4, "diff": 0.4}}}


def test_the_page_of_plots_loads_nothing_from_the_network(clone):
    run(clone, "dvc", "plots", "show")
    page = (clone / "dvc_plots/index.html").read_text()
    assert not re.search(r"""<(script|link|img)[^>]*(src|href) *= *["']?(https?:)?//""", page)
    assert page.count("vegaEmbed(") > 10 and "vega-lite 5.21.0" in page
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    plots = [options for stage in stages.values() for plot in stage.get("plots", []) for options in plot.values()]
    own = {options["template"] for options in plots if "template" in options} - {"bar_horizontal", "scatter"}
    assert own == {path.stem for path in (ROOT / ".dvc/plots").glob("*.json")}
    assert all(f'"title": {{"text": "{options["title"]}' in page for options in plots)


def test_an_experiment_that_fails_is_gone_by_one_command(clone):
    before = (clone / "params.yaml").read_bytes()
    failed = subprocess.run(
        [*DVC, "exp", "run", "-n", "bad", "-S", "sweep.tie_f1=0.2"],
        cwd=clone,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert failed.returncode != 0 and "sweep.tie_f1: 0.2 is outside 0..0.1" in failed.stderr
    changed = git(clone, "diff", "--numstat", "params.yaml").split()
    assert changed[:2] == ["1", "1"]
    shell(clone, block("git checkout HEAD"))
    assert (clone / "params.yaml").read_bytes() == before and git(clone, "status", "--porcelain") == ""
    assert stages_run(run(clone, "dvc", "repro")) == []
    temporary = subprocess.run(
        [*DVC, "exp", "run", "--temp", "-n", "bad", "-S", "sweep.tie_f1=0.2"], cwd=clone, env=environment(), capture_output=True
    )
    assert temporary.returncode != 0 and git(clone, "status", "--porcelain") == ""
    assert "bad" not in experiments(clone)


def test_an_experiment_beside_the_workspace_does_not_run_without_the_users_clips(clone):
    for ending in ("mp4", "mid"):
        source = next((clone / "data/Synthetic/train").glob(f"plain_*.{ending}"))
        shutil.copy(source, clone / f"data/own/first.{ending}")
    alone = [*DVC, "exp", "run", "--temp", "-n", "own", "-S", "train.own_share=0.7"]
    said = subprocess.run(alone, cwd=clone, env=environment(), capture_output=True, text=True)
    assert said.returncode != 0 and stages_run(said.stdout) in (["train"], ["register"])
    assert "data/own/first.mid: this experiment runs in a folder of its own" in said.stderr
    assert "-C data/own/first.mid -C data/own/first.mp4" in said.stderr
    for ending in ("mp4", "mid"):
        (clone / f"data/own/first.{ending}").unlink()


def test_a_grid_through_the_queue_and_an_experiment_sent_to_another_clone(clone, tmp_path):
    shell(clone, block("dvc exp run --queue"))
    assert {"grid-1", "grid-2"} <= experiments(clone)
    for name, value in (("grid-1", 0.1), ("grid-2", 0.2)):
        told = json.loads(run(clone, "dvc", "params", "diff", "--json", "HEAD", name))["params.yaml"]
        assert told["decode.lambda_key"]["new"] == pytest.approx(value) and told["sweep.tie_f1"]["new"] == 0.0
        assert "onset_f1" in shown(clone, name)
    assert git(clone, "status", "--porcelain") == ""
    assert not list(clone.joinpath(*TEMPORARY).glob("tmp*")), "a folder of an experiment is left"
    git(tmp_path, "clone", "-q", "--bare", str(clone), "origin.git")
    for name in ("a", "b"):
        git(tmp_path, "clone", "-q", "origin.git", name)
        run(tmp_path / name, "dvc", "remote", "add", "--local", "-d", "team", str(tmp_path / "remote"))
    run(clone, "dvc", "remote", "add", "--local", "-d", "team", str(tmp_path / "remote"))
    git(clone, "remote", "add", "origin", str(tmp_path / "origin.git"))
    push, pull, listed = (line.replace("strict", "grid-1") for line in block("dvc exp push").splitlines())
    shell(clone, push)
    shell(tmp_path / "b", pull)
    assert experiments(tmp_path / "b") == {"grid-1"} and "grid-1" in shell(tmp_path / "a", listed)
    assert shown(tmp_path / "b", "grid-1") == shown(clone, "grid-1")
