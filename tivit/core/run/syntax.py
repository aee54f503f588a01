"""Source text as units whose digests no comment, docstring or line break changes, the same in every version of Python.

Each function and each class at the top of a module is a unit, and all its other statements (imports, constants) are one more,
the body. What a unit names says which others it may reach; ways to reach code that no name shows are refused (`HIDDEN`).
Nothing is run.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from pathlib import Path

from tivit.core.errors import InputError

DIGITS = 16
"""Hexadecimal digits of a digest: enough that no two versions of a function share one."""
HIDDEN = frozenset({"__import__", "eval", "exec", "globals", "locals"})
HIDDEN_MEMBERS = frozenset({"__init_subclass__", "__subclasses__", "import_module"})
"""Functions, and members of modules and classes, that reach code which nothing in the source names."""
STANDARD_DECORATORS = frozenset({"cache", "contextmanager", "dataclass", "overload", "runtime_checkable"})
"""Those that only change what they decorate. Any other may enter it in a table, so what it decorates is always reached."""
WITHOUT_MEANING = frozenset({"ctx", "kind", "type_comment"})
"""Fields of a syntax tree that follow from others, or from the way in which something is written."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Unit:
    """A part of a module whose digest is taken as a whole.

    Attributes
    ----------
    name : str
        `tivit.core.notes:make_notes` of a function or class, `tivit.core.notes` of the body.
    statements : list of ast.stmt
        What belongs to it.
    """

    name: str
    statements: list[ast.stmt]

    @property
    def called(self) -> str:
        """The name by which other code calls it; "" of a body."""
        return self.name.partition(":")[2]

    def is_reached_by_import(self) -> bool:
        """Return whether importing its module is enough: for bodies, `__getattr__` and what a decorator may enter somewhere."""
        decorators = (item for part in self.statements if isinstance(part, Definition) for item in part.decorator_list)
        heads = (item.func if isinstance(item, ast.Call) else item for item in decorators)
        names = {getattr(head, "attr", getattr(head, "id", "")) for head in heads}
        return not self.called or self.called.startswith("__") or not names <= STANDARD_DECORATORS


@dataclass(frozen=True)
class Content:
    """What stands in a unit.

    Attributes
    ----------
    digest : str
        16 hexadecimal digits of its syntax tree.
    names : set of str
        Every identifier, and every string that could be one, or several with points between.
    imports : set of str
        The dotted names that it imports; `from a import b` counts as both `a` and `a.b`.
    """

    digest: str
    names: set[str]
    imports: set[str]


def units_of(path: Path, module: str) -> list[Unit]:
    """Return the units of a module, the body first.

    Parameters
    ----------
    path : Path
        Its file.
    module : str
        Its dotted name.

    Returns
    -------
    list of Unit
        Definitions of one name (as of `typing.overload`) are one unit.

    Raises
    ------
    InputError
        The file is not Python.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path}: not Python ({error})") from None
    units = {"": Unit(module, [])}
    for part in tree.body:
        called = part.name if isinstance(part, Definition) else ""
        if not _is_for_types(part):
            units.setdefault(called, Unit(f"{module}:{called}", [])).statements.append(part)
    return list(units.values())


def content_of(unit: Unit) -> Content:
    """Return what stands in a unit.

    Parameters
    ----------
    unit : Unit
        From `units_of`.

    Returns
    -------
    Content
        Its digest is the same in every version of Python.

    Raises
    ------
    InputError
        The unit uses a relative import, or hides what it reaches.
    """
    text: list[str] = []
    names: set[str] = set()
    imports: set[str] = set()

    def read(node: object) -> None:
        if isinstance(node, list):
            text.append("[")
            for item in node:
                if not _is_prose(item):
                    read(item)
            text.append("]")
            return
        if not isinstance(node, ast.AST):
            text.append(ascii(node))
            return
        _note_names(node, unit.name, names, imports)
        text.append(type(node).__name__)
        for field, value in ast.iter_fields(node):
            if field not in WITHOUT_MEANING and value is not None and value != []:
                text.append(field)
                read(_joined(value) if isinstance(node, ast.JoinedStr) else value)
        text.append(")")

    read(unit.statements)
    return Content(hashlib.sha256("\n".join(text).encode()).hexdigest()[:DIGITS], names, imports)


def _note_names(node: ast.AST, unit: str, names: set[str], imports: set[str]) -> None:
    """Add to `names` and `imports` what a node names."""
    hidden: set[str] = set()
    if isinstance(node, ast.Name):
        names.add(node.id)
        hidden = {node.id} & HIDDEN
    elif isinstance(node, ast.Attribute):
        names.add(node.attr)
        hidden = {node.attr} & HIDDEN_MEMBERS
    elif isinstance(node, ast.FunctionDef):
        hidden = {node.name} & HIDDEN_MEMBERS
    elif isinstance(node, ast.Constant):
        parts = node.value.split(".") if isinstance(node.value, str) else []  # as `attrgetter("head.name")` has them
        names |= set(parts) if all(part.isidentifier() for part in parts) else set()
    elif isinstance(node, ast.Import):
        imports |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
        if node.level or node.module is None:
            raise InputError(f"{unit}: a relative import; write the whole name of the module")
        imports |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        names |= {alias.name for alias in node.names if alias.asname}  # without one, the same name stands where it is used
        hidden = {alias.name for alias in node.names} & HIDDEN_MEMBERS
    if hidden:
        raise InputError(f"{unit}: uses {', '.join(sorted(hidden))}, by which it may reach any code; name what it reaches")


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string with neighbouring texts as one: versions of Python divide them in different ways."""
    parts: list[ast.expr] = []
    for value in values:
        before = parts[-1].value if parts and isinstance(parts[-1], ast.Constant) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and isinstance(before, str):
            parts[-1] = ast.Constant(before + value.value)
        elif not (isinstance(value, ast.Constant) and value.value == ""):
            parts.append(value)
    return parts


def _is_prose(node: object) -> bool:
    """True for a docstring, wherever it stands."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_types(node: ast.stmt) -> bool:
    """True for `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse
