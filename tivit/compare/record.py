"""What a comparison keeps of a method between two runs: small JSON files that say of which run they are."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from tivit.core.artifacts import read_json, write_json
from tivit.core.errors import InputError

log = logging.getLogger(__name__)


class Record:
    """A JSON file with the fingerprint of what decided its content; `path` is where it lies or will lie."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, fingerprint: str) -> dict[str, Any] | None:
        """Return the content of the file.

        Parameters
        ----------
        fingerprint : str
            Names the run whose content is wanted.

        Returns
        -------
        dict or None
            None where there is no file, or it is of another run; a damaged file is reported in the log and not used.
        """
        if not self.path.exists():
            return None
        try:
            value = read_json(self.path)
        except InputError as error:
            log.warning("%s; it is made again", error)
            return None
        return value if isinstance(value, dict) and value.get("fingerprint") == fingerprint else None

    def write(self, fingerprint: str, **content: Any) -> dict[str, Any]:
        """Replace the file in one move.

        Parameters
        ----------
        fingerprint : str
            Names the run that the content is of.
        **content : values that JSON has

        Returns
        -------
        dict
            The content as `read` would return it.
        """
        write_json(self.path, {"fingerprint": fingerprint, **content})
        return self.read(fingerprint)
