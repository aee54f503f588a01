"""The picture at the top of the README: a frame, its strip, and the notes read from the clip beside the true ones.

    PYTHONPATH=. python docs/images/readme_picture.py --work .tivit/readme_picture

Everything in it is made here: a clip is rendered, and transcribed with the weights that come with the project. The clip lies
outside every split, because its seed is another one than that of `params.yaml`. No photograph is used.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from tivit.core import params as params_file
from tivit.core.artifacts import write_bytes
from tivit.core.keyboard import BLACK_KEYS, LOWEST_MIDI
from tivit.core.notes import Notes, make_notes, read_midi
from tivit.core.params import section
from tivit.core.registration import Registration
from tivit.core.strip import StripGeometry
from tivit.registration.clip import register_video
from tivit.registration.params import NOTHING_KNOWN, RegistrationParams
from tivit.transcription.chain import usable
from tivit.video.reader import VideoFrame, sample_frames
from tivit.video.rectify import strip_map

WIDTH_PX, MARGIN_PX, CAPTION_PX = 960, 12, 26
ROLL_ROW_PX = 6
PAPER, INK, LINE, BLACK_ROW = (255, 255, 255), (50, 50, 50), (205, 205, 205), (243, 243, 243)
RIGHT_HAND, LEFT_HAND, TRUTH = (178, 114, 0), (0, 94, 213), (60, 60, 60)
"""Blue, green, red, as OpenCV has them; the pair is told apart by colour-blind readers too (Okabe and Ito 2008)."""
FONT = cv2.FONT_HERSHEY_SIMPLEX


def run(*arguments: str) -> None:
    """Run a command of the project; a failure ends this one, too."""
    subprocess.run([sys.executable, "-m", "tivit", *arguments], check=True)


def make_clip(work: Path, seed: int, seconds: float, clip: str) -> tuple[Path, Notes, Notes]:
    """Render a clip and transcribe it; return its video, the true notes and those that were read."""
    if not (work / "Synthetic").exists():
        size = ["--clips", "2", "--seconds", str(seconds), "--seed", str(seed), "--size", "1280x400"]
        run("synthesize", "--layout", "Synthetic", "--out", str(work), *size)
    video, midi = work / "Synthetic/test" / f"{clip}.mp4", work / f"{clip}.mid"
    midi.unlink(missing_ok=True)
    run("transcribe", str(video), "-o", str(midi))
    rows = np.array(json.loads(video.with_suffix(".json").read_text())["notes"])
    return video, make_notes(rows[:, 0], rows[:, 1], rows[:, 2].astype(int)), read_midi(midi)


def caption(words: str) -> np.ndarray:
    """Return a line of text as a picture, (CAPTION_PX, WIDTH_PX, 3) uint8."""
    line = np.full((CAPTION_PX, WIDTH_PX, 3), PAPER, np.uint8)
    cv2.putText(line, words, (1, CAPTION_PX - 9), FONT, 0.47, INK, 1, cv2.LINE_AA)
    return line


def fit(picture: np.ndarray) -> np.ndarray:
    """Return a picture (H, W, 3) scaled to WIDTH_PX."""
    height = round(picture.shape[0] * WIDTH_PX / picture.shape[1])
    return cv2.resize(picture, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)


def strip_picture(registration: Registration, frame: VideoFrame, geometry: StripGeometry) -> np.ndarray:
    """Return the strip of one frame in grey levels, (H, W, 3) uint8."""
    held = strip_map(registration.at(frame.time_s), geometry)
    return cv2.cvtColor(held.apply(held.region.crop(frame.grey)), cv2.COLOR_GRAY2BGR)


def piano_roll(truth: Notes, estimate: Notes, seconds: float, now_s: float) -> np.ndarray:
    """Return true notes as outlines over the notes that were read as bars, coloured by hand; a line marks the frame shown."""
    midi = np.concatenate([truth.midi, estimate.midi]).astype(int)
    low, high = int(midi.min()) - 2, int(midi.max()) + 2
    roll = np.full(((high - low + 1) * ROLL_ROW_PX, WIDTH_PX, 3), PAPER, np.uint8)
    for pitch in range(low, high + 1):
        if pitch - LOWEST_MIDI in BLACK_KEYS:
            roll[(high - pitch) * ROLL_ROW_PX : (high - pitch + 1) * ROLL_ROW_PX] = BLACK_ROW
    for second in range(1, int(seconds) + 1):
        cv2.line(roll, (round(second * WIDTH_PX / seconds), 0), (round(second * WIDTH_PX / seconds), len(roll)), LINE, 1)

    def boxes(notes: Notes) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        left, right = (np.round(t * WIDTH_PX / seconds).astype(int) for t in (notes.onset_s, notes.offset_s))
        top = (high - notes.midi.astype(int)) * ROLL_ROW_PX
        return [
            ((x, y), (end, y + ROLL_ROW_PX - 1)) for x, end, y in zip(left.tolist(), right.tolist(), top.tolist(), strict=True)
        ]

    for box, hand in zip(boxes(estimate), estimate.hand.tolist(), strict=True):
        cv2.rectangle(roll, *box, RIGHT_HAND if hand else LEFT_HAND, cv2.FILLED)
    for (left, top), (right, bottom) in boxes(truth):
        cv2.rectangle(roll, (left, top), (right, bottom), TRUTH, 1)
    x = round(now_s * WIDTH_PX / seconds)
    cv2.line(roll, (x, 0), (x, len(roll)), (0, 0, 0), 2)
    cv2.rectangle(roll, (0, 0), (WIDTH_PX - 1, len(roll) - 1), LINE, 1)
    return roll


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the rendered clip and its MIDI file")
    parser.add_argument("--out", type=Path, default=Path("docs/images/readme.png"), help="default: %(default)s")
    parser.add_argument("--clip", default="plain_000", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=8.0, help="default: %(default)s")
    parser.add_argument(
        "--at", type=float, default=0.5, help="where in the clip the frame is taken, 0 to 1 (default: %(default)s)"
    )
    arguments = parser.parse_args()
    video, truth, estimate = make_clip(arguments.work, arguments.seed, arguments.seconds, arguments.clip)
    params = params_file.load("params.yaml")
    geometry = section(params, "strips", StripGeometry)
    registered = register_video(video, section(params, "registration", RegistrationParams), geometry)
    registration = usable(video, registered, NOTHING_KNOWN)
    now_s = arguments.at * arguments.seconds
    sample = sample_frames(video, 1, (now_s, now_s + 0.05))[0]
    frame = VideoFrame(sample.time_s, cv2.cvtColor(sample.image, cv2.COLOR_BGR2GRAY))
    gap = np.full((MARGIN_PX, WIDTH_PX, 3), PAPER, np.uint8)
    parts = [
        caption("1  A frame of the video (rendered by the project)"), fit(sample.image), gap,
        caption("2  The keyboard is found and rectified: every key has its own columns"),
        fit(strip_picture(registration, frame, geometry)), gap,
        caption("3  Notes read from the video: right hand blue, left hand orange. True notes are outlined; the line is now"),
        piano_roll(truth, estimate, arguments.seconds, sample.time_s),
    ]  # fmt: skip
    sheet = cv2.copyMakeBorder(np.vstack(parts), *(MARGIN_PX,) * 4, cv2.BORDER_CONSTANT, value=PAPER)
    _, png = cv2.imencode(".png", sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    write_bytes(arguments.out, png.tobytes())
    print(f"{arguments.out}: {len(png) / 1000:.0f} kB, {len(truth)} true notes, {len(estimate)} read")


if __name__ == "__main__":
    main()
