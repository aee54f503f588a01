"""PianoVAM 1.2: `Video`, `MIDI`, `TSV`, `Audio` (silent), `Handskeleton`, `Fingering` and `metadata.json`.

Recordings are named by their time; all end alike here, so that an id that is cut short would be met twice. Corners are whole
pixels of a picture of 1920x1080, as strings. The MIDI holds the pedal, and its notes end as keys are released; the TSV has both
ends. Hands and fingers of each note are in `Fingering` alone.
"""

from __future__ import annotations

import io
import json
import wave
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from tivit.core.artifacts import write_bytes, write_json
from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND
from tivit.core.keyboard import CENTER_MM, key_of
from tivit.core.notes import Notes
from tivit.core.timegrid import TimeGrid, frames_of, nearest_frames
from tivit.synth.camera import Camera, corners_mm
from tivit.synth.dataset import Take
from tivit.synth.hands import HandPainter
from tivit.synth.layouts.clip import Job, Kind, LayoutRequest, labels_of, write_frames
from tivit.synth.layouts.pedal import pedal_spans_s, sounding, write_midi_with_pedal

FIRST_TIME = datetime(2024, 2, 14, 19, 10, 9)
"""Recordings are a day apart, beginning a day after this one."""
TIME_FORMAT = "%Y-%m-%d_%H-%M-%S"
SIZE_PX = (1920, 1080)
"""Width and height of the pictures, which the corners are in whatever size is asked for."""
SKELETON_FPS = 60.0
"""Rate of the hand landmarks (Hz), whatever that of the video is."""
SAMPLE_HZ = 44100
"""Sample rate of the silent sound."""
POINTS = ("Point_LT", "Point_RT", "Point_RB", "Point_LB")
COLUMNS = ("onset", "key_offset", "frame_offset", "note", "velocity")
LETTERS = {LEFT_HAND: "L", RIGHT_HAND: "R"}
NAMES = {LEFT_HAND: "Left", RIGHT_HAND: "Right"}
WRIST_MM = np.array([0.0, -80.0, -10.0])
"""Where the wrist is from the middle of the knuckles (x, y, z)."""
PEDAL_STREAM = 14
"""Name of the random stream of the pedal."""


def _write(root: Path, job: Job, take: Take, request: LayoutRequest) -> dict[str, str]:
    """Write the files of one recording and return its entry of `metadata.json`."""
    width, height = take.camera.width_px, take.camera.height_px
    if width * SIZE_PX[1] != height * SIZE_PX[0]:
        raise InputError(f"--size: {width}x{height} is not 16:9, as the pictures of PianoVAM are")
    time = (FIRST_TIME + timedelta(days=job.overall)).strftime(TIME_FORMAT)
    write_frames(root / "Video" / f"{time}.mp4", take, request.start_s)
    notes = labels_of(take, 0.0)
    spans_s = pedal_spans_s(np.random.default_rng([request.seed, job.overall, PEDAL_STREAM]), take.times_s[-1])
    write_midi_with_pedal(root / "MIDI" / f"{time}.mid", notes, spans_s)
    rows = _rows(notes, sounding(notes, spans_s))
    write_bytes(root / "TSV" / f"{time}.tsv", _table("# ", COLUMNS, rows))
    hands = [[LETTERS[int(hand)]] for hand in take.piece.notes.hand]
    fingers = [[str(finger)] for finger in _fingers(take)]
    rows = [row + hand + finger for row, hand, finger in zip(rows, hands, fingers, strict=True)]
    write_bytes(root / "Fingering" / f"{time}.tsv", _table("", (*COLUMNS, "hand", "finger"), rows))
    skeleton = json.dumps(_skeleton(take), separators=(", ", ": "))
    write_bytes(root / "Handskeleton" / f"{time}.json", skeleton.encode())
    write_bytes(root / "Audio" / f"{time}.wav", _silence())
    corners = np.rint(take.camera.project(corners_mm()) * SIZE_PX[0] / width).astype(int).tolist()
    minutes, seconds = divmod(round(float(take.times_s[-1])), 60)
    return {
        "record_time": time,
        "split": job.folder,
        "composer": "rendered",
        "piece": f"{job.task.split}/{job.task.stem}",
        "duration": f"{minutes:02d}:{seconds:02d}",
        **{name: f"{x}, {y}" for name, (x, y) in zip(POINTS, corners, strict=True)},
    }


