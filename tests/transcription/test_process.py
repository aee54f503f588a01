"""The decoder process: what it sends, and that a crash, a hang and an end without warning become one sentence."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT

from tivit.core.errors import InputError
from tivit.core.params import load, section
from tivit.core.strip import StripGeometry
from tivit.model.background import background_of
from tivit.registration.params import NOTHING_KNOWN, RegistrationParams
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams
from tivit.transcription import decoder, process
from tivit.transcription.decoder import decode
from tivit.transcription.messages import DecoderJob, Kind
from tivit.transcription.process import DecoderProcess
from tivit.video.rectify import write_strip
from tivit.video.spans import WHOLE

VALUES = load(ROOT / "params.yaml")
GEOMETRY = section(VALUES, "strips", StripGeometry)
FPS, LENGTH_S = 30.0, 4.0


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    synth = section(VALUES, "synth", SynthParams)
    synth = replace(synth, test_s=LENGTH_S, seed=1, camera=replace(synth.camera, fps=(FPS,), converted=0.0))
    (folder / "test").mkdir()
    write_clip(folder, synth, task=ClipTask("test", 0, "plain", "plain_000"))
    return folder / "test/plain_000.mp4"


def job(video, span_s=WHOLE):
    return DecoderJob(video, span_s, GEOMETRY, FPS, section(VALUES, "registration", RegistrationParams), NOTHING_KNOWN)


@pytest.fixture(scope="module")
def sent(video):
    """Return what a process of its own sends of the clip, and the strip as the pipeline makes it."""
    with DecoderProcess(job(video)) as running:
        info, search = running.search()
        background = running.background()
        pieces = list(running.pieces())
    path = video.with_suffix(".npy")
    write_strip(video, search.registration, GEOMETRY, FPS, path)
    return info, background, pieces, np.load(path)


def test_the_strip_and_the_background_are_those_of_the_pipeline(sent):
    info, background, pieces, strip = sent
    assert (info.frame_count, info.fps) == (len(strip), FPS)
    np.testing.assert_array_equal(np.concatenate([piece for _, piece in pieces]), strip)
    np.testing.assert_array_equal(background.image, background_of(strip, GEOMETRY).image)
    np.testing.assert_allclose([start_s for start_s, _ in pieces], np.arange(0, len(strip), 32) / FPS, atol=1e-6)


def test_the_background_of_a_long_clip_is_near_that_of_all_its_frames(sent, video, monkeypatch):
    """A clip counts as long here from 20 frames on; its key frames alone are too few, so it is read once before."""
    monkeypatch.setattr(decoder, "HELD_FRAMES", 20)
    messages = list(decode(job(video), lambda work: work()))
    whole = background_of(sent[3], GEOMETRY)
    background = next(value for kind, value in messages if kind is Kind.BACKGROUND)
    assert np.mean(np.abs(background.image.astype(int) - whole.image)) < 1.0
    pieces = np.concatenate([value[1] for kind, value in messages if kind is Kind.PIECE])
    np.testing.assert_array_equal(pieces, sent[3])


def test_a_part_of_a_video_is_that_part_of_its_strip(sent, video):
    messages = list(decode(job(video, (1.0, 2.5)), lambda work: work()))
    pieces = [value for kind, value in messages if kind is Kind.PIECE]
    assert pieces[0][0] == pytest.approx(1.0, abs=1e-6)
    part = np.concatenate([piece for _, piece in pieces])
    assert len(part) == 46
    assert np.mean(np.abs(part.astype(int) - sent[3][30:76])) < 1.0  # the keyboard is found from other frames


def test_a_part_beyond_the_end_is_refused(video):
    with pytest.raises(InputError, match=r"plain_000\.mp4: lasts 4\.0 s, so nothing lies behind --start 60"):
        list(decode(job(video, (60.0, np.inf)), lambda work: work()))


def test_a_file_that_cannot_be_read_is_said_as_always(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with (
        pytest.raises(InputError, match=r"text\.mp4: cannot be opened as a video"),
        DecoderProcess(job(tmp_path / "text.mp4")) as running,
    ):
        running.search()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            r"x\.mp4: the decoder crashed \(SIGSEGV\), after 0\.0 s of the video",
        ),
        ("time.sleep(600)", r"x\.mp4: the decoder made no progress for 1 s"),
    ],
)
def test_a_crash_and_a_hang_are_one_sentence(monkeypatch, code, sentence):
    monkeypatch.setattr(process, "START", f"import os, signal, sys, time; {code}")
    started_s = time.monotonic()
    with pytest.raises(InputError, match=sentence), DecoderProcess(job(Path("x.mp4")), silence_s=1.0) as running:
        running.search()
    assert time.monotonic() - started_s < 300


def test_a_long_search_says_that_it_is_at_work_and_one_that_hangs_does_not(monkeypatch):
    monkeypatch.setattr(decoder, "ALIVE_EVERY_S", 0.05)

    def work(until):
        kinds = []
        limit_s = time.monotonic() + 20.0
        search = decoder._while_alive(lambda kind, _: kinds.append(kind), lambda: until(kinds, limit_s))
        return search, kinds

    def busy(kinds, limit_s):
        while not kinds and time.monotonic() < limit_s:
            sum(range(10_000))
        return "found"

    search, kinds = work(busy)
    assert search == "found" and Kind.ALIVE in kinds
    assert work(lambda kinds, limit_s: threading.Event().wait(0.5))[1] == []


def test_it_is_stopped_from_another_thread(monkeypatch):
    monkeypatch.setattr(process, "START", "import time; time.sleep(600)")
    with DecoderProcess(job(Path("x.mp4"))) as running:
        threading.Timer(0.1, running.stop).start()
        with pytest.raises(InputError, match=r"x\.mp4: stopped after 0\.0 s of the video"):
            running.search()


def test_the_process_is_gone_at_the_end_though_it_was_not_listened_to(video):
    with DecoderProcess(job(video)) as running:
        running.search()
        number = running._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(number, signal.SIG_DFL)


def test_it_ends_by_itself_when_its_parent_is_gone(video):
    running = DecoderProcess(job(video))
    running.__enter__()
    running.search()
    running._is_over.set()
    running._connection.close()  # as when the parent is killed
    assert running._process.wait(timeout=120) is not None
    running._messages.queue.clear()
