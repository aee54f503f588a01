"""Light and sensor: the illumination of the room, the tone curve, noise. What a camera does between scene and file.

Pictures are uint8 BGR. Where things are and what colours they have is in `scene`; the video codec is in `video`.
"""

from __future__ import annotations

import cv2
import numpy as np

from tivit.synth.scene import Color, Scene

NOISE_BANK = 2
"""Number of noise pictures a clip draws its frames' noise from (each at a random offset)."""
NOISE_PAD_PX = 32
"""The noise pictures are so much larger than the frame: offsets are drawn from 0 to one less, both ways."""
DRIFT_S = 1.5
"""Time between the knots of the slow walk of a camera's gain."""
REACTION_S = 0.5
"""Time constant of automatic exposure."""
BEAT_HZ = (0.5, 8.0)
"""Frequency range of what is left of 100 or 120 Hz mains light at the frame rate of a camera."""
METER_PX = 16
"""Automatic exposure looks at every so many pixels, both ways."""
LEAST_GAIN = 0.002
"""Smaller changes of gain are less than half a grey level."""


def illumination(rng: np.random.Generator, size_px: tuple[int, int], scene: Scene) -> np.ndarray:
    """Return the light that falls on the picture: a gradient, patches and the vignette.

    Parameters
    ----------
    rng : np.random.Generator
    size_px : (int, int)
        Width and height of the picture.
    scene : Scene
        For its vignette.

    Returns
    -------
    ndarray, (height, width), float32, 0.3..1.4
        Factor on the colours, about 1.
    """
    width, height = size_px
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    slope = rng.normal(0, 0.10, 2)
    light = 1.0 + slope[0] * x + slope[1] * y
    patches = rng.normal(0, 0.06, (3, 5)).astype(np.float32)
    light += cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    light *= 1.0 - scene.vignette * (x * x + y * y) / 2
    return np.clip(light, 0.3, 1.4).astype(np.float32)


def tone_curve(scene: Scene) -> np.ndarray:
    """Return the lookup table from scene colours to the picture: exposure, tint, gamma, contrast, in this order.

    Parameters
    ----------
    scene : Scene

    Returns
    -------
    ndarray, (1, 256, 3), uint8
        For `cv2.LUT`, one column per BGR channel.
    """
    levels = np.arange(256, dtype=np.float64)[:, None] / 255.0
    value = np.clip(levels * scene.exposure * np.array(scene.tint), 0.0, None) ** scene.gamma
    value = np.minimum(value, 1.0)
    # Less contrast draws everything towards a grey that is itself as bright as the exposure makes it.
    value = 0.5 * (1 - scene.contrast) * scene.exposure * 0.8 + scene.contrast * value
    return np.clip(np.round(value * 255.0), 0, 255).astype(np.uint8)[None]


def toned(color: Color, curve: np.ndarray) -> Color:
    """Return a scene colour as the camera shows it.

    Parameters
    ----------
    color : Color
    curve : ndarray, (1, 256, 3), uint8
        As `tone_curve` returns it.

    Returns
    -------
    Color
    """
    levels = np.clip(np.round(color), 0, 255).astype(int)
    return tuple(float(curve[0, levels[c], c]) for c in range(3))


def compressed(frame: np.ndarray, quality: float) -> np.ndarray:
    """Return a frame after JPEG compression.

    Parameters
    ----------
    frame : ndarray, (height, width, 3), uint8 BGR
    quality : float, 1..100
        100 leaves it as it is.

    Returns
    -------
    ndarray, (height, width, 3), uint8 BGR
    """
    if quality >= 100:
        return frame
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


class Noise:
    """Sensor noise: adds one of a few stored pictures at a random offset to each frame.

    Parameters
    ----------
    rng : np.random.Generator
        Asked again for every frame.
    size_px : (int, int)
        Width and height of the frames.
    deviation : float, grey levels
        Strength of the noise; 0 is none.
    """

    def __init__(self, rng: np.random.Generator, size_px: tuple[int, int], deviation: float) -> None:
        self.rng, self.size_px = rng, size_px
        shape = (size_px[1] + NOISE_PAD_PX, size_px[0] + NOISE_PAD_PX)
        self.bank = []
        for _ in range(NOISE_BANK if deviation > 0 else 0):
            grey = rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)
            color = rng.standard_normal((*shape, 3), dtype=np.float32) * np.float32(0.5 * deviation)
            noise = cv2.GaussianBlur(grey, (0, 0), 0.5)[..., None] * np.float32(1.4) + color
            # What noise adds and what it takes away are stored apart, because pictures are uint8 and have no sign.
            self.bank.append(tuple(cv2.max(sign * noise, 0).round().astype(np.uint8) for sign in (1, -1)))

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame with noise added.

        Parameters
        ----------
        frame : ndarray, (height, width, 3), uint8 BGR

        Returns
        -------
        ndarray, (height, width, 3), uint8 BGR
        """
        if not self.bank:
            return frame
        brighter, darker = self.bank[self.rng.integers(len(self.bank))]
        x, y = self.rng.integers(0, NOISE_PAD_PX, 2)
        window = np.s_[y : y + self.size_px[1], x : x + self.size_px[0]]
        return cv2.subtract(cv2.add(frame, brighter[window]), darker[window])


class AutoExposure:
    """The gain of a camera over time: a slow walk, an answer to what hands do to the mean brightness, and mains flicker.

    Parameters
    ----------
    rng : np.random.Generator
    times_s : ndarray, (T,), s
        Instants of the pictures, ascending.
    drift : float
        Standard deviation of the walk, as a fraction of the brightness.
    reaction : float, 0..1
        Share of a change of the mean brightness that is taken back.
    flicker : float
        Half of the peak-to-peak height of the flicker, as a fraction of the brightness.
    """

    def __init__(self, rng: np.random.Generator, times_s: np.ndarray, drift: float, reaction: float, flicker: float) -> None:
        knots_s = np.arange(0.0, times_s[-1] + 2 * DRIFT_S, DRIFT_S)
        walk = np.interp(times_s, knots_s, rng.normal(0.0, drift, len(knots_s)))
        beat_hz, phase = rng.uniform(*BEAT_HZ), rng.uniform(0.0, 2 * np.pi)
        self.gain = 1.0 + walk + flicker * np.sin(2 * np.pi * beat_hz * times_s + phase)
        self.reaction = reaction
        self.share = 1.0 - np.exp(-np.diff(times_s, prepend=times_s[0]) / REACTION_S)
        self.wanted, self.answer = 0.0, 1.0

    def apply(self, frame: np.ndarray, k: int) -> np.ndarray:
        """Return a picture at its gain; pictures must come in order.

        Parameters
        ----------
        frame : ndarray, (height, width, 3), uint8 BGR
        k : int
            Its number.

        Returns
        -------
        ndarray, (height, width, 3), uint8 BGR
        """
        mean = float(frame[::METER_PX, ::METER_PX, 1].mean()) + 1.0
        self.wanted = self.wanted or mean
        # The first picture says what is wanted. The answer to a change comes late, as through a first-order low-pass.
        self.answer += self.share[k] * ((self.wanted / mean) ** self.reaction - self.answer)
        gain = self.gain[k] * self.answer
        return frame if abs(gain - 1.0) < LEAST_GAIN else cv2.convertScaleAbs(frame, alpha=gain)
