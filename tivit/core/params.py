"""Strict, typed params.yaml: every value is written in the file, every key is known, every type is checked.

Each section is a frozen dataclass without defaults that lives beside the code it configures; `section` builds it. Only a
field that has a default may be left out; that is meant for what a user states of single clips, never for a section. Floats
follow YAML 1.2, because that is what `dvc exp run -S` writes: `5e-05` is a number, while PyYAML's YAML 1.1 would read text.

What a value may be stands in the annotation of its field, and nowhere else: `Annotated[float, Range(0.0, 1.0)]`. What follows
the type is called with the dotted key and the converted value; it raises InputError, or lets the value pass. `Range`, `Choice`
and `Within` are such checks, and so is any function with the same arguments. `section` carries them out while it reads values,
and only there: values are validated at the border of the program and trusted inside, so code and tests that build a dataclass
themselves, or change one by `dataclasses.replace`, answer for what they put into it. What relates several fields is checked in
`__post_init__`. A dataclass that is also built from other input, such as the command line or a JSON file, checks its values
there instead.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from tivit.core.errors import MOST_LETTERS, InputError, quoted
from tivit.core.yaml_file import read_yaml

Section = TypeVar("Section")
MAX_SEED = 2**63 - 1
"""The largest seed that both numpy and torch take, and the largest whole number of any kind."""
MAX_NUMBER = 1e300
"""Numbers beyond it leave no room to be added or multiplied."""

RENAMED = {
    "data.carve": "data.clips.carve",
    "data.exclude": "data.clips.exclude",
    "data.extra_splits": "data.clips.extra_splits",
    "data.include_low_res": "data.clips.include_low_res",
    "data.manifest": "data.clips.subsets",
    "data.max_clips": "data.clips.max_per_split",
    "data.subsets": "data.clips.subsets",
    "decode.smoothing_sec": "decode.smoothing_s",
    "decode.window_sec": "decode.window_s",
    "logits.timeout_mins": "logits.timeout_s (in seconds)",
    "train.sampler.bg_frac": "train.sampler.background_share",
    "train.sampler.nearmiss_frac": "train.sampler.nearmiss_share",
    "train.sampler.onset_frac": "train.sampler.onset_share",
}
"""Keys of earlier versions -> what they are called now. An old key is an error that says so; it is never read."""


def load(path: Path | str = "params.yaml") -> dict[str, Any]:
    """Return the mapping in a params file.

    Parameters
    ----------
    path : path-like
        The file to read.

    Returns
    -------
    dict of str to object
        Name of a section -> what stands below it, not yet checked.

    Raises
    ------
    InputError
        The file is missing, is not valid YAML (the message names the line), or is not a mapping.
    """
    value = read_yaml(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a mapping of sections, found {type(value).__name__}")
    return value


def section(params: Mapping[str, Any], name: str, schema: type[Section]) -> Section:
    """Return one section of the params as a dataclass.

    Parameters
    ----------
    params : mapping
        The params, as `load` returns them.
    name : str
        Name of the section.
    schema : type
        The dataclass that the section is built as; its annotations say which types and values are allowed.

    Returns
    -------
    schema
        An instance of the dataclass.

    Raises
    ------
    InputError
        The section or a key is missing, a key is unknown (the nearest known one is named) or has been renamed, a value has
        another type or is not allowed, or the dataclass itself refuses several values together.
    """
    if name not in params:
        raise InputError(f"params: section {name!r} is missing{nearest(name, params)}")
    return _build(schema, params[name], name)


def check_choice(where: str, value: str, allowed: typing.Collection[str]) -> None:
    """Raise InputError unless a value is one of those that are allowed.

    Parameters
    ----------
    where : str
        What the value is, for the message, such as `data.offsets`.
    value : str
        The value.
    allowed : collection of str
        The allowed values; the message lists them and names the one nearest to `value`.

    Raises
    ------
    InputError
        The value is not among them.
    """
    if value not in allowed:
        hint = nearest(value, allowed) if isinstance(value, str) else ""
        raise InputError(f"{where}: {quoted(value)} is not one of {', '.join(sorted(allowed))}{hint}")


def check_range(where: str, value: float, low: float, high: float) -> None:
    """Raise InputError unless a number lies in a range.

    Parameters
    ----------
    where : str
        What the number is, for the message, such as `data.fps`.
    value : float
        The number.
    low, high : float
        The range, both ends included.

    Raises
    ------
    InputError
        The number is outside, or is NaN.
    """
    if not low <= value <= high:
        raise InputError(f"{where}: {quoted(value)} is outside {low:g}..{high:g}")


@dataclasses.dataclass(frozen=True)
class Range:
    """The annotation of a number that must lie in a range.

    Attributes
    ----------
    low, high : float
        The range, both ends included.
    """

    low: float
    high: float

    def __call__(self, where: str, value: float) -> None:
        """Raise InputError unless the number lies in the range, as `check_range` does."""
        check_range(where, value, self.low, self.high)


@dataclasses.dataclass(frozen=True)
class Within:
    """The annotation of an `Interval` whose ends must be in order and lie in a range.

    Attributes
    ----------
    low, high : float
        The range, both ends included.
    """

    low: float
    high: float

    def __call__(self, where: str, interval: Interval) -> None:
        """Raise InputError unless low <= interval[0] <= interval[1] <= high."""
        check_range(where, interval[0], self.low, self.high)
        check_range(where, interval[1], interval[0], self.high)


@dataclasses.dataclass(frozen=True)
class Choice:
    """The annotation of a text that must be one of several.

    Attributes
    ----------
    allowed : tuple of str
        The allowed texts.
    """

    allowed: tuple[str, ...]

    def __call__(self, where: str, value: str) -> None:
        """Raise InputError unless the text is one of the allowed ones, as `check_choice` does."""
        check_choice(where, value, self.allowed)


Interval = tuple[float, float]
"""The lowest and the highest value of something that is drawn."""
Share = Annotated[float, Range(0.0, 1.0)]
"""A part of a whole, or a probability, 0..1."""
Seed = Annotated[int, Range(0, MAX_SEED)]
"""The seed of a generator of random numbers."""


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """Return a hint at the known name that is most like a wrong one, for the end of a message.

    Parameters
    ----------
    name : str
        The wrong name.
    known : iterable
        The known names.

    Returns
    -------
    str
        " (did you mean ...?)", or "" when no known name is similar.
    """
    close = difflib.get_close_matches(name[:MOST_LETTERS], [str(item) for item in known], n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _build(schema: type, value: object, where: str) -> Any:
    """Return a mapping of the file as the dataclass `schema`; `where` is its place in the file, for messages."""
    if not isinstance(value, Mapping):
        raise InputError(f"params: {where} must be a mapping, found {quoted(value)}")
    hints = _hints(schema)
    fields = dataclasses.fields(schema)
    names = [field.name for field in fields]
    for key in value:
        name = key if isinstance(key, str) and len(key) <= MOST_LETTERS else quoted(key)
        if (old := f"{where}.{name}") in RENAMED:
            raise InputError(f"params: {old} is called {RENAMED[old]} now; rename it")
        if key not in names:
            raise InputError(f"params: {where}.{name} is unknown{nearest(name, names)}; known: {', '.join(names)}")
    missing = [field.name for field in fields if field.name not in value and field.default is dataclasses.MISSING]
    if missing:
        raise InputError(f"params: {where}.{missing[0]} is missing{nearest(missing[0], value)}")
    try:
        return schema(**{str(name): _convert(item, hints[name], f"{where}.{name}") for name, item in value.items()})
    except InputError as error:
        raise InputError(_placed(str(error), where)) from None


@cache
def _hints(schema: type) -> dict[str, Any]:
    return typing.get_type_hints(schema, include_extras=True)


def _placed(text: str, where: str) -> str:
    """Return an error's text with the file and, where a schema does not name its own section, the place in it."""
    if text.startswith("params:"):
        return text
    return f"params: {text}" if text.startswith(where.split(".")[0]) else f"params: {where}.{text}"


