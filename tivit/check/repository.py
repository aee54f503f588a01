"""Two pages that are made from the repository itself: a tree of its folders, and a list of its files with what each is for.

What a file is for is its own first line: of a module's docstring, the heading of a page, a comment at the top. Nothing is
written by hand, so nothing can be out of date once `tivit docs` has run; a test says when it has not.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError

TREE_PAGE, INDEX_PAGE = Path("docs/REPO_TREE.md"), Path("docs/FILE_INDEX.md")
COMMENTED = {".yaml", ".yml", ".toml", ".txt", ""}
"""Endings of files that may begin with a comment (`# ...`); "" is that of scripts."""
LONGEST = 200
"""Most letters of a purpose."""
OPENING = """# {title}

This page is for readers of the code: {purpose}. It is made from the files
themselves by one command, and a test says when it is out of date:

```bash
tivit docs
```
"""


def write_pages(root: Path) -> list[Path]:
    """Write both pages.

    Parameters
    ----------
    root : Path
        A clone of the project.

    Returns
    -------
    list of Path
        The files written, below `root`.

    Raises
    ------
    InputError
        The folder is no clone.
    """
    texts = pages(root, files_of(root))
    for name, text in texts.items():
        write_bytes(root / name, text.encode())
    return list(texts)


def pages(root: Path, files: Iterable[str]) -> dict[Path, str]:
    """Return the text of both pages.

    Parameters
    ----------
    root : Path
        The folder of the project.
    files : iterable of str
        Its files, below `root`, with `/` between folders.

    Returns
    -------
    dict[Path, str]
        Path below `root` -> Markdown.
    """
    names = sorted({*files, TREE_PAGE.as_posix(), INDEX_PAGE.as_posix()})
    return {TREE_PAGE: _tree_page(root, names), INDEX_PAGE: _index_page(root, names)}


def files_of(root: Path) -> list[str]:
    """Return the files of a clone that git has or would take.

    Parameters
    ----------
    root : Path
        The folder of the clone.

    Returns
    -------
    list of str
        Paths below `root`.

    Raises
    ------
    InputError
        The folder is no clone, or there is no git.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        raise InputError("git: no such program; the pages are made from git's list of files") from None
    if listed.returncode:
        raise InputError(f"{root}: not a git repository; run the command in the root folder of a clone")
    return sorted(name for name in set(listed.stdout.split("\0")) if name and (root / name).is_file())


def purpose_of(path: Path) -> str:
    """Return what a file says of itself in one line.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Its first line as plain text; "" when it says nothing.
    """
    if path.suffix not in (".py", ".md", *COMMENTED):
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".py":
        line = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
    elif path.suffix == ".md":
        line = next((line.lstrip("# ") for line in text.split("\n") if line.startswith("# ")), "")
    else:
        comment = re.match(r"(?:#!.*\n)?((?:# .*\n)+)", text)
        line = re.split(r"(?<=\.) ", comment[1].replace("\n# ", " ").removeprefix("# ").strip())[0] if comment else ""
    return re.sub(r"[`|<>\[\]]", "", line).strip()[:LONGEST]  # letters that mean something in a table of Markdown


def _index_page(root: Path, names: list[str]) -> str:
    """Return the list of files that say what they are for, a table per folder."""
    purposes = {name: purpose_of(root / name) for name in names if name not in (TREE_PAGE.as_posix(), INDEX_PAGE.as_posix())}
    purposes |= {TREE_PAGE.as_posix(): "The tree of folders and files", INDEX_PAGE.as_posix(): "This page"}
    text = [OPENING.format(title="Index of files", purpose="it says in one line what each file is for")]
    folders = sorted({_folder(name) for name, purpose in purposes.items() if purpose})
    for folder in folders:
        inside = [name for name in names if _folder(name) == folder]
        rows = [f"| [{name.rpartition('/')[2]}](../{name}) | {purposes[name]} |" for name in inside if purposes[name]]
        text.append("\n".join([f"## {folder or 'The root folder'}\n", "| file | what it is for |", "|---|---|", *rows]) + "\n")
    return "\n".join(text)


def _tree_page(root: Path, names: list[str]) -> str:
    """Return the tree of folders, with the number of files in each and what its package is for."""
    folders = sorted({"/".join(name.split("/")[:depth]) for name in names for depth in range(1, name.count("/") + 1)})
    lines = []
    for folder in folders:
        inside = [name.rpartition("/")[2] for name in names if _folder(name) == folder]
        package = root / folder / "__init__.py"
        purpose = purpose_of(package) if package.is_file() else ""
        counts = Counter(Path(name).suffix.removeprefix(".") or name.removeprefix(".") for name in inside)
        files = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        label = "    " * folder.count("/") + folder.rpartition("/")[2] + "/"
        lines.append(f"{label:<28} {f'({files})' if files else ''}{'  ' + purpose if purpose else ''}".rstrip())
    top = ", ".join(name for name in names if "/" not in name)
    opening = OPENING.format(
        title="Tree of the repository",
        purpose="it shows the folders, how many files of each kind they hold, and what is in them",
    )
    body = "\n".join(["```", *lines, "```"])
    return f"{opening}\n{body}\n\nIn the root folder: {top}.\n\nWhat each file is for is in [FILE_INDEX.md](FILE_INDEX.md).\n"


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
