"""Pages of scored clips: which clips they are of, and what is on them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from page_cases import GOOD, POINT, transcription, true_notes
from paths import PARAMS_FILE

from tivit.commands.main import main
from tivit.core.correction import NO_CORRECTION
from tivit.core.logits import ClipLogits, SplitClips
from tivit.core.notes import empty_notes
from tivit.core.registration import Refusal
from tivit.decoding.thresholds import write_thresholds
from tivit.report import clips
from tivit.scoring.inputs import ScoredClip
from tivit.video.reader import SampledFrame
from tivit.video.source import VideoInfo

MADE = transcription(Path("a.mp4"))


def scored(clip_id, notes):
    return ScoredClip(ClipLogits(clip_id, MADE.grid, MADE.logits.heads), notes, "plain", NO_CORRECTION)


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """Stand in for what the pipeline left: `b` is read worse than `a`, and the keyboard of `c` was not found."""
    split = [scored("test/a", true_notes()), scored("test/b", true_notes().moved(0.04)), scored("test/c", empty_notes())]
    video = tmp_path / "video.avi"
    video.write_bytes(b"x")
    found = {"test/a": GOOD, "test/b": GOOD, "test/c": Refusal("too dark", (360, 640), 4)}
    listed = tuple(SimpleNamespace(clip_id=clip_id) for clip_id in found)
    dataset = SimpleNamespace(clips=lambda: listed, video_path=lambda clip: video)
    monkeypatch.chdir(tmp_path)
    Path("metrics").mkdir()
    write_thresholds(clips.THRESHOLDS, replace(POINT, chosen_under={}))
    monkeypatch.setattr(clips, "load_split", lambda decoded, manifest, name: SplitClips(tuple(split), (), {}))
    monkeypatch.setattr(clips, "read_registrations", lambda path: found)
    monkeypatch.setattr(clips, "open_dataset", lambda params: dataset)
    monkeypatch.setattr(clips, "probe", lambda path: VideoInfo(640, 360, 30.0, 600, 20.0))
    monkeypatch.setattr(clips, "sample_frames", lambda path, count: [SampledFrame(0.0, np.zeros((36, 64, 3), np.uint8))])
    return tmp_path


def run(*arguments):
    return main(["report", *arguments, "--params", str(PARAMS_FILE)])


def test_a_page_holds_the_notes_and_the_true_ones(pipeline):
    assert run("test/a", "-o", "pages") == 0
    text = Path("pages/test__a.html").read_text()
    data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)[1])
    assert len(data["truth"]) == len(true_notes()) and len(data["notes"]) == len(MADE.notes)
    np.testing.assert_allclose([note["onset_s"] for note in data["notes"]], MADE.notes.onset_s, atol=1e-4)
    assert data["decoding"] is not None and "not on this disk" in data["weights"]


def test_without_a_clip_the_lowest_are_taken(pipeline, capsys):
    assert run("--lowest", "1", "-o", "pages") == 2  # `test/c` scores nothing
    assert "clip test/c is not there; run the register stage" in capsys.readouterr().err
    assert run("test/b", "test/a", "-o", "pages") == 0
    assert sorted(path.name for path in Path("pages").iterdir()) == ["test__a.html", "test__b.html"]


def test_what_cannot_be_shown_is_one_sentence(pipeline, capsys):
    assert run("test/aa", "-o", "pages") == 2
    assert "test/aa: no clip of data/decoded/test.npz" in (said := capsys.readouterr().err) and "test/a" in said
    run("test/a", "-o", "pages")
    assert run("test/a", "-o", "pages") == 2
    assert "test__a.html: exists already; --force replaces it" in capsys.readouterr().err
    assert run("test/a", "-o", "pages", "--force") == 0
