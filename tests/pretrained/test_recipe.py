"""The params that come with the weights: what is kept of a params file, and which params a transcription uses."""

import copy
from pathlib import Path

import pytest
import yaml
from paths import PARAMS_FILE

from tivit.__main__ import main
from tivit.core.errors import InputError
from tivit.core.params import load
from tivit.pretrained.files import Trained, shipped
from tivit.pretrained.names import FOLDER, RECIPE_NAME
from tivit.pretrained.recipe import SCHEMAS, recipe_of, transcription_params, write_recipe
from tivit.transcription import batch

VALUES = load(PARAMS_FILE)
OWN = Trained(Path("best.pt"), Path("thresholds.json"))


@pytest.fixture
def changed(tmp_path):
    """Return a params file in which a value of every section that a transcription reads is another one."""
    values = copy.deepcopy(VALUES)
    values["registration"]["frames"] += 1
    values["runtime"]["threads"] += 1
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_a_recipe_keeps_what_a_transcription_reads_and_nothing_of_one_dataset_or_machine(tmp_path):
    values = copy.deepcopy(VALUES)
    values["registration"] |= {"frames": 9, "first_key": 36, "overrides": {"own/first": {"first_key": 36}}}
    values["runtime"] |= {"device": "cuda", "precision": "bfloat16", "threads": 7}
    write_recipe(tmp_path / RECIPE_NAME, recipe_of(values))
    recipe = load(tmp_path / RECIPE_NAME)
    assert recipe.keys() == SCHEMAS.keys()
    assert recipe["registration"] == VALUES["registration"] | {"frames": 9, "first_key": None, "overrides": {}}
    assert recipe["runtime"] == VALUES["runtime"] | {"device": "cpu", "precision": "float32", "threads": 7}


def test_a_recipe_is_made_of_valid_sections_only():
    with pytest.raises(InputError, match="section 'runtime' is missing"):
        recipe_of({name: value for name, value in VALUES.items() if name != "runtime"})
    with pytest.raises(InputError, match="runtime.precision"):
        recipe_of(VALUES | {"runtime": VALUES["runtime"] | {"precision": "int4"}})


def test_the_weights_of_the_project_come_with_a_recipe():
    recipe = load(FOLDER / RECIPE_NAME)
    assert recipe_of(recipe) == recipe
    assert (FOLDER / RECIPE_NAME).read_text().startswith("# ")


def test_a_params_file_in_the_folder_does_not_touch_the_weights_of_the_project(changed, monkeypatch):
    monkeypatch.chdir(changed.parent)
    assert transcription_params(shipped(FOLDER), None) == load(FOLDER / RECIPE_NAME)


def test_a_named_params_file_says_how_to_find_the_keyboard_and_how_to_run(changed):
    given, params = load(changed), transcription_params(shipped(FOLDER), changed)
    assert params == {name: given[name] for name in ("registration", "runtime")}


def test_a_params_file_of_which_nothing_is_used_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("decode: {lambda_key: 2.0}\n")
    with pytest.raises(InputError, match=r"mine\.yaml: has no section registration or runtime"):
        transcription_params(shipped(FOLDER), path)


def test_own_weights_use_every_section_of_the_params_file(changed, monkeypatch):
    assert transcription_params(OWN, changed) == load(changed)
    monkeypatch.chdir(changed.parent)
    assert transcription_params(OWN, None) == load(changed)


def test_own_weights_without_params_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"params\.yaml: no such file; --checkpoint best\.pt needs.*name the file by --params"):
        transcription_params(OWN, None)
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    with pytest.raises(InputError, match="section 'registration' is missing"):
        transcription_params(OWN, None)


@pytest.mark.parametrize(
    ("options", "device", "threads"), [([], "cpu", None), (["--device", "cuda", "--threads", "5"], "cuda", 5)]
)
def test_device_and_threads_of_the_command_go_first(monkeypatch, options, device, threads):
    seen = {}

    monkeypatch.setattr(batch, "transcribe_all", lambda asked: seen.update(params=asked.params) or 0)
    assert main(["transcribe", "my.mp4", "-o", "out.mid", *options]) == 0
    runtime = load(FOLDER / RECIPE_NAME)["runtime"]
    assert seen["params"]["runtime"] == runtime | {"device": device, "threads": threads or runtime["threads"]}
