"""The same clips in every layout: the notes and strips that readers and registration make of them are the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tivit.core.params import load, section
from tivit.core.registration import is_usable, objection
from tivit.core.run.runtime import Workers
from tivit.core.strip import StripGeometry
from tivit.datasets.index import index_path, write_index
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.registration.clip import register_video
from tivit.registration.overrides import overrides_of
from tivit.registration.params import RegistrationParams
from tivit.synth.layouts.clip import LayoutRequest
from tivit.synth.layouts.pianoyt import BLACK_FRAMES
from tivit.synth.layouts.write import VARIABLE_FPS, write_layout
from tivit.synth.params import SynthParams
from tivit.video.rectify import write_strip

LAYOUTS = ("OMAPS", "OMAPS2", "PianoYT", "PianoVAM")
BLACK = {("PianoYT", 2): BLACK_FRAMES}
"""Frames before a clip (layout, its place)."""


def read(layout, params, synth, geometry):
    """Write a clip of each split; return notes and strip (T, height, width) of each, as the dataset's reader and files give."""
    request = LayoutRequest(layout, 11, 1, 2.0, "variable", (640, 360), 7.3, "key")
    root, _ = write_layout("sets", synth, request, workers=Workers(1))
    write_index(layout, root, index_path(layout))
    data = replace(section(params, "data", DataParams), name=layout)
    dataset, registration = open_dataset(data), section(params, "registration", RegistrationParams)
    clips = sorted(dataset.clips(), key=lambda clip: ("test" in clip.video, "val" in clip.video, clip.video))
    known = overrides_of(dataset, clips, registration)
    notes, strips = [], []
    for place, clip in enumerate(clips):
        found = register_video(dataset.video_path(clip), registration, geometry, known[clip.clip_id]).registration
        assert is_usable(found), (clip.clip_id, objection(found))
        path = Path(f"{layout}_{place}.npy")
        write_strip(dataset.video_path(clip), found, geometry, VARIABLE_FPS, path)
        notes.append(dataset.notes(clip))
        strips.append(np.load(path).astype(float))
    return notes, strips


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """Return params, those of the rendering, strip geometry and what is read of the layout Synthetic, in its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        params = load()
        synth, geometry = section(params, "synth", SynthParams), section(params, "strips", StripGeometry)
        # Filmed from near the middle: from far aside, corners and pixels place the back edge of the keys a row or two apart.
        camera = replace(synth.camera, crf=(6.0, 6.0), angle_deg=(-8.0, 32.0), aside_mm=40.0, turned=0.0)
        synth = replace(synth, hard=synth.plain, camera=camera)
        patch.chdir(tmp_path_factory.mktemp("project"))
        patch.setenv("TIVIT_DATA_DIR", "sets")
        yield params, synth, geometry, read("Synthetic", params, synth, geometry)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_notes_and_strips_are_those_of_synthetic(setting, layout):
    params, synth, geometry, (same_notes, same_strips) = setting
    notes, strips = read(layout, params, synth, geometry)
    assert len(notes) == len(same_notes) == 3
    for place, (own, same) in enumerate(zip(notes, same_notes, strict=True)):
        black = BLACK.get((layout, place), 0)
        order, expected = np.lexsort((own.onset_s, own.midi)), np.lexsort((same.onset_s, same.midi))
        assert own.midi[order].tolist() == same.midi[expected].tolist()
        for of_own, of_same in ((own.onset_s, same.onset_s), (own.offset_s, same.offset_s)):
            np.testing.assert_allclose(of_own[order] - black / VARIABLE_FPS, of_same[expected], atol=1e-3)
        if layout == "PianoVAM":
            assert own.hand[order].tolist() == same.hand[expected].tolist()
        strip, seen = strips[place][black:], same_strips[place]
        assert len(strip) == len(seen)
        apart = np.abs(strip - seen).mean()
        assert apart < 2.0 < np.abs(strip[:, :, ::-1] - seen).mean()
        assert apart < min(np.abs(strip[1:] - seen[:-1]).mean(), np.abs(strip[:-1] - seen[1:]).mean())
