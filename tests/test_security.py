"""What docs/security.md promises: no file from a stranger runs code, and no source uses a way by which one could.

Other promises of that page are tested beside the readers: checkpoints in tests/model/test_checkpoint.py, paths in
tests/core/test_artifacts.py and tests/datasets, playlists in tests/video/test_reader.py.
"""

import ast
import pickle
import re
import sys
from importlib import metadata

import numpy as np
import pytest
import requirements_hashes
from model_cases import GEOMETRY
from packaging.requirements import Requirement
from paths import ROOT

from tivit.core import params as params_file
from tivit.core import yaml_file
from tivit.core.arrays import read_npz
from tivit.core.errors import InputError
from tivit.core.strip import open_strips, write_strip_index
from tivit.core.timegrid import TimeGrid
from tivit.model.checkpoint import read_torch

NODES = [
    (f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node)
    for folder in ("tivit", "stages")
    for path in (ROOT / folder).rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
]
CALLS = [(place, node) for place, node in NODES if isinstance(node, ast.Call)]
NEVER = {
    "os.system", "os.popen", "pickle.load", "pickle.loads", "marshal.loads", "shelve.open", "yaml.unsafe_load",
    "yaml.full_load", "joblib.load", "eval", "exec", "compile", "__import__",
}  # fmt: skip


def named(node: ast.Call) -> str:
    """Return `torch.load` of a call of it."""
    return ast.unparse(node.func)


def option(node: ast.Call, name: str) -> str | None:
    """Return the text of an option of a call; None where it is not given."""
    return next((ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == name), None)


def test_no_source_unpickles_or_evaluates_what_it_reads():
    assert len(CALLS) > 1000
    # The process that decodes a video takes its task from the process of the same program that started it, from nobody else;
    # a worker of a cluster takes it from the scheduler that the user named, whose engine unpickles all that it sends anyway.
    own = {("tivit/transcription/decoder.py", "pickle.load"), ("tivit/core/run/clusters.py", "pickle.loads")}
    assert [place for place, node in CALLS if named(node) in NEVER and (place.partition(":")[0], named(node)) not in own] == []
    loads = {option(node, "weights_only") for _, node in CALLS if named(node) == "torch.load"}
    assert loads == {"True"}
    assert [place for place, node in CALLS if named(node) == "np.load" and option(node, "allow_pickle") != "False"] == []
    assert {option(node, "Loader") for _, node in CALLS if named(node) == "yaml.load"} == {"_Loader"}
    assert yaml_file._Loader.__mro__[1].__name__ == "CSafeLoader"


def test_no_source_makes_a_shell_command():
    assert [place for place, node in CALLS if option(node, "shell") not in (None, "False")] == []
    started = [node for _, node in CALLS if named(node).startswith("subprocess.")]
    assert started and all(isinstance(node.args[0], (ast.List, ast.Name)) for node in started)


def test_no_source_opens_a_network_connection():
    """One module listens, to this machine alone (tests/serve/test_server.py asks it); another opens a browser at it."""
    network = {
        "asyncio", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "socketserver", "urllib", "urllib3",
        "webbrowser", "xmlrpc",
    }  # fmt: skip
    imports = [(place, alias.name) for place, node in NODES if isinstance(node, ast.Import) for alias in node.names]
    imports += [(place, node.module) for place, node in NODES if isinstance(node, ast.ImportFrom)]
    assert "numpy" in {name for _, name in imports}
    used = {(place.split(":")[0], name) for place, name in imports if name.split(".")[0] in network}
    assert used == {
        ("tivit/serve/server.py", "http"), ("tivit/serve/server.py", "http.server"), ("tivit/serve/server.py", "urllib.parse"),
        ("tivit/serve/run.py", "webbrowser"),
    }  # fmt: skip


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def payload(tmp_path):
    """Return an object that is noticed when it is unpickled: proof included."""
    mark = tmp_path / "ran"
    pickle.loads(pickle.dumps(Payload(mark))).close()
    assert mark.exists()
    mark.unlink()
    yield Payload(mark)
    assert not mark.exists()


def test_arrays_with_objects_are_refused(payload, tmp_path):
    np.savez(tmp_path / "a.npz", logits=np.array([payload], dtype=object))
    with pytest.raises(InputError, match=r"a\.npz, array 'logits': not a readable npz file"):
        read_npz(tmp_path / "a.npz")
    np.save(tmp_path / "clip.npy", np.array([payload], dtype=object), allow_pickle=True)
    write_strip_index(tmp_path, GEOMETRY, {"clip": TimeGrid(30.0, 0.0, 1)})
    with pytest.raises(InputError, match=r"clip\.npy"):
        open_strips(tmp_path).open("clip")


def test_a_checkpoint_and_a_state_with_objects_are_refused(payload, tmp_path):
    import torch

    torch.save({"format": payload}, tmp_path / "last.pt")
    with pytest.raises(InputError, match=r"last\.pt: not a readable checkpoint"):
        read_torch(tmp_path / "last.pt")


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.mkdir [ran]", "!!python/object/new:os.mkdir [ran]", "!!python/name:os.mkdir"]
)
def test_a_params_file_with_objects_is_refused(tmp_path, monkeypatch, tag):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(f"train: {tag}\n")
    with pytest.raises(InputError, match=r"params\.yaml: not valid YAML"):
        params_file.load()
    assert not (tmp_path / "ran").exists()


LOCKED = re.compile(r"([a-z0-9.-]+)==(\S+) --hash=sha256:([0-9a-f]{64})")


def hashed() -> dict[str, str]:
    """Return name -> version of every line of the file of hashes."""
    lines = [line for line in requirements_hashes.LOCKED.read_text().splitlines() if not line.startswith("#")]
    found = [LOCKED.fullmatch(line) for line in lines]
    assert all(found) and len({match[1] for match in found}) == len(lines)
    return {match[1]: match[2] for match in found}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def test_every_requirement_has_a_hash_at_its_version():
    pinned = re.findall(r"^([\w.-]+)==(\S+)$", requirements_hashes.REQUIREMENTS.read_text(), re.MULTILINE)
    assert {normal(name): version for name, version in pinned}.items() <= hashed().items()


# The file of hashes is for one version of Python, as it says at its top; the package allows three.
@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the hashes are those of Python 3.11, where other packages are needed"
)
def test_what_the_requirements_bring_along_has_a_hash_too():
    """Followed through what is installed here: markers such as `extra == "test"` are left out, as pip does."""
    there, waiting = hashed(), re.findall(r"^([\w.-]+)==", requirements_hashes.REQUIREMENTS.read_text(), re.MULTILINE)
    seen: set[str] = set()
    while waiting:
        name = normal(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        assert name in there, f"{name} has no hash; run `python tests/helpers/requirements_hashes.py`"
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    assert len(seen) > 50


def test_a_file_of_another_index_is_not_taken_for_that_of_pypi():
    package = {
        "metadata": {"name": "Some_Name", "version": "1"},
        "download_info": {"archive_info": {"hashes": {"sha256": "ab"}}},
    }
    package["download_info"]["url"] = "https://files.pythonhosted.org/some.whl"
    assert requirements_hashes.locked_lines({"install": [package]}) == ["some-name==1 --hash=sha256:ab"]
    package["download_info"]["url"] = "https://example.org/some.whl"
    with pytest.raises(AssertionError, match="is not of PyPI"):
        requirements_hashes.locked_lines({"install": [package]})
