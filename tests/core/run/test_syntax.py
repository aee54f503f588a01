"""Digests of source: what changes them and what does not, the same in every version of Python; names and what hides them."""

from pathlib import Path

import pytest

from tivit.core.errors import InputError
from tivit.core.run.syntax import content_of, units_of

SOURCE = '''
"""Docstring."""
import os
from tivit.core import notes as n

LIMIT = 3
"""Of a constant."""

@cache
def first(x: int = 1, *rest, key=None, **others) -> str:
    """Doc."""
    text = f"{x!r:>{key}} {os.path} {{}} {x:.2f}" f" {x=} tail" ""
    match x:
        case {"a": [1, *_], **more} if key:
            return [*rest, {**others}, lambda p, /, q: (p, q)]
        case int() | str() as both:
            del both, rest[1:2, ::3]
    async def inner():
        async with key as k:
            yield [i async for i in k if (j := i)]
    return text, 1_000, 1e-05, 1j, b"\\xff", "\\u2028\\u00e9", -1, True, None, ...

class Second(first, metaclass=LIMIT):
    "Doc."
    value: "float" = 2.0
    "Of a field."
'''
DIGESTS = {"m": "90cc216092ff7f59", "m:first": "4eee548876347d97", "m:Second": "f4ff88219722a3aa"}
"""As one version of Python made them; the tests run on several."""


def contents(tmp_path: Path, source: str) -> dict:
    """Return name -> content of the units of a module `m`."""
    path = tmp_path / "m.py"
    path.write_text(source)
    return {unit.name: content_of(unit) for unit in units_of(path, "m")}


def digests(tmp_path: Path, source: str) -> dict[str, str]:
    """Return name -> digest of the units of a module `m`."""
    return {name: content.digest for name, content in contents(tmp_path, source).items()}


def test_digests_are_the_same_in_every_version_of_python(tmp_path):
    assert digests(tmp_path, SOURCE) == DIGESTS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    """Doc."""\n', ""),
        ('"""Docstring."""', '"""Another."""'),
        ('"""Of a constant."""\n', ""),
        ('    "Of a field."\n', ""),
        ("LIMIT = 3", "LIMIT = (3)  # at most"),
        ("1_000", "1000"),
        ("key=None, **others)", "key=None,\n  **others,\n)"),
        ('f" {x=} tail" ""', 'f" x={x!r} tail"'),
        ("import os\n", "import os\n\n\nif TYPE_CHECKING:\n    import sys\n"),
    ],
)
def test_prose_and_layout_change_nothing(tmp_path, old, new):
    assert old in SOURCE
    assert digests(tmp_path, SOURCE.replace(old, new)) == DIGESTS


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("LIMIT = 3", "LIMIT = 3.0", "m"),
        ("import os\n", "import os, sys\n", "m"),
        ("x: int = 1", "x: int = True", "m:first"),
        ("text, 1_000", "text, 1_001", "m:first"),
        ("{x:.2f}", "{x:.3f}", "m:first"),
        ("@cache\n", "", "m:first"),
        ('"float" = 2.0', '"float" = 2.5', "m:Second"),
        ("[*rest,", "[rest,", "m:first"),
        ("Second(first,", "Second(", "m:Second"),
    ],
)
def test_anything_else_changes_its_own_unit_alone(tmp_path, old, new, changed):
    assert old in SOURCE
    after = digests(tmp_path, SOURCE.replace(old, new))
    assert {name for name in DIGESTS if after[name] != DIGESTS[name]} == {changed}


def test_names_and_imports(tmp_path):
    found = contents(
        tmp_path, "import a.b\nfrom c.d import e, f as g\nX = e('word', 'two words', 'with.point').h\ndef y(): ...\n"
    )
    assert found["m"].names == {"f", "e", "word", "with", "point", "h", "X"}
    assert found["m"].imports == {"a.b", "c.d", "c.d.e", "c.d.f"}
    assert found["m:y"].names == set()


def test_definitions_of_one_name_are_one_unit(tmp_path):
    source = "@overload\ndef f(x: int): ...\ndef f(x): ...\n"
    assert set(digests(tmp_path, source)) == {"m", "m:f"}
    assert digests(tmp_path, source)["m:f"] != digests(tmp_path, "def f(x): ...\n")["m:f"]


@pytest.mark.parametrize(
    "line",
    [
        "globals()['f']()", "eval('f')", "exec(x)", "import importlib; importlib.import_module(x)", "__import__(x)",
        "from importlib import import_module", "Base.__subclasses__()", "class A:\n    def __init_subclass__(cls): ...",
    ],
)  # fmt: skip
def test_what_hides_the_code_it_reaches_is_refused(tmp_path, line):
    with pytest.raises(InputError, match=r"^m(:A)?: uses \w+, by which it may reach any code"):
        contents(tmp_path, line + "\n")


def test_a_method_may_be_called_eval(tmp_path):
    assert contents(tmp_path, "model.eval()\n")["m"].names == {"model", "eval"}


def test_relative_imports_and_broken_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="m: a relative import"):
        contents(tmp_path, "from . import x\n")
    with pytest.raises(InputError, match=r"m\.py: not Python"):
        contents(tmp_path, "def\n")
