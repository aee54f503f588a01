"""Registrations kept by content in `.tivit/registration`, so that a second run decodes nothing.

A name is the digest of all that decides the result: the video's content, what is known of the clip, the params, the strip
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
from tivit.core.registration import Registration, read_registrations, write_registrations
from tivit.core.run.fingerprint import fingerprint_of, state_folder
from tivit.core.strip import StripGeometry
from tivit.registration.params import Override, RegistrationParams

log = logging.getLogger(__name__)
CODE = ("registration", "core", "video")
OF_ONE_CLIP = ("overrides", "first_key")
"""Params that reach a clip as its override."""


@dataclass(frozen=True)
class Entry:
    """A registration and its overlay, PNG bytes."""

    registration: Registration
    overlay: bytes


def name_of(video_md5: str, override: Override, params: RegistrationParams, geometry: StripGeometry) -> str:
    """Return the name under which the registration of a video is kept."""
    values = {name: value for name, value in asdict(params).items() if name not in OF_ONE_CLIP}
    return fingerprint_of(CODE, video=video_md5, override=asdict(override), params=values, strips=asdict(geometry))


def load(name: str) -> Entry | None:
    """Return what is kept under `name`, None when there is nothing; a damaged entry is reported and not used."""
    table, picture = _paths(name)
    if not (table.exists() and picture.exists()):
        return None
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


def store(name: str, registration: Registration, overlay: bytes) -> Entry:
    """Keep a registration and its overlay; return what `load` will, with numbers as they are written."""
    table, picture = _paths(name)
    write_bytes(picture, overlay)
    write_registrations(table, {md5_of(picture): registration})
    (written,) = read_registrations(table).values()
    return Entry(written, overlay)


def _paths(name: str) -> tuple[Path, Path]:
    folder = state_folder("registration", moved="registration")
    return folder / f"{name}.json", folder / f"{name}.png"
