"""Every option of `tivit transcribe`, `serve` and `finetune` reaches what does the work, and none is without a case here."""

import argparse
from pathlib import Path

import pytest
from paths import PARAMS_FILE

from tivit.commands.main import command_parser, main
from tivit.core.errors import InputError
from tivit.finetuning import finetune as finetuning
from tivit.finetuning.finetune import Outcome
from tivit.pretrained.files import chosen
from tivit.serve import run as serve_run
from tivit.transcription import batch, chain

VIDEO = "my.mp4"
OWN = ["--checkpoint", "a.pt", "--thresholds", "a.json", "--params", str(PARAMS_FILE)]
PIANO = ["--weights", "piano.pt"]
CORNERS = ("0,0", "9,0", "9,5", "0,5")


def plan(asked):
    return asked.plans[Path(VIDEO)]


TRANSCRIBE = {
    "--output": (["-o", "other.mid"], lambda asked: plan(asked).midi == Path("other.mid")),
    "--force": (["--force"], lambda asked: not isinstance(plan(asked), InputError)),
    "--json": (["--json"], lambda asked: plan(asked).others == {"json": Path("my.json")}),
    "--csv": (["--csv"], lambda asked: plan(asked).others == {"csv": Path("my.csv")}),
    "--score": (["--score"], lambda asked: plan(asked).others == {"score": Path("my.musicxml")}),
    "--report": (["--report"], lambda asked: plan(asked).others == {"report": Path("my.html")} and "--report" in asked.options),
    "--quiet": (["--quiet"], lambda asked: asked.quiet),
    "--start": (["--start", "1:02.5"], lambda asked: asked.span_s == (62.5, float("inf")) and "--start=62.5" in asked.options),
    "--end": (["--end", "9"], lambda asked: asked.span_s == (0.0, 9.0) and "--end=9" in asked.options),
    "--corners": (["--corners", *CORNERS], lambda asked: asked.known.corners == ((0, 0), (9, 0), (9, 5), (0, 5))),
    "--first-key": (["--first-key", "F#1"], lambda asked: asked.known.first_key == 30),
    "--orientation": (["--orientation", "mirrored"], lambda asked: asked.known.orientation == "mirrored"),
    "--adapt": (["--adapt"], lambda asked: asked.adapt and "--adapt" in asked.options),
    "--workers": (["--workers", "2"], lambda asked: asked.workers.count == 2),
    "--weights": (PIANO, lambda asked: asked.checkpoint == Path("piano.pt") and "--weights=piano.pt" in asked.options),
    "--checkpoint": (OWN, lambda asked: asked.checkpoint == Path("a.pt")),
    "--thresholds": (OWN, lambda asked: asked.thresholds == Path("a.json")),
    "--params": (["--params", "mine.yaml"], lambda asked: asked.params["runtime"]["threads"] == 7),
    "--device": (["--device", "cuda"], lambda asked: asked.params["runtime"]["device"] == "cuda"),
    "--threads": (["--threads", "3"], lambda asked: asked.params["runtime"]["threads"] == 3),
    "--verbose": (["--verbose", "debug"], lambda asked: asked.checkpoint == chosen(None, None).checkpoint),
}
SERVE = {
    "--port": (["--port", "18080"], lambda asked: asked["port"] == 18080),
    "--no-browser": (["--no-browser"], lambda asked: not asked["opens_browser"]),
    "--weights": (PIANO, lambda asked: asked["files"] == ("piano.pt", "piano.thresholds.json")),
    "--checkpoint": (OWN, lambda asked: asked["files"][0] == "a.pt"),
    "--thresholds": (OWN, lambda asked: asked["files"][1] == "a.json"),
    "--params": (["--params", "mine.yaml"], lambda asked: asked["params"]["runtime"]["threads"] == 7),
    "--device": (["--device", "cuda"], lambda asked: asked["params"]["runtime"]["device"] == "cuda"),
    "--threads": (["--threads", "3"], lambda asked: asked["params"]["runtime"]["threads"] == 3),
    "--verbose": (["--verbose", "debug"], lambda asked: asked["opens_browser"] and asked["port"] == 0),
}
FINETUNE = {
    "--output": (["-o", "other.pt"], lambda asked: asked["request"].output == Path("other.pt")),
    "--force": (["--force"], lambda asked: asked["request"].output == Path("my.pt")),
    "--keep-anyway": (["--keep-anyway"], lambda asked: asked["request"].keeps_anyway),
    "--learn-to": (["--learn-to", "1:02.5"], lambda asked: asked["request"].learn_to_s == 62.5),
    "--steps": (["--steps", "7"], lambda asked: asked["request"].steps == 7),
    "--corners": (["--corners", *CORNERS], lambda asked: asked["request"].known.corners == ((0, 0), (9, 0), (9, 5), (0, 5))),
    "--first-key": (["--first-key", "F#1"], lambda asked: asked["request"].known.first_key == 30),
    "--orientation": (["--orientation", "mirrored"], lambda asked: asked["request"].known.orientation == "mirrored"),
    "--weights": (PIANO, lambda asked: asked["trained"].checkpoint == Path("piano.pt")),
    "--device": (["--device", "cuda"], lambda asked: asked["params"]["runtime"]["device"] == "cuda"),
    "--threads": (["--threads", "3"], lambda asked: asked["params"]["runtime"]["threads"] == 3),
    "--verbose": (["--verbose", "debug"], lambda asked: asked["trained"].checkpoint == chosen(None, None).checkpoint),
}