def _convert(value: object, kind: Any, where: str) -> Any:
    """Return a value of the file as the type `kind` of a field; `where` is its place in the file, for messages."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        inner, *checks = typing.get_args(kind)
        result = _convert(value, inner, where)
        for check in checks:
            check(f"params: {where}", result)
        return result
    if origin in (typing.Union, types.UnionType):
        options = typing.get_args(kind)
        if value is None and type(None) in options:
            return None
        errors = []
        for option in options:  # the first option that fits is taken; the error of the last one is reported
            if option is type(None):
                continue
            try:
                return _convert(value, option, where)
            except InputError as error:
                errors.append(error)
        raise errors[-1]
    if origin is typing.Literal:
        check_choice(f"params: {where}", value, typing.get_args(kind))  # type: ignore[arg-type]
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise InputError(f"params: {where} must be a list, found {quoted(value)}")
        kinds = typing.get_args(kind)
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        if len(kinds) != len(value):
            raise InputError(f"params: {where} must hold {len(kinds)} values, found {len(value)}")
        return tuple(_convert(item, kinds[i], f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise InputError(f"params: {where} must be a mapping, found {quoted(value)}")
        return {str(key): _convert(item, typing.get_args(kind)[1], f"{where}.{key}") for key, item in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _build(kind, value, where)
    if kind in (int, float) and isinstance(value, (int, float)) and not isinstance(value, bool):
        limit = MAX_SEED if kind is int else MAX_NUMBER
        if abs(value) > limit and value == value and abs(value) != float("inf"):  # NaN and infinity are told by what follows
            raise InputError(f"params: {where}: {quoted(value)} is outside {-limit:g}..{limit:g}")
        if kind is float:
            return float(value)
        if float(value).is_integer():
            return int(value)
    if kind in (str, bool) and isinstance(value, kind):
        return value
    raise InputError(f"params: {where} must be {_kind_name(kind)}, found {quoted(value)}")


def _kind_name(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return names.get(kind, getattr(kind, "__name__", str(kind)))
