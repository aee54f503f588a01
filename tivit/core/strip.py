"""The strip: the keyboard seen straight from above, rectified to a fixed raster, and the folder that stores strips.

World plane in millimetres (see `keyboard`): x 0..1222 along the keys, y from -22 (front lip) to 158 (behind the fallboard).
Strip pixels: column 0 is the left edge of A0, row 0 is the back (y = 158), the last row the front lip. A pixel (u, v)
stands for the area [u, u + 1) x [v, v + 1), so its centre is u + 0.5. At 832 px a white key is exactly 16 px wide.

Stored per clip: `<clip_id>.npy`, uint8 (T, height, width), grey, one row per frame of the clip's time grid, and in
`strips.json` the grids and the geometry.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tivit.core.artifacts import read_json, resolve_inside, write_json
from tivit.core.errors import InputError
from tivit.core.keyboard import KEYBOARD_WIDTH_MM
from tivit.core.params import check_range
from tivit.core.timegrid import TimeGrid

INDEX_NAME = "strips.json"


@dataclass(frozen=True)
class StripGeometry:
    """Raster of a strip and the world rectangle it shows (params section `strips`)."""

    width_px: int
    height_px: int
    y_front_mm: float
    y_back_mm: float

    def __post_init__(self) -> None:
        check_range("strips.width_px", self.width_px, 208, 4096)
        check_range("strips.height_px", self.height_px, 16, 512)
        if self.y_back_mm <= self.y_front_mm:
            raise InputError(f"strips.y_back_mm {self.y_back_mm} must be greater than y_front_mm {self.y_front_mm}")

    @property
    def px_per_mm_x(self) -> float:
        """Columns per millimetre."""
        return self.width_px / KEYBOARD_WIDTH_MM

    @property
    def px_per_mm_y(self) -> float:
        """Rows per millimetre."""
        return self.height_px / (self.y_back_mm - self.y_front_mm)

    def column_px(self, x_mm: np.ndarray) -> np.ndarray:
        """Return continuous strip columns of world x (mm)."""
        return np.asarray(x_mm) * self.px_per_mm_x

    def row_px(self, y_mm: np.ndarray) -> np.ndarray:
        """Return continuous strip rows of world y (mm); the back is row 0."""
        return (self.y_back_mm - np.asarray(y_mm)) * self.px_per_mm_y

    def world_to_strip(self) -> np.ndarray:
        """Return the 3 x 3 affine map from world (x_mm, y_mm, 1) to continuous strip pixels."""
        sx, sy = self.px_per_mm_x, self.px_per_mm_y
        return np.array([[sx, 0.0, 0.0], [0.0, -sy, self.y_back_mm * sy], [0.0, 0.0, 1.0]])

    def pixel_centers_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Return world x (width,) and y (height,) of the pixel centres."""
        x_mm = (np.arange(self.width_px) + 0.5) / self.px_per_mm_x
        y_mm = self.y_back_mm - (np.arange(self.height_px) + 0.5) / self.px_per_mm_y
        return x_mm, y_mm


def covered_shares(count: int, low_px: np.ndarray, high_px: np.ndarray) -> np.ndarray:
    """Return how each interval [low, high) (N,) spreads over `count` pixels, float32 (N, count), rows summing to 1."""
    edge = np.arange(count)
    covered = np.clip(np.minimum(high_px[:, None], edge + 1) - np.maximum(low_px[:, None], edge), 0.0, 1.0)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class StripFolder:
    """A folder of strips: `geometry` of all of them and the time grid of each clip."""

    root: Path
    geometry: StripGeometry
    grids: dict[str, TimeGrid]

    def path(self, clip_id: str) -> Path:
        """Return where a clip's strip lies."""
        return strip_path(self.root, clip_id)

    def open(self, clip_id: str) -> np.ndarray:
        """Return a clip's frames as a read-only memory map, uint8 (T, height, width)."""
        if clip_id not in self.grids:
            raise InputError(f"{self.root / INDEX_NAME}: no clip {clip_id!r}")
        path = self.path(clip_id)
        try:
            frames = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; run the strips stage") from None
        except (ValueError, EOFError, OSError) as error:
            raise InputError(f"{path}: not a strip file ({error})") from None
        expected = (self.grids[clip_id].length, self.geometry.height_px, self.geometry.width_px)
        if frames.shape != expected or frames.dtype != np.uint8:
            raise InputError(f"{path}: holds {frames.dtype} {frames.shape}, expected uint8 {expected}")
        return frames


def strip_path(root: Path, clip_id: str) -> Path:
    """Return where the strip of `clip_id` lies below `root`."""
    return resolve_inside(root, f"{clip_id}.npy")


def write_strip_index(root: Path | str, geometry: StripGeometry, grids: dict[str, TimeGrid]) -> None:
    """Write `strips.json`, the last file of a strip folder."""
    clips = {clip_id: asdict(grid) for clip_id, grid in grids.items()}
    write_json(Path(root) / INDEX_NAME, {"geometry": asdict(geometry), "clips": clips}, decimals=9)


def open_strips(root: Path | str) -> StripFolder:
    """Return the strip folder at `root`; raise InputError when its index is missing or malformed."""
    root = Path(root)
    value = read_json(root / INDEX_NAME)
    try:
        geometry = StripGeometry(**value["geometry"])
        grids = {clip_id: TimeGrid(**grid) for clip_id, grid in value["clips"].items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{root / INDEX_NAME}: not a strip index ({error})") from None
    return StripFolder(root, geometry, grids)
