"""Small pictures of a keyboard for tests: the 3-D key model of `core.keyboard` through a random pinhole camera.

Truth is exact: `View.image_px` says where a world point (mm) lies in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from paths import PARAMS_FILE

from tivit.core import params as params_file
from tivit.core.keyboard import (
    BLACK_FRONT_MM,
    BLACK_HEIGHT_MM,
    BLACK_KEYS,
    BLACK_SLOT_WIDTH_MM,
    CENTER_MM,
    FRONT_LIP_MM,
    HIGHEST_MIDI,
    KEY_COUNT,
    KEYBOARD_WIDTH_MM,
    LEFT_MM,
    LOWEST_MIDI,
    RIGHT_MM,
    WHITE_KEYS,
    WHITE_LENGTH_MM,
    WHITE_PITCH_MM,
)
from tivit.core.registration import Quality, Refusal, Registration
from tivit.core.strip import StripGeometry
from tivit.registration.estimate import estimate
from tivit.registration.find.pattern import black_range, key_edges_mm
from tivit.registration.find.pose import black_edges_mm
from tivit.registration.judge.refine import FRONT_ROWS, X_MM, Y_MM, Plan
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.truth import key_errors

PARAMS = params_file.section(params_file.load(PARAMS_FILE), "registration", RegistrationParams)
GEOMETRY = StripGeometry(width_px=832, height_px=64, y_front_mm=-22.0, y_back_mm=158.0)
SUPERSAMPLE = 3


@dataclass(frozen=True)
class View:
    """A camera: rotation (3, 3), place (3,) in mm, focal length in px, picture size, radial lens terms, mirror flag."""

    rotation: np.ndarray
    camera_mm: np.ndarray
    focal_px: float
    size_wh: tuple[int, int]
    lens: tuple[float, float]
    is_mirrored: bool

    def image_px(self, points_mm: np.ndarray) -> np.ndarray:
        """Return pixels (..., 2), pixel centres at integers, of world points (..., 3)."""
        camera = (np.asarray(points_mm, float) - self.camera_mm) @ self.rotation.T
        flat = camera[..., :2] / camera[..., 2:]
        radius2 = (flat**2).sum(-1, keepdims=True)
        flat = flat * (1 + self.lens[0] * radius2 + self.lens[1] * radius2**2)
        width, height = self.size_wh
        pixels = flat * self.focal_px + ((width - 1) / 2, (height - 1) / 2)
        if self.is_mirrored:
            pixels[..., 0] = width - 1 - pixels[..., 0]
        return pixels

    def key_centers_px(self) -> np.ndarray:
        """Return pixels (88, 2) of the key centres at y = 75 mm on the white-key plane."""
        return self.image_px(np.stack([CENTER_MM, np.full(KEY_COUNT, 75.0), np.zeros(KEY_COUNT)], axis=1))

    def corners_px(self) -> np.ndarray:
        """Return the corners (4, 2) of the white-key area in image order: top left, top right, bottom right, bottom left."""
        return drawn_corners(self, 0, KEY_COUNT - 1)


def drawn_corners(view: View, first: int, last: int) -> np.ndarray:
    """Return the corners (4, 2) of the area of keys first..last as `View.corners_px` does."""
    x = (LEFT_MM[first], RIGHT_MM[last])
    pixels = view.image_px(np.array([[x_mm, y_mm, 0] for y_mm in (WHITE_LENGTH_MM, 0.0) for x_mm in x]))
    by_height = pixels[np.argsort(pixels[:, 1], kind="stable")]
    top, bottom = by_height[:2], by_height[2:]
    return np.concatenate([top[np.argsort(top[:, 0])], bottom[np.argsort(-bottom[:, 0])]])


def keys_in_view(view: View, instrument: tuple[int, int], margin_key: float) -> tuple[int, int]:
    """Return the first and last key (0..87) of an instrument that lie in the picture, grown by white keys on each side."""
    keys = np.arange(instrument[0], instrument[1] + 1)
    corners = [(x, y) for x in (LEFT_MM[keys], RIGHT_MM[keys]) for y in (0.0, WHITE_LENGTH_MM)]
    pixels = np.stack([view.image_px(np.stack([x, np.full(len(keys), y), np.zeros(len(keys))], axis=1)) for x, y in corners])
    margin = margin_key * np.linalg.norm(pixels[2] - pixels[0], axis=1)[:, None]
    inside = ((pixels > -0.5 - margin) & (pixels < np.array(view.size_wh) - 0.5 + margin)).all((0, 2))
    return int(keys[inside][0]), int(keys[inside][-1])


def random_view(rng: np.random.Generator, size_wh: tuple[int, int] = (640, 360), lens: float = 0.0) -> View:
    """Return a camera above the player's side that sees the whole keyboard, turned and shifted a little."""
    width, _ = size_wh
    focal_px = width * rng.uniform(0.75, 1.2)
    tilt, roll, pan = np.deg2rad([rng.uniform(-5, 35), rng.uniform(-3, 3), rng.uniform(-5, 5)])
    target = np.array([KEYBOARD_WIDTH_MM / 2 + rng.uniform(-30, 30), 70 + rng.uniform(-40, 40), 0.0])
    # The optical axis: straight down, leaned towards the fallboard by `tilt` and along the keys by `pan`.
    ahead = np.array([np.sin(pan), np.sin(tilt), -np.cos(tilt) * np.cos(pan)])
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, np.cos(tilt), np.sin(tilt)])
    right = right / np.linalg.norm(right)
    down = np.cross(ahead, right)
    turn = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = turn @ np.stack([right, down, ahead])
    distance_mm = focal_px * KEYBOARD_WIDTH_MM / (width * rng.uniform(0.7, 0.9))
    k1 = rng.uniform(-lens, lens)
    return View(rotation, target - distance_mm * ahead, focal_px, size_wh, (k1, 0.0), False)


