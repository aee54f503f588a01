"""The code that a stage reaches: rules on small packages, and the real stages against what Python really calls."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline_cases import environment

from tivit.core.errors import InputError
from tivit.core.run import code

MODULES = {
    "stages/__init__.py": "",
    "stages/s.py": "from tivit.a import f\n\ndef run():\n    f()\n\nrun()\n",
    "tivit/__init__.py": "def __getattr__(name):\n    from tivit.d import x\n    return x\n\ndef f(): ...\n",
    "tivit/a.py": "from tivit.table import enter\nimport tivit.c as c\n\ndef f():\n    from tivit.b import g\n    return g()\n"
    "\n\ndef idle():\n    from tivit.d import x\n\n@enter\ndef entered(): ...\n\ndef __getattr__(name): ...\n",
    "tivit/b.py": "from tivit.inner.e import shared, h as g\n",
    "tivit/c.py": "def shared(): ...\ndef k(): ...\n",
    "tivit/d.py": "def x(): ...\n",
    "tivit/table.py": "def enter(f): return f\n",
    "tivit/inner/__init__.py": "",
    "tivit/inner/e.py": "def h():\n    return shared()\n\ndef shared(): ...\n",
    "tivit/inner/words.txt": "one",
    "tivit/inner/pictures/a.png": "picture",
    "tivit/inner/deep/__init__.py": "",
    "tivit/inner/deep/unused.txt": "two",
}
"""`s` calls f -> g, which is h of `e`, imported inside f under another name; idle, k and `d` are never reached,
nor any function of `tivit` itself: those are there for users."""


@pytest.fixture
def root(tmp_path) -> Path:
    """Return the folder of the packages above."""
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(root: Path) -> list[str]:
    """Return what the file of `s` lists."""
    return [line.split(" ")[1] for line in code.listing("s", root).splitlines()]


def test_bodies_of_imported_modules_named_functions_and_data_beside_them_are_listed(root):
    assert names(root) == [
        "stages", "stages.s", "stages.s:run", "tivit", "tivit.a", "tivit.a:__getattr__", "tivit.a:entered", "tivit.a:f",
        "tivit.b", "tivit.c", "tivit.c:shared", "tivit.inner", "tivit.inner.e", "tivit.inner.e:h", "tivit.inner.e:shared",
        "tivit.table", "tivit.table:enter", "tivit/inner/pictures/a.png", "tivit/inner/words.txt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "differs"),
    [
        ("tivit/inner/e.py", "return shared()", "return 1", True),
        ("tivit/inner/words.txt", "one", "two", True),
        ("tivit/inner/pictures/a.png", "picture", "another", True),
        ("tivit/inner/__init__.py", "", "X = 1\n", True),
        ("tivit/__init__.py", "", "X = 1\n", True),
        ("tivit/__init__.py", "return x", "return None", False),
        ("tivit/a.py", "def idle():\n", "def idle():\n    1 + 1\n", False),
        ("tivit/c.py", "def k(): ...", "def k(): return 1", False),
        ("tivit/d.py", "def x(): ...", "Y = 1", False),
        ("tivit/inner/deep/unused.txt", "two", "three", False),
        ("tivit/inner/e.py", "return shared()", "return shared()  # at last", False),
    ],
)
def test_what_is_reached_counts_and_nothing_else(root, name, old, new, differs):
    before, path = code.listing("s", root), root / name
    path.write_text(path.read_text().replace(old, new) if old else new)
    assert (code.listing("s", root) != before) == differs


def test_hidden_reach_counts_where_it_is_reached(root):
    (root / "tivit/d.py").write_text("globals()\n")
    assert "tivit.d" not in names(root)
    (root / "tivit/b.py").write_text("import tivit.d\ndef g(): ...\n")
    with pytest.raises(InputError, match=r"tivit\.d: uses globals"):
        names(root)


def test_a_stage_refuses_to_run_beside_a_list_of_other_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"data/code/decode\.txt: is not of the code that would run; run `dvc repro code`"):
        code.check_code("decode")
    code.write_code("decode")
    code.check_code("decode")
    path = code.file_of("decode")
    path.write_text(path.read_text().replace("0", "1", 1))
    with pytest.raises(InputError, match="is not of the code that would run"):
        code.check_code("decode")


TRACE = """
import inspect, runpy, sys, threading
from pathlib import Path
root, seen = Path.cwd(), set()
def note(frame, event, argument):
    if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a function, not the body of a module or class
        seen.add((frame.f_code.co_filename, frame.f_code.co_qualname))
threading.setprofile(note)
sys.setprofile(note)
try:
    runpy.run_module(f"stages.{sys.argv.pop(1)}", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
finally:
    sys.setprofile(None)
for file, name in tuple(seen):
    path = Path(file)
    if path.is_relative_to(root) and path.suffix == ".py":
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        unit = name.split(".")[0]
        print("called", module if unit.startswith("<") else f"{module}:{unit}")
"""


@pytest.fixture(scope="module")
def clone(pristine_clone, tmp_path_factory) -> Path:
    """Return a clone in which the tiny pipeline has run."""
    return shutil.copytree(pristine_clone, tmp_path_factory.mktemp("code") / "clone", symlinks=True)


@pytest.mark.parametrize("stage", ["manifest", "train", "decode", "sweep", "evaluate"])
def test_whatever_a_stage_calls_is_listed(clone, stage):
    """Python is asked for every function that it calls while the stage runs."""
    done = subprocess.run(
        [sys.executable, "-c", TRACE, stage],
        cwd=clone,
        env=environment() | {"DVC_STAGE": stage},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    called = {line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith("called ")}
    listed = {line.split(" ")[1] for line in (clone / code.file_of(stage)).read_text().splitlines()}
    assert len(called) > 30 and f"stages.{stage}:run" in called
    assert called - listed == set()


def test_dvc_gets_no_result_of_code_that_is_not_listed(clone):
    """Started by hand, the same stage runs: nothing is recorded then."""
    path = clone / "tivit/theory/key.py"
    path.write_text(path.read_text() + "\nEDITED = 1\n")
    command = [sys.executable, "-m", "stages.decode"]
    done = subprocess.run(command, cwd=clone, env=environment() | {"DVC_STAGE": "decode"}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: data/code/decode.txt: is not of the code that would run; run `dvc repro code`")
    assert subprocess.run(command, cwd=clone, env=environment(), capture_output=True).returncode == 0
