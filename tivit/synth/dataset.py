"""Writes the rendered dataset: `<root>/{train,val,test}/<tier>_<number>.mp4|.mid|.json`.

The JSON holds what a registration and a model are measured against: the true pose, corners, key centres, key signature and
notes. Every random draw comes from a generator of (seed, split, clip, part of the clip), so splits share nothing and the same
seed gives the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from tivit.core.artifacts import atomic_path, write_json
from tivit.core.choices import SPLITS
from tivit.core.errors import InputError
from tivit.core.keyboard import CENTER_MM, WHITE_LENGTH_MM
from tivit.core.notes import Notes, joined, write_midi
from tivit.core.run.parallel import map_clips
from tivit.core.run.runtime import Workers
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.synth.cadence import every_picture, file_frames, random_cadence
from tivit.synth.camera import Camera, corners_mm, random_camera
from tivit.synth.distractors import random_distractors, random_worn
from tivit.synth.hands import HandPainter
from tivit.synth.kinematics import key_depths
from tivit.synth.motion import HANDS, HandStyle, hand_motion
from tivit.synth.music import Piece, random_piece
from tivit.synth.params import SHIFT, CameraParams, SynthParams
from tivit.synth.photometry import AutoExposure, compressed, tone_curve
from tivit.synth.render import render
from tivit.synth.scene import random_scene, shifted
from tivit.synth.touches import random_touches, touch_depths
from tivit.synth.video import frame_count, write_video

TIERS = ("plain", "hard")


@dataclass(frozen=True)
class ClipTask:
    """One clip to render.

    Attributes
    ----------
    split : str
        train, val or test.
    number : int
        Counts within the split, from 0 on; names the random streams of the clip.
    tier : str
        plain, hard or shift.
    stem : str
        Tier and number within the tier: the name of its files.
    """

    split: str
    number: int
    tier: str
    stem: str


def write_dataset(root: Path, params: SynthParams, workers: Workers) -> None:
    """Render the dataset, replacing what is there; a killed run leaves the old dataset or none, never half.

    Parameters
    ----------
    root : Path
        Its folder.
    params : SynthParams
    workers : Workers
        What renders the clips.

    Raises
    ------
    InputError
        PyAV has no H.264 encoder, a video could not be written whole, or no camera pose fits the ranges.
    """
    root = Path(root)
    building = root.with_name(f".{root.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    for split in SPLITS:
        (building / split).mkdir(parents=True)
    work = partial(write_clip, building, params)
    tasks = clip_tasks(params)
    for _ in map_clips(work, tasks, workers, "render", lambda task: f"{task.split}/{task.stem}", len(tasks)):
        pass
    shutil.rmtree(root, ignore_errors=True)
    building.rename(root)


def clip_tasks(params: SynthParams) -> list[ClipTask]:
    """Return all clips of the dataset.

    Parameters
    ----------
    params : SynthParams

    Returns
    -------
    list of ClipTask
        Plain and hard alternate in each split (the odd one is plain); shift comes last, in test alone.
    """
    tasks = [
        ClipTask(split, number, TIERS[number % 2], f"{TIERS[number % 2]}_{number // 2:03d}")
        for split in SPLITS
        for number in range(params.clips_of(split))
    ]
    return tasks + [
        ClipTask("test", params.test_clips + number, SHIFT, f"{SHIFT}_{number:03d}") for number in range(params.shift_clips)
    ]


@dataclass(frozen=True)
class Take:
    """One clip as it is filmed, before anything is written.

    Attributes
    ----------
    task : ClipTask
    piece : Piece
        What is played.
    camera : Camera
        From where it is seen.
    grid : TimeGrid
        Frames of the file at its (mean) rate.
    times_s : ndarray, (T,), s
        Instants at which these are shown.
    hands : tuple of HandPainter
        Left and right.
    hand_times_s : ndarray, (P,), s
        Instants of their motion: those of the camera's pictures, which are others than `times_s` where the rate was converted.
    frames : iterator of ndarray, (height, width, 3), uint8 BGR
        The pictures of the file, to be taken once.
    crf : float
        Constant rate factor of the file.
    """

    task: ClipTask
    piece: Piece
    camera: Camera
    grid: TimeGrid
    times_s: np.ndarray
    hands: tuple[HandPainter, ...]
    hand_times_s: np.ndarray
    frames: Iterator[np.ndarray]
    crf: float


def film_clip(params: SynthParams, task: ClipTask, times_s: np.ndarray | None = None) -> Take:
    """Return a clip whose pictures are rendered as they are taken.

    Parameters
    ----------
    params : SynthParams
    task : ClipTask
    times_s : ndarray, (T,), s, or None
        Instants of the frames, the first 0, where they are no regular grid; None: the grid of a rate that is drawn.

    Returns
    -------
    Take

    Raises
    ------
    InputError
        No camera pose fits the ranges.
    """

    def stream(name: int) -> np.random.Generator:
        return np.random.default_rng([params.seed, SPLITS.index(task.split), task.number, name])

    rng, tier = stream(0), params.tier(task.tier)
    length_s = params.length_s(task.split)
    cameras = params.camera_of(task.tier)
    fps = float(cameras.fps[rng.integers(len(cameras.fps))])
    size_px = cameras.sizes[rng.integers(len(cameras.sizes))]
    grid = TimeGrid(fps, 0.0, frames_of(length_s, fps) if times_s is None else len(times_s))
    piece = random_piece(stream(1), length_s, params.music)
    camera = random_camera(stream(2), size_px, cameras)
    scene = random_scene(stream(3), tier, params.press)
    if task.tier == SHIFT:
        scene = shifted(stream(7), scene)
    cadence = every_picture(grid) if times_s is not None else random_cadence(stream(9), grid, cameras)
    shown_s = cadence.grid.times_s() if times_s is None else times_s
    depth = key_depths(stream(4), piece.notes, shown_s, tier.press_travel)
    rng = stream(13)
    # Fingers that touch a key and those that play move alike; only the depth of the key tells them apart.
    touches = random_touches(rng, piece.notes, length_s, rng.uniform(*params.music.touches_per_s))
    np.maximum(depth, touch_depths(rng, touches, shown_s, params.music.touch_depth), out=depth)
    moves = joined(piece.notes, touches)
    rng = stream(5)
    style = HandStyle(
        reach_mm=rng.uniform(*tier.hand_reach_mm),
        lift_mm=rng.uniform(0, 12),
        away_mm=rng.choice([0.0, rng.uniform(60, 180)]),
        rest_s=rng.uniform(0.05, 0.5),
        width=rng.uniform(0.88, 1.1),
        yaw_deg=0.0,
    )
    worn_rng, hands = stream(11), []
    for hand in HANDS:
        turned = replace(style, yaw_deg=rng.uniform(*tier.hand_yaw_deg))
        motion = hand_motion(rng, moves.take(moves.hand == hand), depth, shown_s, turned, hand)
        worn = random_worn(worn_rng, params.distractors)
        hands.append(HandPainter(camera, scene, motion, style.width, rng.uniform(-20, 160), tone_curve(scene), worn))
    quality, crf = stream(8).uniform(*zip(cameras.jpeg_quality, cameras.crf, strict=True))
    exposure = _exposure(stream(10), shown_s, cameras)
    distractors = random_distractors(stream(12), camera, params.distractors, shown_s, scene.exposure)
    pictures = render(stream(6), camera, scene, depth, hands, exposure, distractors)
    frames = (compressed(frame, quality) for frame in file_frames(pictures, cadence))
    file_times_s = grid.times_s() if times_s is None else times_s
    return Take(task, piece, camera, grid, file_times_s, tuple(hands), shown_s, frames, crf)


def write_clip(root: Path, params: SynthParams, task: ClipTask) -> None:
    """Render one clip and write its video, MIDI and JSON.

    Parameters
    ----------
    root : Path
        Folder of the dataset; the files are `<root>/<split>/<stem>.*`.
    params : SynthParams
    task : ClipTask

    Raises
    ------
    InputError
        As `write_dataset`.
    """
    take = film_clip(params, task)
    path = root / task.split / f"{task.stem}.mp4"
    write_whole_video(path, take.frames, take)
    write_truth(path, params.seed, take)


def write_whole_video(path: Path, frames: Iterable[np.ndarray], take: Take, times_s: np.ndarray | None = None) -> None:
    """Write the frames of a take, and make sure that all of them are in the file.

    Parameters
    ----------
    path : Path
        An MP4 file; it is replaced when it is whole.
    frames : iterable of ndarray, (height, width, 3), uint8 BGR
        One for each instant.
    take : Take
        Gives size, rate and rate factor.
    times_s : ndarray, (T,), s, or None
        Timestamps; None: the grid of the take.

    Raises
    ------
    InputError
        The file is not whole, or PyAV has no H.264 encoder.
    """
    size_px = (take.camera.width_px, take.camera.height_px)
    with atomic_path(path) as temporary:
        write_video(temporary, frames, take.grid.fps, size_px, take.crf, times_s)
        if frame_count(temporary) != (take.grid.length if times_s is None else len(times_s)):
            raise InputError(f"{path}: the video could not be written whole; is the disk full?")


def write_truth(path: Path, seed: int, take: Take) -> None:
    """Write the MIDI and the JSON beside a video.

    Parameters
    ----------
    path : Path
        The video.
    seed : int
        Stands in the JSON.
    take : Take
    """
    write_midi(path.with_suffix(".mid"), take.piece.notes)
    write_json(path.with_suffix(".json"), _truth(take.task.tier, seed, take.grid, take.piece, take.camera))


def _exposure(rng: np.random.Generator, times_s: np.ndarray, cameras: CameraParams) -> AutoExposure:
    """Return how the gain of a clip changes over its pictures."""
    drift, reaction, height = rng.uniform(*zip(cameras.drift, cameras.reaction, cameras.flicker_height, strict=True))
    return AutoExposure(rng, times_s, drift, reaction, height if rng.random() < cameras.flicker else 0.0)


def _truth(tier: str, seed: int, grid: TimeGrid, piece: Piece, camera: Camera) -> dict[str, object]:
    """Return what the JSON of a clip holds; lengths in mm, image points in px, times in s."""
    centers_mm = np.column_stack([CENTER_MM, np.full_like(CENTER_MM, WHITE_LENGTH_MM / 2), np.zeros_like(CENTER_MM)])
    return {
        "tier": tier,
        "seed": seed,
        "fps": grid.fps,
        "width": camera.width_px,
        "height": camera.height_px,
        "key": {"tonic": piece.tonic, "mode": piece.mode},
        "camera": camera.as_dict(),
        "orientation": "upright",
        "corners_px": camera.project(corners_mm()),
        "key_centers_px": camera.project(centers_mm),
        "notes": _note_rows(piece.notes),
    }


def _note_rows(notes: Notes) -> list[list[float]]:
    """Return [onset s, offset s, midi, velocity, hand, staff] of each note."""
    columns = (notes.onset_s, notes.offset_s, notes.midi, notes.velocity, notes.hand, notes.staff)
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]
