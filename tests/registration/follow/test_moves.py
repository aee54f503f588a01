"""A camera that moves inside a clip: small rendered videos with a known camera at every instant."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from paths import PARAMS_FILE
from real_clips import FOLDER, needs_real_clips
from registration_cases import Look, held_by_hand, random_view, render

from tivit.core import params as params_file
from tivit.core.registration import Refusal
from tivit.core.strip import StripGeometry
from tivit.registration import clip
from tivit.registration.clip import register_video
from tivit.registration.estimate import estimate
from tivit.registration.follow.moves import register_moving
from tivit.registration.follow.track import Tracker, distance_key
from tivit.registration.params import RegistrationParams
from tivit.registration.question import remedy
from tivit.registration.truth import key_errors
from tivit.video.reader import SampledFrame, sample_frames

PARAMS = params_file.section(params_file.load(PARAMS_FILE), "registration", RegistrationParams)
GEOMETRY = StripGeometry(width_px=832, height_px=64, y_front_mm=-22.0, y_back_mm=158.0)
FPS, SECONDS = 25.0, 4.0


@cache
def start(seed=0):
    return random_view(np.random.default_rng([7, seed]), (640, 360), 0.05)


def write_clip(path, view_at, light_at=lambda time_s: 1.0, seed=0):
    """Write a clip in which two hands move about before the keys, with noise; `view_at` and `light_at` of the time in s."""
    rng = np.random.default_rng(seed)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, view_at(0.0).size_wh)
    pictures = {}
    for time_s in np.arange(int(SECONDS * FPS)) / FPS:
        view = view_at(time_s)
        name = view.rotation.tobytes()
        if name not in pictures:
            pictures = {name: render(view, rng, Look(noise=0))}
        picture = pictures[name] * light_at(time_s) + rng.normal(0, 2, (360, 640, 3))
        for hand in range(2):
            x = int(640 * (0.3 + 0.4 * hand + 0.18 * np.sin(1.7 * time_s + 2 * hand)))
            y = int(225 + 6 * np.sin(5 * time_s + hand))
            cv2.ellipse(picture, (x, y), (45, 40), 0, 0, 360, (120, 150, 190), -1)
            cv2.rectangle(picture, (x - 19, y), (x + 19, 359), (110, 140, 180), -1)
        writer.write(np.clip(picture, 0, 255).astype(np.uint8))
    writer.release()
    return path


def worst_errors(registration, view_at):
    """The largest key-centre error (white-key widths) of every frame."""
    times_s = np.arange(int(SECONDS * FPS)) / FPS
    return np.array(
        [np.abs(key_errors(registration.at(time_s), view_at(time_s).key_centers_px(), GEOMETRY)).max() for time_s in times_s]
    )


@pytest.mark.parametrize(
    ("bump_s", "right_px", "down_px", "roll"), [(2.0, 8, -4, 0.0), (0.6, 20, 6, 0.01), (3.6, -12, 5, -0.01)]
)
def test_a_bump_is_found_in_time_and_place(tmp_path, bump_s, right_px, down_px, roll):
    after = held_by_hand(start(), right_px, down_px, roll)

    def view_at(time_s):
        return start() if time_s < bump_s - 1e-6 else after

    found = register_video(write_clip(tmp_path / "bump.mp4", view_at), PARAMS, GEOMETRY).registration
    assert found.status == "ok" and len(found.moves) == 1
    assert found.moves[0].start_s == pytest.approx(bump_s, abs=0.15)
    assert worst_errors(found, view_at).max() < 0.1
    assert worst_errors(replace(found, moves=()), view_at).max() > 0.8


def test_a_drift_is_followed_in_pieces(tmp_path):
    def view_at(time_s):
        return held_by_hand(start(), 2.5 * time_s, time_s, 0.002 * time_s)

    found = register_video(write_clip(tmp_path / "drift.mp4", view_at), PARAMS, GEOMETRY).registration
    errors = worst_errors(found, view_at)
    assert found.status == "ok" and 5 < len(found.moves) < 60
    assert np.median(errors) < 0.05 and errors.max() < 0.1
    assert worst_errors(replace(found, moves=()), view_at).max() > 0.8
    starts_s = [move.start_s for move in found.moves]
    assert starts_s == sorted(set(starts_s))


def test_a_camera_held_by_hand_is_followed_through_a_clip_that_is_read_once(tmp_path, monkeypatch):
    def view_at(time_s):
        right_px = 9 * np.sin(2.6 * time_s) + np.sin(21 * time_s)
        return held_by_hand(start(), right_px, 5 * np.sin(3.4 * time_s + 1), 0.004 * np.sin(2 * time_s))

    calls = []
    monkeypatch.setattr(clip, "sample_frames", lambda *given: calls.append(given) or sample_frames(*given))
    found = register_video(write_clip(tmp_path / "handheld.mp4", view_at), PARAMS, GEOMETRY).registration
    errors = worst_errors(found, view_at)
    assert found.status == "ok" and len(calls) == 1
    assert np.median(errors) < 0.05 and errors.max() < 0.15


def test_a_still_camera_never_moves_whatever_the_light_and_the_hands_do(tmp_path):
    path = write_clip(
        tmp_path / "still.mp4", lambda _: start(), lambda time_s: 1 - 0.3 * (time_s > 1.5) + 0.1 * np.sin(3 * time_s)
    )
    found = register_video(path, PARAMS, GEOMETRY).registration
    assert found.status == "ok" and found.moves == ()


def test_a_bump_that_cuts_the_low_keys_keeps_every_key_its_name(tmp_path):
    left_px = float(start(1).key_centers_px()[0, 0])
    after = held_by_hand(start(1), -left_px - 25, 3)

    def view_at(time_s):
        return start(1) if time_s < 2.8 else after

    found = register_video(write_clip(tmp_path / "cut.mp4", view_at), PARAMS, GEOMETRY).registration
    assert (found.status, found.first_midi, found.last_midi) == ("ok", 21, 108)
    assert worst_errors(found, view_at).max() < 0.1


def homography_of(view):
    world = np.float32([[0, 0], [1222, 0], [1222, 150], [0, 150]])
    image = view.image_px(np.column_stack([world, np.zeros(4)])).astype(np.float32)
    return cv2.getPerspectiveTransform(world, image)


@pytest.mark.parametrize("right_px", [0, 3, 20, 75, -75])
def test_the_tracker_is_exact_to_a_fiftieth_of_a_key_and_tells_octaves_apart(right_px):
    view = replace(start(1), lens=(0.0, 0.0))
    other = held_by_hand(view, right_px, 2)
    rng = np.random.default_rng(1)
    tracker = Tracker(homography_of(view), [render(view, rng, Look())])
    homography = tracker.locate(render(other, rng, Look()))
    assert distance_key(homography_of(other), homography) < 0.02


def test_the_tracker_finds_nothing_where_there_is_no_keyboard():
    rng = np.random.default_rng(1)
    tracker = Tracker(homography_of(start()), [render(start(), rng, Look())])
    assert tracker.locate(rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)) is None


def test_a_keyboard_said_to_lie_wholly_outside_the_picture_is_found_nowhere(monkeypatch):
    picture = render(start(), np.random.default_rng(1), Look())
    outside = np.array([[1, 0, 50_000.0], [0, 1, 0], [0, 0, 1]])
    assert Tracker(homography_of(start()) @ outside, [picture]).locate(picture) is None
    tracker = Tracker(homography_of(start()), [picture])
    assert tracker.locate(picture) is not None
    monkeypatch.setattr(tracker, "_place_near", lambda *_: None)
    monkeypatch.setattr(tracker, "_place_by", lambda raster, _: raster.world_to_image @ outside)
    assert tracker.locate(picture) is None


def test_where_the_keyboard_was_a_moment_before_it_is_found_again():
    view, there = start(), held_by_hand(start(), 30, 4)
    rng = np.random.default_rng(1)
    tracker = Tracker(homography_of(view), [render(view, rng, Look())])
    picture, near = render(there, rng, Look()), homography_of(held_by_hand(view, 28, 3))
    assert distance_key(homography_of(there), tracker.locate(picture, near)) < 0.02


def test_a_keyboard_that_jumped_is_searched_for_from_its_reference():
    view, there = start(), held_by_hand(start(), 30, 4)
    rng = np.random.default_rng(1)
    tracker = Tracker(homography_of(view), [render(view, rng, Look())])
    picture, near = render(there, rng, Look()), homography_of(held_by_hand(view, -60, -10))
    assert distance_key(homography_of(there), tracker.locate(picture, near)) < 0.02


def test_a_shift_of_one_white_key_is_one_white_key():
    one = homography_of(start())
    shift = np.array([[1, 0, 23.5], [0, 1, 0], [0, 0, 1]])
    assert distance_key(one, one @ shift) == pytest.approx(1.0)


def test_a_clip_without_a_keyboard_is_refused_as_before():
    frames = [SampledFrame(float(k), np.full((90, 160, 3), 9 * k, np.uint8)) for k in range(6)]
    answer = Refusal("no row of black keys was found", (90, 160), 6)
    assert register_moving(frames, GEOMETRY, lambda _: answer, lambda *_: []) == answer


def test_a_registration_that_no_frame_bears_out_is_refused():
    picture = render(start(), np.random.default_rng(1), Look())
    registration = estimate([picture], PARAMS, GEOMETRY)
    assert registration.status == "ok"
    frames = [SampledFrame(float(k), np.full_like(picture, 90)) for k in range(6)]
    answer = register_moving(frames, GEOMETRY, lambda _: registration, lambda *_: [])
    assert answer.status == "refused" and "in only 0 of 6 frames" in answer.reason


def test_a_clip_whose_camera_cannot_be_followed_is_found_in_the_part_in_which_it_stands_still():
    """As the sentence that belongs to the refusal says."""
    still = render(start(), np.random.default_rng(1), Look())
    frames = [SampledFrame(float(k), still if k < 3 else np.full_like(still, 90)) for k in range(10)]

    def look(images):
        return estimate(images[:1], PARAMS, GEOMETRY)

    refused = register_moving(frames, GEOMETRY, look, lambda *_: [])
    assert refused.status == "refused" and "cut the video to a part in which it stands still" in remedy(refused.reason, False)
    assert register_moving(frames[:3], GEOMETRY, look, lambda *_: []).status == "ok"


@needs_real_clips
def test_the_real_clip_does_not_move():
    found = register_video(FOLDER / "pianoray_furelise.mp4", PARAMS, GEOMETRY).registration
    assert found.status == "ok" and found.moves == ()
