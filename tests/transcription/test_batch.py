"""Several videos: one that fails does not stop the others, what is stopped is kept, and files say what they hold."""

import csv
import json
import signal
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
from decoding_cases import THRESHOLDS
from paths import PARAMS_FILE
from registration_cases import known_registration, random_view

from tivit.core.errors import InputError
from tivit.core.notes import empty_notes, make_notes, read_midi
from tivit.core.params import load, section
from tivit.core.registration import Refusal
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.registration.params import NOTHING_KNOWN
from tivit.transcription import batch
from tivit.transcription.batch import Batch, transcribe_all, write_midi_of
from tivit.transcription.confidence import Confidence
from tivit.transcription.messages import KeyboardSearch
from tivit.transcription.notes_files import write_notes_csv, write_notes_json
from tivit.transcription.outputs import plan_outputs
from tivit.transcription.result import Origin, StoppedError, Transcription, UnknownKeyboardError
from tivit.video.source import VideoInfo
from tivit.video.spans import WHOLE

GEOMETRY = section(load(PARAMS_FILE), "strips", StripGeometry)
GOOD = known_registration(random_view(np.random.default_rng(2)), GEOMETRY)
NOTES = make_notes([0.5, 1.0, 2.25], [0.9, 1.5, 2.75], [60, 64, 48], hand=[1, 1, 0], staff=[1, 1, 0])


def transcription(video=Path("my.mp4"), notes=NOTES, span_s=WHOLE, is_partial=False):
    sure = Confidence(*np.full((3, len(notes)), 0.875))
    origin = Origin("0.1", "w.pt (MD5 0)", "thresholds onset 0.7")
    return Transcription(
        video, VideoInfo(640, 360, 29.97, 90, 3.0), span_s, TimeGrid(30.0, 0.0, 90), notes, sure, GOOD, GEOMETRY,
        np.zeros((4, 4, 3), np.uint8), THRESHOLDS, origin, ("a warning",), is_partial, None, 1.0,
    )  # fmt: skip


def texts(path):
    return [
        message.text for track in mido.MidiFile(path, charset="utf-8").tracks for message in track if message.type == "text"
    ]


def asked(tmp_path, names, quiet=False, formats=()):
    videos = [tmp_path / name for name in names]
    plans = plan_outputs(videos, None, formats, force=False)
    return Batch(plans, {}, Path("w.pt"), Path("t.json"), NOTHING_KNOWN, WHOLE, False, quiet, Workers(1), ("--report",))


@pytest.fixture
def answers(monkeypatch):
    """Let the returned mapping, name of a video -> transcription or exception, stand in for the network."""
    kept = {}

    class Transcriber:
        def __init__(self, *_):
            pass

        def transcribe(self, request, on_window):
            answer = kept[request.video.name]
            if isinstance(answer, BaseException):
                raise answer
            on_window(replace(answer, is_partial=True, grid=TimeGrid(30.0, 0.0, 45)))
            return answer

    monkeypatch.setattr(batch, "Transcriber", Transcriber)
    return kept


def test_one_bad_video_does_not_stop_the_others_and_the_status_counts_it(answers, tmp_path, capsys):
    answers |= {"a.mp4": transcription(), "b.mp4": InputError("b.mp4: too dark"), "c.mp4": transcription(notes=empty_notes())}
    (tmp_path / "d.mid").write_bytes(b"MThd")
    assert transcribe_all(asked(tmp_path, ["a.mp4", "b.mp4", "c.mp4", "d.mp4"])) == 2
    said, errors = capsys.readouterr()
    assert "error: b.mp4: too dark" in errors and "d.mid: exists already" in errors
    rows = {line.split()[0].rsplit("/")[-1]: line.split()[1:] for line in said.splitlines()}
    assert (rows["a.mp4"][0], rows["b.mp4"], rows["c.mp4"][0], rows["d.mp4"]) == ("3", ["failed"], "0", ["failed"])
    assert said.splitlines()[-1] == "2 of 4 videos transcribed, 2 failed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mid", "c.mid", "d.mid"]
    assert len(read_midi(tmp_path / "a.mid")) == 3


@pytest.mark.parametrize("engine", ["here", "lost"])
def test_videos_that_workers_transcribe_are_counted_and_named_alike(answers, tmp_path, capsys, monkeypatch, engine):
    """Their worker is this process here; where a worker is lost with its video, the others are kept."""
    answers |= {"a.mp4": transcription(), "b.mp4": InputError("b.mp4: too dark")}
    names = ["a.mp4", "b.mp4"] + ["c.mp4"] * (engine == "lost")
    monkeypatch.setattr(Batch, "is_spread", True)
    monkeypatch.setattr(batch, "md5_of", lambda path: "")
    batch._transcriber.cache_clear()
    if engine == "lost":
        answers["c.mp4"] = transcription()
        done = batch.map_clips

        def all_but_the_last(work, items, *rest):
            yield from done(work, items[:-1], *rest)
            raise InputError("transcribe: 1 of 3 videos failed, the others are done: c.mp4: its worker died")

        monkeypatch.setattr(batch, "map_clips", all_but_the_last)
    assert transcribe_all(asked(tmp_path, names)) == len(names) - 1
    said, errors = capsys.readouterr()
    assert "error: b.mp4: too dark" in errors and ("c.mp4: its worker died" in errors) == (engine == "lost")
    assert f"1 of {len(names)} videos transcribed" in said and len(read_midi(tmp_path / "a.mid")) == 3


