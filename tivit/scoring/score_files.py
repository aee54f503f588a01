"""Scores of files of notes against others: other people's transcriptions, measured with the ruler of the pipeline.

There is one reference and there are one or more estimates, all files or all folders. The files directly in folders are paired
by stem (the name without its ending). A reference without an estimate counts as one in which nothing was found, and is named;
an estimate without a reference is an error, because nothing could be said of it. With `common` both are left out, and named.

Frames are compared every 10 ms from 0 to the last release: finer than any video, as files have no frame rate.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tivit.core.artifacts import write_csv, write_json
from tivit.core.errors import InputError
from tivit.core.notes import empty_notes
from tivit.core.timegrid import TimeGrid, frames_of
from tivit.scoring.note_files import SUFFIXES, read_scored_notes
from tivit.scoring.report import CLIP_COLUMNS, DECIMALS, clip_rows
from tivit.scoring.scores import ClipScore, score_clip, summary_by_tier

FRAMES_PER_S = 100.0
"""Rate of the grid on which frames are compared: finer than any video."""
FILE_COLUMNS = ("estimate", "file", *CLIP_COLUMNS[2:])
log = logging.getLogger("tivit.score")

Pair = tuple[Path, Path | None]


@dataclass(frozen=True)
class Comparison:
    """Scores of several estimates against one reference; `scores` maps the title of the estimate -> stem -> score."""

    scores: dict[str, dict[str, ClipScore]]

    def blocks(self) -> dict[str, dict[str, float]]:
        """Return title -> name of the value -> value over all files, pooled values included (`scores.summary_by_tier`)."""
        return {title: summary_by_tier(of, dict.fromkeys(of, ""))["all"] for title, of in self.scores.items()}

    def rows(self) -> list[list[object]]:
        """Return one row per estimate and file, columns `FILE_COLUMNS`."""
        return [[title, row[0], *row[2:]] for title, of in self.scores.items() for row in clip_rows(of, dict.fromkeys(of, ""))]

    def write(self, json_file: Path | None, csv_file: Path | None) -> None:
        """Write the scores to files.

        Parameters
        ----------
        json_file : Path or None
            For the blocks; None: not asked for.
        csv_file : Path or None
            For the rows; None: not asked for.
        """
        if json_file is not None:
            write_json(json_file, self.blocks(), DECIMALS)
        if csv_file is not None:
            write_csv(csv_file, FILE_COLUMNS, self.rows(), DECIMALS)


def score_files(reference: Path, estimates: Sequence[Path], common: bool) -> Comparison:
    """Return the scores of estimates against a reference.

    Parameters
    ----------
    reference : Path
        A file of notes, or a folder of them.
    estimates : sequence of Path
        Files if the reference is one, else folders.
    common : bool
        Leave out files that only one side has.

    Returns
    -------
    Comparison
        Titles are the names of the estimates, or their whole paths where names repeat.

    Raises
    ------
    InputError
        A path is missing or given twice, files and folders are mixed, names do not pair up, or a file is not readable.
    """
    for path in (reference, *estimates):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    first_given: dict[Path, Path] = {}
    for path in estimates:
        if path.resolve() in first_given:
            raise InputError(f"{path}: is given twice among the estimates (as {first_given[path.resolve()]}); give each once")
        first_given[path.resolve()] = path
    names = [path.name for path in estimates]
    titles = names if len(set(names)) == len(names) else [str(path) for path in estimates]
    paired = {title: _paired(reference, path, common) for title, path in zip(titles, estimates, strict=True)}
    return Comparison({title: {stem: _score(*pair) for stem, pair in pairs.items()} for title, pairs in paired.items()})


def _paired(reference: Path, estimate: Path, common: bool) -> dict[str, Pair]:
    """Return stem -> (reference file, estimated file or None), sorted by stem."""
    if reference.is_dir() != estimate.is_dir():
        raise InputError(f"{reference} and {estimate}: one is a file and the other a folder; give two files or two folders")
    if not reference.is_dir():
        return {reference.stem: (reference, estimate)}
    references, estimates = _by_stem(reference), _by_stem(estimate)
    if not references.keys() & estimates.keys():
        raise InputError(
            f"{reference} and {estimate}: no two files of notes have one name ({_some(references)}; {_some(estimates)})"
        )
    silent, strange = sorted(references.keys() - estimates.keys()), sorted(estimates.keys() - references.keys())
    if common:
        left_out = [*silent, *strange]
        if left_out:
            log.warning("%s: left out, because only one side has them: %s", estimate, ", ".join(left_out))
        return {stem: (path, estimates[stem]) for stem, path in references.items() if stem in estimates}
    if strange:
        raise InputError(
            f"{estimates[strange[0]]}: {reference} has no reference of this name ({len(strange)} such files); "
            "--common leaves them out"
        )
    if silent:
        log.warning("%s: no estimate, so all their notes count as missed: %s", estimate, ", ".join(silent))
    return {stem: (path, estimates.get(stem)) for stem, path in references.items()}


def _by_stem(folder: Path) -> dict[str, Path]:
    result: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in result:
            raise InputError(f"{path}: {result[path.stem].name} beside it has the same name; keep one of them")
        result[path.stem] = path
    if not result:
        raise InputError(f"{folder}: holds no file of notes ({', '.join(SUFFIXES)})")
    return result


def _some(files: Mapping[str, Path]) -> str:
    names = [path.name for path in files.values()]
    return ", ".join(names[:2]) + (", ..." if len(names) > 2 else "")


def _score(reference: Path, estimate: Path | None) -> ClipScore:
    truth = read_scored_notes(reference)
    answer = empty_notes() if estimate is None else read_scored_notes(estimate)
    for path, notes in ((reference, truth), (estimate, answer)):
        if path is not None and not len(notes):
            log.warning("%s: holds no notes", path)
    end_s = max([0.0, *truth.offset_s.tolist(), *answer.offset_s.tolist()])
    return score_clip(truth, answer, TimeGrid(FRAMES_PER_S, 0.0, frames_of(end_s, FRAMES_PER_S) + 1))
