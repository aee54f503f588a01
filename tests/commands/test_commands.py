"""The command line itself: help for everything, nearest names in errors, values that begin with a minus, a quick start."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from paths import ROOT

from tivit.commands.main import COMMANDS, command_parser, main
from tivit.transcription import batch

SLOW_TO_IMPORT = {"yaml", "numpy", "torch", "cv2", "av", "scipy", "pretty_midi", "mir_eval", "tqdm"}


def parsers(parser: argparse.ArgumentParser, name: str = "tivit") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield the parser and those of its commands and their kinds, with what is typed to reach each."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from parsers(inner, f"{name} {word}")


PARSERS = dict(parsers(command_parser()))


def refusal(capsys, *arguments: str) -> str:
    """Return the one line that refused arguments print."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize("name", PARSERS)
def test_everything_has_help(name):
    parser = PARSERS[name]
    assert parser.prog.startswith(name.split()[0]) and parser.description
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert {choice.dest for choice in action._choices_actions if choice.help} == set(action.choices)
        else:
            assert action.help, f"{name}: {action.option_strings or action.dest}"
    assert parser.format_help().startswith(f"usage: {name}")


def test_the_walk_reaches_commands_and_kinds():
    assert {"tivit transcribe", "tivit export-weights", "tivit check forward"} <= PARSERS.keys()
    assert len(PARSERS) == 1 + len(COMMANDS) + 4


def test_a_command_named_like_a_stage_says_so():
    stages = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    stages |= set(yaml.safe_load((ROOT / "data/dvc.yaml").read_text())["stages"])
    shared = {name.removeprefix("tivit ") for name in PARSERS} & stages
    assert shared == {"sweep", "synthesize"}
    for name in shared:
        assert f"{name} stage" in " ".join(PARSERS[f"tivit {name}"].format_help().split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["transcrbe", "my.mp4"], "'transcrbe' is not one of transcribe, serve.*did you mean 'transcribe'"),
        (["transcribe", "my.mp4", "--frist-key", "C2"], r"unknown option --frist-key \(did you mean '--first-key'\?\)"),
        (["transcribe", "my.mp4", "--frist-key=C2"], "did you mean '--first-key'"),
        (["transcribe", "my.mp4", "--out", "out.mid"], r"unknown option --out \(did you mean '--output'"),
        (["check", "lagg"], "'lagg' is not one of registration, dataset, lag, forward.*did you mean 'lag'"),
        (["check", "lag", "--splt", "val"], "did you mean '--split'"),
        (["transcribe", "my.mp4", "-o", "o.mid", "--orientation", "rotatd"], "did you mean 'rotated'"),
        (["transcribe"], "required: VIDEO; `tivit transcribe --help` says"),
        (["transcribe", "my.mp4", "-o", "o.mid", "--threads", "0"], "'0' is not a count"),
        (["transcribe", "my.mp4", "--start", "1:xx"], "'1:xx' is not a time; write seconds"),
        (["score", "a.mid", "b.mid", "--params", "params.yaml"], "unknown option --params"),
        ([], "required: command"),
    ],
)
def test_wrong_usage_is_one_sentence_with_the_nearest_name(capsys, arguments, sentence):
    assert re.search(sentence, refusal(capsys, *arguments))


def test_a_missing_params_file_says_what_to_do(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["index", "Synthetic"]) == 2
    assert "params.yaml: no such file; run the command in the folder of the project, or" in capsys.readouterr().err


def test_corners_left_of_or_above_the_picture_are_values(monkeypatch):
    seen = {}

    monkeypatch.setattr(batch, "transcribe_all", lambda asked: seen.update(known=asked.known) or 0)
    corners = ["-2,466", "1794,-.5", "1789.5,675", "-3.25,665"]
    assert main(["transcribe", "--corners", *corners, "-o", "out.mid", "my.mp4"]) == 0
    assert seen["known"].corners == ((-2.0, 466.0), (1794.0, -0.5), (1789.5, 675.0), (-3.25, 665.0))


def test_options_after_a_double_dash_are_names():
    arguments = command_parser().parse_args(["score", "--", "--true.mid", "--found.mid"])
    assert (arguments.reference, arguments.estimates) == (Path("--true.mid"), [Path("--found.mid")])


@pytest.mark.parametrize("arguments", [["--help"], ["transcribe", "--help"], ["check", "forward", "--help"], ["--version"]])
def test_help_imports_nothing_that_takes_long(arguments):
    code = (
        "import sys; from tivit.commands.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as done: assert not done.code\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(("usage: tivit", "tivit "))
    assert not SLOW_TO_IMPORT & set(lines[-1].split())
