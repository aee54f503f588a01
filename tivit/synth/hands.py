"""Hands as layers: tapered fingers, the back of the hand, forearm and sleeve, projected from their place above the keys.

All outlines of a clip are computed at once; a frame only fills them, dark first and lighter further in, so that a blur makes
them round. Where the hands are comes from `motion`; shadow, blur and light are added in `render`. T counts the instants of the
motion, pixels are in fixed point (SHIFT bits) once they are outlines.
"""

from __future__ import annotations

import cv2
import numpy as np

from tivit.core.heads import RIGHT_HAND
from tivit.core.keyboard import MIDDLE_MM
from tivit.synth.camera import Camera
from tivit.synth.distractors import BARE, Worn
from tivit.synth.keys import SHIFT
from tivit.synth.motion import HandMotion
from tivit.synth.photometry import toned
from tivit.synth.posture import NATURAL_Y_MM, SPREAD_MM, turned_mm
from tivit.synth.scene import Scene

FINGER_LENGTH_MM = np.array([66.0, 88.0, 98.0, 92.0, 76.0])
"""Distance on the plane from knuckle to tip of a curved finger."""
KNUCKLE_X = np.array([0.60, 0.80, 0.85, 0.85, 0.82])
"""Spread of the knuckles as a fraction of the fingertips' spread."""
KNUCKLE_Z_MM = np.array([26.0, 50.0, 56.0, 52.0, 42.0])
"""Height of the knuckles above the keys, thumb first."""
RADII_MM = np.array([[12.5, 11.0, 9.5], [10.0, 9.2, 7.4], [10.2, 9.4, 7.6], [9.8, 9.0, 7.2], [8.8, 7.8, 6.4]])
"""Half widths at knuckle, middle joint and tip of each finger, thumb first."""
ARM_MM, ARM_YAW = 330.0, 0.6
"""How far (y) the elbow lies behind the wrist, and the share of the hand's turn that the forearm takes part in."""
RING_PLACE = 0.55
"""Where a ring sits between knuckle (0) and middle joint (1)."""
RING_MM = 3.5
"""Width of a ring."""
ARC = np.linspace(-np.pi / 2, np.pi / 2, 7)
"""Angles of the outline of a fingertip, half a circle."""
TONES = ((1.0, "dark"), (0.76, "mid"), (0.42, "light"))
"""Width of the outline of each shade relative to the finger, from the outside in."""


