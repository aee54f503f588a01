"""Written layouts, read raw: names, columns, numbers, and pictures turned as the real ones are."""

import json
import re
import wave
from dataclasses import replace

import mido
import numpy as np
import pretty_midi
import pytest

from tivit.__main__ import main
from tivit.core.artifacts import md5_of, read_json
from tivit.core.errors import InputError
from tivit.core.keyboard import CENTER_MM, WHITE_PITCH_MM, key_of
from tivit.core.notes import empty_notes, make_notes
from tivit.core.params import load, section
from tivit.core.run.runtime import Workers
from tivit.core.timegrid import TimeGrid
from tivit.synth.layouts.clip import MIRRORED, ROTATED, LayoutRequest, turned_px, variable_times_s
from tivit.synth.layouts.pedal import pedal_spans_s, sounding, write_midi_with_pedal
from tivit.synth.layouts.write import write_layout
from tivit.synth.params import SynthParams
from tivit.video.reader import probe, read_frames

SIZE_PX = (320, 180)
ASKED = LayoutRequest("Synthetic", 7, 2, 2.0, None, SIZE_PX, 0.0, "key")


@pytest.fixture(scope="module")
def params():
    """The dataset's parameters, in a look that keys and truth can be told from at this size."""
    full = section(load(), "synth", SynthParams)
    return replace(full, hard=full.plain, camera=replace(full.camera, keyboard_width=(0.9, 0.92), crf=(12.0, 12.0)))


@pytest.fixture(scope="module")
def written(params, tmp_path_factory):
    """Return a function (layout, changes of the request) -> folder of the written dataset; each is written once."""
    done = {}

    def write(layout, **changes):
        key = (layout, *sorted(changes.items()))
        if key not in done:
            request = replace(ASKED, layout=layout, **changes)
            done[key] = write_layout(tmp_path_factory.mktemp("data"), params, request, workers=Workers(1))[0]
        return done[key]

    return write


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def truths(written, rate=None):
    """Return the truths of the same clips in the order in which they are written."""
    root = written("Synthetic", rate=rate) if rate else written("Synthetic")
    stems = ("plain_000", "hard_000")
    return [(root / split / f"{stem}.mp4", read_json(root / split / f"{stem}.json")) for split in ORDER for stem in stems]


ORDER = ("train", "val", "test")


def pictures(path):
    return [frame.grey.astype(float) for frame in read_frames(path)]


