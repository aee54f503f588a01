"""Pictures of scores as PNG files, the same bytes for the same input: no date, no version, one backend (Agg).

Colours are those of Okabe and Ito, told apart by people who see colours differently: green found, orange missed, blue invented.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tivit.core.artifacts import atomic_path
from tivit.core.keyboard import BLACK_KEYS, HIGHEST_MIDI, LOWEST_MIDI, midi_of, name_of
from tivit.core.notes import Notes
from tivit.core.timegrid import TimeGrid

FOUND, MISSED, INVENTED = "#009E73", "#D55E00", "#0072B2"
OCTAVE = 12


def save_png(figure: Figure, path: Path | str, dpi: int = 90) -> None:
    """Write a figure as PNG without any metadata, atomically."""
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs={"compress_level": 3})


def piano_roll(reference: Notes, estimate: Notes, pairs: np.ndarray, grid: TimeGrid, title: str) -> Figure:
    """Return a piano roll: found notes green with the true extent outlined, missed notes orange, invented notes blue.

    `pairs` (M, 2) are matched indices into reference and estimate. Width grows with the clip, between 8 and 40 inches.
    """
    length_s = max(grid.end_s - grid.start_s, 1.0)
    midi = np.concatenate([reference.midi, estimate.midi]).astype(int)
    low, high = (midi.min() - 2, midi.max() + 2) if len(midi) else (LOWEST_MIDI, HIGHEST_MIDI)
    low, high = max(low, LOWEST_MIDI), min(high, HIGHEST_MIDI)
    width, height = float(np.clip(1.1 * length_s, 8.0, 40.0)), float(np.clip(0.09 * (high - low) + 1.0, 3.0, 7.0))
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.5 / width, 0.5 / height, 1.0 - 0.6 / width, 1.0 - 0.85 / height))
    black = midi_of(BLACK_KEYS)
    ends_s = np.full(len(black), grid.start_s), np.full(len(black), grid.start_s + length_s)
    _add_bars(axes, *ends_s, black, 0.5, facecolors="0.94", linewidths=0)
    is_found = np.zeros(len(estimate), bool)
    is_found[pairs[:, 1]] = True
    is_missed = np.ones(len(reference), bool)
    is_missed[pairs[:, 0]] = False
    _add_notes(axes, reference.take(is_missed), 0.46, facecolors=MISSED, linewidths=0)
    _add_notes(axes, estimate.take(is_found), 0.36, facecolors=FOUND, linewidths=0)
    _add_notes(axes, estimate.take(~is_found), 0.3, facecolors=INVENTED, linewidths=0)
    _add_notes(axes, reference.take(~is_missed), 0.46, facecolors="none", edgecolors="0.25", linewidths=0.6)
    first_c = low + (-low) % OCTAVE
    axes.set_yticks(range(first_c, high + 1, OCTAVE), [name_of(tick) for tick in range(first_c, high + 1, OCTAVE)])
    axes.set(xlim=(grid.start_s, grid.start_s + length_s), ylim=(low - 0.5, high + 0.5), xlabel="seconds")
    axes.grid(axis="x", color="0.85", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_title(title, loc="left", fontsize=10)
    counts = ((FOUND, "found", is_found.sum()), (MISSED, "missed", is_missed.sum()), (INVENTED, "invented", (~is_found).sum()))
    handles = [Patch(facecolor=colour, label=f"{name} {count}") for colour, name, count in counts]
    handles.append(Patch(facecolor="none", edgecolor="0.25", linewidth=0.6, label="true extent"))
    axes.legend(handles=handles, ncol=4, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
    return figure


def _add_notes(axes: Axes, notes: Notes, half_height: float, **style: object) -> None:
    _add_bars(axes, notes.onset_s, notes.offset_s, notes.midi, half_height, **style)


def _add_bars(axes: Axes, left: np.ndarray, right: np.ndarray, midi: np.ndarray, half_height: float, **style: object) -> None:
    x = np.stack([left, right, right, left], axis=1)
    y = midi[:, None] + half_height * np.array([-1.0, -1.0, 1.0, 1.0])
    axes.add_collection(PolyCollection(np.stack([x, y], axis=2), **style), autolim=False)
