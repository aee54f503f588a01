"""The documentation keeps its word: its commands run or at least parse, its links lead somewhere, its pages begin alike.

Every ```bash block is run in a scratch copy of the project with tiny data, unless the line before it is a comment
`<!-- not run: REASON -->`. The commands of all blocks, and those named in sentences, are checked without being run.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from doc_commands import PLACEHOLDERS, check, check_mention, is_param, params
from doc_pages import PAGES, anchors, blocks, code_spans, commands, links, page_text, target_page
from dvc.cli import DvcParserError
from pipeline_cases import ROOT, committed_copy, environment

from tivit.core.notes import make_notes, write_midi

README_LINES, README_WORDS = 150, 1000
LIMIT_S = 900
"""So that a command that hangs ends; a busy machine needs minutes for what takes seconds on a quiet one."""
BLOCKS = [block for page in PAGES for block in blocks(page) if block.language == "bash"]
RUN = list({block.text: block for block in reversed(BLOCKS) if block.reason is None}.values())[::-1]
SECTIONS = {name: keys for name, keys in params().items() if isinstance(keys, dict)}
FILE_ENDINGS = ("csv", "json", "npz", "yaml", "py", "md")
PRESENT = [page for page in PAGES if page != "docs/changelog.md"]
"""Pages that speak of the project as it is; the changelog also names what is gone."""
PAGES_RUN = sorted({block.page for block in RUN})
MENTIONED = re.compile(r"(?:PYTHONPATH=\S+ )?(?:tivit|python|python3|dvc|torchrun|pip install) \S.*")


COMMANDS = [(block.place, words) for block in BLOCKS for words in commands(block.text)]
MENTIONS = [
    (page, re.sub(r"[\[\]]|\.\.\.$", " ", span).split())
    for page in PAGES
    for span in code_spans(page)
    if MENTIONED.fullmatch(span) and "git+" not in span
]


SCRIPTS = sorted({word for _, words in COMMANDS + MENTIONS if "python" in words for word in words if word.endswith(".py")})


def named(item: tuple[str, list[str]]) -> str:
    """Return the name of a case: where a command is, and the command."""
    return f"{item[0]} {' '.join(item[1])}"


@pytest.mark.parametrize("case", COMMANDS, ids=named)
def test_every_command_parses(case):
    check(case[1])


@pytest.mark.parametrize("case", MENTIONS, ids=named)
def test_commands_named_in_sentences_parse(case):
    check_mention(case[1])


def test_every_block_has_a_command():
    assert BLOCKS and [block.place for block in BLOCKS if not commands(block.text)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_command_hides_in_another_kind_of_block(page):
    for block in blocks(page):
        assert block.language in ("", "bash", "python", "yaml"), f"{block.place}: {block.language}"
        if block.language != "bash":
            assert not re.search(r"^\s*(\$ |tivit |python3? |dvc |pip |export )", block.text, re.MULTILINE), block.place


@pytest.mark.parametrize(
    "text",
    [
        "tivit transcrib VIDEO.mp4 -o OUT.mid",
        "tivit transcribe VIDEO.mp4 --midi OUT.mid",
        "dvc exp run -S decode.lamda_key=1",
        "dvc exp run --qeue",
        "dvc repro trian",
        "python -m stages.trian",
        "python -m stages.sweep --loud debug",
        "python tests/benchmarks/lag.py --seeds 1",
        "python tests/benchmarks/nothing.py",
        "pytest tests/test_nothing.py",
        "pip install another-package",
        "cp nothing.pt data/pretrained/",
        "curl example.org",
        "PYTHONPATH=nowhere python -m tivit",
    ],
)
def test_a_wrong_command_is_noticed(text):
    with pytest.raises((AssertionError, DvcParserError)):
        check(*commands(text))


@pytest.mark.parametrize("text", ["tivit transcrib", "tivit check dataset --splits S", "dvc exp run -S decode.lamda_key=1"])
def test_a_wrong_command_in_a_sentence_is_noticed(text):
    with pytest.raises(AssertionError):
        check_mention(text.split())


def test_marker_continuation_and_comments_are_read():
    text = "<!-- not run: why -->\n```bash\na --x 1 \\\n  --y 2   # a comment\n. b && c\n```\n\n```\nd\n```\n"
    first, second = blocks("README.md", text)
    assert (first.language, first.reason, second.language, second.reason) == ("bash", "why", "", None)
    assert commands(first.text) == [["a", "--x", "1", "--y", "2"], [".", "b"], ["c"]]


@pytest.fixture
def project(pristine_clone, tmp_path) -> Path:
    """Return a committed copy of the tiny project with a user's files in it; `bin` beside it has `tivit` as if installed."""
    folder = committed_copy(pristine_clone, tmp_path / "project")
    clip = next((folder / "data/Synthetic/test").glob("plain_*.mp4"))
    for name in PLACEHOLDERS - {"OUT.mid"}:
        if name.endswith(".mp4"):
            shutil.copy(clip, folder / name)
        else:
            write_midi(folder / name, make_notes(np.array([0.2, 0.9]), np.array([0.5, 1.4]), np.array([60, 64])))
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/tivit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tivit "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.mark.slow  # two minutes; every run also parses these commands
@pytest.mark.parametrize("page", PAGES_RUN)
def test_the_commands_of_a_page_run(page, project):
    for block in RUN:
        if block.page == page:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text], cwd=project, env=environment(project.parent / "bin"),
                capture_output=True, text=True, timeout=LIMIT_S,
            )  # fmt: skip
            assert done.returncode == 0, f"{block.place}\n{block.text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    "block", [block for page in PAGES for block in blocks(page) if block.language == "python"], ids=lambda block: block.place
)
def test_python_examples_run(block, project):
    done = subprocess.run(
        [sys.executable, "-c", block.text], cwd=project, env=environment(project.parent / "bin"),
        capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout, f"{block.place}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_links_and_their_anchors_lead_somewhere(page):
    for target in links(page):
        path, anchor = target_page(page, target)
        assert path.exists() and path.is_relative_to(ROOT), f"{page}: {target}"
        assert not anchor or anchor in anchors(path.relative_to(ROOT).as_posix()), f"{page}: no heading {target}"


def test_every_page_is_reached_from_the_index():
    reached, queue = set(), ["docs/index.md"]
    while queue:
        page = queue.pop()
        if page not in reached and page.startswith("docs/"):
            reached.add(page)
            paths = [target_page(page, target)[0] for target in links(page)]
            queue += [path.relative_to(ROOT).as_posix() for path in paths if path.suffix == ".md"]
    assert reached == {page for page in PAGES if page.startswith("docs/")}


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_a_page_begins_with_its_purpose_and_one_command(page):
    opening = page_text(page).split("\n## ")[0]
    assert "This page" in opening and "```bash" in opening


def test_the_readme_stays_short():
    text = page_text("README.md")
    assert len(text.splitlines()) <= README_LINES and len(text.split()) <= README_WORDS


@pytest.mark.parametrize("page", PRESENT)
def test_files_named_in_the_text_exist(page):
    for span in code_spans(page):
        if not re.fullmatch(r"(?:tivit|tests|stages|docs|\.github)/[\w./{},-]+", span):
            continue
        braces = re.search(r"\{(.*)\}", span)
        names = [span.replace(braces.group(0), part) for part in braces.group(1).split(",")] if braces else [span]
        for name in names:
            path = ROOT / name
            there = path.exists() or path.with_suffix(".py").exists()
            assert there, f"{page}: {name}"


@pytest.mark.parametrize("page", PRESENT)
def test_params_named_in_the_text_exist(page):
    """`section.key`, with what may follow a key: a value, or a star for the keys that begin so."""
    for span in code_spans(page):
        match = re.fullmatch(rf"({'|'.join(SECTIONS)})\.([a-z][\w.]*)(\.?\*)?(?:[:=] ?.+)?", span)
        if match and not match.group(2).endswith(FILE_ENDINGS):
            section, key, star = match.groups()
            begins = [name for name in SECTIONS[section] if name.startswith(key)] if star == "*" else []
            assert begins or is_param(f"{section}.{key}"), f"{page}: {span}"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_documented_script_imports_what_there_is(script, monkeypatch):
    """A module that was moved is noticed here, not by the reader who runs a benchmark."""
    monkeypatch.syspath_prepend((ROOT / script).parent)  # as it is where Python runs the script
    spec = importlib.util.spec_from_file_location(f"documented_{Path(script).stem}", ROOT / script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    assert callable(module.main)


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
