"""The page: data and never markup, nothing fetched; notes are made, mended and saved as the library does it."""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
from page_cases import EVIL, GOOD, GRID, PATIENCE_MS, POINT, chromium, opened, transcription, true_notes
from paths import PARAMS_FILE, ROOT

from tivit.commands.main import command_parser, main
from tivit.core.keyboard import midi_of_name, name_of
from tivit.core.notes import Notes, empty_notes, make_notes, read_midi
from tivit.core.params import load, section
from tivit.core.registration import Refusal
from tivit.decoding.notes import decode_notes
from tivit.pretrained.files import chosen
from tivit.registration.params import Override
from tivit.report import page
from tivit.report.corners import write_corners_page
from tivit.report.data import _truth as page_truth
from tivit.report.data import page_data
from tivit.report.page import write_page
from tivit.scoring.scores import score_clip
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams
from tivit.transcription.messages import KeyboardSearch
from tivit.transcription.result import UnknownKeyboardError

PAGE = ROOT / "tivit/report/page"


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
        # No requirement of the project: nothing of it but this test runs JavaScript.
        pytest.skip("node is not installed: the scripts of the page are run by nothing else here")
    (tmp_path / "data.json").write_text(json.dumps(data))
    parts = "\n".join((PAGE / name).read_text() for name in ("music.js", "decode.js", "truth.js", "store.js"))
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


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Return a rendered video of nine seconds, with many notes."""
    folder = tmp_path_factory.mktemp("video")
    params = load(PARAMS_FILE)
    params["synth"]["music"]["notes_per_s"] = [9.0, 10.0]
    synth = replace(section(params, "synth", SynthParams), test_s=9.0, seed=3)
    (folder / "test").mkdir()
    write_clip(folder, synth, ClipTask("test", 0, "hard", "clip"))
    return folder / "test/clip.mp4"


def test_sliders_make_the_notes_that_the_command_line_makes(video, tmp_path):
    """The whole way twice: a page whose sliders are moved, and a second run with the thresholds they were moved to."""
    shipped = chosen(None, None)
    values = json.loads(shipped.thresholds.read_text())
    values["onset"]["threshold"], values["pitch"]["threshold"] = 0.3, 0.35
    (tmp_path / "moved.json").write_text(json.dumps(values))
    assert main(["transcribe", str(video), "-o", str(tmp_path / "page.mid"), "--report", "--quiet"]) == 0
    own = ["--checkpoint", str(shipped.checkpoint), "--thresholds", str(tmp_path / "moved.json"), "--params", str(PARAMS_FILE)]
    assert main(["transcribe", str(video), "-o", str(tmp_path / "moved.mid"), "--quiet", *own]) == 0
    script = """
      const rows = await Decode.opened(data.decoding), values = data.decoding.values;
      values.onset.threshold = values.onset.threshold.map(() => 0.3);
      values.pitch.threshold = values.pitch.threshold.map(() => 0.35);
      console.log(JSON.stringify(Decode.notes(data.decoding, rows, values, data.lowest_midi)));
    """
    got = json.loads(by_node(script, data_of(tmp_path / "page.html"), tmp_path))
    expected, before = read_midi(tmp_path / "moved.mid"), read_midi(tmp_path / "page.mid")
    assert len(got) == len(expected) > len(before) > 20
    order = np.lexsort((expected.onset_s, expected.midi))
    got.sort(key=lambda note: (note["midi"], note["onset_s"]))
    assert [note["midi"] for note in got] == expected.midi[order].tolist()
    for name in ("onset_s", "offset_s"):
        np.testing.assert_allclose([note[name] for note in got], getattr(expected, name)[order], atol=0.002)
    assert [{"left": 0, "right": 1}[note["hand"]] for note in got] == expected.hand[order].tolist()


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
    with chromium() as running:
        yield running


@pytest.mark.parametrize("doubt", ["", "25 keys fit on a piano in 6 octaves"])
def test_a_browser_marks_a_keyboard_and_makes_the_command(browser, tmp_path, doubt):
    result = replace(GOOD, doubt=doubt) if doubt else Refusal("<b>too dark</b>", (360, 640), 4)
    search = KeyboardSearch(result, np.full((360, 640, 3), 90, np.uint8))
    video = tmp_path / f"it's {EVIL}"
    error = UnknownKeyboardError("not found", video, search, Override(first_key=36))
    write_corners_page(tmp_path / "page.html", error, ("--report", "--end=60"))
    view, faults = opened(browser[0], tmp_path / "page.html")
    if not doubt:
        assert view.inner_text("#reason") == "The keyboard was not found: <b>too dark</b>." and view.is_disabled("#copy")
        box = view.locator(".corner").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        view.mouse.move(x, y)
        view.mouse.down()
        view.mouse.move(x - 20, y + 10, steps=3)
        view.mouse.up()
        view.locator(".corner").nth(2).press("Shift+ArrowRight")
    view.select_option("#orientation", "rotated")
    words = shlex.split(view.input_value("#command"))
    assert words[:2] == ["tivit", "transcribe"] and faults == []
    arguments = command_parser().parse_args(words[1:])
    assert (arguments.videos, arguments.end, arguments.orientation) == ([str(video)], 60.0, "rotated")
    assert arguments.report and arguments.force
    assert arguments.first_key == (name_of(GOOD.first_midi) if doubt else "C2")
    if doubt:
        assert arguments.corners is None
    else:
        corners = Override(tuple(tuple(map(float, point.split(","))) for point in arguments.corners)).corners
        times = 640 / view.locator("#board").bounding_box()["width"]
        np.testing.assert_allclose(corners[0], [64 - 20 * times, 144 + 10 * times], atol=0.1)
        assert corners[1:] == ((576.0, 144.0), (586.0, 234.0), (64.0, 234.0))


def test_a_browser_shows_plays_and_mends(browser, written):
    window, expect = browser
    view, faults = opened(window, written)
    view.wait_for_selector("#onset-threshold", timeout=PATIENCE_MS)
    assert view.inner_text("#title") == EVIL and view.inner_text("#warnings li") == "a <warning>"
    count = len(data_of(written)["notes"])
    assert view.inner_text("#summary").startswith(f"{count} notes")
    view.click("#play")
    expect(view.locator("#clock")).not_to_have_text("0:00.0", timeout=PATIENCE_MS)
    view.click("#play")
    view.keyboard.press("Tab")
    view.focus("#roll")
    view.keyboard.press("n")
    chosen = view.inner_text("#status")
    view.keyboard.press("ArrowUp")
    assert view.inner_text("#status") != chosen and "set by hand" in view.inner_text("#status")
    view.keyboard.press("Control+z")
    assert view.inner_text("#status") == chosen
    view.keyboard.press("Control+y")
    edited = view.inner_text("#status")
    assert "set by hand" in edited
    box = view.locator("#roll").bounding_box()
    view.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + 8)
    assert view.inner_text("#clock") != "0:00.0"
    name, time_s = re.match(r"(\S+), .*hand, ([\d.]+) to", edited).groups()
    view.select_option("#meter", "3")
    view.click("#faster")
    with view.expect_download(timeout=PATIENCE_MS) as download:
        view.click("#savemidi")
    saved = read_midi(download.value.path())
    assert len(saved) == count and np.any((saved.midi == midi_of_name(name)) & (np.abs(saved.onset_s - float(time_s)) < 0.002))
    conductor = mido.MidiFile(download.value.path()).tracks[0]
    assert [message.numerator for message in conductor if message.type == "time_signature"] == [3]
    view.locator("#onset-threshold").fill("0.65")
    view.locator("#onset-threshold").dispatch_event("change")
    moved = replace(POINT, onset=replace(POINT.onset, threshold=0.65))
    expected = decode_notes(transcription(Path("a.mp4")).logits.heads, GRID, moved)
    assert view.inner_text("#summary").startswith(f"{len(expected)} notes") and len(expected) != count
    assert faults == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_a_phone_and_follows_light_and_dark(browser, written, width, scheme):
    view, faults = opened(browser[0], written)
    view.emulate_media(color_scheme=scheme)
    view.set_viewport_size({"width": width, "height": 844})
    view.wait_for_selector("#onset-threshold", timeout=PATIENCE_MS)
    outside = """() => [...document.querySelectorAll("button, select, input, #roll")].filter((item) => {
      const box = item.getBoundingClientRect();
      return box.width > 0 && (box.left < 0 || box.right > innerWidth);
    }).map((item) => item.id)"""
    assert view.evaluate("document.documentElement.scrollWidth") <= width and view.evaluate(outside) == []
    brightness = "getComputedStyle(document.body)[%r].match(/\\d+/g).slice(0, 3).reduce((sum, value) => sum + Number(value), 0)"
    paper, ink = (view.evaluate(brightness % name) for name in ("backgroundColor", "color"))
    assert (paper > 600 > 150 > ink) if scheme == "light" else (ink > 600 > 150 > paper)
    assert faults == []


def test_what_is_found_is_what_the_scores_match(tmp_path):
    truth, made = true_notes(), transcription(Path("a.mp4"))
    # Notes of one key near each other, on the very limit and beyond it, are where another rule would find fewer pairs.
    crowd = make_notes([1.0, 1.05, 1.1, 1.0], [1.04, 1.09, 1.2, 1.2], [30, 30, 30, 31])
    crowded = make_notes([1.05, 1.1, 1.15, 1.0501], [1.09, 1.14, 1.2, 1.2], [30, 30, 30, 31])
    cases = [(truth, made.notes), (crowd, crowded), (crowd, empty_notes()), (empty_notes(), crowd)]
    sides = [[page_truth(notes) for notes in case] for case in cases]
    script = """
      const named = (notes) => notes.map((note, id) => ({ ...note, id }));
      const counted = ([truth, notes]) => {
        const { found, missed, invented, f1 } = Truth.compared(truth, named(notes));
        return [found, missed.length, invented.length, f1];
      };
      console.log(JSON.stringify(data.map(counted)));
    """
    got = json.loads(by_node(script, sides, tmp_path))
    for (reference, estimate), (found, missed, invented, f1) in zip(cases, got, strict=True):
        expected = score_clip(reference, estimate, GRID).counts["onset_50"]
        assert (found, missed, invented) == (expected.matched, len(reference) - found, len(estimate) - found)
        assert f1 == pytest.approx(expected.f1)
    assert got[0][0] > 40 and got[0][1] > 0 and got[0][2] > 0 and got[1][0] == 3


def test_a_browser_shows_what_was_missed_and_invented(browser, tmp_path):
    window, expect = browser
    made, truth = transcription(Path("a.mp4")), true_notes()
    (tmp_path / "a.avi").write_bytes(b"x")
    write_page(tmp_path / "page.html", replace(made, video=tmp_path / "a.avi"), truth)
    view, faults = opened(window, tmp_path / "page.html")
    view.wait_for_selector("#onset-threshold", timeout=PATIENCE_MS)
    counts = score_clip(truth, made.notes, GRID).counts["onset_50"]
    missed, invented = counts.reference - counts.matched, counts.estimate - counts.matched
    expect(view.locator("#counts")).to_have_text(
        f"{counts.matched} found, {missed} missed, {invented} invented: onset F1 {counts.f1:.3f} at 50 ms."
    )
    assert view.locator("#wrong li").count() == missed + invented > 0
    view.locator("#wrong button").first.click()
    expect(view.locator("#loop")).to_have_attribute("aria-pressed", "true")
    before = view.inner_text("#counts")
    view.focus("#roll")
    view.keyboard.press("n")
    view.keyboard.press("Delete")
    assert view.inner_text("#counts") != before and view.is_visible("#truthmarks") and faults == []