def options_of(command):
    """Return the long names of the options of a command."""
    below = next(action for action in command_parser()._actions if isinstance(action, argparse._SubParsersAction))
    names = [name for action in below.choices[command]._actions for name in action.option_strings if name.startswith("--")]
    return set(names) - {"--help"}


@pytest.mark.parametrize(("command", "cases"), [("transcribe", TRANSCRIBE), ("serve", SERVE), ("finetune", FINETUNE)])
def test_every_option_has_a_case(command, cases):
    assert options_of(command) == set(cases)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty current folder with a video and a params file that has seven threads."""
    monkeypatch.chdir(tmp_path)
    for name in (VIDEO, "piano.pt", "piano.thresholds.json"):
        Path(name).write_bytes(b"")
    section = next(part for part in PARAMS_FILE.read_text().split("\n\n") if "runtime:" in part)
    text = section[section.index("runtime:") :]
    lines = ("  threads: 7" if line.startswith("  threads:") else line for line in text.splitlines())
    Path("mine.yaml").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.parametrize("option", TRANSCRIBE)
def test_an_option_of_transcribe_is_followed(folder, monkeypatch, option):
    arguments, holds = TRANSCRIBE[option]
    if option == "--force":
        Path("my.mid").write_bytes(b"MThd")
    seen = []
    monkeypatch.setattr(batch, "transcribe_all", lambda asked: seen.append(asked) or 0)
    assert main(["transcribe", VIDEO, *arguments]) == 0
    assert holds(seen[0])
    assert main(["transcribe", VIDEO]) == 0
    if option not in ("--verbose",):
        assert not holds(seen[1])


@pytest.mark.parametrize("option", SERVE)
def test_an_option_of_serve_is_followed(folder, monkeypatch, option):
    arguments, holds = SERVE[option]
    seen = []

    class Ready:
        def __init__(self, params, checkpoint, thresholds):
            self.asked = {"params": params, "files": (str(checkpoint), str(thresholds))}

    def serve(ready, videos, port, opens_browser):
        seen.append({**ready.asked, "videos": videos, "port": port, "opens_browser": opens_browser})

    monkeypatch.setattr(chain, "Transcriber", Ready)
    monkeypatch.setattr(serve_run, "serve", serve)
    assert main(["serve", VIDEO, *arguments]) == 0
    assert holds(seen[0]) and seen[0]["videos"] == [Path(VIDEO)]


@pytest.mark.parametrize("option", FINETUNE)
def test_an_option_of_finetune_is_followed(folder, monkeypatch, capsys, option):
    arguments, holds = FINETUNE[option]
    seen = []

    def learn(request, trained, params):
        seen.append({"request": request, "trained": trained, "params": params})
        return Outcome(None, is_written=request.keeps_anyway)

    monkeypatch.setattr(finetuning, "finetune", learn)
    if option == "--force":
        Path("my.pt").write_bytes(b"")
        assert main(["finetune", VIDEO, "my.mid"]) == 2 and "my.pt: exists already" in capsys.readouterr().err
    # Exit status 1 where nothing is written.
    assert main(["finetune", VIDEO, "my.mid", *arguments]) == (0 if option == "--keep-anyway" else 1)
    assert holds(seen[0]) and seen[0]["request"].midi == Path("my.mid")
    if option not in ("--verbose", "--force"):
        assert main(["finetune", VIDEO, "my.mid"]) == 1 and not holds(seen[1])
