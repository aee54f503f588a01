"""The camera that sees the keyboard: a pinhole pose of ten parameters fitted to black-key ends.

The parameters are the log focal length, a rotation vector, a translation, the log aspect and the principal point. The aspect is
how tall pixels are drawn for their width: it stands for squeezed pictures, and for keys of other proportions. The principal
point is off the middle in a crop. A flat keyboard says only eight things, so priors hold the rest: log-normal for the focal
length, and ones with long tails for aspect and principal point, because most pictures are as the camera took them and the
others may be far from that. Mirrored pictures are flipped before they come here. Where a point above the white keys appears on
the white-key plane follows from the position of the camera alone (`shadow_mm`). What bends along the keyboard, as by a lens, is
left to `refine`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import least_squares

from tivit.core.keyboard import (
    BLACK_FRONT_MM,
    BLACK_HEIGHT_MM,
    BLACK_SLOT_WIDTH_MM,
    BLACK_TOP_WIDTH_MM,
    MIDDLE_MM,
    WHITE_LENGTH_MM,
)
from tivit.registration.find.pattern import black_center_mm

X_SIGMA_PX, Y_SIGMA_PX = 1.5, 3.0
"""Spread of a measured end along and across the keyboard, where the ends span 600 px; lens errors are shared by neighbours."""
ASPECT_SIGMA = 0.04
"""Prior on the aspect: the spread of its logarithm, about nought."""
CENTER_SIGMA = 0.03
"""Prior on the principal point: its spread about the middle of the picture, in picture widths."""
OTHER_ASPECT = 0.15
"""A start whose log aspect is farther than this from nought is tried beside the one without."""
MOST_ASPECT = 1.0
"""No start has a log aspect beyond this, either way."""
DIFFERENCE = float(np.finfo(float).eps ** 0.5)
"""Relative step of the differences that stand for derivatives: half of the digits."""


@dataclass(frozen=True)
class Pose:
    """A pinhole camera above the keyboard.

    Attributes
    ----------
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
    camera_mm : ndarray, (3,), mm
        Where the camera is in the world frame of `core.keyboard`.
    focal_px : float, px
        Focal length.
    aspect : float
        How tall the picture is for its width, beside what a camera with square pixels sees of a piano.
    """

    plane_to_image: np.ndarray
    camera_mm: np.ndarray
    focal_px: float
    aspect: float = 1.0


def shadow_mm(points_mm: np.ndarray, z_mm: float, camera_mm: np.ndarray) -> np.ndarray:
    """Return where points above the keys appear on the white-key plane: their shadows, if the camera were a lamp.

    Parameters
    ----------
    points_mm : ndarray, (..., 2), mm
        x and y of the points.
    z_mm : float, mm
        Their height above the white keys; less than the camera's.
    camera_mm : ndarray, (..., 3), mm
        Where the camera is, or several of them.

    Returns
    -------
    ndarray, (..., 2), mm
        x and y on the plane z = 0, by similar triangles.
    """
    return points_mm + (points_mm - camera_mm[..., :2]) * (z_mm / (camera_mm[..., 2:] - z_mm))


def black_edges_mm(numbers: np.ndarray, camera_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x of the left and right edge of the dark areas that black keys make in the picture.

    The area is what the top (12 mm up) and the slot around the foot together cover of the white-key plane, seen by the camera.

    Parameters
    ----------
    numbers : ndarray, (n,), int
        Numbers of black keys (`pattern`).
    camera_mm : ndarray, (..., 3), mm
        Where the camera is, or several of them.

    Returns
    -------
    left, right : ndarray, (..., n) each, mm
        On the white-key plane.
    """
    return _edges_about(black_center_mm(numbers), camera_mm)


