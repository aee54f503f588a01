"""The camera: exact projections by hand, and poses that always show the whole keyboard."""

import numpy as np
import pytest

from tivit.core.keyboard import FRONT_LIP_MM
from tivit.core.params import load, section
from tivit.synth.camera import Camera, corners_mm, random_camera
from tivit.synth.params import SynthParams

DOWN = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])


@pytest.fixture(scope="module")
def params():
    return section(load(), "synth", SynthParams)


def test_a_camera_looking_straight_down_scales_by_focal_over_distance():
    camera = Camera(641, 361, 500.0, np.array([600.0, 75.0, 1000.0]), DOWN, 0.0)
    assert np.allclose(camera.project([600.0, 75.0, 0.0]), [320.0, 180.0])
    assert np.allclose(camera.project([700.0, 95.0, 0.0]), [370.0, 170.0])
    assert camera.px_per_mm([0.0, 0.0, 0.0]) == pytest.approx(0.5)
    assert camera.px_per_mm([0.0, 0.0, 500.0]) == pytest.approx(1.0)


def test_the_lens_moves_points_by_k1_r_cubed():
    camera = Camera(641, 361, 500.0, np.array([600.0, 75.0, 1000.0]), DOWN, -0.05)
    x_px = camera.project([1000.0, 75.0, 0.0])[0]
    assert x_px == pytest.approx(320.0 + 500.0 * (0.4 - 0.05 * 0.4**3))


@pytest.mark.parametrize("tier", ["plain", "shift"])
@pytest.mark.parametrize("seed", range(30))
def test_random_poses_show_all_keys_upright_and_as_wide_as_asked(params, seed, tier):
    rng = np.random.default_rng(seed)
    cameras = params.camera_of(tier)
    size = cameras.sizes[seed % len(cameras.sizes)]
    camera = random_camera(rng, size, cameras)
    lip = camera.project(corners_mm(-FRONT_LIP_MM))
    assert (lip >= 0).all() and (lip <= np.array(size) - 1).all()
    corners = camera.project(corners_mm())
    assert corners[1, 0] > corners[0, 0] and corners[3, 1] > corners[0, 1]
    width = (corners[:, 0].max() - corners[:, 0].min()) / size[0]
    assert cameras.keyboard_width[0] - 1e-3 <= width <= cameras.keyboard_width[1] + 1e-3
    assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3)) and np.linalg.det(camera.rotation) == pytest.approx(1.0)
