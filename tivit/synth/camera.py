"""A pinhole camera above the keyboard with a little radial distortion, and random poses that keep all 88 keys in view.

World frame as in `core.keyboard` (mm; x along the keys, y away from the player, z up). Camera frame: x right, y down, z along
the view. Image pixels: x right, y down, pixel centres at integers. The player sits at the bottom of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.errors import InputError
from tivit.core.keyboard import FRONT_LIP_MM, KEYBOARD_WIDTH_MM, MIDDLE_MM, WHITE_LENGTH_MM
from tivit.synth.params import CameraParams

MARGIN = 0.012
"""Smallest distance of the keyboard from the image border, as a fraction of the image width."""


USUAL_LEAN_DEG = 3.0
"""Most cameras stand above the keys or a little behind them (16 real ones lean -12 to 1 degrees); some lean to the player."""


@dataclass(frozen=True)
class Camera:
    """Pose and lens of a camera.

    Attributes
    ----------
    width_px, height_px : int
        Size of its pictures.
    focal_px : float, px
        Focal length; the principal point is the middle of the picture.
    position_mm : ndarray, (3,), mm
        Where it is in the world.
    rotation : ndarray, (3, 3)
        World -> camera; its rows are the axes right, down and forward.
    k1 : float
        Radial distortion: r' = r (1 + k1 r^2) with r in focal lengths.

    References
    ----------
    D. C. Brown, "Close-range camera calibration", Photogrammetric Engineering 37(8), 1971.
    """

    width_px: int
    height_px: int
    focal_px: float
    position_mm: np.ndarray
    rotation: np.ndarray
    k1: float

    def project(self, points_mm: np.ndarray) -> np.ndarray:
        """Return where points of the world appear in the picture.

        Parameters
        ----------
        points_mm : ndarray, (..., 3), mm
            They must lie in front of the camera.

        Returns
        -------
        ndarray, (..., 2), px
            x and y; outside the picture too.
        """
        local = (np.asarray(points_mm, float) - self.position_mm) @ self.rotation.T
        plane = local[..., :2] / local[..., 2:]
        plane = plane * (1.0 + self.k1 * (plane**2).sum(-1, keepdims=True))
        return self.focal_px * plane + np.array([(self.width_px - 1) / 2, (self.height_px - 1) / 2])

    def px_per_mm(self, points_mm: np.ndarray) -> np.ndarray:
        """Return the scale of the picture at points of the world, across the line of sight.

        Parameters
        ----------
        points_mm : ndarray, (..., 3), mm

        Returns
        -------
        ndarray, (...,), px per mm
            Without the distortion of the lens.
        """
        depth_mm = (np.asarray(points_mm, float) - self.position_mm) @ self.rotation[2]
        return self.focal_px / depth_mm

    def as_dict(self) -> dict[str, object]:
        """Return the pose and lens as plain values for the JSON file of the clip."""
        return {
            "focal_px": self.focal_px,
            "position_mm": self.position_mm.tolist(),
            "rotation": self.rotation.tolist(),
            "k1": self.k1,
            "center_px": [(self.width_px - 1) / 2, (self.height_px - 1) / 2],
        }


def corners_mm(y_front_mm: float = 0.0) -> np.ndarray:
    """Return the corners of the white-key area on z = 0.

    Parameters
    ----------
    y_front_mm : float, mm
        Where its front edge is; 0 is the edge of the keys, less takes in what lies before them.

    Returns
    -------
    ndarray, (4, 3), mm
        Top left, top right, bottom right, bottom left, as an upright picture shows them.
    """
    width, back = KEYBOARD_WIDTH_MM, WHITE_LENGTH_MM
    return np.array([[0, back, 0], [width, back, 0], [width, y_front_mm, 0], [0, y_front_mm, 0]], float)


def random_camera(rng: np.random.Generator, size_px: tuple[int, int], params: CameraParams) -> Camera:
    """Return a camera that shows the whole keyboard, front lip included.

    Parameters
    ----------
    rng : np.random.Generator
    size_px : tuple of int
        Width and height of the picture.
    params : CameraParams
        The keyboard is as wide as `keyboard_width` says.

    Returns
    -------
    Camera

    Raises
    ------
    InputError
        200 draws from these ranges gave none.
    """
    for _ in range(200):
        camera = _draw(rng, size_px, params)
        if _shows_keyboard(camera):
            return camera
    raise InputError(
        f"synth: no camera pose shows the whole keyboard in {size_px[0]}x{size_px[1]} px; lower keyboard_width or angle_deg"
    )


def _draw(rng: np.random.Generator, size_px: tuple[int, int], params: CameraParams) -> Camera:
    """Return a random camera; whether it shows the whole keyboard is not looked at."""
    width_px, height_px = size_px
    low, high = params.angle_deg
    lean = np.deg2rad(rng.triangular(low, np.clip(USUAL_LEAN_DEG, low, high), high) if high > low else low)
    side, roll = rng.normal(0.0, [2.5, 0.7])
    if rng.random() < params.turned:
        side = rng.uniform(*params.turned_deg) * rng.choice([-1.0, 1.0])
    side, roll = np.deg2rad([side, roll])
    target = np.array([MIDDLE_MM + rng.normal(0, params.aside_mm), rng.uniform(-120.0, 180.0), 0.0])
    # The camera looks down along `forward`; `right` stays level with the floor until the picture is rolled.
    forward = np.array([np.sin(side), np.sin(lean), -np.cos(lean) * np.cos(side)])
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    rotation = np.vstack([turn @ np.stack([right, down]), forward])
    focal_px = width_px / 2 / np.tan(np.deg2rad(rng.uniform(38.0, 78.0)) / 2)
    wanted_px = rng.uniform(*params.keyboard_width) * width_px
    k1 = float(np.clip(rng.normal(-0.015, 0.02), -0.06, 0.04))
    distance_mm = focal_px * KEYBOARD_WIDTH_MM / wanted_px
    # How wide the keyboard appears depends on the distance nearly as 1 / distance; a few steps settle the rest (perspective and
    # lens).
    for _ in range(8):
        camera = Camera(width_px, height_px, float(focal_px), target - distance_mm * forward, rotation, k1)
        x_px = camera.project(corners_mm())[:, 0]
        distance_mm *= (x_px.max() - x_px.min()) / wanted_px
    return camera


def _shows_keyboard(camera: Camera) -> bool:
    """Return whether the keyboard, from the front lip to a little behind the keys, lies in the picture with a margin."""
    outline = np.concatenate([corners_mm(-FRONT_LIP_MM), corners_mm(-FRONT_LIP_MM) + [0.0, 8.0, 0.0]])
    edge_px = MARGIN * camera.width_px
    pixels = camera.project(outline)
    limit = np.array([camera.width_px, camera.height_px]) - 1 - edge_px
    return bool((pixels >= edge_px).all() and (pixels <= limit).all())
