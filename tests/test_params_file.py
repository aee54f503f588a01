"""params.yaml is in the form that DVC writes: an experiment changes the lines of its values and no others."""

import difflib
import shutil
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import modify_yaml
from paths import PARAMS_FILE

from tivit.core.params import load, section
from tivit.sweeping.search import SweepParams


@pytest.fixture
def params_file(tmp_path) -> Path:
    """Return a copy of the project's params file."""
    return Path(shutil.copy(PARAMS_FILE, tmp_path))


def changed_lines(path: Path) -> tuple[list[str], list[str]]:
    """Return the lines that the params file has lost, and those that it has gained."""
    lines = list(difflib.ndiff(PARAMS_FILE.read_text().splitlines(), path.read_text().splitlines()))
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


@pytest.mark.parametrize(
    ("override", "begin"),
    [
        ("decode.lambda_key=0.4231", "  lambda_key: 0.4231 "),
        ("decode.window_s=8.0", "  window_s: 8.0 "),
        ("train.init=data/pretrained/best.pt", "  init: data/pretrained/best.pt"),
        ("data.name=OMAPS", "  name: OMAPS "),
        ("data.clips.max_per_split=2", "    max_per_split: 2 "),
        ("train.learning_rate=5e-05", "  learning_rate: 5e-05"),
        ("synth.press.dim.share=0.25", "    dim: {share: 0.25, sigma: 0.006} "),
        ("data.clips.exclude=[train/001]", "    exclude: "),
        ("sweep.onset_thresholds=0.4", "  onset_thresholds: 0.4"),
    ],
)
def test_an_override_changes_the_line_of_its_value_alone(params_file, override, begin):
    apply_overrides(params_file, [override])
    lost, gained = changed_lines(params_file)
    assert gained[0].startswith(begin)
    key = begin.strip().partition(":")[0]
    assert lost[0].strip().startswith(f"{key}:")
    listed = [line for line in (*lost[1:], *gained[1:]) if not line.strip().startswith("- ")]
    assert listed == [] and len(gained) <= 2
    assert lost[0].partition("#")[2] == gained[0].partition("#")[2], "the comment is gone"


def test_writing_without_a_change_gives_the_same_bytes(params_file):
    with modify_yaml(params_file) as values:
        for name in values:
            values[name] = values[name]
    assert params_file.read_bytes() == PARAMS_FILE.read_bytes()


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("[logit,-2.0,2.0,0.5]", ("logit", -2.0, 2.0, 0.5)),
        ("[quantile,0.9,0.99,1.0]", ("quantile", 0.9, 0.99, 1.0)),
        ("[probability,0.2,0.8,4]", ("probability", 0.2, 0.8, 4.0)),
        ("[0.3,0.5]", (0.3, 0.5)),
        ("0.4", 0.4),
    ],
)
def test_every_kind_of_grid_can_be_set_in_the_place_of_any_other(params_file, text, grid):
    for first in ("[logit,-1.0,1.0,1.0]", "0.5", "[0.1]"):
        apply_overrides(params_file, [f"sweep.onset_thresholds={first}"])
        apply_overrides(params_file, [f"sweep.onset_thresholds={text}"])
        assert section(load(params_file), "sweep", SweepParams).onset_thresholds == grid
