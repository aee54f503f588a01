"""The shape of the project, held by machine: layers, cache boundaries, params, sizes of nothing but facts.

Imports are read from the source (nothing is run), so an import inside a function counts like any other.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from paths import ROOT

from tivit.core.run import code

MIDDLE = {"targets", "datasets", "video", "model", "theory", "decoding", "scoring"}
MAY_IMPORT = {
    "core": set(),
    **{name: {"core"} for name in MIDDLE},
    "labels": {"core", "datasets"},
    "sweeping": {"core", "decoding", "scoring"},
    "registration": {"core", "datasets", "video"},
    "synth": {"core", "datasets", "video"},
    "training": {"core", "model", "targets"},
    "inference": {"core", "model"},
    "adaptation": {"core", "model", "targets", "decoding"},
    "autopilot": {"core"},
    "notation": {"core", "theory"},
}
CHAINS = {"finetuning", "transcription", "api", "report", "serve", "check", "compare", "pretrained", "commands", "__main__"}
NUMPY_ONLY = {"core", "autopilot", "theory", "decoding", "scoring", "sweeping", "notation"}


def modules() -> dict[str, Path]:
    """Return dotted name -> file of every module of `tivit` and `stages`."""
    files = [*ROOT.glob("tivit/**/*.py"), *ROOT.glob("stages/*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return every dotted name a file imports, `from a import b` as both `a` and `a.b`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def closure(start: str) -> set[str]:
    """Return all project modules reachable from `start`, itself included."""
    known, seen, queue = modules(), set(), [start]
    while queue:
        name = queue.pop()
        if name in known and name not in seen:
            seen.add(name)
            queue += imports_of(known[name])
    return seen


def package(name: str) -> str:
    """Return `core` of `tivit.core.notes`."""
    return name.split(".")[1]


INNER = sorted(name for name in modules() if name.startswith("tivit.") and package(name) not in CHAINS)


@pytest.mark.parametrize("name", INNER)
def test_imports_only_go_down(name):
    own = package(name)
    used = {package(item) for item in imports_of(modules()[name]) if item.startswith("tivit.")} - {own}
    assert used <= MAY_IMPORT[own], f"{name} imports {sorted(used - MAY_IMPORT[own])}"


@pytest.mark.parametrize("name", [name for name in INNER if package(name) in NUMPY_ONLY])
def test_no_torch_from_the_logits_on(name):
    reached = {item.split(".")[0] for module in closure(name) for item in imports_of(modules()[module])}
    assert not reached & {"torch", "torchvision"}


def test_torchvision_is_imported_nowhere():
    users = [name for name, path in modules().items() if any(i.split(".")[0] == "torchvision" for i in imports_of(path))]
    assert users == []


@pytest.mark.parametrize("name", [name for name, path in modules().items() if path.name == "__init__.py" and name != "tivit"])
def test_init_files_are_a_docstring(name):
    body = ast.parse(modules()[name].read_text()).body
    assert len(body) == 1 and ast.get_docstring(ast.Module(body, []))


def test_the_one_other_init_file_resolves_the_public_names_and_does_nothing_else():
    """`from tivit import transcribe` is what users of a library write, and no stage may depend on what that imports.

    So the names are imported inside `__getattr__`, and the stage `code` leaves the functions of this file out of its lists.
    """
    tree = ast.parse(modules()["tivit"].read_text())
    assert [ast.unparse(node).splitlines()[0] for node in tree.body[1:]] == [
        "from __future__ import annotations",
        "from typing import TYPE_CHECKING, Any",
        "if TYPE_CHECKING:",
        "__all__ = ['transcribe']",
        "def __getattr__(name: str) -> Any:",
        "def __dir__() -> list[str]:",
    ]
    assert ast.get_docstring(tree) and not tree.body[3].orelse
    for_types, when_asked = (
        {alias.name for node in ast.walk(tree.body[at]) if isinstance(node, ast.ImportFrom) for alias in node.names}
        for at in (3, 5)
    )
    assert for_types == when_asked == {"transcribe"}


def test_nothing_in_the_project_asks_the_package_for_its_public_names():
    """Then no stage runs what `tivit/__init__.py` imports; `import tivit.a` would bind `tivit`, and so could ask."""
    users = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and node.module == "tivit")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "tivit" for alias in node.names))
    ]
    assert users == []


def test_no_two_modules_import_each_other():
    """Nor in a larger circle; imports inside functions count. What is left when all ends are taken away are the circles."""
    used_by = {name: imports_of(path) & set(modules()) - {name} for name, path in modules().items()}
    while True:
        users = set().union(*used_by.values())
        kept = {name: used & set(used_by) for name, used in used_by.items() if used & set(used_by) and name in users}
        if kept == used_by:
            break
        used_by = kept
    assert sorted(used_by) == []


def pipeline() -> dict[str, dict]:
    """Return stage name -> stage of both pipeline files."""
    files = (ROOT / "dvc.yaml", ROOT / "data/dvc.yaml")
    return {name: stage for file in files for name, stage in yaml.safe_load(file.read_text())["stages"].items()}


def covers(dep: str, path: str) -> bool:
    """True when a dependency is a file or a folder above it."""
    return path == dep or path.startswith(f"{dep}/")


STAGES = sorted(set(pipeline()) - {"code"})
"""The stages whose code the stage `code` lists."""


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_list_of_its_code_and_on_no_source(stage):
    deps = [dep for dep in pipeline()[stage]["deps"] if dep.startswith(("tivit", "stages", "data/code"))]
    assert deps == [f"data/code/{stage}.txt"]


def test_the_stage_that_lists_code_reads_all_imported_packages_and_no_other():
    """Packages that no stage imports stay out, the weights of the project among them: editing them re-runs nothing."""
    deps = pipeline()["code"]["deps"]
    reached = {
        modules()[name].relative_to(ROOT).as_posix() for stage in [*STAGES, "code"] for name in closure(f"stages.{stage}")
    }
    reached |= {"tivit/__init__.py"}  # importing any module of the package runs it
    assert sorted(path for path in reached if not any(covers(dep, path) for dep in deps)) == []
    assert sorted(dep for dep in deps if not any(covers(dep, path) for path in reached)) == []
    assert [dep for dep in deps if covers(dep, "tivit/pretrained") or covers("tivit/pretrained", dep)] == []


def test_the_stage_that_lists_code_writes_one_file_per_stage():
    assert [next(iter(out)) for out in pipeline()["code"]["outs"]] == [f"data/code/{stage}.txt" for stage in STAGES]


@pytest.mark.parametrize("stage", STAGES)
def test_listed_code_lies_within_the_import_closure(stage):
    """The list is found by names and imports, the closure by imports alone, so it holds every module that is listed."""
    lines = [line.split(" ")[1] for line in code.listing(stage).splitlines()]
    listed = {name.partition(":")[0] for name in lines if "/" not in name} - {"stages", "tivit"}
    packages = {name for name in modules() if modules()[name].name == "__init__.py"}
    assert listed - packages <= closure(f"stages.{stage}")
    assert f"stages.{stage}" in listed and "tivit.core.run.stage" in listed
    deps = pipeline()["code"]["deps"]
    assert [name for name in lines if "/" in name and not any(covers(dep, name) for dep in deps)] == []


@pytest.mark.parametrize("stage", sorted(pipeline()))
def test_params_are_the_sections_read(stage):
    source = modules()[f"stages.{stage}"].read_text()
    read = set(re.findall(r'section\(\s*params,\s*"(\w+)"', source)) - {"runtime"}
    declared = {item.split(".")[0] for item in pipeline()[stage].get("params", [])}
    assert declared == read


def test_every_params_key_is_watched_or_says_why_not():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    watched = {item for stage in pipeline().values() for item in stage.get("params", [])}
    unwatched = {key for key in params if key not in watched and not any(item.startswith(f"{key}.") for item in watched)}
    assert unwatched == {"runtime"}
    assert {f"data.{key}" for key in params["data"]} - watched == {"data.root", "data.fetched_gb"}


def test_only_lists_of_code_and_scores_are_kept_in_git():
    for name, stage in pipeline().items():
        uncached = [
            out
            for kind in ("outs", "metrics", "plots")
            for out in stage.get(kind, [])
            if isinstance(out, dict) and next(iter(out.values())).get("cache", True) is False
        ]
        assert bool(uncached) == (name in {"code", "sweep", "evaluate"}), name
        assert not any(isinstance(out, dict) and "persist" in next(iter(out.values())) for out in stage.get("outs", []))


def is_fps(node: ast.expr) -> bool:
    """True for the names `fps` and `x.fps`."""
    return getattr(node, "id", getattr(node, "attr", None)) == "fps"


def test_only_the_time_grid_multiplies_or_divides_by_fps():
    users = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, (ast.Mult, ast.Div))
        and (is_fps(node.left) or is_fps(node.right))
    ]
    assert users and {user.split(":")[0] for user in users} == {"tivit.core.timegrid"}


def test_only_the_keyboard_knows_its_numbers():
    pattern = re.compile(r"(?<![\w.])(21|88|108)(?![\w.,])")
    allowed = {"keyboard.py"}
    users = []
    for name, path in modules().items():
        if path.name in allowed:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and type(node.value) is int and pattern.fullmatch(str(node.value)):
                users.append(f"{name}:{node.lineno}: {node.value}")
    assert users == []


def test_requirements_are_pinned():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)


def test_the_top_level_is_what_was_agreed():
    agreed = {
        "dvc.yaml", "dvc.lock", "params.yaml", "README.md", "requirements.txt", "pyproject.toml", "LICENSE",
        "stages", "tivit", "data", "tests", "metrics", "docs",
        "CITATION.cff",  # GitHub and Zenodo read it here only
    }  # fmt: skip
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") and not path.name.endswith(".egg-info")}
    assert visible <= agreed
