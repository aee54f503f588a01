"""Every single value of params.yaml, replaced by wrong ones: one sentence with the path of the key and what is allowed."""

import copy
import datetime
import re
import time

import pytest
from paths import PARAMS_FILE

from tivit.core.errors import InputError
from tivit.core.params import load, section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry
from tivit.datasets.params import DataParams
from tivit.inference.params import LogitsParams
from tivit.model.params import ModelParams
from tivit.registration.params import RegistrationParams
from tivit.scoring.scores import EvaluateParams
from tivit.sweeping.search import SweepParams
from tivit.synth.params import SynthParams
from tivit.theory.key import DecodeParams
from tivit.training.params import TrainParams

SCHEMAS = {
    "data": DataParams, "registration": RegistrationParams, "strips": StripGeometry, "model": ModelParams, "train": TrainParams,
    "logits": LogitsParams, "decode": DecodeParams, "sweep": SweepParams, "evaluate": EvaluateParams, "synth": SynthParams,
    "runtime": RuntimeParams,
}  # fmt: skip
VALUES = load(PARAMS_FILE)
NEVER = [[[[]]], datetime.date(2020, 1, 1), b"x", 10**400, -(16**5000), {"nothing": {"of": "this"}}]
"""Six values that no key may have: they are of a wrong type or larger than any number that is computed with."""
ODD = [-1, 0, 1e308, -1e308, 2**64, float("nan"), float("inf"), -float("inf"), "", "x" * 100_000, True, None, [], {}]
"""Values that some keys may have."""
LONGEST = 500
"""A sentence of more letters is no sentence."""


def leaves(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all values that are not mappings with keys of their own."""
    if isinstance(value, dict) and value:
        return [leaf for name, inner in value.items() for leaf in leaves(inner, (*path, name))]
    return [path]


LEAVES = [leaf for leaf in leaves(VALUES) if len(leaf) > 1]


def answer(leaf: tuple[str, ...], value: object) -> str | None:
    """Return what is said of a section in which one value is another; None where it is accepted."""
    name, *path, last = leaf
    params = copy.deepcopy({name: VALUES[name]})
    place = params[name]
    for part in path:
        place = place[part]
    place[last] = value
    try:
        section(params, name, SCHEMAS[name])
    except InputError as error:
        return str(error)
    return None


def test_every_section_has_a_schema_here():
    assert set(VALUES) == set(SCHEMAS) and len(LEAVES) > 150


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_six_values_that_no_key_may_have_are_refused_with_its_path(name):
    for leaf in (leaf for leaf in LEAVES if leaf[0] == name):
        for value in NEVER:
            said = answer(leaf, value)
            assert said is not None and said.startswith(f"params: {'.'.join(leaf)}"), f"{leaf}: {said}"
            assert re.search(r" must be | must hold | is outside | is not one of | is unknown", said), said
            assert len(said) < LONGEST and "\n" not in said, said


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_odd_values_are_accepted_or_refused_with_the_section(name):
    for leaf in (leaf for leaf in LEAVES if leaf[0] == name):
        for value in ODD:
            said = answer(leaf, value)
            if said is None:
                assert value == value and value not in (float("inf"), -float("inf"), 1e308, -1e308, 2**64), leaf
            else:
                assert said.startswith(f"params: {name}") and len(said) < LONGEST and "\n" not in said, said


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("runtime.threads", 0, "1..1024"),
        ("runtime.workers", -1, "0..1024"),
        ("runtime.log_every_steps", 0, "1..1e+06"),
        ("train.seed", -1, "0..9.22337e+18"),
        ("train.seed", 2**64, "-9.22337e+18..9.22337e+18"),
        ("data.clips.carve.seed", -1, "0..9.22337e+18"),
        ("strips.y_back_mm", 1e308, "-1e+300..1e+300"),
        ("strips.y_back_mm", 1e9, "-1000..1000"),
    ],
)
def test_a_number_out_of_its_range_is_told_the_range(key, value, allowed):
    assert re.fullmatch(rf"params: {key}: .+ is outside {re.escape(allowed)}", answer(tuple(key.split(".")), value))


def written(folder, text: str):
    (folder / "params.yaml").write_text(text)
    return folder / "params.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train:\n  seed: 1\n  steps: 2\n  seed: 3\n", r"the key 'seed' is there twice.*line 4"),
        ("data: {}\ntrain: {}\ndata: {}\n", r"the key 'data' is there twice"),
        ("train: {seed: 2020-13-45}", "not valid YAML"),
        (f"train: {{seed: {'9' * 10_000}}}", "not valid YAML"),
        ("[" * 3_000, "not valid YAML"),
        ("a: &a [*a]\ntrain: *b\n", "not valid YAML"),
        ("? [1, 2]\n: 3\n", "not valid YAML"),
    ],
)
def test_a_file_that_yaml_alone_would_take_or_break_at(tmp_path, text, said):
    with pytest.raises(InputError, match=rf"params\.yaml: .*{said}"):
        load(written(tmp_path, text))


def test_an_anchor_bomb_is_quoted_in_short(tmp_path):
    """Nine levels of nine: 3 GB as text, a kilobyte as a file."""
    levels = [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9 if k else ['lol'] * 9)}]" for k in range(10)]
    started_s = time.process_time()
    values = load(written(tmp_path, "\n".join([*levels, "runtime: {workers: *a9}"])))
    with pytest.raises(InputError) as error:
        section(values, "runtime", RuntimeParams)
    assert len(str(error.value)) < LONGEST and time.process_time() - started_s < 60
