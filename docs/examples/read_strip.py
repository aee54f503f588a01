"""Read a strip with an exported network: ONNX Runtime and NumPy alone, nothing of TiViT-Piano and no PyTorch.

    python docs/examples/read_strip.py NETWORK.onnx STRIP.npy

NETWORK.onnx is from `tivit export-network -o NETWORK.onnx`, STRIP.npy from the stage `strips` (uint8, frames x rows x columns).
Prints the onsets: seconds, MIDI number, probability.
"""

import argparse
from typing import Any

import numpy as np

WINDOW_FRAMES = 256
"""Frames that are answered for at a time: memory grows with the square of it."""
LOWEST_MIDI = 21


def logits_of(session: Any, strip: np.ndarray) -> dict[str, np.ndarray]:
    """Return head name -> logits (T, 88) of a strip, from an `onnxruntime.InferenceSession`, in windows with their context."""
    context = int(session.get_modelmeta().custom_metadata_map["context_frames"])
    background = np.median(strip[:: max(len(strip) // 96, 1)], axis=0).astype(np.uint8)  # good where no hand rests for long
    names = [output.name for output in session.get_outputs()]
    parts = {name: [] for name in names}
    for first in range(0, len(strip), WINDOW_FRAMES):
        end, seen = min(first + WINDOW_FRAMES, len(strip)), max(first - context, 0)
        answers = session.run(None, {"frames": strip[seen : end + context], "background": background})
        for name, answer in zip(names, answers, strict=True):
            parts[name].append(answer[first - seen : end - seen])
    return {name: np.concatenate(part) for name, part in parts.items()}


def main() -> None:
    """Print the peaks of the onset probability above one half."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", help="from `tivit export-network`")
    parser.add_argument("strip", help="a rectified strip, .npy")
    arguments = parser.parse_args()
    import onnxruntime  # here, so that --help needs nothing

    session = onnxruntime.InferenceSession(arguments.network, providers=["CPUExecutionProvider"])
    fps = float(session.get_modelmeta().custom_metadata_map["fps"])
    onset = 1 / (1 + np.exp(-logits_of(session, np.load(arguments.strip))["onset"]))
    padded = np.pad(onset, ((1, 1), (0, 0)))
    is_peak = (onset > 0.5) & (onset >= padded[:-2]) & (onset > padded[2:])
    for frame, key in np.argwhere(is_peak):
        print(f"{frame / fps:.3f} {key + LOWEST_MIDI} {onset[frame, key]:.2f}")


if __name__ == "__main__":
    main()
