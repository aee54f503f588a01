"""How far a registration is from the truth, where a dataset knows it: key-centre errors in white-key widths.

Errors are along the keyboard alone, and signed: positive where the registration puts a key at a smaller x than the truth. What
the estimator says of its own error, without truth, is in `judge.refine`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tivit.core.keyboard import CENTER_MM, WHITE_PITCH_MM
from tivit.core.registration import Refusal, Registration, correction_mm
from tivit.core.strip import StripGeometry

RIGHT_KEY = 0.5
"""A key is right when its centre is less than half a white key from the truth."""


def key_errors(registration: Registration, true_centers_px: np.ndarray, geometry: StripGeometry) -> np.ndarray:
    """Return the error of each key centre along the keyboard.

    Parameters
    ----------
    registration : Registration
        Of a camera that stands still, or as it holds at one instant (`Registration.at`).
    true_centers_px : ndarray, (88, 2), px
        Image points of the key centres on the white-key plane.
    geometry : StripGeometry
        Raster of the strip that the homography leads to.

    Returns
    -------
    ndarray, (88,)
        In white-key widths, in view or not.
    """
    strip = np.column_stack([true_centers_px, np.ones(len(true_centers_px))]) @ np.array(registration.homography).T
    seen_mm = strip[:, 0] / strip[:, 2] / geometry.px_per_mm_x
    expected_mm = CENTER_MM + correction_mm(registration.x_correction, CENTER_MM)
    return (seen_mm - expected_mm) / WHITE_PITCH_MM


def errors_in_view(registration: Registration, true_centers_px: np.ndarray, geometry: StripGeometry) -> np.ndarray:
    """Return the errors of the keys that the registration says are in view.

    Parameters
    ----------
    registration, true_centers_px, geometry
        As in `key_errors`.

    Returns
    -------
    ndarray, (keys in view,)
        In white-key widths, low keys first.
    """
    return key_errors(registration, true_centers_px, geometry)[registration.first_key : registration.last_key + 1]


def summary(registrations: Sequence[Registration | Refusal], errors: Sequence[np.ndarray]) -> dict[str, float]:
    """Return the metrics of a registration run.

    Parameters
    ----------
    registrations : sequence of Registration or Refusal
        What came of each clip.
    errors : sequence of ndarray
        Key-centre errors in white-key widths of the clips whose truth is known; may be empty.

    Returns
    -------
    dict of str to float
        `clips`, `refused`; where truth is known also `key_err_median` and `key_err_p95` (white-key widths, over all keys of all
        clips) and `keys_right`, the share of keys less than half a white key off.
    """
    metrics: dict[str, float] = {
        "clips": len(registrations),
        "refused": sum(isinstance(item, Refusal) for item in registrations),
    }
    if errors:
        size = np.abs(np.concatenate(errors))
        metrics["key_err_median"] = float(np.median(size))
        metrics["key_err_p95"] = float(np.percentile(size, 95))
        metrics["keys_right"] = float((size < RIGHT_KEY).mean())
    return metrics
