"""The params that a transcription reads, and the recipe: the file in which they come with the weights of the project.

How logits are rescored and decoded is in `thresholds.json`, which fits its weights alone. What remains is how the keyboard is
found and on what machine the network runs (`registration`, `runtime`). The recipe holds these, so that a transcription needs no
`params.yaml` and takes nothing from one that happens to lie in the current folder; the user may name another file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tivit.core import params as params_file
from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.pretrained.files import Trained
from tivit.registration.params import RegistrationParams

SCHEMAS = {"registration": RegistrationParams, "runtime": RuntimeParams}
NEUTRAL: dict[str, dict[str, Any]] = {
    "registration": {"first_key": None, "overrides": {}},
    "runtime": {"engine": "processes", "scheduler": None, "device": "cpu", "precision": "float32", "compile": False},
}
"""Values that replace those which are true of one dataset or one machine only and so do not travel with the weights."""
HEADER = "# What `tivit transcribe` reads when it uses the weights beside this file. Written by `tivit export-weights`.\n"


def recipe_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a params file that a transcription reads, without what is true of one dataset or machine only.

    Parameters
    ----------
    params : mapping
        The content of a params file.

    Returns
    -------
    dict
        Section -> values, for the sections of `SCHEMAS`.

    Raises
    ------
    InputError
        One of the sections is missing or holds a value that cannot be used.
    """
    _check(params)
    return {name: {**params[name], **NEUTRAL.get(name, {})} for name in SCHEMAS}


def write_recipe(path: Path, recipe: Mapping[str, Any]) -> None:
    """Write a recipe as YAML, atomically; equal content gives equal bytes.

    Parameters
    ----------
    path : Path
        The file.
    recipe : mapping
        From `recipe_of`.
    """
    write_bytes(path, (HEADER + yaml.safe_dump(dict(recipe), sort_keys=True)).encode())


def transcription_params(trained: Trained, path: Path | None, default: Path = Path("params.yaml")) -> dict[str, Any]:
    """Return the params to transcribe with: of the recipe that comes with the weights, or of a params file.

    Parameters
    ----------
    trained : Trained
        The weights.
    path : Path or None
        The params file that the user names, if any. With a recipe, its `registration` and `runtime` go before the recipe's.
    default : Path
        The params file read for weights without a recipe when the user names none.

    Returns
    -------
    dict
        Section -> values; the sections of `SCHEMAS` are there and can be used.

    Raises
    ------
    InputError
        A file is missing, a section that is read is missing in it or holds a value that cannot be used, or none is read.
    """
    if trained.recipe is None:
        params = _of_own_weights(trained, path, default)
    elif path is None:
        params = params_file.load(trained.recipe)
    else:
        params = _with_user_sections(params_file.load(trained.recipe), path)
    _check(params)
    return params


def _check(params: Mapping[str, Any]) -> None:
    for name, schema in SCHEMAS.items():
        section(params, name, schema)


def _with_user_sections(recipe: dict[str, Any], path: Path) -> dict[str, Any]:
    given = params_file.load(path)
    used = {name: given[name] for name in SCHEMAS if name in given}
    if not used:
        raise InputError(f"{path}: has no section {' or '.join(SCHEMAS)}, so nothing in it is used; leave --params out")
    return recipe | used


def _of_own_weights(trained: Trained, path: Path | None, default: Path) -> dict[str, Any]:
    if path is None and not default.is_file():
        raise InputError(
            f"{default}: no such file; --checkpoint {trained.checkpoint} needs the params it was trained with: run the command "
            "in the folder of that file, or name the file by --params"
        )
    return params_file.load(default if path is None else path)
