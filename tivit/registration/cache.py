"""Registrations kept by content in `.tivit/registration`, so that a second run decodes nothing.

A name is the digest of all that decides the result: the content of the video, what is known of the clip, the params, the strip
raster and the sources of this package, `core` and `video`. `<name>.json` holds one registration under the MD5 of its overlay,
the picture `<name>.png`; a pair that is damaged or does not fit together is as good as none. The folder may be deleted at any
time.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from tivit.core.artifacts import md5_of, write_bytes
from tivit.core.errors import InputError
from tivit.core.registration import Refusal, Registration, read_registrations, write_registrations
from tivit.core.run.fingerprint import fingerprint_of, state_folder
from tivit.core.strip import StripGeometry
from tivit.registration.params import Override, RegistrationParams

log = logging.getLogger(__name__)
CODE = ("registration", "core", "video")
"""Packages whose sources decide a registration: after an edit of one of them nothing that was kept is used."""
OF_ONE_CLIP = ("overrides", "first_key")
"""Params that reach a clip as its override, so a change for one clip leaves the others as they are."""


@dataclass(frozen=True)
class Entry:
    """What is kept of a clip.

    Attributes
    ----------
    registration : Registration or Refusal
    overlay : bytes
        PNG of `overlay.draw_overlay`.
    """

    registration: Registration | Refusal
    overlay: bytes


def name_of(video_md5: str, override: Override, params: RegistrationParams, geometry: StripGeometry) -> str:
    """Return the name under which the registration of a video is kept.

    Parameters
    ----------
    video_md5 : str
        Hexadecimal MD5 of the video file.
    override : Override
        What is known of its keyboard.
    params : RegistrationParams
    geometry : StripGeometry
        Raster of the strip.

    Returns
    -------
    str
        A hexadecimal SHA-256.
    """
    values = {name: value for name, value in asdict(params).items() if name not in OF_ONE_CLIP}
    return fingerprint_of(CODE, video=video_md5, override=asdict(override), params=values, strips=asdict(geometry))


def holds(name: str) -> bool:
    """Return whether there is an entry under a name, damaged or not; nothing is read."""
    return all(path.exists() for path in _paths(name))


def load(name: str) -> Entry | None:
    """Return what is kept under a name.

    Parameters
    ----------
    name : str
        As `name_of` returns it.

    Returns
    -------
    Entry or None
        None when there is nothing; a damaged entry is logged and counts as none.
    """
    if not holds(name):
        return None
    table, picture = _paths(name)
    try:
        ((overlay_md5, registration),) = read_registrations(table).items()
    except InputError as error:
        log.warning("%s; registered again", error)
        return None
    except ValueError:
        log.warning("%s: holds not exactly one registration; registered again", table)
        return None
    if md5_of(picture) != overlay_md5:
        log.warning("%s: is not the overlay it was; registered again", picture)
        return None
    return Entry(registration, picture.read_bytes())


def store(name: str, registration: Registration | Refusal, overlay: bytes) -> Entry:
    """Keep what came of a clip and its overlay.

    Parameters
    ----------
    name : str
        As `name_of` returns it.
    registration : Registration or Refusal
    overlay : bytes
        PNG.

    Returns
    -------
    Entry
        What `load` will return: numbers rounded as they are written, so that the first run and later ones give the same bytes.
    """
    table, picture = _paths(name)
    write_bytes(picture, overlay)
    write_registrations(table, {md5_of(picture): registration})
    (written,) = read_registrations(table).values()
    return Entry(written, overlay)


def _paths(name: str) -> tuple[Path, Path]:
    folder = state_folder("registration", moved="registration")
    return folder / f"{name}.json", folder / f"{name}.png"