def likeness(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def rows_of(path, line_end, mark=""):
    text = path.read_bytes().decode()
    assert text.startswith(mark) and text.endswith(line_end)
    lines = text.removeprefix(mark).split(line_end)[:-1]
    assert not any("\r" in line or "\n" in line for line in lines)
    return [line.split("\t") for line in lines]


@pytest.mark.parametrize(("layout", "train", "val", "columns"), [("OMAPS", 4, 0, 3), ("OMAPS2", 2, 2, 4)])
def test_omaps(written, layout, train, val, columns):
    root = written(layout)
    stems = [f"train/{n + 1:03d}" for n in range(train)] + [f"valid/{n + 1:03d}" for n in range(val)] + ["test/001", "test/002"]
    assert root.name == layout and names(root) == sorted(f"{stem}{kind}" for stem in stems for kind in (".mp4", ".txt"))
    for stem, (video, truth) in zip(stems, truths(written), strict=True):
        rows = rows_of(root / f"{stem}.txt", "\r\n")
        assert all(len(row) == columns and all(re.fullmatch(r"\d+\.\d{6}", cell) for cell in row[:2]) for row in rows)
        values = np.array(rows, float)
        assert (np.diff(values[:, 0]) >= 0).all()
        assert np.allclose(values, np.array(truth["notes"])[:, :columns], atol=1e-6)
        own, same = pictures(root / f"{stem}.mp4")[10], pictures(video)[10]
        turned = own[:, ::-1] if layout == "OMAPS" else own
        assert likeness(turned, same) > 0.99 and likeness(turned[:, ::-1], same) < 0.97
        assert probe(root / f"{stem}.mp4").fps == 30.0


def midi_of(path):
    midi = pretty_midi.PrettyMIDI(str(path))
    assert [track.name for track in midi.instruments] == ["piano"]
    rows = sorted((note.start, note.end, note.pitch, note.velocity) for note in midi.instruments[0].notes)
    return np.array(rows), [(c.number, c.value, c.time) for c in midi.instruments[0].control_changes]


def by_key(rows):
    """Return rows onset, offset, midi, velocity by key, then onset: no rounding of times changes that order."""
    return rows[np.lexsort((rows[:, 0], rows[:, 2]))]


def test_pianoyt(written):
    root = written("PianoYT")
    folders = ["train"] * 4 + ["test"] * 2
    files = [f"{folder}/{kind}" for n, folder in enumerate(folders, 1) for kind in (f"video_{n}.0.mp4", f"audio_{n}.0.midi")]
    assert root.name == "PianoYT" and names(root) == sorted([*files, "metadata.csv"])
    lines = (root / "metadata.csv").read_text().splitlines()
    table = [re.fullmatch(r'(\d+),"[^"]+",([13]),(\d+),(\d+),(\d+),(\d+)', line).groups() for line in lines]
    assert [(int(row[0]), int(row[1])) for row in table] == [(n, 1 if n < 5 else 3) for n in range(1, 7)]
    for n, (row, folder, (_, truth)) in enumerate(zip(table, folders, truths(written), strict=True), 1):
        video = root / folder / f"video_{n}.0.mp4"
        black = [picture.max() < 8 for picture in pictures(video)]
        later_s = float(TimeGrid({1: 30.0, 2: 25.0, 3: 29.97, 5: 30.0, 6: 25.0}.get(n, 30.0), 0.0, 0).time_s(sum(black)))
        assert sum(black) == (12 if n in (3, 6) else 0) and not any(black[sum(black) :])
        rows, changes = midi_of(root / folder / f"audio_{n}.0.midi")
        expected = by_key(np.array(truth["notes"])[:, :4] + [later_s, later_s, 0, 0])
        assert np.allclose(by_key(rows), expected, atol=1e-3)
        assert {number for number, _, _ in changes} == {64} and [value for _, value, _ in changes][:2] == [127, 0]
        centers = turned_px(np.array(truth["key_centers_px"]), SIZE_PX, ROTATED if n % 2 == 0 else None)
        y0, y1, x0, x1 = (int(cell) for cell in row[2:])
        assert (centers >= [x0, y0]).all() and (centers <= [x1, y1]).all() and x1 <= SIZE_PX[0] and y1 <= SIZE_PX[1]


@pytest.mark.parametrize("n", [1, 2])
def test_every_second_clip_of_pianoyt_is_rotated(written, n):
    root = written("PianoYT", rate="30")
    own, same = pictures(root / "train" / f"video_{n}.0.mp4")[10], pictures(truths(written)[n - 1][0])[10]
    turned = own[::-1, ::-1] if n == 2 else own
    assert likeness(turned, same) > 0.99 > 0.9 > likeness(turned[::-1, ::-1], same)


def test_pianoyt_as_sound_has_its_ends(written):
    root, released = written("PianoYT", offsets="pedal"), written("PianoYT")
    longer = 0
    for path in sorted(root.rglob("*.midi")):
        rows, changes = midi_of(path)
        keys, _ = midi_of(released / path.relative_to(root))
        assert changes == [] and np.allclose(by_key(rows)[:, [0, 2, 3]], by_key(keys)[:, [0, 2, 3]], atol=1e-3)
        assert (by_key(rows)[:, 1] >= by_key(keys)[:, 1] - 1e-3).all()
        longer += int((by_key(rows)[:, 1] > by_key(keys)[:, 1] + 0.05).sum())
    assert longer > 0


def test_a_clip_without_notes_still_has_its_pedal(tmp_path):
    write_midi_with_pedal(tmp_path / "a.mid", empty_notes(), np.array([[0.25, 0.75]]))
    messages = [message for message in mido.MidiFile(tmp_path / "a.mid") if message.type in ("note_on", "control_change")]
    assert [(message.control, message.value) for message in messages] == [(64, 127), (64, 0)]
    assert [message.time for message in messages] == pytest.approx([0.25, 0.5], abs=1e-3)


def test_pianovam_names_and_metadata(written):
    root = written("PianoVAM")
    metadata = json.loads((root / "metadata.json").read_text())
    times = [row["record_time"] for row in metadata.values()]
    assert root.name == "PianoVAM_v1.0" and list(metadata) == [str(n) for n in range(6)]
    assert len(set(times)) == 6 and len({time[-8:] for time in times}) == 1
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}", time) for time in times)
    kinds = {"Video": "mp4", "MIDI": "mid", "TSV": "tsv", "Audio": "wav", "Handskeleton": "json", "Fingering": "tsv"}
    files = [f"{folder}/{time}.{suffix}" for folder, suffix in kinds.items() for time in times]
    assert names(root) == sorted([*files, "metadata.json"])
    assert [row["split"] for row in metadata.values()] == ["train"] * 2 + ["valid"] * 2 + ["test"] * 2
    for row, (_, truth) in zip(metadata.values(), truths(written), strict=True):
        points = [row[name] for name in ("Point_LT", "Point_RT", "Point_RB", "Point_LB")]
        corners = np.array([[int(cell) for cell in re.fullmatch(r"(-?\d+), (-?\d+)", point).groups()] for point in points])
        assert np.abs(corners - np.array(truth["corners_px"]) * 1920 / SIZE_PX[0]).max() <= 0.5 + 1e-6
        assert probe(root / "Video" / f"{row['record_time']}.mp4").fps == 60.0
        assert row["duration"] == "00:02" and row["composer"] and row["piece"]
        with wave.open(str(root / "Audio" / f"{row['record_time']}.wav")) as file:
            assert file.getnframes() == 0


