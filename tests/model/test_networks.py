"""Metamorphic tests of the networks: gradients, eval mode, tiles, shifts along the keyboard, reach in space and time."""

import numpy as np
import pytest
import torch
from model_cases import GEOMETRY, OCTAVE_KEYS, OCTAVE_PX, model_params, noisy_inputs
from params_cases import section_with

from tivit.core.errors import InputError
from tivit.core.heads import ATTRIBUTE_HEADS, HEAD_NAMES, head_names
from tivit.core.keyboard import CENTER_MM, KEY_COUNT
from tivit.core.strip import StripGeometry
from tivit.model.attention import BiasedAttention
from tivit.model.build import NETWORKS, build_model, parameter_count
from tivit.model.fold import folded
from tivit.model.keyvivit import STRIDE_PX, KeyWindows
from tivit.model.network import Network
from tivit.model.params import BACKENDS, ModelParams
from tivit.model.tiles import cut_tiles, join_tiles

EVERY_BACKEND = pytest.mark.parametrize("backend", BACKENDS)


def build(backend="key_vivit", geometry=GEOMETRY, **changes):
    torch.manual_seed(0)
    return build_model(model_params(backend, **changes), geometry)


def shaken(model):
    """Give every parameter and running mean a value that is not its neutral initial one."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in (*model.parameters(), *(b for n, b in model.named_buffers() if n.endswith("running_mean"))):
            value.add_(0.1 * torch.randn(value.shape, generator=generator))
    return model


def test_every_backend_has_a_network():
    assert set(NETWORKS) == set(BACKENDS)


@EVERY_BACKEND
def test_every_network_keeps_the_contract(backend):
    model, inputs = build(backend).eval(), noisy_inputs(1, 6)
    assert isinstance(model, Network) and model.context_frames > 0
    whole, steps = model(inputs), model.read(model.see(inputs))
    assert tuple(whole) == model.head_names == tuple(steps)
    assert all(torch.equal(whole[name], steps[name]) for name in whole)


@EVERY_BACKEND
@pytest.mark.parametrize("frames", [1, 5, 8])
def test_frames_in_are_frames_out(backend, frames):
    outputs = build(backend)(noisy_inputs(2, frames))
    assert tuple(outputs) == HEAD_NAMES
    assert all(value.shape == (2, frames, KEY_COUNT) for value in outputs.values())


@EVERY_BACKEND
def test_every_parameter_receives_a_gradient(backend):
    model = shaken(build(backend))
    sum((value**2).sum() for value in model(noisy_inputs(2, 6)).values()).backward()
    dead = [name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert not dead


def test_hand_and_clef_leave_the_event_path_alone():
    model = shaken(build())
    outputs = model(noisy_inputs())
    (outputs["hand"].sum() + outputs["clef"].sum()).backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    moved = {name.split(".")[0] for name, gradient in gradients.items() if gradient.any()}
    assert moved == {"hand_view", "attribute_attention", "key_place", "hand", "clef"}


@EVERY_BACKEND
def test_velocity_is_optional_and_leaves_the_other_heads_alone(backend):
    """No gradient goes from it into other layers, and these start with the same values with and without it."""
    having, lacking, inputs = build(backend), build(backend, velocity=False), noisy_inputs()
    outputs = having(inputs)
    assert tuple(outputs) == having.head_names and tuple(lacking(inputs)) == lacking.head_names == head_names(False)
    outputs["velocity"].sum().backward()
    own = {name for name, parameter in having.named_parameters() if parameter.grad is not None}
    assert own and own == {name for name in having.state_dict() if name.startswith("velocity.")}
    others = {name: value for name, value in having.state_dict().items() if name not in own}
    assert others.keys() == lacking.state_dict().keys()
    assert all(torch.equal(value, lacking.state_dict()[name]) for name, value in others.items())


@EVERY_BACKEND
def test_dropout_acts_in_training_and_not_in_eval(backend):
    model, inputs = build(backend, dropout=0.5), noisy_inputs()
    model.train()
    assert not torch.equal(model(inputs)["pitch"], model(inputs)["pitch"])
    model.eval()
    assert torch.equal(model(inputs)["pitch"], model(inputs)["pitch"])


@EVERY_BACKEND
def test_a_clip_of_the_batch_does_not_see_the_other(backend):
    model, inputs = shaken(build(backend)).eval(), noisy_inputs(2)
    together = model(inputs)
    for i in range(2):
        alone = model(inputs[i : i + 1])
        torch.testing.assert_close(together["onset"][i], alone["onset"][0], atol=1e-5, rtol=1e-4)


def test_tiling_does_not_change_the_answer():
    whole, cut = (shaken(build(tiles=tiles)).eval() for tiles in (1, 3))
    inputs = noisy_inputs(2)
    for name, value in whole(inputs).items():
        torch.testing.assert_close(cut(inputs)[name], value, atol=1e-5, rtol=1e-4)


@EVERY_BACKEND
def test_permuting_the_parts_of_the_keyboard_changes_the_answer(backend):
    model, inputs = shaken(build(backend)).eval(), noisy_inputs()
    parts = inputs.chunk(4, dim=-1)
    swapped = torch.cat([parts[1], parts[0], parts[2], parts[3]], dim=-1)
    assert not torch.allclose(model(inputs)["pitch"], model(swapped)["pitch"], atol=1e-3)


def tokens_of(model, inputs):
    still, moving, _ = model.see(inputs).chunk(3, dim=-1)
    return model.key_tokens(still, moving)


def octave_shifted(inputs):
    """Move the picture up one octave; what enters on the left is what was there."""
    return torch.cat([inputs[..., :OCTAVE_PX], inputs[..., :-OCTAVE_PX]], dim=-1)


def test_key_tokens_move_with_the_picture():
    """Away from the ends, where the picture stops, the token of a key is that of the key an octave below before the shift."""
    model, inputs = shaken(build()).eval(), noisy_inputs()
    tokens, shifted = tokens_of(model, inputs), tokens_of(model, octave_shifted(inputs))
    torch.testing.assert_close(shifted[:, :, 27:80], tokens[:, :, 27 - OCTAVE_KEYS : 80 - OCTAVE_KEYS], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(shifted[:, :, 27:80], tokens[:, :, 27:80], atol=1e-2)


def test_events_move_with_the_picture_and_attributes_know_their_place():
    """Without the attention over keys, whose view ends with the keyboard, event and velocity heads are exactly equivariant.

    `hand` and `clef` are not: their learned embedding of each key's place is meant to tell low keys from high ones.
    """
    model, inputs = shaken(build()).eval(), noisy_inputs()
    torch.nn.init.zeros_(model.key_attention.out.weight)
    for attention in model.attribute_attention:
        torch.nn.init.zeros_(attention.out.weight)
    before, after = model(inputs), model(octave_shifted(inputs))
    for name in HEAD_NAMES:
        moved, still = after[name][..., 27:80], before[name][..., 27 - OCTAVE_KEYS : 80 - OCTAVE_KEYS]
        assert torch.allclose(moved, still, atol=1e-4) == (name not in ATTRIBUTE_HEADS)


def test_a_key_token_sees_its_own_columns_and_no_others():
    model, inputs = shaken(build()).eval(), noisy_inputs()
    key = 40
    center_px = int(GEOMETRY.column_px(CENTER_MM[key]))
    before = tokens_of(model, inputs)[:, :, key]
    own, far = inputs.clone(), inputs.clone()
    own[..., center_px - 2 : center_px + 2] += 1.0
    far[..., : center_px - 40] += 1.0
    far[..., center_px + 40 :] += 1.0
    assert not torch.allclose(tokens_of(model, own)[:, :, key], before, atol=1e-3)
    torch.testing.assert_close(tokens_of(model, far)[:, :, key], before, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("columns", [1, 6])
def test_the_columns_of_a_key_are_interpolated_and_so_is_their_gradient(columns):
    centers, width = GEOMETRY.column_px(CENTER_MM) / STRIDE_PX, GEOMETRY.width_px // STRIDE_PX
    windows = KeyWindows(columns, centers).double()
    features = torch.rand(1, 2, 1, width, dtype=torch.float64, requires_grad=True)
    places = centers[:, None] - columns / 2 + np.arange(columns)
    rows = np.pad(features.detach()[0, :, 0], ((0, 0), (1, 1)))  # there is nothing beyond the ends
    expected = np.stack([np.interp(places, np.arange(-1, width + 1), row) for row in rows], axis=-1)
    np.testing.assert_allclose(windows(features)[0].detach().unflatten(1, (columns, 2)), expected, atol=1e-6)
    assert torch.autograd.gradcheck(windows, features, fast_mode=True)


def test_attention_over_keys_carries_far_context():
    model, inputs = shaken(build()).eval(), noisy_inputs()
    far = inputs.clone()
    far[..., : GEOMETRY.width_px // 4] += 1.0
    assert not torch.allclose(model(far)["hand"][..., 60:], model(inputs)["hand"][..., 60:], atol=1e-4)


@pytest.mark.parametrize("backend", ["key_vivit", "vivit"])
def test_nothing_beyond_the_stated_context_is_seen(backend):
    model = shaken(build(backend)).eval()
    reach = model.context_frames
    inputs = noisy_inputs(1, 2 * reach + 3)
    changed = inputs.clone()
    changed[:, 0] += 1.0
    before, after = model(inputs), model(changed)
    for name in HEAD_NAMES:
        torch.testing.assert_close(after[name][:, reach + 1 :], before[name][:, reach + 1 :], atol=1e-6, rtol=1e-5)
    assert not torch.allclose(after["onset"][:, 0], before["onset"][:, 0], atol=1e-4)


def test_the_crops_of_the_gru_are_the_columns_around_each_key():
    model, inputs = build("cnn_gru"), noisy_inputs(1, 2)
    crops = model._crops(inputs[0]).view(2, KEY_COUNT, 3, GEOMETRY.height_px, 16)
    first = round(float(GEOMETRY.column_px(CENTER_MM[40])) - 8)
    torch.testing.assert_close(crops[:, 40], inputs[0, ..., first : first + 16], atol=0, rtol=0)
    first = round(float(GEOMETRY.column_px(CENTER_MM[0])) - 8)
    assert first < 0
    torch.testing.assert_close(crops[:, 0, ..., -first:], inputs[0, ..., : 16 + first], atol=0, rtol=0)
    assert torch.equal(crops[:, 0, ..., :-first], inputs[0, ..., :1].expand(-1, -1, -1, -first))


@EVERY_BACKEND
def test_what_a_frame_shows_does_not_depend_on_the_others(backend):
    model, inputs = shaken(build(backend)).eval(), noisy_inputs(1, 9)
    parts = torch.cat([model.see(part) for part in inputs.split(4, dim=1)], dim=1)
    torch.testing.assert_close(parts, model.see(inputs), atol=1e-5, rtol=1e-4)


def test_attention_answers_as_it_learns():
    """In training it is written out, without gradients it goes block by block; the weights are the same."""
    attention = shaken(BiasedAttention(16, 4, 5, 0.0))
    x = torch.randn(2, 250, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(attention.eval()(x), attention.train()(x), atol=1e-5, rtol=1e-4)


def test_bfloat16_stays_near_float32():
    model, inputs = build().eval(), noisy_inputs()
    with torch.autocast("cpu", torch.bfloat16):
        half = model(inputs)
    torch.testing.assert_close(half["onset"].float(), model(inputs)["onset"], atol=0.1, rtol=0.05)


def test_parameter_count_by_hand():
    layer = torch.nn.Linear(3, 2)
    assert parameter_count(layer) == 8


@pytest.mark.parametrize(("backend", "geometry"), [("key_vivit", (414, 32)), ("key_vivit", (416, 40)), ("vivit", (416, 40))])
def test_a_strip_that_does_not_fit_is_refused(backend, geometry):
    with pytest.raises(InputError, match=str(geometry[1])):
        build(backend, StripGeometry(*geometry, -22.0, 158.0))


def test_bad_sizes_are_refused():
    with pytest.raises(InputError, match="model.backend.*key_vivit"):
        section_with(ModelParams, "model.backend", "key_vit")
    with pytest.raises(InputError, match="model.key_vivit.radius_frames: 0 is outside 1..256"):
        section_with(ModelParams, "model.key_vivit.radius_frames", 0)
    with pytest.raises(InputError, match="model.dim 9"):
        section_with(ModelParams, "model.dim", 9)


@EVERY_BACKEND
def test_folded_norms_answer_the_same(backend):
    model = shaken(build(backend)).eval()
    inputs = noisy_inputs(2, 6)
    with torch.inference_mode():
        outputs, light = model(inputs), folded(model)
        again = light(inputs)
    assert sum(isinstance(module, torch.nn.BatchNorm2d) for module in light.modules()) == 0
    assert all(torch.allclose(again[name], outputs[name], atol=1e-4) for name in outputs)


@pytest.mark.parametrize("tiles", [2, 3, 5])
def test_a_trained_stem_says_of_the_whole_strip_what_its_tiles_say(tiles):
    model = shaken(build(tiles=tiles))
    pictures = noisy_inputs(1, 4).flatten(0, 1)
    whole = model.eval()._features(pictures)
    tiled = join_tiles(model.stem(cut_tiles(pictures, model.plan, STRIDE_PX)), model.plan)
    assert torch.allclose(whole, tiled, atol=1e-5)
