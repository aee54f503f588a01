"""The page: data and never markup, nothing fetched; notes are made, mended and saved as the library does it."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from decoding_cases import THRESHOLDS, noisy_logits, random_notes
from paths import PARAMS_FILE, ROOT
from registration_cases import known_registration, random_view

from tivit.core.logits import ClipLogits
from tivit.core.notes import Notes, read_midi
from tivit.core.params import load, section
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.report import page
from tivit.report.data import page_data
from tivit.report.page import write_page
from tivit.transcribe.confidence import confidence_of
from tivit.transcribe.result import Origin, Transcription
from tivit.video.reader import VideoInfo
from tivit.video.spans import WHOLE

GEOMETRY = section(load(PARAMS_FILE), "strips", StripGeometry)
GOOD = known_registration(random_view(np.random.default_rng(2)), GEOMETRY)
GRID = TimeGrid(30.0, 0.25, 600)
PAGE = ROOT / "tivit/report/page"
POINT = replace(
    THRESHOLDS,
    onset=replace(THRESHOLDS.onset, lag_s=-0.004, temperature=1.3, bias=0.2),
    pitch=replace(THRESHOLDS.pitch, hold=0.3, lag_s=0.011),
    offset=replace(THRESHOLDS.offset, threshold=0.4),
    rules=replace(THRESHOLDS.rules, bridge_s=0.04),
    label_lag_s=0.02,
)
EVIL = "<img src=x onerror=alert(1)></script><b>.mp4".replace("/", "\u2215")


def transcription(video, thresholds=POINT) -> Transcription:
    rng = np.random.default_rng(5)
    heads = noisy_logits(random_notes(rng, 20.0, per_key=4).moved(GRID.start_s), GRID, rng, 0.8)
    notes = decode_notes(heads, GRID, thresholds)
    return Transcription(
        video, VideoInfo(640, 360, 30.0, 600, 20.0), WHOLE, GRID, notes.moved(thresholds.label_lag_s),
        confidence_of(notes, heads, GRID, thresholds), GOOD, GEOMETRY, np.zeros((36, 64, 3), np.uint8), thresholds,
        Origin("0.1", "w.pt", "</script><script>alert(2)</script>"), ("a <warning>",), False, ClipLogits("c", GRID, heads), 1.0,
    )  # fmt: skip


def data_of(path: Path) -> dict:
    text = path.read_text()
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)[1])


@pytest.fixture
def written(tmp_path):
    video = tmp_path / EVIL
    video.write_bytes(b"not a video")
    write_page(tmp_path / "page.html", transcription(video))
    return tmp_path / "page.html"


def test_names_and_texts_are_data_and_nothing_is_fetched(written):
    text = written.read_text()
    assert "<img src=x" not in text and "alert(2)</script>" not in text and text.count("</script>") == 3
    assert data_of(written)["video"] == EVIL and data_of(written)["warnings"] == ["a <warning>"]
    assert "default-src 'none'" in text and not re.search(r"(?:src|href)=.https?:|@import|url\(", text)
    assert "{{" not in re.sub(r"\$\{\{?", "", re.search(r"^(.*?)<script>", text, re.DOTALL)[1])


def test_the_video_is_in_the_page_where_a_browser_may_play_it(tmp_path, monkeypatch):
    for name, size, has_video in (("a.mp4", 10, True), ("a.avi", 10, False), ("big.mp4", 50, False)):
        monkeypatch.setattr(page, "MOST_VIDEO_BYTES", 20)
        (tmp_path / name).write_bytes(b"x" * size)
        write_page(tmp_path / "page.html", transcription(tmp_path / name))
        assert data_of(tmp_path / "page.html")["has_video"] is has_video
        held = re.search(r'<script id="videodata"[^>]*>(.*?)</script>', (tmp_path / "page.html").read_text())[1]
        assert held == ("eHh4eHh4eHh4eA==" if has_video else "")


def test_the_same_notes_give_the_same_bytes(written, tmp_path):
    before = written.read_bytes()
    write_page(tmp_path / "page.html", transcription(tmp_path / EVIL))
    assert written.read_bytes() == before


def test_without_logits_or_with_another_decoder_there_are_no_sliders():
    made = transcription(Path("a.mp4"))
    assert page_data(replace(made, logits=None), False)["decoding"] is None
    states = replace(POINT, rules=replace(POINT.rules, decoder="states"))
    assert page_data(replace(made, thresholds=states), False)["decoding"] is None


def by_node(script: str, data: dict, tmp_path: Path) -> bytes:
    """Return what a script prints that has the parts of the page and `data`."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the scripts of the page are run by nothing else here")
    (tmp_path / "data.json").write_text(json.dumps(data))
    parts = "\n".join((PAGE / name).read_text() for name in ("music.js", "decode.js", "store.js"))
    code = f"{parts}\nconst data = JSON.parse(require('fs').readFileSync('data.json'));\n(async () => {{ {script} }})();"
    (tmp_path / "run.js").write_text(code)
    done = subprocess.run([node, "run.js"], cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("onset", [0.5, 0.65])
def test_sliders_make_the_notes_that_the_library_makes(written, tmp_path, onset):
    made = transcription(Path("a.mp4"))
    moved = replace(POINT, onset=replace(POINT.onset, threshold=onset))
    expected = decode_notes(made.logits.heads, GRID, moved).moved(POINT.label_lag_s)
    script = f"""
      const rows = await Decode.opened(data.decoding), values = data.decoding.values;
      values.onset.threshold = values.onset.threshold.map(() => {onset});
      console.log(JSON.stringify(Decode.notes(data.decoding, rows, values, data.lowest_midi)));
    """
    got = json.loads(by_node(script, data_of(written), tmp_path))
    assert len(got) == len(expected) > 40
    order = np.lexsort((expected.midi, np.round(expected.onset_s, 3)))
    got.sort(key=lambda note: (round(note["onset_s"], 3), note["midi"]))
    assert [note["midi"] for note in got] == expected.midi[order].tolist()
    for name in ("onset_s", "offset_s"):
        np.testing.assert_allclose([note[name] for note in got], getattr(expected, name)[order], atol=0.001)
    hands = [{"left": 0, "right": 1}[note["hand"]] for note in got]
    assert np.mean(np.array(hands) == expected.hand[order]) >= 0.98


def test_an_edit_is_undone_redone_and_saved(written, tmp_path):
    script = """
      const store = makeStore(data.notes), log = [store.notes.length];
      store.choose(store.notes[0]);
      store.edit(store.chosen, { midi: 100, onset_s: 0.5, offset_s: 0.75, hand: "left" });
      store.add({ onset_s: 19, offset_s: 19.5, midi: 30, hand: "left" });
      store.split(store.chosen, 19.25);
      log.push(store.notes.length);
      store.undo(); store.undo(); log.push(store.notes.length);
      store.redo(); store.redo(); log.push(store.notes.length);
      store.redo(); log.push(store.notes.length, store.canRedo);
      store.choose(store.notes[5]); store.remove(store.chosen); log.push(store.notes.length);
      const bytes = Music.midiFile(store.notes, data.tempo, data.texts, data.start_s);
      console.log(JSON.stringify({ log, bytes: [...bytes], notes: store.notes }));
    """
    value = json.loads(by_node(script, data_of(written), tmp_path))
    count = value["log"][0]
    assert value["log"] == [count, count + 2, count, count + 2, count + 2, False, count + 1]
    (tmp_path / "saved.mid").write_bytes(bytes(value["bytes"]))
    saved: Notes = read_midi(tmp_path / "saved.mid")
    assert len(saved) == count + 1
    edited = np.flatnonzero((saved.midi == 100) & (np.abs(saved.onset_s - 0.5) < 0.001))
    assert edited.size == 1 and saved.hand[edited[0]] == 0
    np.testing.assert_allclose(np.sort(saved.onset_s), np.sort([note["onset_s"] for note in value["notes"]]), atol=0.001)
    assert set(saved.hand.tolist()) == {0, 1}


@pytest.fixture
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser can be driven")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as running:
        window = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield window, playwright.expect
        window.close()


def test_a_browser_shows_plays_and_mends(browser, written):
    window, expect = browser
    view = window.new_page()
    faults, requests = [], []
    view.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    view.on("pageerror", lambda error: faults.append(str(error)))
    view.on("dialog", lambda dialog: faults.append(dialog.message))
    view.on("request", lambda request: requests.append(request.url))
    view.goto(f"file://{written}".replace("#", "%23"))
    view.wait_for_selector("#onset-threshold", timeout=60_000)
    assert view.inner_text("#title") == EVIL and view.inner_text("#warnings li") == "a <warning>"
    count = len(data_of(written)["notes"])
    assert view.inner_text("#summary").startswith(f"{count} notes")
    view.click("#play")
    expect(view.locator("#clock")).not_to_have_text("0:00.0", timeout=60_000)
    view.click("#play")
    view.keyboard.press("Tab")
    view.focus("#roll")
    view.keyboard.press("n")
    chosen = view.inner_text("#status")
    view.keyboard.press("ArrowUp")
    assert view.inner_text("#status") != chosen and "set by hand" in view.inner_text("#status")
    view.keyboard.press("Control+z")
    assert view.inner_text("#status") == chosen
    box = view.locator("#roll").bounding_box()
    view.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + 8)
    assert view.inner_text("#clock") != "0:00.0"
    with view.expect_download() as download:
        view.click("#savemidi")
    assert len(read_midi(download.value.path())) == count
    assert faults == [] and all(url.startswith(("file:", "blob:", "data:")) for url in requests)
