"""The page of `tivit serve`: what it answers, what it refuses, and that what is uploaded is private and goes."""

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from page_cases import EVIL, PATIENCE_MS, POINT, chromium, opened, transcription
from paths import ROOT

from tivit.commands.main import main
from tivit.core.errors import InputError
from tivit.core.notes import read_midi
from tivit.core.registration import Refusal
from tivit.decoding.notes import decode_notes
from tivit.registration.params import NOTHING_KNOWN, Override
from tivit.serve import server as server_module
from tivit.serve.jobs import Jobs
from tivit.serve.server import PageServer, byte_range, shown_name
from tivit.transcription.messages import KeyboardSearch
from tivit.transcription.result import UnknownKeyboardError

CORNERS = ((10.0, 20.0), (90.0, 20.0), (95.0, 60.0), (5.0, 60.0))
JSON = {"Content-Type": "application/json"}


class Reader:
    """Stands in for a `Transcriber`: what a video holds says what comes of it."""

    def __init__(self, thresholds=POINT):
        self.thresholds, self.asked, self.is_stopped = thresholds, [], threading.Event()

    def transcribe(self, request, on_window):
        self.asked.append(request)
        self.is_stopped.clear()
        content = request.video.read_bytes()
        if content == b"slow":
            self.is_stopped.wait(60)
            raise InputError(f"{request.video}: stopped")
        if content == b"dark" and request.known == NOTHING_KNOWN:
            search = KeyboardSearch(Refusal("too dark", (360, 640), 4), np.full((360, 640, 3), 90, np.uint8))
            raise UnknownKeyboardError("the keyboard was not found (too dark)", request.video, search, request.known)
        if content == b"text":
            raise InputError(f"{request.video}: cannot be opened as a video")
        made = transcription(request.video, self.thresholds)
        on_window(made)
        return made

    def stop(self):
        self.is_stopped.set()


