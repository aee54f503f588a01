"""The documentation as data: its pages, blocks of code, shell commands, links and headings. Nothing is run here."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from pipeline_cases import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "docs/*.md", "data/*/README.md", "tivit/pretrained/README.md", ".github/CONTRIBUTING.md")
    for path in ROOT.glob(pattern)
)
FENCE = re.compile(r" {0,3}```(\w*)\s*$")
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>\S.*?) -->")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
SEPARATORS = {"&&", "||", ";", "|"}


@dataclass(frozen=True)
class Block:
    """A block of code: where it begins, its language, its text, and why it is not run (None: it is)."""

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def page_text(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text()


def blocks(page: str, text: str | None = None) -> list[Block]:
    """Return the blocks of code of a page (or of `text`), each with the marker on the line before it."""
    found, start, language, body, reason = [], 0, "", [], None
    lines = (page_text(page) if text is None else text).splitlines()
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if start and fence:
            found.append(Block(page, start, language, "\n".join(body), reason))
            start = 0
        elif start:
            body.append(line)
        elif fence:
            marker = NOT_RUN.fullmatch(lines[number - 2].strip()) if number > 1 else None
            start, language, body, reason = number, fence.group(1), [], marker and marker.group("reason")
    assert not start, f"{page}:{start}: the block has no end"
    return found


def prose(page: str) -> str:
    """Return a page without its blocks of code and its comments."""
    kept, inside = [], False
    for line in page_text(page).splitlines():
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return re.sub(r"<!--.*?-->", "", "\n".join(kept), flags=re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """Return the commands of shell text as words: comments, and what joins commands, taken out."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in SEPARATORS:
                words.append(word)
            elif words:
                found.append(words)
                words = []
    return found


def code_spans(page: str) -> list[str]:
    """Return the inline code of a page."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(page))


def links(page: str) -> list[str]:
    """Return the targets of the links and pictures of a page that lie inside the project."""
    targets = LINK.findall(re.sub(r"(?<!`)`[^`\n]+`(?!`)", "code", prose(page)))
    return [target for target in targets if not re.match(r"\w+:", target)]


def anchors(page: str) -> set[str]:
    """Return the names under which the headings of a page can be linked to, as GitHub makes them."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", prose(page), flags=re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        count = found.get(slug, -1) + 1
        found[slug] = count
        if count:
            found[f"{slug}-{count}"] = 0
    return set(found)


def target_page(page: str, target: str) -> tuple[Path, str]:
    """Return the file a link of a page leads to, and its anchor (empty: none)."""
    path, _, anchor = target.partition("#")
    return ((ROOT / page).parent / path).resolve() if path else ROOT / page, anchor