def test_pianovam_labels(written):
    root = written("PianoVAM")
    for path, (_, truth) in zip(sorted((root / "TSV").iterdir()), truths(written), strict=True):
        header, *rows = rows_of(path, "\n", "# ")
        assert header == ["onset", "key_offset", "frame_offset", "note", "velocity"]
        values, notes = np.array(rows, float), np.array(truth["notes"])
        assert np.allclose(values[:, [0, 1, 3, 4]], notes[:, :4], atol=1e-6)
        assert (values[:, 2] >= values[:, 1]).all()
        midi, changes = midi_of(root / "MIDI" / f"{path.stem}.mid")
        assert np.allclose(by_key(midi), by_key(values[:, [0, 1, 3, 4]]), atol=1e-3) and len(changes) > 0
        header, *fingered = rows_of(root / "Fingering" / path.name, "\n")
        assert header == ["onset", "key_offset", "frame_offset", "note", "velocity", "hand", "finger"]
        assert [row[:5] for row in fingered] == rows
        assert [row[5] for row in fingered] == ["LR"[int(hand)] for hand in notes[:, 4]]
        assert {row[6] for row in fingered} <= set("12345")


def test_pianovam_fingertips_lie_on_the_keys_they_press(written):
    root, errors = written("PianoVAM"), []
    for path, (_, truth) in zip(sorted((root / "Handskeleton").iterdir()), truths(written), strict=True):
        frames = json.loads(path.read_text())
        assert list(frames) == [str(k) for k in range(120)]
        centers = np.array(truth["key_centers_px"])
        white_px = np.ptp(centers[:, 0]) / np.ptp(CENTER_MM) * WHITE_PITCH_MM
        fingered = rows_of(root / "Fingering" / f"{path.stem}.tsv", "\n")[1:]
        for onset, _, _, note, _, hand, finger in fingered:
            k = min(round(float(TimeGrid(60.0, 0.0, 0).frame(float(onset)))), len(frames) - 1)
            points = frames[str(k)][{"L": "Left", "R": "Right"}[hand]]
            if points is not None:
                assert np.array(points).shape == (1 + 5 * 4, 3)
                tip_px = points[4 * int(finger)][0] * SIZE_PX[0]
                errors.append(abs(tip_px - centers[key_of(int(note)), 0]) / white_px)
    assert len(errors) > 10 and np.median(errors) < 0.5


@pytest.mark.parametrize("rate", ["25", "29.97", "60", "variable"])
@pytest.mark.parametrize("start_s", [0.0, 0.5])
def test_labels_count_from_the_first_frame_at_every_rate_and_start(written, rate, start_s):
    root = written("OMAPS2", rate=rate, start_s=start_s, clips=1)
    frames = list(read_frames(root / "train" / "001.mp4"))
    times_s = np.array([frame.time_s for frame in frames])
    assert times_s[0] == 0.0 and times_s[-1] == pytest.approx(2.0, abs=0.08)
    assert abs(np.ptp(np.diff(times_s))) < 1e-4 or rate == "variable" and np.ptp(np.diff(times_s)) > 0.01
    if rate != "variable":
        assert np.allclose(times_s, TimeGrid(float(rate), 0.0, len(frames)).times_s(), atol=2e-5)
    first, later = (written("OMAPS2", rate="30", clips=1) / "train" / "001.txt", root / "train" / "001.txt")
    assert first.read_bytes() == later.read_bytes()


