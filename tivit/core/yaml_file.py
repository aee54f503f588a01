"""YAML files: safe, with the floats of YAML 1.2, without double keys, and one sentence for every file that is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tivit.core.errors import InputError, quoted
from tivit.core.text import read_text


class _Loader(yaml.CSafeLoader):
    """The safe loader of libyaml, with the float syntax of YAML 1.2 (core schema, section 10.3.2), and without double keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; YAML itself would silently take the last of several values of one key."""
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    fault = f"the key {quoted(key.value)} is there twice"
                    raise yaml.constructor.ConstructorError(None, None, fault, key.start_mark)
                keys.add(key.value)
        return super().construct_mapping(node, deep)


# PyYAML has one list of patterns per first character. The float pattern of YAML 1.1 is taken out of each list, and that of
# YAML 1.2 is added, which needs neither a point nor a sign before an exponent.
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


def read_yaml(path: Path | str) -> Any:
    """Return the content of a YAML file.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    object
        What the file holds, as Python's own types.

    Raises
    ------
    InputError
        The file cannot be read, is not text, or is not valid YAML; the message names the line.
    """
    text = read_text(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ValueError: an impossible date, or a number of more digits than Python reads.
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
