"""The pages that are made from the repository: they are current, and say of each file what it says of itself."""

import subprocess

import pytest
from paths import ROOT

from tivit.__main__ import main
from tivit.check.repository import INDEX_PAGE, TREE_PAGE, files_of, pages, purpose_of
from tivit.core.errors import InputError


@pytest.mark.parametrize("page", [TREE_PAGE, INDEX_PAGE], ids=str)
def test_the_pages_are_current(page):
    text = pages(ROOT, files_of(ROOT))[page]
    assert (ROOT / page).read_text() == text, f"{page} is out of date: run `tivit docs` and commit it"


def test_every_module_says_what_it_is_for():
    silent = [name for name in files_of(ROOT) if name.endswith(".py") and not purpose_of(ROOT / name)]
    assert silent == []


@pytest.mark.parametrize(
    ("name", "text", "purpose"),
    [
        ("a.py", '"""Notes: `x` | y.\n\nMore.\n"""\n', "Notes: x  y."),
        ("b.py", "x = 1\n", ""),
        ("c.md", "<!-- no -->\n# The heading\ntext\n", "The heading"),
        ("d.yaml", "# What it holds.\na: 1\n", "What it holds."),
        ("run", "#!/bin/sh\n# What it does.\n", "What it does."),
        ("e.csv", "# no comment\n", ""),
    ],
)
def test_a_file_says_itself_what_it_is_for(tmp_path, name, text, purpose):
    (tmp_path / name).write_text(text)
    assert purpose_of(tmp_path / name) == purpose


def test_the_command_writes_pages_that_list_what_git_has(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "tivit/__init__.py": '"""All."""\n',
        "tivit/a.py": '"""One module."""\n',
        "b.bin": "",
        "no.log": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".gitignore").write_text("*.log\n")
    subprocess.run(["git", "init", "-q"], check=True)
    assert main(["docs"]) == 0
    assert capsys.readouterr().out == f"{TREE_PAGE}\n{INDEX_PAGE}\n"
    index, tree = ((tmp_path / page).read_text() for page in (INDEX_PAGE, TREE_PAGE))
    assert "| [a.py](../tivit/a.py) | One module. |" in index and "no.log" not in index + tree
    assert "(2 py)  All." in tree and "b.bin" in tree
    before = index, tree
    assert main(["docs"]) == 0
    assert before == tuple((tmp_path / page).read_text() for page in (INDEX_PAGE, TREE_PAGE))


def test_outside_of_a_clone_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="not a git repository; run the command in the root folder of a clone"):
        files_of(tmp_path)