def test_a_single_video_that_fails_is_bad_input(answers, tmp_path):
    answers["a.mp4"] = InputError("a.mp4: too dark")
    with pytest.raises(InputError, match="too dark"):
        transcribe_all(asked(tmp_path, ["a.mp4"]))


@pytest.mark.parametrize(("cause", "status"), [(KeyboardInterrupt(), 130), (batch._Stopped(signal.SIGTERM), 143)])
def test_what_is_stopped_is_kept_as_a_partial_file(answers, tmp_path, capsys, cause, status):
    stop = StoppedError(transcription(is_partial=True))
    stop.__cause__ = cause
    answers |= {"a.mp4": stop, "b.mp4": transcription()}
    assert transcribe_all(asked(tmp_path, ["a.mp4", "b.mp4"])) == status
    assert [path.name for path in tmp_path.iterdir()] == ["a.partial.mid"]
    assert "PARTIAL: the work was stopped after 3.0 s of video" in texts(tmp_path / "a.partial.mid")
    assert "a.partial.mid" in capsys.readouterr().err


def test_a_video_that_cannot_be_read_on_leaves_what_was_read(answers, tmp_path):
    stop = StoppedError(transcription(is_partial=True))
    stop.__cause__ = InputError("a.mp4: the decoder crashed")
    answers["a.mp4"] = stop
    with pytest.raises(InputError, match=r"a\.mp4: the decoder crashed; 3 notes of the first 3\.0 s are in .*a\.partial\.mid"):
        transcribe_all(asked(tmp_path, ["a.mp4"]))
    assert len(read_midi(tmp_path / "a.partial.mid")) == 3


def test_a_keyboard_that_is_not_found_has_a_page_where_one_was_asked_for(answers, tmp_path):
    refused = KeyboardSearch(Refusal("too dark", (36, 64), 4), np.zeros((36, 64, 3), np.uint8))
    answers["a.mp4"] = UnknownKeyboardError("the keyboard was not found (too dark)", tmp_path / "a.mp4", refused, NOTHING_KNOWN)
    with pytest.raises(UnknownKeyboardError, match="too dark"):
        transcribe_all(asked(tmp_path, ["a.mp4"]))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"too dark\); open .*a\.html, which shows the picture"):
        transcribe_all(asked(tmp_path, ["a.mp4"], formats=("report",)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"] and "too dark" in (tmp_path / "a.html").read_text()


def test_notes_are_written_while_the_video_is_read(answers, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(batch, "write_midi_of", lambda path, part: written.append((path.name, part.is_partial)))
    answers["a.mp4"] = transcription()
    transcribe_all(asked(tmp_path, ["a.mp4"], quiet=True))
    assert written == [("a.partial.mid", True), ("a.mid", False)]


def test_quiet_says_nothing_of_what_went_well(answers, tmp_path, capsys):
    answers["a.mp4"] = transcription()
    assert transcribe_all(asked(tmp_path, ["a.mp4"], quiet=True)) == 0
    assert capsys.readouterr() == ("", "")


def test_a_midi_file_says_what_made_it(tmp_path):
    write_midi_of(tmp_path / "a.mid", transcription(notes=NOTES.moved(60.0), span_s=(60.0, 90.0)))
    first, read, velocity, begins = texts(tmp_path / "a.mid")
    assert first == "TiViT-Piano 0.1; weights w.pt (MD5 0); thresholds onset 0.7" and read == "read from my.mp4"
    assert "velocity is a constant" in velocity and begins == "begins at 60 s of the video"
    np.testing.assert_allclose(read_midi(tmp_path / "a.mid").onset_s, NOTES.onset_s, atol=0.001)


def test_an_untouched_keyboard_is_a_valid_midi_file_without_notes(tmp_path):
    silent = transcription(notes=empty_notes())
    write_midi_of(tmp_path / "a.mid", silent)
    assert "no key was seen going down" in texts(tmp_path / "a.mid") and "no key was seen going down" in silent.sentence()
    assert not [message for message in mido.MidiFile(tmp_path / "a.mid") if message.type.startswith("note")]


def test_json_and_csv_hold_the_notes_and_how_sure_they_are(tmp_path):
    write_notes_json(tmp_path / "a.json", transcription(span_s=(0.25, np.inf)))
    value = json.loads((tmp_path / "a.json").read_text())
    assert (value["video"], value["start_s"], value["end_s"], value["warnings"]) == ("my.mp4", 0.25, None, ["a warning"])
    assert value["frames_per_second"] == {"network": 30.0, "video": 29.97}
    assert value["registration"]["first_key"] == "A0" and len(value["registration"]["homography"]) == 3
    assert value["notes"][2] == {
        "onset_s": 2.25, "offset_s": 2.75, "midi": 48, "name": "C3", "velocity": None, "hand": "left", "staff": "bass",
        "onset_probability": 0.875, "hand_probability": 0.875, "staff_probability": 0.875,
    }  # fmt: skip
    write_notes_csv(tmp_path / "a.csv", transcription())
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert len(rows) == 3 and (rows[0]["onset_s"], rows[0]["name"], rows[0]["velocity"]) == ("0.5", "C4", "")
