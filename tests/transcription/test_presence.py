"""Which pictures show the keyboard: a drawn keyboard with hands, cards, black and fades between its pictures."""

import numpy as np
import pytest

from tivit.core.keyboard import BLACK_FRONT_MM, BLACK_KEYS, CENTER_MM, KEY_COUNT
from tivit.core.strip import StripGeometry
from tivit.transcription.presence import LEAST_FULL, LEAST_SEEN, Watch, presence_of, spans

GEOMETRY = StripGeometry(width_px=832, height_px=64, y_front_mm=-22.0, y_back_mm=158.0)
ALL = np.ones(KEY_COUNT, bool)


@pytest.fixture
def keyboard():
    """Return a picture of white keys at 220 and black ones at 40."""
    picture = np.full((GEOMETRY.height_px, GEOMETRY.width_px), 220, np.uint8)
    front = int((GEOMETRY.y_back_mm - BLACK_FRONT_MM) * GEOMETRY.px_per_mm_y)
    for middle_mm in CENTER_MM[BLACK_KEYS]:
        left, right = (int(round((middle_mm + by_mm) * GEOMETRY.px_per_mm_x)) for by_mm in (-5.0, 5.0))
        picture[:front, left:right] = 40
    return picture


def with_hand(picture, low, high):
    covered = picture.copy()
    covered[:, low:high] = 150
    return covered


def watched(strips, pictures, at_rest):
    presence = presence_of(np.stack(pictures), GEOMETRY, ALL)
    return [strip for _, strip in Watch("a.mp4", presence, at_rest).over((k / 30, strip) for k, strip in enumerate(strips))]


def test_hands_over_most_of_the_keys_hide_no_keyboard_and_a_card_does(keyboard):
    rng = np.random.default_rng(1)
    soft = np.repeat(np.repeat(rng.integers(0, 255, (4, 13)), 16, axis=0), 64, axis=1).astype(np.uint8)
    pictures = [
        keyboard,
        with_hand(keyboard, 0, 500),
        soft,
        np.zeros_like(keyboard),
        np.full_like(keyboard, 255),
        keyboard // 2,
    ]
    presence = presence_of(np.stack([keyboard] * 6 + pictures), GEOMETRY, ALL)
    shares = presence.shares(np.stack(pictures))
    assert (
        shares[:2] == pytest.approx(1.0, abs=0.05)
        and (shares[2:5] < LEAST_SEEN).all()
        and shares[5] == pytest.approx(0.5, abs=0.02)
    )


def test_the_last_picture_and_then_the_keyboard_at_rest_stand_for_what_is_not_seen(keyboard, caplog):
    played, card = with_hand(keyboard, 300, 340), np.full_like(keyboard, 60)
    strips = [card] * 2 + [played] * 3 + [card] * 10 + [played]
    out = watched(strips, [keyboard, *strips], keyboard)
    assert len(out) == len(strips)
    assert all((strip == keyboard).all() for strip in [*out[:2], *out[13:15]])
    assert all((strip == played).all() for strip in [*out[2:13], out[15]])
    (record,) = caplog.records
    assert record.getMessage().startswith("a.mp4: the keyboard is not seen at 0.0 to 0.5 s (a title")


def test_a_faded_picture_is_told_and_made_lighter_without_a_step(keyboard, caplog):
    gains = [1.0, 0.9, LEAST_FULL + 0.01, LEAST_FULL - 0.01, 0.5, 0.3]
    strips = [(keyboard * gain).astype(np.uint8) for gain in gains]
    out = watched(strips, [keyboard] * 8 + strips, keyboard)
    assert all((a == b).all() for a, b in zip(out[:3], strips[:3], strict=True))
    assert [strip.max() for strip in out[2:]] == pytest.approx([LEAST_FULL * 220] * 4, abs=4)
    assert "the picture is faded at 0.1 to 0.2 s" in caplog.text and "not seen" not in caplog.text


def test_a_keyboard_without_contrast_or_without_black_keys_is_not_judged(keyboard, caplog):
    grey = np.full_like(keyboard, 90)
    assert (watched([grey, grey], [grey] * 2, keyboard)[1] == grey).all() and not caplog.records
    assert (presence_of(grey[None], GEOMETRY, np.zeros(KEY_COUNT, bool)).shares(grey[None]) == 1.0).all()


def test_spans_that_are_near_are_one():
    assert spans([0.0, 0.1, 0.2, 0.6, 3.0]) == "0.0 to 0.6 s and 3.0 to 3.0 s"