def _edges_about(center_mm: np.ndarray, camera_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `black_edges_mm` of black keys by their centres (n,)."""
    # As `shadow_mm`, of x alone.
    x_mm, height_mm = camera_mm[..., :1], camera_mm[..., 2:]
    away = BLACK_HEIGHT_MM / (height_mm - BLACK_HEIGHT_MM)
    left, right = center_mm - BLACK_TOP_WIDTH_MM / 2, center_mm + BLACK_TOP_WIDTH_MM / 2
    left, right = left + (left - x_mm) * away, right + (right - x_mm) * away
    half_slot = BLACK_SLOT_WIDTH_MM / 2
    return np.minimum(left, center_mm - half_slot), np.maximum(right, center_mm + half_slot)


def black_ends_mm(numbers: np.ndarray, camera_mm: np.ndarray) -> np.ndarray:
    """Return the front and back ends of the dark areas that black keys make in the picture.

    In front an area ends at the edge of the top or at the foot, whichever is seen further out; at the back where its white
    neighbours end, because a black key is not told apart from the dark fallboard.

    Parameters
    ----------
    numbers : ndarray, (n,), int
        Numbers of black keys (`pattern`).
    camera_mm : ndarray, (..., 3), mm
        Where the camera is, or several of them.

    Returns
    -------
    ndarray, (..., n, 2, 2), mm
        For each key the front and the back end, x and y on the white-key plane.
    """
    return _ends_about(black_center_mm(numbers), camera_mm)


def _ends_about(center_mm: np.ndarray, camera_mm: np.ndarray) -> np.ndarray:
    """Return `black_ends_mm` of black keys by their centres (n,)."""
    left, right = _edges_about(center_mm, camera_mm)
    top_mm = shadow_mm(np.array([0.0, BLACK_FRONT_MM]), BLACK_HEIGHT_MM, camera_mm)[..., 1]
    ends = np.empty((*left.shape, 2, 2))
    ends[..., 0] = ((left + right) / 2)[..., None]
    ends[..., 0, 1] = np.minimum(top_mm, BLACK_FRONT_MM)[..., None]
    ends[..., 1, 1] = WHITE_LENGTH_MM
    return ends


def fit_to_black_keys(
    keys: np.ndarray,
    ends_px: np.ndarray,
    size_wh: tuple[int, int],
    focal_widths: float,
    focal_sigma: float,
) -> Pose:
    """Return the pose that best explains black-key ends.

    Parameters
    ----------
    keys : ndarray, (n,), int
        Numbers of the black keys (`pattern`).
    ends_px : ndarray, (n, 2, 2), px
        Front and back end (x, y) of each in the picture, which must not be mirrored.
    size_wh : tuple of int
        Width and height of the picture in px.
    focal_widths, focal_sigma : float
        Prior on the focal length: its median in picture widths, and the spread of its logarithm.

    Returns
    -------
    Pose
        The least soft-L1 error of the ends together with the prior.

    References
    ----------
    Z. Zhang, "A flexible new technique for camera calibration", IEEE Transactions on Pattern Analysis and Machine Intelligence
    22(11), 2000 (the start: a homography of a plane taken apart into a pose).
    """

    fit = _Ends.of(keys, ends_px.reshape(-1, 2), size_wh, (np.log(focal_widths * size_wh[0]), focal_sigma))
    units = [0.1, 0.05, 0.05, 0.05, 20, 20, 50, 0.05, 0.02 * size_wh[0], 0.02 * size_wh[0]]
    fits = [
        least_squares(fit.residual, start, fit.slopes, loss=_robust_but_last, x_scale=units, max_nfev=60)
        for start in _starts(fit.flat_start(), float(np.exp(fit.log_focal[0])))
    ]
    best = min(fits, key=lambda fit: fit.cost)
    matrix, camera_mm, focal_px = _camera(best.x)
    shift = np.array([[1, 0, fit.middle_px[0]], [0, 1, fit.middle_px[1]], [0, 0, 1.0]])
    return Pose(shift @ matrix, camera_mm, focal_px, float(np.exp(best.x[7])))


@dataclass(frozen=True)
class _Ends:
    """Ends of black keys as a picture shows them, and how far those of trial cameras are from there.

    Attributes
    ----------
    center_mm : ndarray, (n,)
        x of the centres of the keys.
    seen_px : ndarray, (2 n, 2)
        Their ends in the picture.
    middle_px : ndarray, (2,)
        The middle of the picture.
    turn, scale : ndarray, (2, 2) and (2, 1)
        What brings an error to the directions along and across the keyboard, and its spread there.
    log_focal : tuple of float
        Prior on the logarithm of the focal length (px): mean and spread.
    """

    center_mm: np.ndarray
    seen_px: np.ndarray
    middle_px: np.ndarray
    turn: np.ndarray
    scale: np.ndarray
    log_focal: tuple[float, float]

    @classmethod
    def of(cls, keys: np.ndarray, seen_px: np.ndarray, size_wh: tuple[int, int], log_focal: tuple[float, float]) -> _Ends:
        """Return the ends (2 n, 2), px, of keys (n,) in a picture."""
        spread = np.linalg.norm(np.ptp(seen_px, axis=0))
        along = seen_px[np.argmax(seen_px[:, 0])] - seen_px[np.argmin(seen_px[:, 0])]
        along = along / np.linalg.norm(along)
        # Errors are weighed along and across the keyboard as the picture shows it, because ends are less sure than edges.
        turn = np.array([along, [-along[1], along[0]]])
        scale = np.array([[X_SIGMA_PX], [Y_SIGMA_PX]]) * spread / 600.0
        middle_px = np.array([(size_wh[0] - 1) / 2, (size_wh[1] - 1) / 2])
        return cls(black_center_mm(keys), seen_px, middle_px, turn, scale, log_focal)

    def flat_start(self) -> np.ndarray:
        """Return a homography (3, 3) from the plane to px about the middle of the picture that fits roughly."""
        plane_mm = _ends_about(self.center_mm, np.array([MIDDLE_MM, 50.0, 1200.0])).reshape(-1, 2)
        return _flat_start(plane_mm, self.seen_px - self.middle_px)

    def residuals(self, cameras: np.ndarray) -> np.ndarray:
        """Return the residuals (k, 4 n + 4) of several cameras (k, 10)."""
        parts = [_camera(values) for values in cameras]
        matrices, cameras_mm = (np.array([part[i] for part in parts]) for i in (0, 1))
        # The ends depend on the camera themselves (black keys are high), so the model is made anew for every trial camera.
        model_mm = _ends_about(self.center_mm, cameras_mm).reshape(len(cameras), -1, 2)
        off_px = _project(matrices, model_mm) + self.middle_px - self.seen_px
        error = self.turn @ off_px.transpose(0, 2, 1) / self.scale
        width_px = 2 * self.middle_px[0] + 1
        aspect, center = cameras[:, 7:8] / ASPECT_SIGMA, cameras[:, 8:] / (CENTER_SIGMA * width_px)
        focal = (cameras[:, :1] - self.log_focal[0]) / self.log_focal[1]
        return np.concatenate([error.reshape(len(cameras), -1), aspect, center, focal], axis=1)

    def residual(self, values: np.ndarray) -> np.ndarray:
        """Return the residuals (4 n + 4,) of one camera (10,)."""
        return self.residuals(values[None])[0]

    def slopes(self, values: np.ndarray) -> np.ndarray:
        """Return the derivatives of the residuals, (4 n + 4, 10), by differences: all cameras in one go."""
        steps = DIFFERENCE * np.where(values >= 0, 1.0, -1.0) * np.maximum(1.0, np.abs(values))
        here, *there = self.residuals(np.concatenate([values[None], values + np.diag(steps)]))
        return (np.array(there) - here).T / ((values + steps) - values)


def _robust_but_last(squares: np.ndarray) -> np.ndarray:
    """Return soft-L1 and its two derivatives of squared residuals, (3, n); the last one, the prior, stays quadratic."""
    root = np.sqrt(1 + squares)
    rho = np.stack([2 * (root - 1), 1 / root, -0.5 / root**3])
    rho[:, -1] = squares[-1], 1.0, 0.0
    return rho


def _camera(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the plane-to-image map (about the middle of the picture), the camera's position and the focal length."""
    focal_px = float(np.exp(values[0]))
    rotation = cv2.Rodrigues(values[1:4])[0]
    matrix = np.column_stack([rotation[:, 0], rotation[:, 1], values[4:7]])
    matrix[:2] *= focal_px
    matrix[1] *= np.exp(values[7])
    matrix[:2] += values[8:, None] * matrix[2]
    return matrix, -rotation.T @ values[4:7], focal_px


def _project(matrix: np.ndarray, points_mm: np.ndarray) -> np.ndarray:
    """Return the image points (k, n, 2), px, of points (k, n, 2) of the plane under matrices (k, 3, 3)."""
    image = points_mm @ matrix[:, :, :2].transpose(0, 2, 1) + matrix[:, None, :, 2]
    return image[..., :2] / image[..., 2:]


def _flat_start(plane_mm: np.ndarray, image_px: np.ndarray) -> np.ndarray:
    """Return a homography (3, 3) fitted to points of the plane and where they are seen about the middle of the picture."""
    homography, _ = cv2.findHomography(plane_mm.astype(np.float64), image_px.astype(np.float64), cv2.LMEDS)
    if homography is None:  # no four points in general position agree: begin straight above
        px_per_mm = np.ptp(image_px[:, 0]) / np.ptp(plane_mm[:, 0])
        turn = np.diag([px_per_mm, -px_per_mm])
        shift = image_px.mean(0) - turn @ plane_mm.mean(0)
        homography = np.block([[turn, shift[:, None]], [0.0, 0.0, 1.0]])
    return homography


def _starts(homography: np.ndarray, focal_px: float) -> list[np.ndarray]:
    """Return start parameters: a homography taken apart with the prior's focal length, with and without an aspect."""
    # The first two columns of a rotation are of one length, and for one aspect those of the homography are.
    x2, y2, z2 = homography[:, 0] ** 2 - homography[:, 1] ** 2
    square = -(x2 + z2 * focal_px**2) / y2 if y2 else 1.0
    log_aspect = -0.5 * np.log(square) if square > 0 else 0.0
    log_aspects = [0.0, float(np.clip(log_aspect, -MOST_ASPECT, MOST_ASPECT))]
    return [_taken_apart(homography, focal_px, value) for value in log_aspects if value == 0 or abs(value) > OTHER_ASPECT]


def _taken_apart(homography: np.ndarray, focal_px: float, log_aspect: float) -> np.ndarray:
    """Return the parameters of a homography with a focal length and an aspect."""
    # Without the focal length the columns are two axes of the rotation and the translation, all at one unknown scale. The sign
    # puts the keyboard before the camera; the SVD gives the rotation nearest to two axes that are not quite square.
    columns = np.diag([1 / focal_px, np.exp(-log_aspect) / focal_px, 1.0]) @ homography
    columns = columns / np.sqrt(np.linalg.norm(columns[:, 0]) * np.linalg.norm(columns[:, 1]))
    columns *= np.sign(columns[2, 2])
    first, second = columns[:, 0], columns[:, 1]
    left, _, right = np.linalg.svd(np.column_stack([first, second, np.cross(first, second)]))
    rotation = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    return np.concatenate([[np.log(focal_px)], cv2.Rodrigues(rotation)[0].ravel(), columns[:, 2], [log_aspect, 0.0, 0.0]])
