"""What is known of where weights come from, on lock files made by hand; and the card that says it."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
import yaml
from decoding_cases import THRESHOLDS
from model_cases import GEOMETRY, model_params

from tivit.core.artifacts import md5_of, write_json
from tivit.core.errors import InputError
from tivit.decoding.thresholds import write_thresholds
from tivit.model.build import build_model
from tivit.model.checkpoint import Checkpoint, save_checkpoint
from tivit.pretrained.card import card_of
from tivit.pretrained.files import Trained
from tivit.pretrained.provenance import provenance_of

SCORES = {"all": {"onset_f1_50": 0.8737}}


def trained() -> Checkpoint:
    """Return an untrained network as a checkpoint."""
    torch.manual_seed(0)
    return Checkpoint(build_model(model_params(), GEOMETRY).eval(), model_params(), GEOMETRY, 30.0, 7, 1230)


def git(folder, *arguments):
    """Run git as a user of its own."""
    subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=t@localhost", *arguments], cwd=folder, check=True)


@pytest.fixture
def project(tmp_path):
    """Return a folder as the pipeline leaves it, committed, with the weights' files below it."""
    for name in ("data/model", "metrics"):
        (tmp_path / name).mkdir(parents=True)
    save_checkpoint(tmp_path / "data/model/best.pt", trained())
    write_thresholds(tmp_path / "metrics/thresholds.json", THRESHOLDS)
    write_json(tmp_path / "metrics/evaluate.json", SCORES)

    def entry(name):
        return {"path": name, "hash": "md5", "md5": md5_of(tmp_path / name)}

    stages = {
        "register": {"deps": [{"path": "data/index/A.json", "md5": "1" * 32}], "params": {"params.yaml": {"data.name": "A"}}},
        "train": {
            "deps": [{"path": "data/strips", "md5": "2" * 32 + ".dir"}, {"path": "data/manifest", "md5": "3" * 32 + ".dir"}],
            "params": {"params.yaml": {"train": {"seed": 3, "steps": 40}, "data.fps": 30}},
            "outs": [entry("data/model/best.pt")],
        },
        "sweep": {"outs": [entry("metrics/thresholds.json")]},
        "evaluate": {"outs": [entry("metrics/evaluate.json"), {"path": "data/transcriptions", "md5": "4" * 32 + ".dir"}]},
    }
    rendered = {"synthesize": {"params": {"params.yaml": {"synth": {"seed": 5}}}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    (tmp_path / "data/dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": rendered}))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "made")
    return tmp_path


def source(project) -> Trained:
    """Return the trained files of the project."""
    return Trained(project / "data/model/best.pt", project / "metrics/thresholds.json")


def test_commit_params_seeds_data_and_scores_are_those_of_the_lock(project):
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True).stdout.strip()
    known = provenance_of(source(project), project)
    assert (known.doubt, known.commit, known.changed) == ("", head, ())
    assert known.params == {"data": {"fps": 30, "name": "A"}, "synth": {"seed": 5}, "train": {"seed": 3, "steps": 40}}
    assert known.seeds() == {"synth.seed": 5, "train.seed": 3}
    assert known.data == {"data/index/A.json": "1" * 32, "data/manifest": "3" * 32 + ".dir", "data/strips": "2" * 32 + ".dir"}
    assert known.scores == {"metrics/evaluate.json": SCORES, "metrics/thresholds.json": json.loads(
        (project / "metrics/thresholds.json").read_text())}  # fmt: skip


@pytest.mark.parametrize("name", ["data/model/best.pt", "metrics/thresholds.json"])
def test_nothing_is_said_of_files_that_the_lock_does_not_name(project, name):
    (project / name).write_bytes((project / name).read_bytes() + b" ")
    known = provenance_of(source(project), project)
    assert known.doubt == f"dvc.lock names no output with the present content of {Path(name).name}"
    assert known.changed == (name,)
    assert (known.params, known.data, known.scores) == ({}, {}, {})


def test_scores_that_have_changed_since_are_left_out(project):
    write_json(project / "metrics/evaluate.json", {"all": {"onset_f1_50": 1.0}})
    assert provenance_of(source(project), project).scores.keys() == {"metrics/thresholds.json"}


def test_a_folder_without_a_pipeline_says_so(project, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path_factory.getbasetemp().parent))
    known = provenance_of(source(project), tmp_path_factory.mktemp("empty"))
    assert (known.doubt, known.commit) == ("there is no dvc.lock here", "")


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "stages: 3\n"])
def test_a_damaged_lock_file_is_named(project, text):
    (project / "dvc.lock").write_text(text)
    with pytest.raises(InputError, match=r"dvc\.lock: not a lock file of DVC"):
        provenance_of(source(project), project)


def test_the_card_says_what_is_known(project):
    facts = {"weights": "`weights.pt`, float32"}
    known = provenance_of(source(project), project)
    card = card_of(trained(), facts, known)
    assert card == card_of(trained(), facts, provenance_of(source(project), project))
    for part in (
        f"| commit | `{known.commit}` |",
        "| training | seed 7, weights of step 1,230 |",
        "| weights | `weights.pt`, float32 |",
    ):
        assert part in card
    blocks = dict(zip(("scores", "seeds", "data", "params"), card.split("```")[1::2], strict=True))
    assert json.loads(blocks["scores"].removeprefix("json")) == known.scores
    for name, value in (("seeds", known.seeds()), ("data", known.data), ("params", known.params)):
        assert yaml.safe_load(blocks[name].removeprefix("yaml")) == value


def test_the_card_says_what_is_not_known(project):
    (project / "metrics/thresholds.json").write_bytes(b"{}")
    card = card_of(trained(), {}, provenance_of(source(project), project))
    assert "with changes that are not committed in `metrics/thresholds.json` |" in card
    assert "Params, seeds, data and scores are not recorded, because dvc.lock names no output" in card
    assert "## Scores" not in card
