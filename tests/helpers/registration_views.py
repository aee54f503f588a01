"""Rendered views of keyboards with exact truth, far wider than the training data: what a stranger may film.

A view is 4-6 frames of one fixed camera with moving hands, made by the renderer of `tivit.synth` with other cameras, shorter
instruments (`ShortPainter`), clutter, overlays, glare and over-exposure. Every draw comes from (seed, index). Frames are kept
as the JPEG bytes that they are shown with, so a cached view is the same picture. One view in 16 shows no keyboard.

Truth: image px of the key centres at y = 75 mm on the white-key plane, orientation, which keys lie wholly in the picture, and
whether the octave can be known: the keys in view fit an 88-key piano in one place only, or its lower end (A0) is in view.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
from registration_cameras import ViewCamera, draw_camera, is_plausible, keys_in_view, octave_known, points_mm, white_key_px
from registration_nothing import paint_nothing
from registration_scenery import (
    KeyDecor,
    ViewPicture,
    add_clutter,
    add_reflection,
    finished,
    random_decor,
    random_overlay,
    view_scene,
)
from synth_cases import music

from tivit.core.artifacts import atomic_path
from tivit.core.keyboard import (
    BLACK_HEIGHT_MM,
    BLACK_KEYS,
    CENTER_MM,
    KEY_COUNT,
    OCTAVE_KEYS,
    WHITE_LENGTH_MM,
    key_of,
    midi_of,
)
from tivit.core.notes import Notes
from tivit.synth.hands import HandPainter
from tivit.synth.kinematics import key_depths
from tivit.synth.motion import HANDS, HandMotion, HandStyle, hand_motion
from tivit.synth.music import random_piece
from tivit.synth.photometry import Noise
from tivit.synth.render import _add_hand

VERSION = 6
"""Goes up whenever the same seed and index would give another picture."""
ORIENTATIONS = ("upright", "rotated", "mirrored", "rotated_mirrored")
"""Of views by their index; those of pictures turned by 90 degrees are made from them."""
NOTHING_EVERY = 16
LARGEST_EVERY = 64
SIZES = (
    ((640, 360), 0.22), ((854, 480), 0.17), ((1280, 720), 0.28), ((1920, 1080), 0.19), ((640, 480), 0.035),
    ((1024, 768), 0.035), ((720, 1280), 0.035), ((1080, 1920), 0.035),
)  # fmt: skip
LARGEST = (3840, 2160)
SHORT_MIDI = (
    (48, 72), (36, 60), (60, 84), (41, 65), (36, 84), (36, 96), (28, 100), (24, 96), (28, 103), (21, 105),
)  # fmt: skip
"""First and last MIDI number of shorter instruments: 25 (four), 49, 61, 73 (two), 76 and 85 keys."""
MINI_DEPTHS = (0.62, 0.85)
"""How long mini keys are for their width, beside those of a piano: keys 80 to 100 mm long and 18 to 20 mm wide."""
EDGE_KEY = 0.15
"""A key whose side lies this near (white-key widths) to the border may be called in view or not."""
MOST_COVERED = 0.4
PIECE_S = 12.0
MUSIC = music((2.0, 8.0))
GRID_FPS = 30.0


@dataclass(frozen=True)
class Truth:
    """What is true of a view.

    Attributes
    ----------
    keyboard : False where there is none; the rest is then meaningless.
    centers_px : (88, 2), of all keys of the world whether they exist or not.
    keys : first and last key (0..87) wholly in view. loose_keys : the same if keys on the border count as in view;
        strict_keys : if they do not.
    octave_known : see the module docstring. either : the end that would tell is barely in view, so both answers are right.
    tags : the conditions of the view.
    camera : what sees the keyboard upright. to_px : (3, 3), from the pixels of that camera to those of the picture.
    instrument : first and last key (0..87) that there is.
    """

    keyboard: bool
    size_wh: tuple[int, int]
    orientation: str
    centers_px: np.ndarray
    keys: tuple[int, int]
    loose_keys: tuple[int, int]
    strict_keys: tuple[int, int]
    octave_known: bool
    either: bool
    tags: tuple[str, ...]
    camera: ViewCamera
    to_px: np.ndarray
    instrument: tuple[int, int]

    def px(self, points_mm: np.ndarray) -> np.ndarray:
        """Return where points of the world (..., 3) are in the picture, (..., 2)."""
        seen = self.camera.project(points_mm)
        mapped = np.concatenate([seen, np.ones_like(seen[..., :1])], axis=-1) @ self.to_px.T
        return mapped[..., :2] / mapped[..., 2:]


@dataclass(frozen=True)
class View:
    """Frames as JPEG bytes and what is true of them."""

    index: int
    jpegs: tuple[bytes, ...]
    truth: Truth

    def frames(self) -> list[np.ndarray]:
        """Return the decoded frames, BGR uint8."""
        return [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in self.jpegs]


def view_of(seed: int, index: int, cache: Path, is_mini: bool = False) -> View:
    """Return view `index`, from the cache or rendered now."""
    path = Path(cache) / f"v{VERSION}{'mini' * is_mini}_{seed}_{index:04d}.npz"
    if not path.exists():
        view = make_view(seed, index, is_mini)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f"jpeg{k}": np.frombuffer(data, np.uint8) for k, data in enumerate(view.jpegs)}
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            lists = {name: np.array(value) for name, value in asdict(view.truth).items() if name != "camera"}
            seen_by = {f"camera_{name}": np.array(value) for name, value in asdict(view.truth.camera).items()}
            np.savez(file, count=len(view.jpegs), **arrays, **lists, **seen_by)
    with np.load(path, allow_pickle=False) as data:
        jpegs = tuple(data[f"jpeg{k}"].tobytes() for k in range(int(data["count"])))
        names = ("size_wh", "keys", "loose_keys", "strict_keys", "tags", "instrument")
        pairs = {name: tuple(data[name].tolist()) for name in names}
        flags = {name: bool(data[name]) for name in ("keyboard", "octave_known", "either")}
        camera = ViewCamera(**{field.name: _plain(data[f"camera_{field.name}"]) for field in fields(ViewCamera)})
        places = {name: data[name] for name in ("centers_px", "to_px")}
        truth = Truth(orientation=str(data["orientation"]), camera=camera, **places, **pairs, **flags)
    return View(index, jpegs, truth)


def _plain(value: np.ndarray) -> np.ndarray | int | float:
    return value if value.ndim else value.item()


def make_view(seed: int, index: int, is_mini: bool = False) -> View:
    """Render a view; of mini keys, which are short for their width."""
    rng = np.random.default_rng([seed, index])
    depth_scale = float(np.random.default_rng([seed, index, 1]).uniform(*MINI_DEPTHS)) if is_mini else 1.0
    orientation = ORIENTATIONS[index % len(ORIENTATIONS)]
    is_nothing = index % NOTHING_EVERY == NOTHING_EVERY - 1
    kind = "88" if is_nothing else str(rng.choice(["88", "one end cut", "both ends cut", "short"], p=[0.55, 0.11, 0.08, 0.26]))
    instrument = (0, KEY_COUNT - 1)
    if kind == "short":
        low, high = SHORT_MIDI[rng.integers(len(SHORT_MIDI))]
        instrument = (int(key_of(low)), int(key_of(high)))
    while True:
        size_wh = LARGEST if index % LARGEST_EVERY == 5 else SIZES[rng.choice(len(SIZES), p=[p for _, p in SIZES])][0]
        camera, tags = draw_camera(rng, size_wh, instrument, kind, depth_scale)
        loose, keys, strict = (keys_in_view(camera, instrument, m) for m in (EDGE_KEY, 0.0, -EDGE_KEY))
        if is_plausible(camera, keys, kind, instrument):
            break
    decor = random_decor(rng, white_key_px(camera, keys))
    tags += decor.tags + (f"{size_wh[0]}x{size_wh[1]}", orientation)
    pictures = paint_nothing(rng, camera, decor) if is_nothing else paint_frames(rng, camera, instrument, keys, decor)
    jpegs = tuple(_encoded(_flipped(picture, orientation), decor.jpeg_quality) for picture in pictures)
    to_px = flip_matrix(size_wh, orientation)
    if is_nothing:
        nowhere = np.zeros((KEY_COUNT, 2))
        truth = Truth(
            False, size_wh, orientation, nowhere, keys, loose, strict, False, False, ("nothing",), camera, to_px, instrument
        )
        return View(index, jpegs, truth)
    known, either = octave_known(camera, instrument, strict, loose)
    count = instrument[1] - instrument[0] + 1
    tags += (kind if kind != "short" else f"{count} keys", "octave known" if known else "octave unknown")
    nowhere = np.zeros((KEY_COUNT, 2))
    truth = Truth(True, size_wh, orientation, nowhere, keys, loose, strict, known, either, tags, camera, to_px, instrument)
    return View(index, jpegs, replace(truth, centers_px=truth.px(points_mm(CENTER_MM, WHITE_LENGTH_MM / 2))))


def paint_frames(
    rng: np.random.Generator, camera: ViewCamera, instrument: tuple[int, int], keys: tuple[int, int], decor: KeyDecor
) -> list[np.ndarray]:
    """Return the frames of a view with hands on the keys, before turning and compression."""
    scene = view_scene(rng, decor)
    picture = ViewPicture(rng, camera, scene, instrument)
    add_clutter(rng, picture, decor)
    if decor.has_reflection:
        add_reflection(rng, picture)
    count = int(rng.integers(4, 7)) - (camera.width_px > 2000)
    hands, depth = _hands(rng, camera, picture, keys, count)
    overlay = random_overlay(rng, camera, keys, decor)
    noise = Noise(rng, picture.size_px, decor.noise_levels)
    frames = []
    for k in range(count):
        frame = picture.at(depth[k]).copy()
        for hand in hands:
            _add_hand(frame, hand, picture.light, 3 * k + 1)
        frames.append(noise.apply(finished(frame, decor, overlay, k)))
    return [np.zeros_like(frames[0]), *frames] if decor.has_black_frame else frames


def _hands(
    rng: np.random.Generator, camera: ViewCamera, picture: ViewPicture, keys: tuple[int, int], count: int
) -> tuple[list[HandPainter], np.ndarray]:
    """Return hands whose frame 3 k + 1 is picture k (its neighbours give the motion) and the key depths (count, 88)."""
    times_s = np.arange(int(PIECE_S * GRID_FPS)) / GRID_FPS
    chosen = np.linspace(20, len(times_s) - 20, count).astype(int) + rng.integers(-15, 16, count)
    triples = (chosen[:, None] + [-1, 0, 1]).ravel()
    used = HANDS if keys[1] - keys[0] > 36 else (HANDS[int(rng.integers(2))],)
    reach_mm = rng.uniform(-10, 25)
    for attempt in range(5):
        notes = _folded(random_piece(rng, PIECE_S, MUSIC).notes, keys)
        depth = key_depths(rng, notes, times_s, (0.6, 1.0))
        lift_mm, rest_s, width = rng.uniform(3, 12), rng.uniform(0.05, 0.5), rng.uniform(0.88, 1.1)
        style = HandStyle(reach_mm - 18.0 * attempt, lift_mm, 0.0, rest_s, width, yaw_deg=0.0)
        hands = []
        for hand in used:
            motion = hand_motion(rng, notes.take(notes.hand == hand), depth, times_s, style, hand)
            part = HandMotion(hand, motion.center_mm[triples], motion.tips_mm[triples], motion.yaw_rad[triples])
            arm_mm = rng.uniform(-20, 160)
            hands.append(HandPainter(camera, picture.painter.scene, part, style.width, arm_mm, picture.curve))
        if covered_share(camera, hands, keys, count) <= MOST_COVERED:
            break
    depth = depth[chosen] * np.isin(np.arange(KEY_COUNT), picture.paintable)
    return hands, depth


def _folded(notes: Notes, keys: tuple[int, int]) -> Notes:
    """Return the notes moved by octaves into the keys in view, where they fit."""
    midi = notes.midi.copy()
    low, high = midi_of(keys[0]), midi_of(keys[1])
    for _ in range(8):
        midi = np.where(midi < low, midi + OCTAVE_KEYS, np.where(midi > high, midi - OCTAVE_KEYS, midi))
    return replace(notes, midi=midi)


def covered_share(camera: ViewCamera, hands: list[HandPainter], keys: tuple[int, int], count: int) -> float:
    """Return the share of black keys in view that hands hide in at least half of the frames."""
    blacks = BLACK_KEYS[(keys[0] <= BLACK_KEYS) & (keys[1] >= BLACK_KEYS)]
    points = np.round(camera.project(points_mm(CENTER_MM[blacks], 100.0, BLACK_HEIGHT_MM))).astype(int)
    hidden = np.zeros((count, len(blacks)), bool)
    for hand in hands:
        for k in range(count):
            x0, y0, x1, y1 = hand.window_px(3 * k + 1)
            inside = (points >= (x0, y0)).all(1) & (points < (x1, y1)).all(1)
            if inside.any():
                alpha = hand.layer(3 * k + 1)[..., 3]
                hidden[k, inside] |= alpha[points[inside, 1] - y0, points[inside, 0] - x0] > 127
    return float((hidden.mean(0) >= 0.5).mean())


def flip_matrix(size_wh: tuple[int, int], orientation: str) -> np.ndarray:
    """Return the map (3, 3) from pixels of an upright picture to those of the turned or mirrored one."""
    matrix = np.eye(3)
    for axis, is_flipped in enumerate((orientation in ("rotated", "mirrored"), orientation.startswith("rotated"))):
        if is_flipped:
            matrix[axis, axis], matrix[axis, 2] = -1, size_wh[axis] - 1
    return matrix


def _flipped(picture: np.ndarray, orientation: str) -> np.ndarray:
    code = {"upright": None, "rotated": -1, "mirrored": 1, "rotated_mirrored": 0}[orientation]
    return picture if code is None else cv2.flip(picture, code)


def _encoded(picture: np.ndarray, quality: int) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