def _rows(notes: Notes, heard: Notes) -> list[list[str]]:
    """Return onset, key release, end of sound (s, six decimals), pitch and velocity of each note, as text."""
    times = zip(notes.onset_s, notes.offset_s, heard.offset_s, strict=True)
    marks = zip(notes.midi.tolist(), notes.velocity.tolist(), strict=True)
    return [[*(f"{t:.6f}" for t in of_note), *map(str, mark)] for of_note, mark in zip(times, marks, strict=True)]


def _table(mark: str, names: tuple[str, ...], rows: list[list[str]]) -> bytes:
    """Return a table with tabs; `mark` comes before the names of its columns."""
    return (mark + "".join("\t".join(row) + "\n" for row in [list(names), *rows])).encode()


def _fingers(take: Take) -> list[int]:
    """Return each note's finger, 1 (thumb) .. 5: that of its hand whose tip is nearest to the key as it goes down."""
    notes, fingers = take.piece.notes, []
    tips_mm = {hand.motion.hand: hand.motion.tips_mm for hand in take.hands}
    for i in range(len(notes)):
        k = min(int(np.searchsorted(take.hand_times_s, notes.onset_s[i])), len(take.hand_times_s) - 1)
        distance = np.abs(tips_mm[int(notes.hand[i])][k, :, 0] - CENTER_MM[key_of(int(notes.midi[i]))])
        fingers.append(int(distance.argmin()) + 1)
    return fingers


def _skeleton(take: Take) -> dict[str, dict[str, list[list[float]] | None]]:
    """Return the landmarks of both hands by frame, at 60 frames a second on the clock of the clip.

    Frame number -> hand -> points as `landmarks` has them; None where a hand is not wholly in the picture.
    """
    length = frames_of(float(take.times_s[-1]), SKELETON_FPS) + 1
    nearest = nearest_frames(take.hand_times_s, TimeGrid(SKELETON_FPS, 0.0, length))
    shares = {NAMES[hand.motion.hand]: landmarks(hand, take.camera)[nearest] for hand in take.hands}
    result = {}
    for k in range(length):
        frame = {name: points[k] for name, points in sorted(shares.items())}
        is_inside = {name: bool(((points[:, :2] >= 0) & (points[:, :2] <= 1)).all()) for name, points in frame.items()}
        result[str(k)] = {name: np.round(points, 5).tolist() if is_inside[name] else None for name, points in frame.items()}
    return result


def landmarks(hand: HandPainter, camera: Camera) -> np.ndarray:
    """Return the landmarks of a hand over time: the wrist and four joints of each finger, thumb first (MediaPipe's order).

    Parameters
    ----------
    hand : HandPainter
        T instants of a hand.
    camera : Camera

    Returns
    -------
    ndarray, (T, 21, 3)
        x and y are shares of the width and height of the picture; z is minus the height above the wrist, as a share of the
        width.
    """
    joints = hand.joints_mm()
    knuckle, middle, tip = joints[:, :, 0], joints[:, :, 1], joints[:, :, 2]
    wrist = knuckle[:, 2:4].mean(1, keepdims=True) + WRIST_MM * hand.width
    # The painted fingers have three joints; the fourth, before the tip, is put half way.
    fingers = np.stack([knuckle, middle, (middle + tip) / 2, tip], axis=2).reshape(len(joints), -1, 3)  # (T, 20, 3)
    points_mm = np.concatenate([wrist, fingers], axis=1)
    shares = camera.project(points_mm) / np.array([camera.width_px, camera.height_px])
    depth = -(points_mm[..., 2:] - wrist[..., 2:]) * float(camera.px_per_mm(wrist).mean()) / camera.width_px
    return np.concatenate([shares, depth], axis=2)


def _silence() -> bytes:
    """Return a WAV file (mono, 16 bits) without a sample."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_HZ)
    return buffer.getvalue()


def _finish(root: Path, rows: list[dict[str, str]]) -> None:
    """Write `metadata.json`: number -> entry of each recording."""
    write_json(root / "metadata.json", {str(number): row for number, row in enumerate(rows)})


PIANOVAM = Kind(
    folder="PianoVAM_v1.0",
    splits={"train": "train", "val": "valid", "test": "test"},
    rates=("60",),
    size_px=SIZE_PX,
    write=_write,
    finish=_finish,
)
