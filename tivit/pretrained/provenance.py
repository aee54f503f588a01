"""Where trained weights come from: commit, params, seeds, data and scores, as git and `dvc.lock` know them.

`dvc.lock` names by MD5 what each stage read and wrote. What it says is of these weights only if it names their own MD5; else
nothing is said rather than something that may be of other weights.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tivit.core.artifacts import md5_of, read_json
from tivit.core.errors import InputError
from tivit.pretrained.files import Trained

LOCKS = (Path("dvc.lock"), Path("data/dvc.lock"))
"""Of the pipeline and of the rendering of its default data, below the folder of the project."""
INDEX_FOLDER = "data/index/"
"""Where the lists of the datasets' files with their MD5s lie."""
SCORE_STAGES = ("sweep", "evaluate")
"""The stages whose JSON files hold scores."""


@dataclass(frozen=True)
class Provenance:
    """What is known of the making of weights; empty where nothing is.

    Attributes
    ----------
    doubt : str
        Why the lock file says nothing of them; "" when it does.
    commit : str
        The commit that is checked out.
    changed : tuple of str
        Tracked files that differ from it.
    params : dict
        Section -> values of the params file that the stages depended on.
    data : dict[str, str]
        What the training read -> MD5, as DVC computes it.
    scores : dict
        Metrics file -> its content.
    """

    doubt: str
    commit: str = ""
    changed: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)

    def seeds(self) -> dict[str, int]:
        """Return the params that are seeds, as `train.seed` -> value."""
        return dict(sorted(_seeds(self.params)))


def provenance_of(source: Trained, project: Path = Path()) -> Provenance:
    """Return what git and the lock files of a project know of the making of weights.

    Parameters
    ----------
    source : Trained
        The trained checkpoint and the thresholds that were chosen for it.
    project : Path
        The folder of the pipeline.

    Returns
    -------
    Provenance
        With a `doubt` when the lock files do not name this content as outputs.

    Raises
    ------
    InputError
        A lock file or a metrics file cannot be read.
    """
    commit, changed = _commit(project)
    stages = _stages(project)
    if not stages:
        return Provenance(f"there is no {LOCKS[0]} here", commit, changed)
    maker = {}
    for path in (source.thresholds, source.checkpoint):
        maker = next((stage for stage in stages.values() if md5_of(path) in _md5_by_path(stage, "outs").values()), {})
        if not maker:
            return Provenance(f"{LOCKS[0]} names no output with the present content of {path.name}", commit, changed)
    flat = {
        key: value for stage in stages.values() for part in (stage.get("params") or {}).values() for key, value in part.items()
    }
    read = {path: md5 for stage in stages.values() for path, md5 in _md5_by_path(stage, "deps").items()}
    data = _md5_by_path(maker, "deps") | {path: md5 for path, md5 in read.items() if path.startswith(INDEX_FOLDER)}
    return Provenance("", commit, changed, _nested(flat), dict(sorted(data.items())), _scores(project, stages))


def _commit(project: Path) -> tuple[str, tuple[str, ...]]:
    """Return the commit that is checked out and the tracked files that differ; ("", ()) outside of git."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True)
        status = ["git", "status", "--porcelain", "-z", "--untracked-files=no"]
        changes = subprocess.run(status, cwd=project, capture_output=True, text=True)
    except FileNotFoundError:  # no git on this machine
        return "", ()
    if head.returncode or changes.returncode:
        return "", ()
    return head.stdout.strip(), tuple(sorted(entry[3:] for entry in changes.stdout.split("\0") if entry[2:3] == " "))


def _stages(project: Path) -> dict[str, dict[str, Any]]:
    """Return name -> entry of the stages of all lock files."""
    stages: dict[str, dict[str, Any]] = {}
    for name in LOCKS:
        path = project / name
        if path.is_file():
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise InputError(f"{path}: not a lock file of DVC ({' '.join(str(error).split())})") from None
            if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
                raise InputError(f"{path}: not a lock file of DVC (it has no stages)")
            stages |= content["stages"]
    return stages


def _md5_by_path(stage: Mapping[str, Any], kind: str) -> dict[str, str]:
    return {entry["path"]: entry["md5"] for entry in stage.get(kind) or [] if "md5" in entry}


def _scores(project: Path, stages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the metrics of the lock that are still what they were when it was written."""
    scores = {}
    for stage in SCORE_STAGES:
        for name, md5 in _md5_by_path(stages.get(stage, {}), "outs").items():
            path = project / name
            if path.suffix == ".json" and path.is_file() and md5_of(path) == md5:
                scores[name] = read_json(path)
    return scores


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"data": {"fps": 30}, "train": ...}` of `{"data.fps": 30, "train": ...}`, sorted by name."""
    result: dict[str, Any] = {}
    for key, value in sorted(flat.items()):
        section, _, name = key.partition(".")
        if name:
            result.setdefault(section, {})[name] = value
        else:
            result[section] = value
    return result


def _seeds(params: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, int]]:
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _seeds(value, f"{above}{key}.")
        elif key == "seed":
            yield f"{above}{key}", value