def rotated(view: View) -> View:
    """Return the view turned by 180 degrees (the player at the top)."""
    return replace(view, rotation=np.diag([-1.0, -1.0, 1.0]) @ view.rotation)


def mirrored(view: View) -> View:
    """Return the view flipped left to right."""
    return replace(view, is_mirrored=True)


def held_by_hand(view: View, right_px: float, down_px: float, roll: float = 0.0) -> View:
    """Return the same camera turned so that the picture moves by so many pixels and rolls by so many radians."""
    turn, _ = cv2.Rodrigues(np.array([-down_px / view.focal_px, right_px / view.focal_px, roll]))
    return replace(view, rotation=turn @ view.rotation)


@dataclass(frozen=True)
class Look:
    """How a picture is taken: light (1 is bright), noise (levels), blur (px), the fallboard's shade, keys that exist."""

    light: float = 1.0
    noise: float = 2.0
    blur: float = 0.0
    body: int = 35
    keys: tuple[int, int] = (0, KEY_COUNT - 1)


def render(view: View, rng: np.random.Generator, look: Look) -> np.ndarray:
    """Return a BGR picture, uint8: white keys with seams, black keys as boxes, fallboard, cheek blocks, plain background."""
    width, height = view.size_wh
    canvas = np.full((height * SUPERSAMPLE, width * SUPERSAMPLE), 70, np.uint8)

    def fill(points_mm: list[tuple[float, float, float]], shade: int) -> None:
        pixels = (view.image_px(np.array(points_mm, float)) + 0.5) * SUPERSAMPLE - 0.5
        cv2.fillConvexPoly(canvas, np.round(pixels * 16).astype(np.int32), shade, cv2.LINE_AA, 4)

    def flat(left: float, right: float, front: float, back: float, z: float, shade: int) -> None:
        fill([(left, front, z), (right, front, z), (right, back, z), (left, back, z)], shade)

    flat(-60, KEYBOARD_WIDTH_MM + 60, -60, 330, 0, look.body)
    flat(LEFT_MM[look.keys[0]], RIGHT_MM[look.keys[1]], 0, WHITE_LENGTH_MM, 0, min(look.body, 90))
    whites, blacks = (keys[(keys >= look.keys[0]) & (keys <= look.keys[1])] for keys in (WHITE_KEYS, BLACK_KEYS))
    for key in whites:
        fill(_wall(LEFT_MM[key] + 0.7, RIGHT_MM[key] - 0.7, 0.0, -FRONT_LIP_MM, 0.0), 160)
        flat(LEFT_MM[key] + 0.7, RIGHT_MM[key] - 0.7, 0, WHITE_LENGTH_MM, 0, 215)
    half = BLACK_SLOT_WIDTH_MM / 2
    front = BLACK_FRONT_MM
    for key in blacks[np.argsort(-np.abs(CENTER_MM[blacks] - view.camera_mm[0]))]:
        left, right, base = LEFT_MM[key], RIGHT_MM[key], CENTER_MM[key]
        flat(base - half, base + half, front - 1, WHITE_LENGTH_MM, 0, 25)
        for x_mm, x_base in ((left, base - half + 1), (right, base + half - 1)):
            top = BLACK_HEIGHT_MM
            fill([(x_mm, front, top), (x_mm, 150, top), (x_base, 150, 0), (x_base, front, 0)], 30)
        fill([(left, front, 12), (right, front, 12), (right, front - 1, 0), (left, front - 1, 0)], 40)
        flat(left, right, front, WHITE_LENGTH_MM, BLACK_HEIGHT_MM, 45)
    picture = cv2.resize(canvas, view.size_wh, interpolation=cv2.INTER_AREA).astype(float) * look.light
    if look.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), look.blur)
    picture = picture[..., None] + rng.normal(0, look.noise, (*picture.shape, 3))
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _wall(left: float, right: float, y_mm: float, low: float, high: float) -> list[tuple[float, float, float]]:
    return [(left, y_mm, low), (right, y_mm, low), (right, y_mm, high), (left, y_mm, high)]


