"""The strip: the keyboard seen straight from above, rectified to a fixed raster, and the folder that stores strips.

World plane in millimetres (see `keyboard`): x 0..1222 along the keys, y from -22 (front lip) to 158 (behind the fallboard).
Strip pixels: column 0 is the left edge of A0, row 0 is the back (y = 158), the last row the front lip. A pixel (u, v)
stands for the area [u, u + 1) x [v, v + 1), so its centre is u + 0.5. At 832 px a white key is exactly 16 px wide.

Stored per clip: `<clip_id>.npy`, uint8 (T, height, width), a grey picture for each frame of the clip's time grid, and in
`strips.json` the grids and the geometry.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from tivit.core.artifacts import read_json, resolve_inside, write_json
from tivit.core.errors import InputError
from tivit.core.keyboard import KEYBOARD_WIDTH_MM
from tivit.core.params import Range, section
from tivit.core.timegrid import TimeGrid

INDEX_NAME = "strips.json"
Y_RANGE_MM = (-1000.0, 1000.0)
"""How far from the front edge of the keys a strip may reach; a key is 150 mm long."""


@dataclass(frozen=True)
class StripGeometry:
    """Raster of a strip and the world rectangle that it shows (params section `strips`).

    Attributes
    ----------
    width_px, height_px : int
        Size of a strip: columns and rows.
    y_front_mm, y_back_mm : float
        World y of the lower edge of the last row and of the upper edge of row 0; x is always that of the whole keyboard.
    """

    width_px: Annotated[int, Range(208, 4096)]
    height_px: Annotated[int, Range(16, 512)]
    y_front_mm: Annotated[float, Range(*Y_RANGE_MM)]
    y_back_mm: Annotated[float, Range(*Y_RANGE_MM)]

    def __post_init__(self) -> None:
        if self.y_back_mm <= self.y_front_mm:
            raise InputError(f"y_back_mm {self.y_back_mm} must be greater than y_front_mm {self.y_front_mm}")

    @property
    def px_per_mm_x(self) -> float:
        """Columns per millimetre."""
        return self.width_px / KEYBOARD_WIDTH_MM

    @property
    def px_per_mm_y(self) -> float:
        """Rows per millimetre."""
        return self.height_px / (self.y_back_mm - self.y_front_mm)

    def column_px(self, x_mm: np.ndarray) -> np.ndarray:
        """Return where world x lies in a strip.

        Parameters
        ----------
        x_mm : array-like of float
            World x (mm), of any shape.

        Returns
        -------
        ndarray of float
            Continuous columns (px) of the same shape; 0 is the left edge of column 0.
        """
        return np.asarray(x_mm) * self.px_per_mm_x

    def row_px(self, y_mm: np.ndarray) -> np.ndarray:
        """Return where world y lies in a strip.

        Parameters
        ----------
        y_mm : array-like of float
            World y (mm), of any shape.

        Returns
        -------
        ndarray of float
            Continuous rows (px) of the same shape; 0 is the upper edge of row 0, which is the back.
        """
        return (self.y_back_mm - np.asarray(y_mm)) * self.px_per_mm_y

    def world_to_strip(self) -> np.ndarray:
        """Return the affine map from world points to strip pixels.

        Returns
        -------
        ndarray of float, shape (3, 3)
            It takes (x_mm, y_mm, 1) to continuous strip pixels (u, v, 1).
        """
        sx, sy = self.px_per_mm_x, self.px_per_mm_y
        return np.array([[sx, 0.0, 0.0], [0.0, -sy, self.y_back_mm * sy], [0.0, 0.0, 1.0]])

    def pixel_centers_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the world coordinates of the pixel centres.

        Returns
        -------
        x_mm : ndarray of float, shape (width_px,)
            World x of each column (mm), ascending.
        y_mm : ndarray of float, shape (height_px,)
            World y of each row (mm), descending, since row 0 is the back.
        """
        x_mm = (np.arange(self.width_px) + 0.5) / self.px_per_mm_x
        y_mm = self.y_back_mm - (np.arange(self.height_px) + 0.5) / self.px_per_mm_y
        return x_mm, y_mm


