"""The package as a user gets it: a wheel, installed into an environment of its own, and used from an empty folder."""

import ast
import os
import shutil
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from paths import ROOT

from tivit.core.artifacts import md5_of
from tivit.core.notes import read_midi
from tivit.core.params import load, section
from tivit.core.timegrid import TimeGrid
from tivit.scoring.scores import score_clip
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "tivit")


def done(*command: str | Path, cwd: Path) -> str:
    """Run a command that sees no other copy of the project; return stdout, fail with all output."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    finished = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Return the wheel of a copy of the sources, so that the build leaves nothing in the working tree."""
    folder = tmp_path_factory.mktemp("package")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, folder / "source")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    done(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "source", cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_package_and_its_weights_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tivit"}
    pretrained = {path.name for path in (ROOT / "tivit/pretrained").iterdir() if path.suffix not in (".py", "")}
    assert {Path(name).name for name in names if name.startswith("tivit/pretrained/")} >= pretrained >= {"recipe.yaml"}
    assert "tivit/py.typed" in names
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tivit").rglob("*.py")}
    assert modules == {name for name in names if name.endswith(".py")}


def test_an_installed_tivit_transcribes_from_an_empty_folder(wheel, tmp_path):
    """The libraries are those of the tests; the project itself is seen nowhere but in the environment of its own."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    python, libraries = environment / "bin/python", site.getsitepackages()[0]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (environment / "lib" / version / "site-packages/tests.pth").write_text(libraries)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    # `--ignore-installed`: the environment of the tests may hold the project too, and must not be taken for the new one.
    done(*pip, "install", "--quiet", "--no-deps", "--ignore-installed", wheel, cwd=tmp_path)
    assert Path(done(python, "-c", "import tivit; print(tivit.__file__)", cwd=tmp_path)).is_relative_to(environment)

    synth = replace(section(load(ROOT / "params.yaml"), "synth", SynthParams), test_s=3.0, seed=1)
    (tmp_path / "test").mkdir()
    write_clip(tmp_path, synth, task=ClipTask("test", 0, "plain", "plain_000"))
    video, empty = tmp_path / "test/plain_000.mp4", tmp_path / "empty"
    empty.mkdir()

    tivit = environment / "bin/tivit"
    weights = f"weights weights.pt (MD5 {md5_of(ROOT / 'tivit/pretrained/weights.pt')})"
    assert done(tivit, "--version", cwd=empty).splitlines() == [f"tivit {PROJECT['project']['version']}", weights]
    assert "notes in 3.0 s of video" in done(tivit, "transcribe", video, "-o", "out.mid", cwd=empty)
    assert [path.name for path in empty.iterdir()] == ["out.mid"]
    scores = score_clip(read_midi(video.with_suffix(".mid")), read_midi(empty / "out.mid"), TimeGrid(30.0, 0.0, 90)).values()
    assert scores["onset_f1_50"] >= 0.9, scores


def test_every_library_that_is_imported_is_a_dependency():
    import_names = {"opencv-python-headless": "cv2", "pyyaml": "yaml"}
    declared = {import_names.get(name, name) for name in map(_name, PROJECT["project"]["dependencies"])}
    optional = {name for extra in PROJECT["project"]["optional-dependencies"].values() for name in map(_name, extra)}
    imported = set()
    for path in (ROOT / "tivit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    # Imported only where a command or stage needs them: music21 by scores, which say how to install it; DVC and its part
    # scmrepo by what runs inside a DVC pipeline alone; the engines of clusters, which say how to install them; fsspec, with
    # botocore, which s3fs brings, by datasets in a bucket.
    of_extras = {"music21", "dvc", "distributed", "cloudpickle", "ray", "fsspec"}
    used = imported - set(sys.stdlib_module_names) - {"tivit", "scmrepo", "botocore"} - of_extras
    assert used == declared and of_extras <= optional
    assert {"dvc", "tensorboard", "pytest", "mypy"} <= optional


def test_the_pinned_set_of_the_pipeline_is_within_the_ranges():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    extras = PROJECT["project"]["optional-dependencies"]
    # A remote on S3 and a cluster are a user's choice, and their libraries are large: the workflow of the repository installs
    # them for their tests.
    chosen = (item for name, extra in extras.items() if name not in ("s3", "cluster") for item in extra)
    ranges = [*PROJECT["project"]["dependencies"], *chosen]
    wanted = {requirement.name: requirement.specifier for requirement in map(Requirement, ranges)}
    assert wanted.keys() == pinned.keys()
    assert [name for name, specifier in wanted.items() if not specifier.contains(pinned[name])] == []


def _name(requirement: str) -> str:
    return requirement.split(">")[0].split("[")[0]
