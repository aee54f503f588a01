"""Checks of a documented command that do not run it: its program, options, params, stages and files exist."""

import argparse
import ast
import contextlib
import importlib
import io
import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml
from pipeline_cases import ROOT, STAGES

ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
PLACEHOLDERS = {"VIDEO.mp4", "ANOTHER.mp4", "OUT.mid", "TRUE.mid", "FOUND.mid", "first.mp4", "first.mid"}
"""Files of the user; a test puts them where a command that is run needs them."""
BUILT = ("data/", "metrics/", ".tivit/", "dvc.lock")
"""Where the pipeline writes, so that what is named there need not be in a fresh checkout."""


class _ParserFoundError(Exception):
    def __init__(self, parser: argparse.ArgumentParser):
        self.parser = parser


def parser_of(call: Callable[[], object]) -> argparse.ArgumentParser:
    """Return the parser that `call` builds, caught at the moment it would parse."""
    original = argparse.ArgumentParser.parse_args

    def caught(self: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise _ParserFoundError(self)

    argparse.ArgumentParser.parse_args = caught
    try:
        call()
    except _ParserFoundError as found:
        return found.parser
    finally:
        argparse.ArgumentParser.parse_args = original
    raise AssertionError("no parser was built")


@cache
def tivit_parser() -> argparse.ArgumentParser:
    """Return the parser of `tivit`: the only place here that knows where it is made."""
    from tivit.commands.main import command_parser

    return command_parser()


@cache
def stage_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of the script of a stage."""
    stage = importlib.import_module(f"stages.{name}")
    return parser_of(lambda: stage.run_stage(stage.run, []))


def parse(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """Fail with what the parser says unless it takes the words; `--help` is taken."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words)
    except SystemExit as end:
        assert end.code in (0, None), said.getvalue()


def check(words: list[str]) -> None:
    """Fail unless the command, given as words, is one that this project has."""
    while words and ASSIGNMENT.fullmatch(words[0]):
        _check_assignment(words[0])
        words = words[1:]
    assert words, "nothing but assignments"
    program, rest = words[0], words[1:]
    assert program in CHECKS, f"no check knows the program {program!r}; add one to doc_commands.CHECKS"
    CHECKS[program](rest)


def check_mention(words: list[str]) -> None:
    """Like `check`, for a command named in a sentence: what it requires may be missing, brackets mark what is optional."""
    if words[:3] == ["python", "-m", "tivit"]:
        words = words[2:]
    if words[0] != "tivit":
        return check(words)
    parser, options = tivit_parser(), [word for word in words if word.startswith("-")]
    for word in words[1:]:
        below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not below or word.startswith("-"):
            break
        assert word in below[0].choices, f"{word!r} is not one of {sorted(below[0].choices)}"
        parser = below[0].choices[word]
    unknown = [option for option in options if option not in parser._option_string_actions]
    assert not unknown, f"{parser.prog} has no {unknown}"
    return None


@cache
def params() -> dict:
    """Return the content of params.yaml."""
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def is_param(name: str) -> bool:
    """True when params.yaml has the key `a.b.c`."""
    value = params()
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def check_path(name: str) -> None:
    """Fail unless a path of a command is in the project, is written by the pipeline, or stands for a file of the user."""
    built = name.startswith(BUILT) and not name.endswith("README.md")
    assert name in PLACEHOLDERS or built or (ROOT / name).exists(), f"{name} does not exist"


def _check_assignment(word: str) -> None:
    name, _, value = word.partition("=")
    if name == "PYTHONPATH":
        for folder in value.split(":"):
            check_path(folder)


def _tivit(words: list[str]) -> None:
    parse(tivit_parser(), words)


def _python(words: list[str]) -> None:
    if words[:2] == ["-m", "venv"]:
        assert words[2:] == [".venv"]
    elif words[:2] == ["-m", "tivit"]:
        _tivit(words[2:])
    elif words[0] == "-m":
        _module(words[1:])
    else:
        _script(words[0], words[1:])


def _module(words: list[str]) -> None:
    package, _, name = words[0].partition(".")
    if package == "tests":
        return _script(f"{words[0].replace('.', '/')}{'/__main__' if (ROOT / package / name).is_dir() else ''}.py", words[1:])
    assert package == "stages" and name in STAGES, f"no stage {words[0]}"
    parse(stage_parser(name), words[1:])
    return None


@cache
def script_options(name: str) -> set[str]:
    """Return the options that a script adds to its parser, read from its source."""
    tree = ast.parse((ROOT / name).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"]
    return {arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)} | {"--help"}


def _script(name: str, words: list[str]) -> None:
    check_path(name)
    own = words[: words.index("--")] if "--" in words else words  # what follows is handed on to another command
    unknown = {word for word in own if word.startswith("--")} - script_options(name)
    assert not unknown, f"{name} has no {sorted(unknown)}"


def _dvc(words: list[str]) -> None:
    from dvc.cli.parser import get_main_parser

    arguments = get_main_parser().parse_args(words)
    for change in getattr(arguments, "set_param", None) or []:
        name, sign, _ = change.partition("=")
        assert not sign or is_param(name), f"params.yaml has no {name}"
    if words[0] in ("repro", "commit"):
        unknown = set(arguments.targets or []) - set(STAGES)
        assert not unknown, f"no stage {sorted(unknown)}"


def _torchrun(words: list[str]) -> None:
    start = words.index("-m")
    known = r"--(nproc_per_node=\d+|nnodes=\d+|rdzv_backend=c10d|rdzv_endpoint=[\w.]+:\d+)"
    assert all(re.fullmatch(known, word) for word in words[:start]), words
    _module(words[start + 1 :])


def _dask(words: list[str]) -> None:
    """A cluster of dask is started by dask itself, which is not installed here; the page uses two of its commands."""
    known = r"scheduler|worker|tcp://[\d.]+:\d+|--nworkers|--nthreads|auto|\d+"
    assert words[0] in ("scheduler", "worker") and all(re.fullmatch(known, word) for word in words), words


def _pip(words: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    if words[0] == "show":
        assert words[1:] == [project["name"]]
        return
    assert words[0] == "install" and len(words) > 1, words
    for word, before in zip(words[1:], words, strict=False):
        if before == "-r":
            check_path(word)
        elif word not in ("-r", "-e", "--editable"):
            match = re.fullmatch(r"\.(?:\[([\w,-]+)\])?", word)
            assert match, f"pip install {word}: only this project is installed"
            missing = set((match.group(1) or "").split(",")) - {"", *project.get("optional-dependencies", {})}
            assert not missing, f"no extra {sorted(missing)}"


def _pytest(words: list[str]) -> None:
    if words[:1] == ["-m"]:
        markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
        assert words[1] in {marker.partition(":")[0] for marker in markers}, f"no marker {words[1]}"
        words = words[2:]
    _paths(words)


def _paths(words: list[str]) -> None:
    for word in words:
        if not word.startswith("-"):
            check_path(word)


def _ruff(words: list[str]) -> None:
    assert words[0] in ("check", "format"), words
    _paths(words[1:])


def _tensorboard(words: list[str]) -> None:
    assert words[0] == "--logdir"
    check_path(words[1])


READ_BY_LIBRARIES = ("AWS_ENDPOINT_URL",)
"""Variables that no code of the project reads: botocore reads this one."""


def _export(words: list[str]) -> None:
    source = "".join(path.read_text() for path in Path(ROOT / "tivit").rglob("*.py"))
    for name in (word.partition("=")[0] for word in words):
        assert f'"{name}"' in source or name in READ_BY_LIBRARIES, f"nothing reads {name}"


def _gto(words: list[str]) -> None:
    artifacts = yaml.safe_load((ROOT / "dvc.yaml").read_text())["artifacts"]
    assert words[0] in ("register", "assign") and words[1] in artifacts, words


def _git(words: list[str]) -> None:
    assert words[0] in ("add", "checkout", "commit", "diff"), words
    _paths([word for word in words[1:] if word not in ("HEAD", "--ours")])


def _activate(words: list[str]) -> None:
    assert words == [".venv/bin/activate"]


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "tivit": _tivit, "python": _python, "python3": _python, "dvc": _dvc, "torchrun": _torchrun, "pip": _pip, "pytest": _pytest,
    "ruff": _ruff, "gto": _gto, "cp": _paths, "tensorboard": _tensorboard, "export": _export, ".": _activate,
    "git": _git, "dask": _dask,
}  # fmt: skip
