"""Which files a transcription writes, and the checks that are made before any work: nothing that exists is lost by mistake.

The notes of `clip.mp4` go to `clip.mid` beside it, or to the file or folder that the user names; every other format lies beside
the MIDI file. What is read until the work is stopped goes to `clip.partial.mid`, so that `clip.mid` is always a whole
transcription.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.outputs import refuse_file

MIDI_SUFFIXES = (".mid", ".midi")
PARTIAL = ".partial"
SUFFIXES = {"json": ".json", "csv": ".csv", "score": ".musicxml", "report": ".html"}
"""Format -> suffix of its file, beside the MIDI file."""
VIDEO_SUFFIXES = frozenset(
    [
        ".3g2",
        ".3gp",
        ".asf",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".qt",
        ".ts",
        ".webm",
        ".wmv",
    ]
)
_MIDI_MAGIC = b"MThd"


@dataclass(frozen=True)
class Outputs:
    """Where the files of one video go.

    Attributes
    ----------
    midi : Path
        The MIDI file.
    others : dict of str to Path
        Format -> file, for the formats that were asked for.
    """

    midi: Path
    others: Mapping[str, Path]

    @property
    def partial(self) -> Path:
        """The MIDI file of a transcription that was stopped."""
        return self.midi.with_name(f"{self.midi.stem}{PARTIAL}.mid")

    def all(self) -> list[Path]:
        """Return every file that may be written."""
        return [self.midi, *self.others.values(), self.partial]


def videos_of(names: Sequence[str]) -> list[Path]:
    """Return the videos that the user names.

    Parameters
    ----------
    names : sequence of str
        Files; folders, of which every video is taken (by its suffix, not those of folders below); and patterns such as `*.mp4`.

    Returns
    -------
    list of Path
        Each file once, in the order of the names.

    Raises
    ------
    InputError
        A name is empty, a pattern fits no file, or a folder holds no video. A file that is not there is left to its own turn.
    """
    videos: list[Path] = []
    for name in names:
        path = Path(name)
        if not name:
            raise InputError("the name of a video is empty; name a file, a folder or a pattern")
        if path.is_dir():
            found = sorted(item for item in path.iterdir() if item.suffix.lower() in VIDEO_SUFFIXES and item.is_file())
            if not found:
                raise InputError(f"{path}: this folder holds no video ({', '.join(sorted(VIDEO_SUFFIXES))})")
        elif not path.exists() and glob.has_magic(name):
            found = sorted(Path(item) for item in glob.glob(name) if Path(item).is_file())
            if not found:
                raise InputError(f"{name}: no file fits this pattern")
        else:
            found = [path]
        videos += [item for item in found if item not in videos]
    return videos


def plan_outputs(
    videos: Sequence[Path], output: str | None, formats: Iterable[str], force: bool
) -> dict[Path, Outputs | InputError]:
    """Return where the files of each video go, or why they cannot go there.

    Parameters
    ----------
    videos : sequence of Path
        The videos.
    output : str or None
        A MIDI file, or a folder; None: beside each video.
    formats : iterable of str
        Keys of `SUFFIXES`: what is written beside the MIDI file.
    force : bool
        True: files of an earlier transcription may be replaced.

    Returns
    -------
    dict
        Video -> its files, or the error of this video alone.

    Raises
    ------
    InputError
        `output` cannot be used for any of them.
    """
    folder, file = _named(output, len(videos))
    plans: dict[Path, Outputs | InputError] = {}
    taken: dict[Path, Path] = {}
    for video in videos:
        midi = file or (folder or video.parent) / f"{video.stem}.mid"
        outputs = Outputs(midi, {name: midi.with_suffix(SUFFIXES[name]) for name in formats})
        try:
            for path in outputs.all():
                if (other := taken.get(path.absolute())) is not None:
                    raise InputError(f"{video}: its notes would go to {path}, as those of {other}; rename one, or give -o")
                _check(path, videos, force or path == outputs.partial)
        except InputError as error:
            plans[video] = error
            continue
        taken |= {path.absolute(): video for path in outputs.all()}
        plans[video] = outputs
    return plans


def _named(output: str | None, count: int) -> tuple[Path | None, Path | None]:
    """Return the folder, or the file, that the user names; None for the other, or for both."""
    if output is None:
        return None, None
    path = Path(output)
    if not output:
        raise InputError("-o: the name is empty; name a MIDI file (OUT.mid) or a folder")
    if path.is_dir():
        return path, None
    if output.endswith(os.sep):
        raise InputError(f"-o {output}: no such folder; make it first")
    if path.suffix.lower() not in MIDI_SUFFIXES:
        raise InputError(f"-o {output}: no such folder, and no MIDI file either; name OUT.mid or a folder that is there")
    if count > 1:
        raise InputError(f"-o {output}: is one file, for the notes of {count} videos; name a folder")
    return None, path


def _check(path: Path, videos: Sequence[Path], may_replace: bool) -> None:
    """Raise InputError when a file cannot be written, or would destroy something."""
    refuse_file(path, may_replace, reads=videos)
    if path.exists() and (path.suffix.lower() in VIDEO_SUFFIXES or _is_foreign(path)):
        raise InputError(f"{path}: exists and is not a file that a transcription writes, so --force does not replace it")


def _is_foreign(path: Path) -> bool:
    """Return whether an existing file does not begin as one of its suffix does."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if not head:
        return False
    if path.suffix.lower() in MIDI_SUFFIXES:
        return not head.startswith(_MIDI_MAGIC)
    return b"\0" in head  # the other formats are text, and every video has zero bytes in its first block
