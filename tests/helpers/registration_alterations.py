"""What other people's recordings do to the views of `registration_views`: turns, cuts, crops, frames, light, mirrors.

An alteration takes frames, what is true of them and a generator, and returns both as they are afterwards; None where it cannot
be made of a view. The truth goes along exactly; what a fallboard mirrors is drawn without the bend of the lens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from registration_cameras import LEAST_KEYS, points_mm, white_key_px
from registration_scenery import score_page
from registration_views import EDGE_KEY, Truth

from tivit.core.keyboard import (
    CENTER_MM,
    IS_BLACK,
    KEY_COUNT,
    KEYBOARD_WIDTH_MM,
    LEFT_MM,
    RIGHT_MM,
    WHITE_LENGTH_MM,
    WHITE_PITCH_MM,
)
from tivit.registration.judge.extent import ROWS_IN_VIEW_MM

SQUEEZES = (0.6, 0.75, 1.33)
"""Heights of screenshots and of anamorphic pictures, relative to what they should be."""
CUT_SHARE = 0.03
"""So much of the keys' length is out of the picture."""
LEAST_CROPPED_PX = 5.0
"""Narrower white keys are not cropped further."""
FALLBOARD_MM = WHITE_LENGTH_MM + 2.0
"""y of an upright polished fallboard."""

Frames = list[np.ndarray]
Alteration = Callable[[Frames, Truth, np.random.Generator], tuple[Frames, Truth] | None]


def keys_in_picture(truth: Truth, margin_key: float) -> tuple[int, int] | None:
    """Return the first and last key whose rows that show a press are in the picture, which is wider by white-key widths."""
    low, high = truth.instrument
    rows_mm = (ROWS_IN_VIEW_MM[0], WHITE_LENGTH_MM / 2, ROWS_IN_VIEW_MM[1])
    grown_mm = margin_key * WHITE_PITCH_MM
    sides = (LEFT_MM[low : high + 1] + grown_mm, RIGHT_MM[low : high + 1] - grown_mm)
    pixels = np.stack([truth.px(points_mm(x_mm, y_mm)) for x_mm in sides for y_mm in rows_mm])
    inside = ((pixels >= -0.5) & (pixels <= np.array(truth.size_wh) - 0.5)).all((0, 2))
    found = np.flatnonzero(inside)
    return (low + int(found[0]), low + int(found[-1])) if len(found) else None


def moved(truth: Truth, matrix: np.ndarray, size_wh: tuple[int, int]) -> Truth | None:
    """Return the truth of pictures under a map (3, 3) of pixels, None when too few keys are left in them."""
    there = replace(truth, to_px=matrix @ truth.to_px, size_wh=size_wh)
    there = replace(there, centers_px=there.px(points_mm(CENTER_MM, WHITE_LENGTH_MM / 2)))
    keys, loose, strict = (keys_in_picture(there, margin) for margin in (0.0, EDGE_KEY, -EDGE_KEY))
    if strict is None or strict[1] - strict[0] + 1 < LEAST_KEYS:
        return None
    cut = (keys[0] > truth.instrument[0]) + (keys[1] < truth.instrument[1])
    tags = tuple(tag for tag in truth.tags if not tag.endswith("cut"))
    tags += (("one end cut", "both ends cut")[cut - 1],) if cut else ()
    # A key on the border may count or not; the rows of a key that only just are in the picture as well.
    return replace(there, keys=keys, loose_keys=loose, strict_keys=strict, tags=tags)


def plain(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth]:
    """Return a view as it is."""
    return frames, truth