def test_a_variable_rate_shows_the_same_pictures_at_every_start(written):
    videos = [written("OMAPS2", rate="variable", start_s=start_s, clips=1) / "train" / "001.mp4" for start_s in (0.0, 0.5)]
    one, other = (list(read_frames(video)) for video in videos)
    assert np.allclose([frame.time_s for frame in one], [frame.time_s for frame in other], atol=1e-9)
    assert all(likeness(a.grey.astype(float), b.grey.astype(float)) > 0.999 for a, b in zip(one, other, strict=True))


def test_the_file_really_starts_later(written):
    import av

    with av.open(str(written("OMAPS2", rate="25", start_s=0.5, clips=1) / "train" / "001.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.start_time * stream.time_base) == pytest.approx(0.5, abs=1e-3)


def test_the_same_request_gives_the_same_bytes(written, params, tmp_path):
    root = written("PianoVAM")
    again, count = write_layout(tmp_path, params, replace(ASKED, layout="PianoVAM"), workers=Workers(1))
    assert count == 6 and names(again) == names(root)
    assert [md5_of(again / name) for name in names(root)] == [md5_of(root / name) for name in names(root)]


def test_a_folder_that_exists_is_left_alone(params, tmp_path):
    (tmp_path / "OMAPS").mkdir()
    (tmp_path / "OMAPS" / "real.mp4").write_bytes(b"real")
    with pytest.raises(InputError, match="already exists, and may be a real dataset"):
        write_layout(tmp_path, params, replace(ASKED, layout="OMAPS"), workers=Workers(1))
    assert (tmp_path / "OMAPS" / "real.mp4").read_bytes() == b"real"


def test_pianovam_pictures_are_16_to_9(params, tmp_path):
    with pytest.raises(InputError, match="320x240 is not 16:9"):
        write_layout(tmp_path, params, replace(ASKED, layout="PianoVAM", size_px=(320, 240), clips=1), workers=Workers(1))
    assert not (tmp_path / "PianoVAM_v1.0").exists()


def test_notes_under_the_pedal_sound_until_it_is_lifted_or_their_key_struck_again():
    notes = make_notes(np.array([0.0, 1.0, 1.5]), np.array([0.5, 1.2, 1.6]), np.array([60, 62, 62]))
    assert sounding(notes, np.array([[0.4, 1.0], [1.1, 3.0]])).offset_s.tolist() == [1.0, 1.5, 3.0]


def test_pedal_is_down_in_spans_that_ascend_within_the_clip():
    spans = pedal_spans_s(np.random.default_rng(0), 20.0)
    assert len(spans) > 5 and (np.diff(spans.ravel()) > 0).all() and spans.min() >= 0 and spans.max() <= 20.0


def test_variable_times_ascend_from_0_and_keep_the_mean_rate():
    times_s = variable_times_s(np.random.default_rng(0), 60.0, 30.0)
    assert times_s[0] == 0.0 and times_s[-1] < 60.0 and (np.diff(times_s) > 0.02).all()
    assert np.median(np.diff(times_s)) == pytest.approx(1 / 30, rel=0.1)


def test_turned_points():
    points = np.array([[0.0, 0.0], [10.0, 20.0]])
    assert turned_px(points, (100, 50), MIRRORED).tolist() == [[99.0, 0.0], [89.0, 20.0]]
    assert turned_px(points, (100, 50), ROTATED).tolist() == [[99.0, 49.0], [89.0, 29.0]]
    assert turned_px(points, (100, 50), None).tolist() == points.tolist()


def test_the_command_writes_and_says_where(tmp_path, capsys):
    size = ["--clips", "1", "--seconds", "1", "--size", "320x180"]
    assert main(["synthesize", "--layout", "OMAPS", "--out", str(tmp_path), *size]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'OMAPS'}: 3 clips\n"
    stems = ("test/001", "train/001", "train/002")
    assert names(tmp_path / "OMAPS") == [f"{stem}{kind}" for stem in stems for kind in (".mp4", ".txt")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "big"], "--size: 'big' is not a size"),
        (["--clips", "0"], "--clips: 0 is outside 1..900"),
        (["--start", "-1"], "--start: -1.0 is outside 0..3600"),
        (["--seconds", "0.5"], "--seconds: 0.5 is outside 1..3600"),
        (["--size", "321x181"], "--size: 321x181 has an odd side"),
        (["--size", "160x90"], "--size: width: 160 is outside 320..3840"),
    ],
)
def test_bad_arguments_end_in_one_sentence(tmp_path, capsys, arguments, message):
    assert main(["synthesize", "--layout", "OMAPS", "--out", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err
