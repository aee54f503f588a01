"""A network adapted to a clip: it fits what was sure there better, and nothing else happens."""

import numpy as np
import pytest
import torch
from model_cases import ALL_KEYS, GEOMETRY, RUNTIME, model_params, noisy_strip

from tivit.adaptation import adapt
from tivit.adaptation.adapt import LEAST_NOTES, STEPS, WINDOW_FRAMES, adapted
from tivit.adaptation.labels import ClipLabels
from tivit.core.heads import EVENT_HEADS
from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.model.background import background_of
from tivit.model.build import build_model
from tivit.model.setup import prepare_torch

GRID = TimeGrid(30.0, 0.0, 64)


def clip(note_count: int = LEAST_NOTES) -> tuple[np.ndarray, ClipLabels]:
    """Return a strip in which a key brightens while it is down, and labels that are sure everywhere."""
    number = np.arange(note_count)
    midi, onset_s = 30 + number % 50, 0.2 + 0.8 * (number // 50) + 0.004 * (number % 50)
    notes = make_notes(onset_s, onset_s + 0.5, midi)
    frames = noisy_strip(GRID.length) // 8
    for onset, offset, number in zip(notes.onset_s, notes.offset_s, notes.midi, strict=True):
        column = 8 + 4 * (int(number) - 21)
        frames[int(30 * onset) : int(30 * offset), :, column : column + 4] = 200
    masks = {name: np.tile(ALL_KEYS, (GRID.length, 1)) for name in EVENT_HEADS}
    return frames, ClipLabels(notes, GRID, masks)


@pytest.fixture
def network():
    prepare_torch(RUNTIME)
    torch.manual_seed(1)
    return build_model(model_params(velocity=False), GEOMETRY).eval()


def loss_of(model, frames, labels):
    with torch.no_grad():
        background = background_of(frames, GEOMETRY)
        return float(adapt._loss(model, frames, [0, GRID.length - WINDOW_FRAMES], labels, background, torch.device("cpu")))


def test_what_was_sure_is_fitted_better_and_the_network_given_stays_as_it_was(network, monkeypatch):
    monkeypatch.setattr(adapt, "LEARNING_RATE", 3e-3)
    frames, labels = clip()
    before, steps = {name: value.clone() for name, value in network.state_dict().items()}, []
    model = adapted(network, frames, labels, background_of(frames, GEOMETRY), lambda: steps.append(1))
    assert len(steps) == STEPS
    assert loss_of(model, frames, labels) < 0.9 * loss_of(network, frames, labels)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not model.training


def test_the_statistics_of_batch_norms_stay(network):
    frames, labels = clip()
    model = adapted(network, frames, labels, background_of(frames, GEOMETRY))
    after = model.state_dict()
    kept = [name for name in after if "running" in name]
    assert kept and all(torch.equal(after[name], network.state_dict()[name]) for name in kept)


def test_the_same_clip_gives_the_same_weights(network):
    frames, labels = clip()
    first, again = (adapted(network, frames, labels, background_of(frames, GEOMETRY)).state_dict() for _ in range(2))
    assert all(torch.equal(value, again[name]) for name, value in first.items())


@pytest.mark.parametrize(("notes", "length"), [(LEAST_NOTES - 1, GRID.length), (LEAST_NOTES, WINDOW_FRAMES - 1)])
def test_a_clip_that_says_too_little_changes_nothing(network, notes, length):
    frames, labels = clip(notes)
    model = adapted(network, frames[:length], labels, background_of(frames, GEOMETRY))
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in model.state_dict().items())


def test_masked_frames_have_no_part_in_the_loss(network):
    frames, labels = clip()
    nowhere = ClipLabels(labels.notes, GRID, {name: np.zeros_like(mask) for name, mask in labels.masks.items()})
    assert loss_of(network, frames, nowhere) == 0.0
    assert loss_of(network, frames, labels) > 0.1
