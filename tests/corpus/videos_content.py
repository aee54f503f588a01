"""Cases: what the pictures show besides a keyboard that is played."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.corpus.case import REFUSAL, WARNING, Case, written
from tests.corpus.film import Film, numbered, rendered
from tests.corpus.writing import write

UNKNOWN = "keyboard was not found"


def contents() -> list[Case]:
    """Return one case for each kind of picture."""
    group = "What the pictures show"
    return [
        Case("fade.mp4", group, "a fade from black in the first half second", written(change=_faded), WARNING, "is not seen at 0.0 to .* is faded at 0.", share=0.8),
        Case("fade-out.mp4", group, "a fade to black in the last second", written(change=_faded_out), WARNING, "is faded at 2.[23] to .* is not seen at 2.8 to 3.0|is not seen at 2.8 to 3.0 .* is faded", share=0.8),
        Case("title.mp4", group, "a title card", written(change=lambda film: _card().then(film)), WARNING, "is not seen at 0.0 to 0.6 s", is_fast=True),
        Case("long-title.mp4", group, "a title card for more than half of the video", written(change=lambda film: _card(120).then(film)), WARNING, "is not seen at 0.0 to 4.0 s"),
        Case("end.mp4", group, "an end screen", written(change=lambda film: film.then(_card(60))), WARNING, "is not seen at 3.0 to 5.0 s", is_fast=True),
        Case("photo.mp4", group, "a photograph at the end", written(change=lambda film: film.then(_photo())), WARNING, "is not seen at 3.0 to 5.0 s"),
        Case("cut-away.mp4", group, "another picture for a second in the middle", written(change=_cut_away), WARNING, "is not seen at 1.5 to 2.5 s"),
        Case("letterbox.mp4", group, "black bars above and below", written(change=lambda film: film.drawn(_letterbox))),
        Case("pillarbox.mp4", group, "black bars at the sides", written(change=lambda film: film.drawn(_pillarbox)), WARNING, "px wide"),
        Case("pop-up.mp4", group, "a pop-up over a fifth of the keys for a second", written(change=_popup), are_notes_right=False),
        Case("logo.mp4", group, "a logo in a corner", written(change=lambda film: film.drawn(_logo))),
        Case("blackout.mp4", group, "black for a third of a second", written(change=_blackout), WARNING, "is not seen at 1.5 to 1.8 s", share=0.85),
        Case("silent.mp4", group, "hands that rest: nobody plays", _silent, has_numbers=False, is_fast=True),
        Case("frozen.mp4", group, "a picture that stands still for three seconds", written(change=_frozen), are_notes_right=False),
        Case("mirrored.mp4", group, "mirrored, as front cameras film", written(change=lambda film: _turned(film, lambda p: p[:, ::-1]))),
        Case("turned.mp4", group, "filmed from the other side (turned by 180 degrees)", written(change=lambda film: _turned(film, lambda p: p[::-1, ::-1]))),
        Case("bright.mp4", group, "overexposed", written(change=lambda film: film.drawn(lambda p: cv2.convertScaleAbs(p, alpha=1.25, beta=15)))),
        Case("blurred.mp4", group, "out of focus", written(change=lambda film: film.drawn(lambda p: cv2.GaussianBlur(p, (0, 0), 1.0))), share=0.5),
        Case("grainy.mp4", group, "grainy", written(change=_grainy)),
        Case("black.mp4", group, "black throughout", written(change=lambda film: film.drawn(np.zeros_like)), REFUSAL, UNKNOWN, has_numbers=False),
        Case("noise.mp4", group, "noise", _noise, REFUSAL, UNKNOWN, has_numbers=False),
        Case("no-keyboard.mp4", group, "a wall", written(change=lambda film: film.drawn(_wall)), REFUSAL, UNKNOWN, is_fast=True),
    ]  # fmt: skip


def _faded(film: Film) -> Film:
    gains = [min(k / 15, 1.0) for k in range(len(film.pictures))]
    return Film(tuple((p * g).astype(np.uint8) for p, g in zip(film.pictures, gains, strict=True)), film.times_s, film.clip_s)


def _faded_out(film: Film) -> Film:
    gains = [min((len(film.pictures) - k) / 30, 1.0) for k in range(len(film.pictures))]
    return Film(tuple((p * g).astype(np.uint8) for p, g in zip(film.pictures, gains, strict=True)), film.times_s, film.clip_s)


def _photo(count: int = 60) -> Film:
    """Return a still picture of soft colours, without numbers."""
    spots = np.random.default_rng(3).integers(0, 255, (9, 16, 3), dtype=np.uint8)
    times_s = tuple(k / 30 for k in range(count))
    return Film((cv2.resize(spots, (640, 360), interpolation=cv2.INTER_CUBIC),) * count, times_s, (9.0,) * count)


def _cut_away(film: Film) -> Film:
    return film.part(0, 45).then(_photo(30)).then(film.part(45, 90))


def _card(count: int = 20) -> Film:
    """Return a text, whose pictures carry numbers that no other picture has."""
    pictures = []
    for k in range(count):
        card = np.full((360, 640, 3), (60, 30, 20), np.uint8)
        cv2.putText(card, "Nocturne", (180, 190), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (240, 240, 240), 4)
        pictures.append(numbered(card, 120 + k))
    times_s = tuple(k / 30 for k in range(count))
    return Film(tuple(pictures), times_s, tuple(4.0 + time_s for time_s in times_s))


def _with_cells(picture: np.ndarray, of: np.ndarray) -> np.ndarray:
    side = round(of.shape[1] / 48)
    picture[:side, : 12 * side] = of[:side, : 12 * side]
    return picture


def _letterbox(picture: np.ndarray) -> np.ndarray:
    box = picture.copy()
    box[:40] = box[-60:] = 0
    return _with_cells(box, picture)


def _pillarbox(picture: np.ndarray) -> np.ndarray:
    small = cv2.resize(picture, (560, 316), interpolation=cv2.INTER_AREA)
    box = np.zeros_like(picture)
    box[22:338, 40:600] = small
    return _with_cells(box, picture)


def _popup(film: Film) -> Film:
    def change(k: int, picture: np.ndarray) -> np.ndarray:
        if not 40 <= k < 70:
            return picture
        with_popup = picture.copy()
        with_popup[140:215, 260:360] = (40, 40, 220)
        return with_popup

    return Film(tuple(change(k, p) for k, p in enumerate(film.pictures)), film.times_s, film.clip_s)


def _logo(picture: np.ndarray) -> np.ndarray:
    marked = picture.copy()
    cv2.circle(marked, (600, 320), 24, (255, 255, 255), -1)
    return marked


def _blackout(film: Film) -> Film:
    pictures = tuple(np.zeros_like(p) if 45 <= k < 55 else p for k, p in enumerate(film.pictures))
    return Film(pictures, film.times_s, film.clip_s)


def _frozen(film: Film) -> Film:
    times_s = tuple(k / 30 for k in range(90))
    return film.then(Film((film.pictures[-1],) * 90, times_s, (film.clip_s[-1],) * 90))


def _silent(path: Path) -> Film:
    film = rendered()[0]
    still = Film((film.pictures[0],) * 90, film.times_s, (9.0,) * 90)
    write(path, still)
    return still


def _turned(film: Film, change) -> Film:
    return film.drawn(lambda picture: _with_cells(np.ascontiguousarray(change(picture)), picture))


def _grainy(film: Film) -> Film:
    rng = np.random.default_rng(6)
    noisy = [np.clip(p + rng.normal(0, 6, p.shape), 0, 255).astype(np.uint8) for p in film.pictures]
    return Film(tuple(noisy), film.times_s, film.clip_s)


def _noise(path: Path) -> Film:
    rng = np.random.default_rng(7)
    film = rendered()[0].part(0, 20)
    write(path, film.drawn(lambda picture: rng.integers(0, 256, picture.shape, dtype=np.uint8)))
    return film


def _wall(picture: np.ndarray) -> np.ndarray:
    wall = np.full_like(picture, 140)
    wall[:, ::40] = 110
    wall[::30] = 110
    return _with_cells(wall, picture)