class Client:
    def __init__(self, served):
        self.served = served

    def ask(self, method, what, body=None, headers=None, path=None):
        """Return the status, the headers and the body that are answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served.server_port, timeout=60)
        connection.request(method, path or f"/{self.served.token}/{what}", body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def json(self, method, what, value=None):
        status, _, content = self.ask(method, what, None if value is None else json.dumps(value), JSON)
        return status, json.loads(content)

    def upload(self, name, content):
        status, _, answer = self.ask("POST", f"videos?name={name}", content)
        return status, json.loads(answer)

    def until(self, *states):
        """Wait until every video is in one of some states, and return their rows."""
        for _ in range(1200):
            rows = self.json("GET", "jobs")[1]["jobs"]
            if all(row["state"] in states for row in rows):
                return rows
            time.sleep(0.05)
        raise AssertionError(rows)


@contextmanager
def serving(thresholds=POINT):
    reader = Reader(thresholds)
    with PageServer(Jobs(reader), 0) as served, served.jobs:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Client(served), reader
        finally:
            served.shutdown()
            thread.join()


@pytest.fixture
def client():
    with serving() as (client, _):
        yield client


def test_a_video_is_uploaded_read_and_shown(client):
    status, row = client.upload("my%20song.mp4", b"keys")
    assert (status, row["name"], row["state"]) == (200, "my song.mp4", "waiting")
    (row,) = client.until("done")
    assert "notes in 20.0 s of video" in row["sentence"] and row["read_s"] == row["total_s"] == 20.0
    status, headers, page = client.ask("GET", "1/")
    assert status == 200 and b"my song.mp4" in page and b'"is_served":true' in page
    assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["Referrer-Policy"] == "no-referrer"
    assert client.ask("GET", "1/video")[2] == b"keys"
    status, headers, part = client.ask("GET", "1/video", headers={"Range": "bytes=1-2"})
    assert (status, headers["Content-Range"], part) == (206, "bytes 1-2/4", b"ey")
    assert client.json("POST", "1/remove", {})[0] == 200 and client.until() == []
    assert client.ask("GET", "1/")[0] == 404


def test_uploads_are_private_named_by_the_program_and_deleted():
    with serving() as (client, reader):
        for name in ("..%2F..%2Fetc%2Fpasswd.mp4", "%2Froot%2Fevil.mov", "a%00b%0A.mkv"):
            assert client.upload(name, b"keys")[0] == 200
        rows = client.until("done")
        assert [row["name"] for row in rows] == ["passwd.mp4", "evil.mov", "ab.mkv"]
        folder = client.served.uploads
        assert [request.video.name for request in reader.asked] == ["video.mp4", "video.mov", "video.mkv"]
        assert all(request.video.parent.parent == folder for request in reader.asked)
        assert folder.stat().st_mode & 0o077 == 0
        client.json("POST", "2/remove", {})
        assert not reader.asked[1].video.exists() and reader.asked[0].video.exists()
    assert not folder.exists()


def test_nobody_else_is_answered(client):
    client.upload("a.mp4", b"keys")
    port = client.served.server_port
    for path in ("/", "/wrong/", "/wrong/jobs", f"/{client.served.token[:-1]}/", f"/{client.served.token}/../", "//jobs"):
        assert client.ask("GET", "", path=path)[0] == 404, path
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1"):
        assert client.ask("GET", "jobs", headers={"Host": host})[0] == 403, host
    assert client.ask("GET", "jobs", headers={"Host": f"localhost:{port}"})[0] == 200
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.ask("POST", "1/remove", "{}", JSON | headers)[0] == 403, headers
    assert client.ask("POST", "1/remove", "{}", {"Content-Type": "text/plain"})[0] == 415
    assert client.ask("PUT", "1/video", b"x")[0] == 501
    assert client.served.server_address[0] == "127.0.0.1"
    assert len(client.json("GET", "jobs")[1]["jobs"]) == 1


def test_what_cannot_be_taken_is_refused_with_a_sentence(client, monkeypatch):
    assert "notes.txt: not a video by its name" in client.upload("notes.txt", b"x")[1]["error"]
    assert "a.mp4: is 0.0 GB" in client.upload("a.mp4", b"")[1]["error"]
    monkeypatch.setattr(server_module, "MOST_UPLOAD_BYTES", 3)
    assert client.upload("a.mp4", b"keys")[0] == 400
    monkeypatch.setattr(server_module, "MOST_UPLOAD_BYTES", 10)
    monkeypatch.setattr(server_module, "LEFT_FREE_BYTES", 1 << 60)
    assert "another folder in TMPDIR" in client.upload("a.mp4", b"keys")[1]["error"]
    assert client.json("GET", "jobs")[1]["jobs"] == [] and list(client.served.uploads.iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(client):
    connection = http.client.HTTPConnection("127.0.0.1", client.served.server_port)
    connection.putrequest("POST", f"/{client.served.token}/videos?name=a.mp4")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"only a part")
    connection.sock.shutdown(1)
    assert connection.sock.recv(1) == b""  # the server is done with it
    connection.close()
    assert list(client.served.uploads.iterdir()) == [] and client.json("GET", "jobs")[1]["jobs"] == []


def test_a_file_that_cannot_be_read_is_said_without_its_path(client):
    client.upload("a.mp4", b"text")
    (row,) = client.until("failed")
    assert row["sentence"] == "cannot be opened as a video"
    assert client.json("GET", "1/")[1]["error"] == "a.mp4: is not read yet"
    assert client.json("POST", "1/notes", {})[0] == 409


def test_a_video_that_is_read_can_be_stopped_and_the_next_one_is_read():
    with serving() as (client, reader):
        client.upload("a.mp4", b"slow")
        client.upload("b.mp4", b"keys")
        while not reader.asked:
            time.sleep(0.01)
        client.json("POST", "1/remove", {})
        (row,) = client.until("done")
        assert row["name"] == "b.mp4" and len(list(client.served.uploads.iterdir())) == 1


def test_the_end_stops_what_is_read():
    with serving() as (client, reader):
        client.upload("a.mp4", b"slow")
        while not reader.asked:
            time.sleep(0.01)
    assert reader.is_stopped.is_set()


def test_a_keyboard_that_is_marked_is_gone_on_with():
    with serving() as (client, reader):
        client.upload("a.mp4", b"dark")
        (row,) = client.until("keyboard")
        assert row["sentence"] == "the keyboard was not found (too dark)"
        assert b"too dark" in client.ask("GET", "1/")[2]
        bad = {"corners": [[0, 0], [9, 0], [0, 5], [9, 5]]}
        assert "must go round" in client.json("POST", "1/keyboard", bad)[1]["error"]
        marked = {"corners": [list(corner) for corner in CORNERS], "first_key": "C2", "orientation": "upright"}
        assert client.json("POST", "1/keyboard", marked)[0] == 200
        client.until("done")
        assert reader.asked[1].known == Override(CORNERS, 36, "upright")
        assert client.json("POST", "1/keyboard", marked)[0] == 400


def slid(thresholds, onset):
    values = {"onset": {"threshold": onset}, "pitch": {"threshold": thresholds.pitch.threshold, "hold": thresholds.pitch.hold}}
    return {"values": {**values, "offset": {"threshold": thresholds.offset.threshold}}}


@pytest.mark.parametrize("decoder", ["peaks", "states"])
def test_notes_of_other_thresholds_are_those_of_the_library(decoder):
    point = replace(POINT, rules=replace(POINT.rules, decoder=decoder))
    with serving(point) as (client, _):
        client.upload("a.mp4", b"keys")
        client.until("done")
        got = client.json("POST", "1/notes", slid(point, 0.65))[1]["notes"]
        made = transcription(Path("a.mp4"), point)
        moved = replace(point, onset=replace(point.onset, threshold=0.65))
        expected = decode_notes(made.logits.heads, made.grid, moved).moved(point.label_lag_s)
        assert [note["midi"] for note in got] == expected.midi.tolist() and len(got) != len(made.notes)
        np.testing.assert_allclose([note["onset_s"] for note in got], expected.onset_s, atol=1e-4)
        assert "threshold" in client.json("POST", "1/notes", slid(point, "high"))[1]["error"]


def test_names_are_shown_and_never_paths():
    assert shown_name("C:\\a\\b.MP4") == "b.MP4" and shown_name("") == "video" and shown_name("a" * 500 + ".mp4")[-4:] == ".mp4"
    assert len(shown_name("x" * 500)) < 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", (0, 99)),
        ("bytes=0-", (0, 99)),
        ("bytes=10-19", (10, 19)),
        ("bytes=-5", (95, 99)),
        ("bytes=90-500", (90, 99)),
        ("x", (0, 99)),
    ],
)
def test_parts_of_a_file(header, expected):
    assert byte_range(header, 100) == expected


def test_bad_arguments_are_one_sentence(capsys, tmp_path):
    assert main(["serve", str(tmp_path / "gone.mp4")]) == 2
    assert "gone.mp4: no such video file" in capsys.readouterr().err
    with PageServer(Jobs(Reader()), 0) as taken:
        assert main(["serve", "--no-browser", "--port", str(taken.server_port)]) == 2
    assert "cannot be listened at" in capsys.readouterr().err


def test_ctrl_c_ends_it_cleanly_and_leaves_nothing(tmp_path):
    environment = {"TMPDIR": str(tmp_path), "PATH": "", "OMP_WAIT_POLICY": "PASSIVE"}
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "tivit", "serve", "--no-browser"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # A shell that runs the tests in the background lets all that they start ignore Ctrl-C.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    said = running.stdout.readline()
    assert said.startswith("the page is at http://127.0.0.1:") and len(list(tmp_path.glob("tivit-serve-*"))) == 1
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=60)
    assert running.returncode == 0 and "Traceback" not in rest and "stopped" in rest
    assert list(tmp_path.iterdir()) == []


def test_a_browser_drops_a_video_mends_its_notes_and_saves_a_score(tmp_path):
    music21 = pytest.importorskip("music21", reason="music21 is the extra `score`")
    (tmp_path / EVIL).write_bytes(b"dark")
    with serving() as (client, _), chromium() as (window, expect):
        view, faults = opened(window, client.served.url, client.served.url)
        view.set_input_files("#choose", tmp_path / EVIL)
        view.wait_for_selector("#goon", timeout=PATIENCE_MS)  # the one video opens by itself
        assert view.inner_text("#title") == EVIL and view.is_disabled("#goon")
        view.locator(".corner").nth(2).press("Shift+ArrowRight")
        view.click("#goon")
        view.wait_for_selector("#savescore", timeout=PATIENCE_MS)
        count = len(transcription(Path("a.mp4")).notes)
        assert view.inner_text("#summary").startswith(f"{count} notes")
        # The stand-in for a video cannot be played, which the page says by its picture; a browser calls it a fault.
        expect(view.locator("#novideo")).to_be_visible(timeout=PATIENCE_MS)
        faults[:] = [fault for fault in faults if "video" not in fault.lower() and "media" not in fault.lower()]
        view.focus("#roll")
        view.keyboard.press("n")
        view.keyboard.press("Shift+ArrowUp")
        view.keyboard.press("Shift+ArrowUp")
        midi = view.inner_text("#status").split(",")[0]
        view.fill("#nearbpm", "90")
        view.click("#findbars")
        expect(view.locator("#status")).to_contain_text("set by hand", timeout=PATIENCE_MS)
        view.select_option("#meter", "3")
        with view.expect_download(timeout=PATIENCE_MS) as download:
            view.click("#savescore")
        assert download.value.suggested_filename.endswith(".musicxml")
        score = music21.converter.parse(download.value.path(), format="musicxml")
        upper, lower = score.parts
        assert upper.recurse().getElementsByClass("TimeSignature")[0].ratioString == "3/4"
        pitches = {pitch.midi for note in score.recurse().notes for pitch in note.pitches}
        edited = music21.pitch.Pitch(midi).midi
        assert edited in pitches and len(lower.recurse().notes) > 10
        with view.expect_download(timeout=PATIENCE_MS) as download:
            view.click("#savemidi")
        saved = read_midi(download.value.path())
        assert len(saved) == count and edited in saved.midi
        assert faults == []