def known_registration(view: View, geometry: StripGeometry) -> Registration:
    """Return the true registration of an upright view without lens."""
    world = np.array([[0, 0, 0], [KEYBOARD_WIDTH_MM, 0, 0], [KEYBOARD_WIDTH_MM, 150, 0], [0, 150, 0]], float)
    to_image = cv2.getPerspectiveTransform(world[:, :2].astype(np.float32), view.image_px(world).astype(np.float32))
    homography = geometry.world_to_strip() @ np.linalg.inv(to_image)
    return Registration(
        doubt="", homography=tuple(map(tuple, (homography / homography[2, 2]).tolist())), x_correction=(),
        orientation="upright", first_midi=21, last_midi=108, source_hw=view.size_wh[::-1], frames=1, source="pixels",
        quality=Quality(0.9, 0.2, 0.02, err_black=(0.2, 0.01), err_white=(0.2, 0.03), err_across=(0.1, 0.05), deviation=0.4),
    )  # fmt: skip


def drawn_plan(
    camera_mm: np.ndarray,
    keys: tuple[int, int] = (LOWEST_MIDI, HIGHEST_MIDI),
    shift_mm: np.ndarray | float = 0.0,
    has_seams: bool = True,
    view_mm: tuple[float, float] = (-np.inf, np.inf),
) -> Plan:
    """Return an instrument of MIDI keys first..last drawn straight on the plane raster, seen from `camera_mm`.

    It is moved along x by `shift_mm` (at each of X_MM); what lies outside `view_mm` is not in the picture.
    """
    true_x = np.interp(X_MM, X_MM + shift_mm, X_MM)
    left, right = black_edges_mm(np.arange(*black_range(*keys)), camera_mm)
    black = ((true_x[:, None] > left) & (true_x[:, None] < right)).any(1)
    grey = np.full((len(Y_MM), len(X_MM)), 200.0)
    grey[np.ix_((Y_MM > 55) & (Y_MM < WHITE_LENGTH_MM), black)] = 30
    if has_seams:
        near_seam = np.abs((true_x + WHITE_PITCH_MM / 2) % WHITE_PITCH_MM - WHITE_PITCH_MM / 2) < 0.8
        grey[np.ix_(FRONT_ROWS, near_seam)] = 100
    grey[Y_MM > WHITE_LENGTH_MM] = 30
    grey[:, (true_x < key_edges_mm(keys[0])[0]) | (true_x > key_edges_mm(keys[1])[1])] = 30
    grey[:, np.clip(X_MM, *view_mm) != X_MM] = np.nan
    return Plan(grey)


TURNS = {
    "upright": lambda view: view,
    "rotated": rotated,
    "mirrored": mirrored,
    "rotated_mirrored": lambda view: rotated(mirrored(view)),
}


def seen(
    seed: int, orientation: str = "upright", look: Look | None = None, lens: float = 0.08, size_wh: tuple[int, int] = (640, 360)
) -> tuple[View, np.ndarray]:
    """Return a random view, turned as `orientation` says, and its picture."""
    rng = np.random.default_rng([5, seed])
    view = TURNS[orientation](random_view(rng, size_wh, lens))
    return view, render(view, rng, look or Look())


def look_at(
    view: View, instrument: tuple[int, int] = (0, KEY_COUNT - 1), override: Override = NOTHING_KNOWN
) -> Registration | Refusal:
    """Return what is found in a picture of an instrument of keys first..last."""
    return estimate([render(view, np.random.default_rng(1), Look(keys=instrument))], PARAMS, GEOMETRY, override)


def assert_so(found: Registration, view: View, instrument: tuple[int, int] = (0, KEY_COUNT - 1)) -> None:
    """Assert that the ends and the places of the keys in view are right, in any octave where the octave is left open.

    A key whose side lies within 0.15 white keys of the picture's border may count as in view or not.
    """
    (low, high), (inner_low, inner_high) = (keys_in_view(view, instrument, margin) for margin in (0.15, -0.15))
    errors = key_errors(found, view.key_centers_px(), GEOMETRY)[inner_low : inner_high + 1]
    octaves = 0 if found.is_usable else round(float(np.median(errors)) / 7)
    assert np.abs(errors - 7 * octaves).max() < 0.1
    assert low <= found.first_key - 12 * octaves <= inner_low
    assert inner_high <= found.last_key - 12 * octaves <= high


def cut_view(seed: int, along_mm: float = 0.0, zoom: float = 1.0, lens: float = 0.05) -> View:
    """Return a view that looks so much further up the keyboard, or nearer."""
    view = random_view(np.random.default_rng([5, seed]), (640, 360), lens)
    return replace(view, camera_mm=view.camera_mm + (along_mm, 0, 0), focal_px=view.focal_px * zoom)
