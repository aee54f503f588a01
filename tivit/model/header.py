"""What a checkpoint says of the strips that its network reads, without torch, which takes seconds to be imported.

The decoder process can so begin while torch is still being loaded. `checkpoint.load_checkpoint` reads the file again, in whole,
and checks all of it.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError
from tivit.core.params import section
from tivit.core.strip import StripGeometry

CONTENT = "/data.pkl"
"""End of the name of the part of a file of `torch.save` that holds everything but the values of its tensors."""

MISTAKEN = (TypeError, AttributeError)
"""What a damaged pickle raises when it takes one thing for another."""


@dataclass(frozen=True)
class Header:
    """The strips that a network reads.

    Attributes
    ----------
    geometry : StripGeometry
        Their raster.
    fps : float
        Their frames per second.
    """

    geometry: StripGeometry
    fps: float


def read_header(path: Path) -> Header:
    """Return what a checkpoint says of the strips that its network reads.

    Parameters
    ----------
    path : Path
        A file that `save_checkpoint` wrote.

    Returns
    -------
    Header

    Raises
    ------
    InputError
        The file is missing or is no checkpoint of this project.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(CONTENT)]
            # torch compresses nothing, so a part that is larger than the file can only be meant to fill the memory.
            if len(names) != 1 or archive.getinfo(names[0]).file_size > path.stat().st_size:
                raise ValueError("no single part data.pkl of a size that the file can hold")
            content = _Plain(io.BytesIO(archive.read(names[0]))).load()
        return Header(section(content, "geometry", StripGeometry), float(content["fps"]))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except InputError as error:
        raise InputError(f"{path}: not a checkpoint of this project ({error})") from None
    except (OSError, zipfile.BadZipFile, pickle.UnpicklingError, EOFError, ValueError, LookupError, *MISTAKEN) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: not a readable checkpoint ({reason})") from None


def _nothing(*_: Any) -> None:
    """Stand in for a tensor."""


class _Plain(pickle.Unpickler):
    """Reads plain data; tensors come out as None, and no code of the file or of torch is called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" or module.startswith("torch."):
            return _nothing
        raise pickle.UnpicklingError(f"holds {module}.{name}, which is no part of a checkpoint")

    def persistent_load(self, pid: Any) -> None:
        """Leave the values of tensors where they are."""