class HandPainter:
    """Paints one hand of one clip.

    Parameters
    ----------
    camera : Camera
    scene : Scene
    motion : HandMotion
        Where the hand is at each of T instants.
    width : float
        Size of the hand; 1 is that of the constants here.
    arm_mm : float, mm
        How far outward (x) the elbow lies.
    curve : ndarray, (1, 256, 3), uint8
        The tone curve of the clip.
    worn : Worn
        Ring, band and sleeve.
    """

    def __init__(
        self,
        camera: Camera,
        scene: Scene,
        motion: HandMotion,
        width: float,
        arm_mm: float,
        curve: np.ndarray,
        worn: Worn = BARE,
    ) -> None:
        self.keys_row_px = float(camera.project(np.array([MIDDLE_MM, 75.0, 0.0]))[1])
        self.worn, self.metal = worn, (*toned(worn.metal, curve), 255.0)
        self.camera, self.scene, self.motion, self.width = camera, scene, motion, width
        side = 1.0 if motion.hand == RIGHT_HAND else -1.0
        joints = self.joints_mm()  # (T, 5, 3, 3)
        shades = {"dark": 0.62, "mid": 0.86, "light": 1.0, "nail": scene.nail}
        self.colors = {name: (*toned(tuple(c * f for c in scene.skin), curve), 255.0) for name, f in shades.items()}
        self.cloth = (*toned(scene.sleeve, curve), 255.0)
        pixels = self._seen_px(joints)  # (T, 5, 3, 2)
        radii = RADII_MM * width * camera.px_per_mm(joints)  # (T, 5, 3) px
        # Lighter shades lie towards the light.
        drift = np.array([-scene.light[0], scene.light[1]]) * float(radii.mean()) * 0.3
        short = pixels.copy()
        short[:, :, 2] += 0.25 * (pixels[:, :, 1] - pixels[:, :, 2])
        self.fingers = {
            name: _fixed(_outlines(short if name == "light" else pixels, radii * f) + drift * (1.0 - f)) for f, name in TONES
        }
        self.backs, self.cuffs, self.bands = self._arm_px(joints, side, arm_mm)
        self.rings = _fixed(_across(pixels, radii)[:, worn.ring_finger])
        self.ring_px = max(1, round(RING_MM * float(camera.px_per_mm(joints).mean())))
        nail_joints = pixels[:, :, 2] + 0.12 * (pixels[:, :, 1] - pixels[:, :, 2])
        self.nails = _fixed(nail_joints)
        self.nail_radii = _fixed(radii[:, :, 2] * 0.6)
        outlines = [self.fingers["dark"].reshape(len(joints), -1, 2), self.backs["dark"], self.cuffs, self.bands]
        everything = np.concatenate(outlines, axis=1) / (1 << SHIFT)
        margin = 3.0 + 6.0 * float(radii.mean()) / 9.0
        limit = np.array([camera.width_px, camera.height_px])
        self.low = np.clip(np.floor(everything.min(1) - margin), 0, limit).astype(int)
        self.high = np.clip(np.ceil(everything.max(1) + margin), 0, limit).astype(int)

    def window_px(self, frame: int) -> tuple[int, int, int, int]:
        """Return the part of the image that holds the hand.

        Parameters
        ----------
        frame : int
            Number of the instant.

        Returns
        -------
        x0, y0, x1, y1 : int, px
            Columns x0..x1 - 1, rows y0..y1 - 1; empty where the hand is out of view.
        """
        return (*self.low[frame].tolist(), *self.high[frame].tolist())

    def layer(self, frame: int) -> np.ndarray:
        """Return the picture of the hand in its window.

        Parameters
        ----------
        frame : int
            Number of the instant.

        Returns
        -------
        ndarray, (h, w, 4), uint8 BGRA
            Colours already toned and multiplied by alpha.
        """
        x0, y0, x1, y1 = self.window_px(frame)
        layer = np.zeros((y1 - y0, x1 - x0, 4), np.uint8)
        origin = np.array([x0, y0]) << SHIFT
        for _, name in TONES:
            color = self.colors[name]
            _fill(layer, self.backs[name][frame] - origin, color)
            for finger in range(5):
                _fill(layer, self.fingers[name][frame, finger] - origin, color)
        for finger in range(5):
            center = (self.nails[frame, finger] - origin).tolist()
            cv2.circle(layer, center, int(self.nail_radii[frame, finger]), self.colors["nail"], -1, cv2.LINE_AA, SHIFT)
        if self.worn.ring_finger >= 0:
            first, last = ((end - origin).tolist() for end in self.rings[frame])
            cv2.line(layer, first, last, self.metal, self.ring_px, cv2.LINE_AA, SHIFT)
        if self.worn.band_mm > 0:
            _fill(layer, self.bands[frame] - origin, self.metal)
        _fill(layer, self.cuffs[frame] - origin, self.cloth)
        return layer

    def _seen_px(self, points_mm: np.ndarray) -> np.ndarray:
        """Return pixels (T, ..., 2) of moving points (T, ..., 3), each row at its own time as a rolling shutter has it.

        The row in the middle of the keys has the time of the frame; the rows above and below it are earlier and later.
        """
        pixels = self.camera.project(points_mm)
        if self.scene.readout == 0 or len(pixels) < 2:
            return pixels
        delay = self.scene.readout * (pixels[..., 1:] - self.keys_row_px) / self.camera.height_px
        return pixels + delay * np.gradient(pixels, axis=0)

    def joints_mm(self) -> np.ndarray:
        """Return the joints of the fingers over time.

        Returns
        -------
        ndarray, (T, 5, 3, 3), mm
            Finger (thumb first), then knuckle, middle joint and tip, then x, y, z.
        """
        side = 1.0 if self.motion.hand == RIGHT_HAND else -1.0
        tips = self.motion.tips_mm
        center_x, reach = self.motion.center_mm[:, :1], self.motion.center_mm[:, 1:]
        straight = np.stack([side * SPREAD_MM * KNUCKLE_X, NATURAL_Y_MM / self.width - FINGER_LENGTH_MM], axis=1) * self.width
        knuckles = np.empty_like(tips)
        knuckles[..., :2] = turned_mm(straight, side, self.motion.yaw_rad)
        knuckles[..., 0] += center_x
        knuckles[..., 1] += reach
        knuckles[..., 2] = KNUCKLE_Z_MM
        knuckles += 0.25 * (tips - tips.mean(1, keepdims=True)) * [0.3, 0.0, 0.0]
        # The middle joint lies nearer to the tip, and 10 mm higher than half way, for a curved finger; that of the thumb bends
        # outward.
        middle = 0.42 * knuckles + 0.58 * tips
        middle[..., 2] = 0.5 * knuckles[..., 2] + 0.5 * tips[..., 2] + 10.0
        middle[:, 0, 0] += side * -9.0
        return np.stack([knuckles, middle, tips], axis=2)

    def _arm_px(self, joints: np.ndarray, side: float, arm_mm: float) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Return the outlines of the arm over time, in fixed-point px.

        The back of the hand with the forearm, per shade (T, 10, 2), the sleeve (T, 4, 2) and the band (T, 4, 2).
        """
        knuckles = joints[:, :, 0]
        middle = knuckles[:, 2:4].mean(1)
        cos, sin = np.cos(self.motion.yaw_rad), side * np.sin(self.motion.yaw_rad)
        wrist_mm, zero = 80.0 * self.width, np.zeros(len(middle))
        wrist = middle + np.stack([2.0 * side + sin * wrist_mm, -cos * wrist_mm, zero - 10.0], axis=1)
        # The wrist bends: the forearm is turned by a part of the angle.
        elbow = wrist + np.stack([side * arm_mm + ARM_YAW * sin * ARM_MM, zero - ARM_MM, zero], axis=1)
        along = (elbow - wrist) / np.linalg.norm(elbow - wrist, axis=1, keepdims=True)
        across = np.stack([-along[:, 1], along[:, 0], np.zeros(len(along))], axis=1) * side

        def outline(factor: float) -> np.ndarray:
            hand = [middle + (knuckles[:, i] - middle) * factor for i in (0, 1, 2, 3, 4)]
            hand[0] = hand[0] - side * np.array([6.0 * factor, 0.0, 0.0])
            hand[4] = hand[4] + side * np.array([8.0 * factor, 0.0, 0.0])
            heel_x, heel_y = side * 30.0 * factor * self.width, -48.0
            heel = middle + np.stack([cos * heel_x - sin * heel_y, sin * heel_x + cos * heel_y, zero - 6.0], axis=1)
            half_wrist, half_elbow = 26.0 * self.width * factor, 40.0 * self.width * factor
            arm = [
                wrist + across * half_wrist,
                elbow + across * half_elbow,
                elbow - across * half_elbow,
                wrist - across * half_wrist,
            ]
            return _fixed(self._seen_px(np.stack([*hand, heel, *arm], axis=1)))

        half = 29.0 * self.width
        far = wrist + along * self.worn.band_mm
        band = np.stack([wrist - across * half, wrist + across * half, far + across * half, far - across * half], axis=1)
        sleeve_mm = self.scene.sleeve_mm if self.worn.sleeve_mm is None else self.worn.sleeve_mm
        start = middle + along * sleeve_mm
        half = self.worn.cuff_half_mm * self.width
        wide = max(62.0, half)
        cuff = np.stack([start - across * half, start + across * half, elbow + across * wide, elbow - across * wide], axis=1)
        backs = {name: outline(f) for f, name in TONES}
        return backs, _fixed(self._seen_px(cuff)), _fixed(self._seen_px(band))


def _outlines(joints_px: np.ndarray, radii_px: np.ndarray) -> np.ndarray:
    """Return outlines (T, 5, n, 2) of fingers through joints (T, 5, 3, 2) with half widths (T, 5, 3), round at the tip."""
    steps = np.diff(joints_px, axis=2)
    steps = steps / (np.linalg.norm(steps, axis=-1, keepdims=True) + 1e-9)
    directions = np.stack([steps[:, :, 0], steps.mean(2), steps[:, :, 1]], axis=2)
    normals = np.stack([-directions[..., 1], directions[..., 0]], axis=-1) * radii_px[..., None]
    angle = np.arctan2(directions[:, :, 2, 1], directions[:, :, 2, 0])[..., None] - ARC
    tips = joints_px[:, :, 2:] + radii_px[:, :, 2:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    left, right = joints_px[:, :, :2] + normals[:, :, :2], joints_px[:, :, :2] - normals[:, :, :2]
    return np.concatenate([left, tips, right[:, :, ::-1]], axis=2)


def _across(joints_px: np.ndarray, radii_px: np.ndarray) -> np.ndarray:
    """Return the ends (T, 5, 2, 2) of a line across each finger between knuckle and middle joint."""
    step = joints_px[:, :, 1] - joints_px[:, :, 0]
    normal = np.stack([-step[..., 1], step[..., 0]], axis=-1) / (np.linalg.norm(step, axis=-1, keepdims=True) + 1e-9)
    center, half = joints_px[:, :, 0] + RING_PLACE * step, normal * radii_px[:, :, 1:2]
    return np.stack([center - half, center + half], axis=2)


def _fill(layer: np.ndarray, points: np.ndarray, color: tuple[float, ...]) -> None:
    """Fill a polygon of fixed-point px (n, 2) on a layer."""
    cv2.fillPoly(layer, [points], color, cv2.LINE_AA, SHIFT)


def _fixed(values: np.ndarray) -> np.ndarray:
    """Return pixels as fixed-point numbers with SHIFT fractional bits, int32."""
    return np.round(values * (1 << SHIFT)).astype(np.int32)
