"""Strict, typed params.yaml: every value is written in the file, every key is known, every type is checked.

Each section is a frozen dataclass without defaults that lives beside the code it configures; `section` builds it. Only a
field that has a default may be left out: that is for what a user states of single clips, never for a section. Floats follow
YAML 1.2 (`5e-05` is a number; PyYAML's YAML 1.1 would read text), because that is what `dvc exp run -S` writes.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tivit.core.errors import InputError

Section = TypeVar("Section")
MAX_SEED = 2**63 - 1
"""The largest seed that numpy and torch both take."""

RENAMED = {
    "data.manifest": "subsets",
    "decode.smoothing_sec": "smoothing_s",
    "decode.window_sec": "window_s",
    "logits.timeout_mins": "timeout_s (in seconds)",
    "train.sampler.bg_frac": "background_share",
    "train.sampler.nearmiss_frac": "nearmiss_share",
    "train.sampler.onset_frac": "onset_share",
}
"""Keys of earlier versions -> what they are called now. An old key is an error that says so; it is never read."""


class _Loader(yaml.CSafeLoader):
    """The safe loader of libyaml, with the float syntax of YAML 1.2 (core schema, section 10.3.2)."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:float"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)


def load(path: Path | str = "params.yaml") -> dict[str, Any]:
    """Return the mapping in a params file; raise InputError naming file and line when it is missing or malformed."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        value = yaml.load(text, Loader=_Loader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a mapping of sections, found {type(value).__name__}")
    return value


def section(params: Mapping[str, Any], name: str, schema: type[Section]) -> Section:
    """Return section `name` of `params` as an instance of the dataclass `schema`.

    Raises
    ------
    InputError
        The section or a key is missing, a key is unknown (the nearest known one is named), or a value has another type.
    """
    if name not in params:
        raise InputError(f"params: section {name!r} is missing{nearest(name, params)}")
    return _build(schema, params[name], name)


def check_choice(where: str, value: str, allowed: typing.Collection[str]) -> None:
    """Raise InputError naming the allowed values, nearest first, unless `value` is one of them."""
    if value not in allowed:
        raise InputError(f"{where}: {value!r} is not one of {', '.join(sorted(allowed))}{nearest(str(value), allowed)}")


def check_range(where: str, value: float, low: float, high: float) -> None:
    """Raise InputError unless low <= value <= high."""
    if not low <= value <= high:
        raise InputError(f"{where}: {value} is outside {low:g}..{high:g}")


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """Return " (did you mean ...?)" with the known name most like `name`, "" when none is."""
    close = difflib.get_close_matches(name, [str(item) for item in known], n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _build(schema: type, value: object, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise InputError(f"params: {where} must be a mapping, found {value!r}")
    hints = typing.get_type_hints(schema)
    fields = dataclasses.fields(schema)
    names = [field.name for field in fields]
    for key in value:
        if f"{where}.{key}" in RENAMED:
            raise InputError(f"params: {where}.{key} is called {RENAMED[f'{where}.{key}']} now; rename it")
        if key not in names:
            raise InputError(f"params: {where}.{key} is unknown{nearest(str(key), names)}; known: {', '.join(names)}")
    missing = [field.name for field in fields if field.name not in value and field.default is dataclasses.MISSING]
    if missing:
        raise InputError(f"params: {where}.{missing[0]} is missing{nearest(missing[0], value)}")
    try:
        return schema(**{str(name): _convert(item, hints[name], f"{where}.{name}") for name, item in value.items()})
    except InputError as error:
        raise InputError(_placed(str(error), where)) from None


def _placed(text: str, where: str) -> str:
    """Return an error's text with the file and, where a schema does not name its own section, the place in it."""
    if text.startswith("params:"):
        return text
    return f"params: {text}" if text.startswith(where.split(".")[0]) else f"params: {where}.{text}"


def _convert(value: object, kind: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        options = typing.get_args(kind)
        if value is None and type(None) in options:
            return None
        errors = []
        for option in options:
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
            raise InputError(f"params: {where} must be a list, found {value!r}")
        inner = typing.get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_convert(item, inner[0], f"{where}[{i}]") for i, item in enumerate(value))
        if len(inner) != len(value):
            raise InputError(f"params: {where} must hold {len(inner)} values, found {len(value)}")
        return tuple(_convert(item, inner[i], f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise InputError(f"params: {where} must be a mapping, found {value!r}")
        return {str(key): _convert(item, typing.get_args(kind)[1], f"{where}.{key}") for key, item in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _build(kind, value, where)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind is float:
            return float(value)
        if kind is int and float(value).is_integer():
            return int(value)
    if kind in (str, bool) and isinstance(value, kind):
        return value
    raise InputError(f"params: {where} must be {_kind_name(kind)}, found {value!r}")


def _kind_name(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return names.get(kind, getattr(kind, "__name__", str(kind)))