def turned(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view as a phone held upright takes it, turned one way or the other."""
    turns = int(rng.choice([-1, 1]))
    width, height = truth.size_wh
    matrix = np.array([[0, 1, 0], [-1, 0, width - 1], [0, 0, 1]] if turns == 1 else [[0, -1, height - 1], [1, 0, 0], [0, 0, 1]])
    there = moved(truth, matrix, (height, width))
    is_right = (turns == -1) != truth.orientation.startswith("rotated")
    orientation = f"turned_{'right' if is_right else 'left'}{'_mirrored' * truth.orientation.endswith('mirrored')}"
    standing = [np.ascontiguousarray(np.rot90(frame, turns)) for frame in frames]
    return there and (standing, replace(there, orientation=orientation))


def squeezed(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view whose height is not what it should be."""
    width, height = truth.size_wh
    low = round(height * float(rng.choice(SQUEEZES)))
    share = low / height
    there = moved(truth, np.array([[1, 0, 0], [0, share, 0.5 * share - 0.5], [0, 0, 1]]), (width, low))
    return there and ([cv2.resize(frame, (width, low), interpolation=cv2.INTER_AREA) for frame in frames], there)


def bordered(
    frames: Frames, truth: Truth, border_px: tuple[int, int, int, int], color: tuple[int, int, int]
) -> tuple[Frames, Truth] | None:
    """Return a view with borders of one colour: top, bottom, left and right."""
    top, bottom, left, right = border_px
    width, height = truth.size_wh
    matrix = np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    # Keys end where the picture in the picture does, so they are those of the view as it is.
    there = moved(truth, matrix, (width + left + right, height + top + bottom))
    if there is None:
        return None
    there = replace(there, keys=truth.keys, loose_keys=truth.loose_keys, strict_keys=truth.strict_keys, tags=truth.tags)
    return [cv2.copyMakeBorder(frame, *border_px, cv2.BORDER_CONSTANT, value=color) for frame in frames], there


def inset(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view in a slide with a line of writing."""
    width, height = truth.size_wh
    level = int(rng.choice([18, 128, 235]))
    left = int(width * rng.uniform(0.04, 0.2))
    result = bordered(frames, truth, (height // 3, height // 20, left, int(width * rng.uniform(0.04, 0.2))), (level,) * 3)
    if result is not None:
        for frame in result[0]:
            scale, ink, font = width / 640, (255 - level,) * 3, cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(frame, "Lesson 3: both hands", (left, height // 5), font, scale, ink, int(scale) + 1)
    return result


def letterbox(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view with black bars above and below, or to the left and the right."""
    width, height = truth.size_wh
    wide, tall = (int(width * rng.uniform(0.05, 0.3)), 0) if rng.random() < 0.5 else (0, int(height * rng.uniform(0.05, 0.3)))
    return bordered(frames, truth, (tall, tall, wide, wide), (0, 0, 0))


def edge_cut(frames: Frames, truth: Truth, is_front: bool) -> tuple[Frames, Truth] | None:
    """Return a view that ends before the front or the back edges of the keys; some keys lose CUT_SHARE, the others less."""
    height, is_rotated = truth.size_wh[1], truth.orientation.startswith("rotated")
    y_mm = WHITE_LENGTH_MM * (CUT_SHARE if is_front else 1 - CUT_SHARE)
    rows = truth.px(points_mm(CENTER_MM[list(truth.keys)], y_mm))[:, 1]
    is_below = is_front != is_rotated
    edge = int(np.clip(np.ceil(rows.max()) if is_below else np.floor(rows.min()), 0, height - 1))
    kept = slice(0, edge + 1) if is_below else slice(edge, height)
    there = moved(
        truth, np.array([[1, 0, 0], [0, 1, -float(kept.start)], [0, 0, 1]]), (truth.size_wh[0], len(range(height)[kept]))
    )
    return there and ([np.ascontiguousarray(frame[kept]) for frame in frames], there)


def front_cut(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view that ends before the front edges of the keys."""
    return edge_cut(frames, truth, True)


def back_cut(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view that ends before the back edges of the keys."""
    return edge_cut(frames, truth, False)


def cropped(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a part of a view, 60 to 85 % of its width and height, that shows whole rows of keys."""
    width, height = truth.size_wh
    ends = points_mm(CENTER_MM[truth.keys[0] : truth.keys[1] + 1, None], np.array([-15.0, WHITE_LENGTH_MM]))
    if white_key_px(truth.camera, truth.keys) < LEAST_CROPPED_PX:
        return None
    for _ in range(20):
        size = (np.array([width, height]) * rng.uniform(0.6, 0.85, 2)).astype(int)
        left, top = ((np.array([width, height]) - size) * rng.choice([0.0, 0.5, 1.0], 2)).astype(int).tolist()
        there = moved(truth, np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]), (int(size[0]), int(size[1])))
        if there is None:
            continue
        x, y = there.px(ends).reshape(-1, 2).T
        rows = y[(x > 0) & (x < size[0])]
        if rows.min() >= 0 and rows.max() <= size[1] - 1:
            return [np.ascontiguousarray(frame[top : top + size[1], left : left + size[0]]) for frame in frames], there
    return None


def spotlight(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth]:
    """Return a view in a spotlight: the ends of the keyboard have an eighth to a quarter of the light of its middle."""
    width, height = truth.size_wh
    first, last = truth.centers_px[truth.keys[0]], truth.centers_px[truth.keys[1]]
    middle = first + rng.uniform(0.35, 0.65) * (last - first)
    reach = max(np.linalg.norm(first - middle), np.linalg.norm(last - middle))
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    away = np.hypot(x - middle[0], y - middle[1]) / reach
    dark = rng.uniform(0.12, 0.25)
    light = (dark + (1 - dark) * np.exp(-2.5 * away**2)).astype(np.float32)[..., None]
    return [np.clip(frame * light, 0, 255).astype(np.uint8) for frame in frames], truth


def polished(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view with an upright polished fallboard that mirrors the keys, and the hands over them.

    Not where the camera does not see it, or a panel lies over it.
    """
    lean = truth.camera.position_mm[1]
    if lean > 0 or any(tag.startswith("overlay") for tag in truth.tags):
        return None
    size = truth.size_wh
    grid = points_mm(np.linspace(0, KEYBOARD_WIDTH_MM, 30)[:, None], np.linspace(-20.0, 300.0, 10)).reshape(-1, 3)
    to_px = cv2.findHomography(grid[:, :2], truth.px(grid))[0]
    mirror = np.array([[1, 0, 0], [0, -1, 2 * FALLBOARD_MM], [0, 0, 1]])
    away_mm = rng.uniform(60, 180) * (FALLBOARD_MM - lean) / truth.camera.position_mm[2]
    top_mm = float(np.clip(FALLBOARD_MM + away_mm, FALLBOARD_MM + 15, 290.0))
    low, high = LEFT_MM[truth.instrument[0]] - 20, RIGHT_MM[truth.instrument[1]] + 20
    outline = points_mm(np.array([low, high, high, low]), np.array([FALLBOARD_MM, FALLBOARD_MM, top_mm, top_mm]))
    mask = cv2.fillConvexPoly(np.zeros(size[::-1], np.float32), truth.px(outline).round().astype(np.int32), 1.0)
    mask = rng.uniform(0.35, 0.75) * cv2.GaussianBlur(mask, (3, 3), 0)[..., None]
    altered = []
    for frame in frames:
        image = cv2.warpPerspective(frame, to_px @ mirror @ np.linalg.inv(to_px), size, borderMode=cv2.BORDER_REPLICATE)
        altered.append((frame * (1 - mask) + 0.9 * image * mask).astype(np.uint8))
    return altered, truth


def two_manuals(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view with a second manual behind and above the first; not where it would lie out of the picture."""
    grid = points_mm(np.linspace(0, KEYBOARD_WIDTH_MM, 30)[:, None], np.linspace(-15.0, 150.0, 6)).reshape(-1, 3)
    to_px = cv2.findHomography(grid[:, :2], truth.px(grid))[0]
    to_upper = cv2.findHomography(grid[:, :2], truth.px(grid + (0, WHITE_LENGTH_MM + 12, 60)))[0]
    low, high = LEFT_MM[truth.keys[0]] - 15, RIGHT_MM[truth.keys[1]] + 15
    outline = points_mm(np.array([low, high, high, low]), np.array([-14.0, -14, 150, 150])) + (0, WHITE_LENGTH_MM + 12, 60)
    corners = truth.px(outline)
    if not ((corners[:, 1] >= 0) & (corners[:, 1] <= truth.size_wh[1] - 1)).all():
        return None
    mask = cv2.fillConvexPoly(np.zeros(truth.size_wh[::-1], np.uint8), corners.round().astype(np.int32), 1)[..., None] > 0
    matrix = to_upper @ np.linalg.inv(to_px)
    return [np.where(mask, cv2.warpPerspective(frame, matrix, truth.size_wh), frame) for frame in frames], truth


def drawn_keys(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view with a drawn keyboard behind it, some keys of which are lit, turned and mirrored as the view is."""
    width = truth.size_wh[0]
    tall = int(width * rng.uniform(0.09, 0.13))
    is_rotated = truth.orientation.startswith("rotated")
    result = bordered(frames, truth, (0, tall, 0, 0) if is_rotated else (tall, 0, 0, 0), (0, 0, 0))
    scale = (width - 4) / KEYBOARD_WIDTH_MM
    for frame in result[0] if result else []:
        lit, panel = rng.choice(KEY_COUNT, 4, replace=False), np.zeros((tall, width, 3), np.uint8)
        for key in np.argsort(IS_BLACK, kind="stable"):
            color = (60, 160, 90) if key in lit else (25, 25, 25) if IS_BLACK[key] else (240, 240, 240)
            x0, x1 = (int(2 + side[key] * scale) for side in (LEFT_MM, RIGHT_MM))
            cv2.rectangle(panel, (x0, 0), (max(x1 - 1, x0), int(tall * (0.63 if IS_BLACK[key] else 0.97))), color, -1)
        panel = panel[::-1] if is_rotated else panel
        panel = panel[:, ::-1] if truth.orientation in ("rotated", "mirrored") else panel
        frame[-tall:] = panel if is_rotated else frame[-tall:]
        frame[:tall] = frame[:tall] if is_rotated else panel
    return result


def lesson(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth] | None:
    """Return a view of a lesson: a polished fallboard, and a page of a score above the picture."""
    mirrored = polished(frames, truth, rng)
    if mirrored is None:
        return None
    width, height = truth.size_wh
    tall = int(height * rng.uniform(0.3, 0.8))
    result = bordered(*mirrored, (tall, 0, 0, 0), (255, 255, 255))
    page = score_page(rng, (width, tall))
    for frame in result[0] if result else []:
        frame[:tall] = page
    return result


def hands_throughout(frames: Frames, truth: Truth, rng: np.random.Generator) -> tuple[Frames, Truth]:
    """Return a view whose hands lie where they are in all frames."""
    return frames[-1:] * 3, truth


ALTERATIONS: dict[str, Alteration] = {
    function.__name__: function
    for function in (
        plain, turned, front_cut, back_cut, squeezed, cropped, inset, letterbox, spotlight, polished, two_manuals, drawn_keys,
        lesson, hands_throughout,
    )
}  # fmt: skip
"""By the name of the slice of the benchmark."""
