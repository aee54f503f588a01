"""The network as a file that runs without this project: ONNX for any runtime, or PyTorch's own exported program.

The file takes strips as they are, `frames` uint8 (T, H, W) with any number of frames T and `background` uint8 (H, W), and gives
the raw logits (T, 88) of every head. What `model.inputs` does to frames is part of it. Before the first frame it sees that
frame again, as at the beginning of a clip. Its facts (frame rate, raster, heads, context) travel in the file.

TorchScript, which the original system wrote, is deprecated by PyTorch in favour of exported programs.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from tivit.core.artifacts import write_bytes
from tivit.core.errors import InputError
from tivit.core.outputs import refuse_file
from tivit.model.attention import BiasedAttention
from tivit.model.background import MIN_CONTRAST
from tivit.model.checkpoint import Checkpoint
from tivit.model.fold import folded
from tivit.model.inputs import GAIN, LOOKBACK_FRAMES

EXTRA = "export"
"""The optional dependencies that ONNX needs."""
EXAMPLE_FRAMES = 8
"""Frames of the strip with which the network is traced; the file takes any number."""


class StripNetwork(nn.Module):
    """A trained network from strips to logits, without what an exported file cannot hold.

    Parameters
    ----------
    checkpoint : Checkpoint
        The trained network; it is copied.

    Attributes
    ----------
    head_names : tuple of str
        The heads, in the order of the results.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.network = folded(checkpoint.model)
        self.head_names = tuple(checkpoint.model.head_names)
        for module in self.network.modules():
            if isinstance(module, BiasedAttention):
                # One attention over all frames, as in training: a loop over blocks would fix how many frames there are.
                module._answering = module._learning

    def forward(self, frames: Tensor, background: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of all heads.

        Parameters
        ----------
        frames : Tensor
            uint8 (T, H, W), grey levels.
        background : Tensor
            uint8 (H, W), the keyboard at rest.

        Returns
        -------
        tuple of Tensor
            float32 (T, 88) each, in the order of `head_names`.
        """
        still = background.float()
        contrast = still.std(correction=0).clamp(min=MIN_CONTRAST)
        grey = torch.cat([frames[:1]] * LOOKBACK_FRAMES + [frames]).float()
        now = grey[LOOKBACK_FRAMES:]
        channels = [
            now - still.mean(),
            (now - still) * GAIN,
            (now - grey[:-LOOKBACK_FRAMES]) * GAIN,
        ]  # as model.inputs has them
        logits = self.network(torch.stack(channels, dim=1).unsqueeze(0) / contrast)
        return tuple(logits[name].squeeze(0) for name in self.head_names)


def facts_of(checkpoint: Checkpoint) -> dict[str, str]:
    """Return what a user of the file must know, as text.

    Parameters
    ----------
    checkpoint : Checkpoint
        The trained network.

    Returns
    -------
    dict[str, str]
        `heads`, `fps`, the raster (`width_px`, `height_px`, `y_front_mm`, `y_back_mm`) and `context_frames`, on which the
        answer for a frame depends to either side.
    """
    raster = {name: f"{value:g}" for name, value in vars(checkpoint.geometry).items()}
    context = checkpoint.model.context_frames + LOOKBACK_FRAMES
    return {
        "heads": ",".join(checkpoint.model.head_names),
        "fps": f"{checkpoint.fps:g}",
        "context_frames": str(context),
        **raster,
    }


def export_network(checkpoint: Checkpoint, path: Path, form: str) -> None:
    """Write the network of a checkpoint, atomically.

    Parameters
    ----------
    checkpoint : Checkpoint
        The trained network.
    path : Path
        The file; there must be none yet.
    form : str
        One of `FORMS`.

    Raises
    ------
    InputError
        The file is there, the network cannot take any number of frames, or a package is missing.
    """
    refuse_file(path, may_replace=False, force="", makes_folder=True)
    if checkpoint.model.frame_multiple != 1:
        raise InputError(
            f"model.backend {checkpoint.params.backend}: reads {checkpoint.model.frame_multiple} frames at a time, so its file "
            "could not take any number of frames; key_vivit and cnn_gru can be exported"
        )
    shape = (checkpoint.geometry.height_px, checkpoint.geometry.width_px)
    example = (torch.zeros(EXAMPLE_FRAMES, *shape, dtype=torch.uint8), torch.zeros(shape, dtype=torch.uint8))
    write_bytes(path, FORMS[form](StripNetwork(checkpoint).eval(), example, facts_of(checkpoint)))


def _onnx(network: StripNetwork, example: tuple[Tensor, Tensor], facts: dict[str, str]) -> bytes:
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"--format onnx needs the package {' and '.join(missing)}; install it with `pip install .[{EXTRA}]`")
    with torch.no_grad():
        program = torch.onnx.export(
            network,
            example,
            dynamo=True,
            verbose=False,
            input_names=["frames", "background"],
            output_names=list(network.head_names),
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC}, {}),
        )
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # where in the source it comes from, with paths of this machine
    program.model.metadata_props.update(facts)
    buffer = io.BytesIO()
    program.save(buffer)
    return buffer.getvalue()


def _pt2(network: StripNetwork, example: tuple[Tensor, Tensor], facts: dict[str, str]) -> bytes:
    with torch.no_grad():
        program = torch.export.export(network, example, dynamic_shapes=({0: torch.export.Dim.DYNAMIC}, {}), strict=False)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={f"{name}.txt": value for name, value in facts.items()})
    return buffer.getvalue()


FORMS: dict[str, Callable[[StripNetwork, tuple[Tensor, Tensor], dict[str, str]], bytes]] = {"onnx": _onnx, "pt2": _pt2}
