"""The strip: where its pixels come from, on which time grid, and what is written."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tivit.core.errors import InputError
from tivit.core.keyboard import CENTER_MM, KEYBOARD_WIDTH_MM
from tivit.core.registration import Move, Quality, Registration
from tivit.core.strip import StripGeometry
from tivit.video.rectify import sampling_map, strip_map, write_strip

GEOMETRY = StripGeometry(width_px=416, height_px=32, y_front_mm=-22.0, y_back_mm=158.0)


def registration(homography, source_hw):
    return Registration(
        doubt="", homography=tuple(map(tuple, np.asarray(homography, float).tolist())),
        x_correction=(), orientation="upright", first_midi=21, last_midi=108, source_hw=source_hw, frames=1,
        quality=Quality(1.0, 0.0, 0.0, err_black=(0.0, 0.0), err_white=(0.0, 0.0), err_across=(0.0, 0.0), deviation=0.0),
        source="corners",
    )  # fmt: skip


def identity_registration():
    """Image pixel (u, v) is strip pixel (u, v): continuous strip coordinates are half a pixel on."""
    return registration([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]], (32, 416))


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_the_identity_map_gives_the_picture_back():
    picture = noise((32, 416))
    sampler = strip_map(identity_registration(), GEOMETRY)
    assert np.array_equal(sampler.apply(sampler.region.crop(picture)), picture)


def test_a_shifted_keyboard_is_cropped_and_found():
    picture = noise((100, 600))
    moved = registration([[1, 0, 0.5 - 90], [0, 1, 0.5 - 40], [0, 0, 1]], (100, 600))
    sampler = strip_map(moved, GEOMETRY)
    assert sampler.region.right - sampler.region.left < 430 and sampler.region.bottom - sampler.region.top < 45
    assert np.array_equal(sampler.apply(sampler.region.crop(picture)), picture[40:72, 90:506])


def test_pixels_outside_the_picture_repeat_its_edge():
    picture = noise((32, 400))
    sampler = strip_map(registration([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]], (32, 400)), GEOMETRY)
    strip = sampler.apply(sampler.region.crop(picture))
    assert np.array_equal(strip[:, :400], picture)
    assert np.array_equal(strip[:, 400:], np.repeat(picture[:, -1:], 16, axis=1))


def test_the_x_correction_moves_the_samples():
    ramp = np.tile(np.linspace(0, 255, 416), (32, 1)).astype(np.uint8)
    shift_mm = KEYBOARD_WIDTH_MM / 416 * 20
    plain, moved = (
        strip_map(replace(identity_registration(), x_correction=correction), GEOMETRY) for correction in ((), (shift_mm, 0.0))
    )
    difference = moved.apply(moved.region.crop(ramp)).astype(int) - plain.apply(plain.region.crop(ramp))
    assert np.median(difference) == pytest.approx(20 * 255 / 415, abs=1)


def test_a_key_of_a_tilted_mirrored_view_lands_in_its_columns():
    world = np.float32([[0, 150], [1222, 150], [1222, 0], [0, 0]])
    image = np.float32([[900, 120], [100, 90], [60, 260], [930, 300]])
    matrix = GEOMETRY.world_to_strip() @ cv2.getPerspectiveTransform(image, world).astype(float)
    view = registration(matrix, (400, 1000))
    for key in (0, 40, 87):
        picture = np.zeros((400, 1000), np.uint8)
        place = view.image_points(CENTER_MM[key], 30.0, GEOMETRY)
        cv2.circle(picture, tuple(np.round(place).astype(int)), 3, 255, -1)
        sampler = strip_map(view, GEOMETRY)
        strip = sampler.apply(sampler.region.crop(picture))
        row, column = np.unravel_index(strip.argmax(), strip.shape)
        assert column + 0.5 == pytest.approx(GEOMETRY.column_px(CENTER_MM[key]), abs=2)
        assert row + 0.5 == pytest.approx(GEOMETRY.row_px(30.0), abs=1.5)


def test_fine_stripes_do_not_alias():
    stripes = np.tile(np.array([0, 240], np.uint8), 800)[None].repeat(128, axis=0)
    columns, rows = np.meshgrid(np.arange(416) * 3.8 + 1.3, np.arange(32) * 4.0 + 2)
    sampler = sampling_map(np.stack([columns, rows], axis=-1), stripes.shape)
    assert sampler.apply(sampler.region.crop(stripes)).std() < 60


def test_a_keyboard_outside_the_picture_is_refused():
    outside = registration([[1, 0, 5000.0], [0, 1, 0.5], [0, 0, 1]], (100, 600))
    with pytest.raises(InputError, match="outside the 600 x 100 picture"):
        strip_map(outside, GEOMETRY)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("strip") / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30.0, (416, 32))
    for k in range(30):
        writer.write(np.full((32, 416, 3), 40 + 7 * k, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(("fps", "sources"), [(30.0, range(30)), (60.0, [k // 2 for k in range(59)]), (15.0, range(0, 30, 2))])
def test_every_grid_frame_shows_the_nearest_video_frame(video, tmp_path, fps, sources):
    done = []
    grid = write_strip(video, identity_registration(), GEOMETRY, fps, tmp_path / "a" / "clip.npy", done.append)
    strip = np.load(tmp_path / "a" / "clip.npy", mmap_mode="r", allow_pickle=False)
    assert strip.shape == (grid.length, 32, 416) and strip.dtype == np.uint8
    assert np.median(strip, axis=(1, 2)) == pytest.approx([40 + 7 * k for k in sources], abs=3.4)
    assert (grid.fps, grid.start_s) == (fps, 0.0)
    assert len(done) == grid.length and done[-1] == pytest.approx(sources[-1] / 30)


def test_two_runs_give_the_same_bytes(video, tmp_path):
    for name in ("one.npy", "two.npy"):
        write_strip(video, identity_registration(), GEOMETRY, 30.0, tmp_path / name)
    assert (tmp_path / "one.npy").read_bytes() == (tmp_path / "two.npy").read_bytes()


@pytest.fixture(scope="module")
def textured(tmp_path_factory):
    """20 frames of a picture larger than the keyboard, which lies at (20, 10) and from frame 12 on at (50, 4)."""
    path = tmp_path_factory.mktemp("strip") / "moved.mp4"
    picture = cv2.resize(noise((9, 60), 4), (520, 64), interpolation=cv2.INTER_CUBIC)
    keyboard = cv2.resize(noise((5, 50), 5), (416, 32), interpolation=cv2.INTER_CUBIC)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25.0, (520, 64))
    for k in range(20):
        left, top = (20, 10) if k < 12 else (50, 4)
        frame = picture.copy()
        frame[top : top + 32, left : left + 416] = keyboard
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path, keyboard


def test_after_a_move_the_strip_shows_the_keys_in_the_same_columns(textured, tmp_path):
    path, keyboard = textured
    first = registration([[1, 0, 0.5 - 20], [0, 1, 0.5 - 10], [0, 0, 1]], (64, 520))
    later = ((1.0, 0.0, 0.5 - 50), (0.0, 1.0, 0.5 - 4), (0.0, 0.0, 1.0))
    write_strip(path, replace(first, moves=(Move(12 / 25, later, ()),)), GEOMETRY, 25.0, tmp_path / "moved.npy")
    strip = np.load(tmp_path / "moved.npy").astype(float)
    assert np.abs(strip - keyboard).mean(axis=(1, 2)).max() < 6
    write_strip(path, first, GEOMETRY, 25.0, tmp_path / "still.npy")
    assert np.abs(np.load(tmp_path / "still.npy")[12:] - keyboard.astype(float)).mean() > 30


def test_a_move_that_changes_nothing_gives_the_same_bytes_as_none(video, tmp_path):
    still = identity_registration()
    write_strip(video, still, GEOMETRY, 30.0, tmp_path / "still.npy")
    write_strip(video, replace(still, moves=(Move(0.4, still.homography, ()),)), GEOMETRY, 30.0, tmp_path / "moved.npy")
    assert (tmp_path / "still.npy").read_bytes() == (tmp_path / "moved.npy").read_bytes()


def test_nothing_is_left_of_a_strip_that_fails(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    with pytest.raises(InputError, match=r"broken\.mp4"):
        write_strip(broken, identity_registration(), GEOMETRY, 30.0, tmp_path / "out.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]


def test_a_registration_of_another_size_is_refused(video, tmp_path):
    with pytest.raises(InputError, match=r"clip\.mp4: is 416 x 32 px, but its registration is for \(640, 360\)"):
        write_strip(video, replace(identity_registration(), source_hw=(360, 640)), GEOMETRY, 30.0, tmp_path / "out.npy")