def covered_shares(count: int, low_px: np.ndarray, high_px: np.ndarray) -> np.ndarray:
    """Return how intervals spread over pixels, as weights for a mean over each interval.

    Parameters
    ----------
    count : int
        Number of pixels in a row or column; pixel k covers [k, k + 1).
    low_px, high_px : ndarray of float, shape (N,)
        The intervals [low, high) in continuous pixels; each must overlap 0..count.

    Returns
    -------
    ndarray of float32, shape (N, count)
        The share of each interval that lies in each pixel; rows sum to 1.
    """
    edge = np.arange(count)
    covered = np.clip(np.minimum(high_px[:, None], edge + 1) - np.maximum(low_px[:, None], edge), 0.0, 1.0)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class StripFolder:
    """A folder of strips.

    Attributes
    ----------
    root : Path
        Where it lies.
    geometry : StripGeometry
        The raster of all strips in it.
    grids : dict of str to TimeGrid
        Clip id -> the time grid of its strip.
    """

    root: Path
    geometry: StripGeometry
    grids: dict[str, TimeGrid]

    def path(self, clip_id: str) -> Path:
        """Return where the strip of a clip lies."""
        return strip_path(self.root, clip_id)

    def open(self, clip_id: str) -> np.ndarray:
        """Return the frames of a clip's strip.

        Parameters
        ----------
        clip_id : str
            A clip of the folder.

        Returns
        -------
        ndarray of uint8, shape (T, height, width)
            Grey pictures, as a read-only memory map.

        Raises
        ------
        InputError
            The index does not name the clip, or its file is missing, damaged, or of another shape or type than the index says.
        """
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
    """Return where the strip of a clip lies.

    Parameters
    ----------
    root : Path
        The folder of strips.
    clip_id : str
        Id of the clip.

    Returns
    -------
    Path
        `<root>/<clip_id>.npy`; it need not exist.

    Raises
    ------
    InputError
        The id leads out of `root`.
    """
    return resolve_inside(root, f"{clip_id}.npy")


def write_strip_index(root: Path | str, geometry: StripGeometry, grids: dict[str, TimeGrid]) -> None:
    """Write `strips.json`, which is the last file of a strip folder to be written.

    Parameters
    ----------
    root : path-like
        The folder of strips.
    geometry : StripGeometry
        The raster of all strips.
    grids : dict of str to TimeGrid
        Clip id -> the time grid of its strip.
    """
    clips = {clip_id: asdict(grid) for clip_id, grid in grids.items()}
    write_json(Path(root) / INDEX_NAME, {"geometry": asdict(geometry), "clips": clips}, decimals=9)


def open_strips(root: Path | str) -> StripFolder:
    """Return the strip folder at a path; the strips themselves are not opened.

    Parameters
    ----------
    root : path-like
        A folder that holds `strips.json`.

    Returns
    -------
    StripFolder
        The folder, with its geometry and time grids.

    Raises
    ------
    InputError
        The index is missing or malformed, or holds a value that a geometry or a time grid does not allow.
    """
    root = Path(root)
    path = root / INDEX_NAME
    value = read_json(path)
    try:
        geometry = section(value, "geometry", StripGeometry)
        grids = {clip_id: _grid(clip_id, grid) for clip_id, grid in value["clips"].items()}
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix('params: ')}") from None
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: not a strip index ({error})") from None
    return StripFolder(root, geometry, grids)


def _grid(clip_id: str, fields: dict[str, Any]) -> TimeGrid:
    try:
        return TimeGrid(**fields)
    except InputError as error:
        raise InputError(f"clip {clip_id!r}: {error}") from None
