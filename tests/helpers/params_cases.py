"""Sections of params.yaml with one value changed, as a user writes them."""

from typing import TypeVar

from paths import PARAMS_FILE

from tivit.core.params import load, section

Section = TypeVar("Section")


def place(params: dict, key: str) -> tuple[dict, str]:
    """Return the mapping in which a dotted key of the params stands, and the last part of the key."""
    *path, name = key.split(".")
    for part in path:
        params = params[part]
    return params, name


def section_with(schema: type[Section], key: str, value: object) -> Section:
    """Return the section of params.yaml in which a dotted key lies, built as `schema`, with another value of that key."""
    params = load(PARAMS_FILE)
    mapping, name = place(params, key)
    mapping[name] = value
    return section(params, key.partition(".")[0], schema)
