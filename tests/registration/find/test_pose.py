"""The camera fitted to exact ends of black keys: square pixels, squeezed pictures, crops."""

import numpy as np
import pytest
from registration_cases import random_view

from tivit.core.keyboard import CENTER_MM
from tivit.registration.find.pose import black_ends_mm, fit_to_black_keys

KEYS = np.arange(36)
SIZE_WH = (1280, 720)


def fitted(to_px, size_wh):
    """Return the pose of a view whose pixels are moved by an affine map (2, 3), and how far it puts key centres off, px."""
    view = random_view(np.random.default_rng(4), SIZE_WH)
    ends = black_ends_mm(KEYS, view.camera_mm)
    seen = view.image_px(np.concatenate([ends, np.zeros_like(ends[..., :1])], axis=-1)) @ to_px[:, :2].T + to_px[:, 2]
    pose = fit_to_black_keys(KEYS, seen, size_wh, 1.0, 0.35)
    world = np.stack([CENTER_MM, np.full(88, 75.0), np.ones(88)], axis=1)
    there = world @ pose.plane_to_image.T
    true = view.image_px(np.stack([CENTER_MM, np.full(88, 75.0), np.zeros(88)], axis=1)) @ to_px[:, :2].T + to_px[:, 2]
    return pose, np.abs(there[:, :2] / there[:, 2:] - true).max()


@pytest.mark.parametrize("squeeze", [0.6, 0.75, 1.0, 1.33])
def test_a_picture_squeezed_in_height_is_one_with_an_aspect(squeeze):
    pose, off_px = fitted(np.array([[1, 0, 0], [0, squeeze, 0.5 * squeeze - 0.5]]), (1280, round(720 * squeeze)))
    assert off_px < 0.5
    assert pose.aspect == pytest.approx(squeeze, rel=0.08)


@pytest.mark.parametrize("left_px", [0, 300])
def test_a_crop_has_its_principal_point_off_the_middle(left_px):
    """White keys are 19 px wide here; what the priors keep of the error is left to the x correction."""
    _, off_px = fitted(np.array([[1, 0, -left_px], [0, 1, -100.0]]), (980, 500))
    assert off_px < 3
