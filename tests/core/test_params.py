"""Strict params: types, unknown and missing keys, YAML 1.2 floats."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from params_cases import place
from paths import PARAMS_FILE

from tivit.core.errors import InputError
from tivit.core.params import RENAMED, Choice, Interval, Range, Within, check_range, load, section
from tivit.datasets.params import DataParams
from tivit.inference.params import LogitsParams
from tivit.theory.key import DecodeParams
from tivit.training.params import TrainParams


@dataclass(frozen=True)
class Inner:
    depth: int


@dataclass(frozen=True)
class Known:
    key: int | None = None
    side: str | None = None

    def __post_init__(self):
        check_range("key", self.key or 0, 0, 9)


def odd(where, value):
    if value % 2 == 0:
        raise InputError(f"{where}: {value} is not odd")


@dataclass(frozen=True)
class Example:
    rate: Annotated[float, Range(0, 1)]
    count: int
    name: Literal["one", "two"]
    side: Annotated[str, Choice(("left", "right"))]
    flag: bool
    limit: Annotated[int, Range(1, 9), odd] | None
    sizes: tuple[Annotated[int, Range(1, 9)], ...]
    span: Annotated[Interval, Within(-1, 1)]
    inner: Inner
    weights: dict[str, float]
    known: dict[str, Known]

    def __post_init__(self):
        check_range("example.rate + count", self.rate + self.count, 0, 5)


GOOD = {
    "rate": 0.5, "count": 3, "name": "one", "side": "left", "flag": True, "limit": None, "sizes": [1, 2], "span": [-0.5, 1],
    "inner": {"depth": 2}, "weights": {"pitch": 1}, "known": {},
}  # fmt: skip


def build(**changes):
    return section({"example": GOOD | changes}, "example", Example)


def test_a_good_section():
    value = build()
    assert value.sizes == (1, 2) and value.inner.depth == 2 and value.weights == {"pitch": 1.0} and value.span == (-0.5, 1.0)
    assert build(limit=3, rate=1, span=[-1, -1]).limit == 3


def test_only_a_field_with_a_default_may_be_left_out():
    known = build(known={"a/1": {"key": 3}, "a/2": {}, "a/3": {"side": None, "key": 4}}).known
    assert known == {"a/1": Known(key=3), "a/2": Known(), "a/3": Known(key=4)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"known": {"a/1": {"kye": 3}}}, "example.known.a/1.kye is unknown .did you mean 'key'"),
        ({"known": {"a/1": {"key": 12}}}, "^params: example.known.a/1.key: 12 is outside 0..9"),
        ({"known": {"a/1": 3}}, "example.known.a/1 must be a mapping"),
        ({"count": 3.5}, "example.count must be a whole number, found 3.5"),
        ({"count": True}, "example.count must be a whole number"),
        ({"rate": "fast"}, "example.rate must be a number, found 'fast'"),
        ({"rate": 2}, "^params: example.rate: 2.0 is outside 0..1$"),
        ({"rate": float("nan")}, "example.rate: nan is outside 0..1"),
        ({"count": 5}, r"^params: example.rate \+ count: 5.5 is outside 0..5$"),
        ({"side": "lefft"}, "^params: example.side: 'lefft' is not one of left, right .did you mean 'left'"),
        ({"limit": 10}, "^params: example.limit: 10 is outside 1..9$"),
        ({"limit": 4}, "^params: example.limit: 4 is not odd$"),
        ({"sizes": [1, 0]}, r"^params: example.sizes\[1\]: 0 is outside 1..9$"),
        ({"span": [-2, 0]}, "^params: example.span: -2.0 is outside -1..1$"),
        ({"span": [0, 2]}, "^params: example.span: 2.0 is outside 0..1$"),
        ({"span": [0.5, 0.25]}, "^params: example.span: 0.25 is outside 0.5..1$"),
        ({"span": [0.5]}, "^params: example.span must hold 2 values, found 1$"),
        ({"name": "tow"}, "did you mean 'two'"),
        ({"flag": "yes"}, "example.flag must be true or false"),
        ({"limit": "x"}, "example.limit must be a whole number"),
        ({"sizes": 3}, "example.sizes must be a list"),
        ({"sizes": [1, "x"]}, r"example.sizes\[1\]"),
        ({"inner": {"dept": 2}}, "example.inner.dept is unknown .did you mean 'depth'"),
        ({"inner": 3}, "example.inner must be a mapping"),
        ({"raet": 0.1}, "example.raet is unknown .did you mean 'rate'"),
    ],
)
def test_bad_values_name_the_key_and_what_is_allowed(change, message):
    with pytest.raises(InputError, match=message):
        build(**change)


def test_a_missing_key_is_named():
    with pytest.raises(InputError, match="example.rate is missing"):
        section({"example": {k: v for k, v in GOOD.items() if k != "rate"}}, "example", Example)


def test_a_missing_section_is_named():
    with pytest.raises(InputError, match="'example' is missing .did you mean 'exampel'"):
        section({"exampel": GOOD}, "example", Example)


@pytest.mark.parametrize(
    ("text", "value"),
    [("5e-05", 5e-05), ("1.5", 1.5), ("1E3", 1000.0), (".5", 0.5), ("3", 3), ("-2.", -2.0), ("1.2.3", "1.2.3")],
)
def test_floats_follow_yaml_1_2(tmp_path, text, value):
    path = tmp_path / "params.yaml"
    path.write_text(f"x: {text}\n")
    assert load(path)["x"] == value


@pytest.mark.parametrize(
    ("text", "message"), [("a: [1", "not valid YAML"), ("3", "expected a mapping"), ("!!python/name:os.system", "YAML")]
)
def test_malformed_files(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "params.yaml")


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_is_answered_with_the_new_one(old, new):
    schemas = {"data": DataParams, "decode": DecodeParams, "logits": LogitsParams, "train": TrainParams}
    params, name = load(PARAMS_FILE), old.split(".")[0]
    (old_place, old_key), (new_place, new_key) = place(params, old), place(params, new.split()[0])
    old_place[old_key] = new_place.pop(new_key)
    with pytest.raises(InputError, match=rf"^params: {old} is called {re.escape(new)} now; rename it$"):
        section(params, name, schemas[name])
