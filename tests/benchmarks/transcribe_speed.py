"""How fast `transcribe` is, how soon the first notes are there, and what it needs: run by hand, never a test.

    PYTHONPATH=. python tests/benchmarks/transcribe_speed.py --size 1280x720 [--seconds 120] [--loops 30] [--runs 3]

Renders a clip, encodes it as a camera would (H.264, constant quality 23), and, with `--loops`, repeats it to a long video
without encoding it again. Each run is a process of its own: pure decoding and warping of the file (the decoder process alone,
nobody but a reader behind it), then `tivit transcribe` on it. Prints medians: multiples of real time from the start of the
process, seconds until the first notes were written, the most memory of both processes together, when that was and which
process had how much of it, the most bytes in the temporary folder, the ratio of both wall times, and processor seconds, which
say what a busy machine hides. The ratio is printed twice: to decoding and warping alone, once the keyboard and the background
are there, and to the whole program that does nothing else, from its start and with the search, without which nothing can be
warped.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av

from tivit.core import params as params_file
from tivit.core.params import section
from tivit.pretrained.files import chosen
from tivit.pretrained.recipe import transcription_params
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams

FPS, QUALITY, STEP_S = 30, 23, 0.1
DECODE_ALONE = """
import sys
from pathlib import Path
from tivit.core.params import section
from tivit.model.header import read_header
from tivit.pretrained.files import chosen
from tivit.pretrained.recipe import transcription_params
from tivit.registration.params import NOTHING_KNOWN, RegistrationParams
from tivit.transcription.messages import DecoderJob
from tivit.transcription.process import DecoderProcess
from tivit.video.spans import WHOLE
import time
trained = chosen(None, None)
checkpoint = read_header(trained.checkpoint)
registration = section(transcription_params(trained, None), "registration", RegistrationParams)
job = DecoderJob(Path(sys.argv[1]), WHOLE, checkpoint.geometry, checkpoint.fps, registration, NOTHING_KNOWN)
with DecoderProcess(job) as decoder:
    decoder.search()
    decoder.background()
    started_s = time.perf_counter()
    sum(len(piece) for _, piece in decoder.pieces())
    print(time.perf_counter() - started_s)
"""


@dataclass(frozen=True)
class Alone:
    """Decoding and warping alone: wall time of that, and of the whole program with the search; processor time of that (s)."""

    stream_s: float
    program_s: float
    cpu_s: float


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the process with the network and of the decoder process, and when that was (s after the start)."""

    network: int = 0
    decoder: int = 0
    at_s: float = 0.0

    @property
    def both(self) -> int:
        return self.network + self.decoder


@dataclass(frozen=True)
class Run:
    """One transcription: wall and processor time (s), the first notes (s), its most memory, temporary disk (bytes)."""

    wall_s: float
    cpu_s: float
    first_s: float
    memory: Memory
    disk: int


def main() -> None:
    """Render, encode, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--loops", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory-only", action="store_true", help="transcribe once; decode nothing alone, as for a long video")
    parser.add_argument("--work", type=Path, help="a folder in which the videos are kept and found again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = arguments.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        video = make_video(work, arguments.size, arguments.seconds, arguments.loops)
        seconds = arguments.seconds * arguments.loops
        if arguments.memory_only:
            _say_needs([transcribed(video, work / "out.mid")], seconds)
            return
        # In turns, so that what else the machine does meets both.
        turns = [(decoded_alone(video), transcribed(video, work / "out.mid")) for _ in range(arguments.runs)]
    alone, runs = [turn[0] for turn in turns], [turn[1] for turn in turns]
    alone_s, wall_s = statistics.median(run.stream_s for run in alone), statistics.median(run.wall_s for run in runs)
    program_s = statistics.median(run.program_s for run in alone)
    print(f"{arguments.size}, {seconds:g} s, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, median of {arguments.runs}")
    print(f"decoding and warping alone: {alone_s:.2f} s, {seconds / alone_s:.1f} x real time")
    print(f"the same from the start of the program, with the search for the keyboard: {program_s:.2f} s")
    print(f"tivit transcribe, from its start: {wall_s:.2f} s, {seconds / wall_s:.1f} x real time")
    print(f"which is {wall_s / alone_s:.2f} x decoding and warping alone, and {wall_s / program_s:.2f} x with the search")
    cpu_s = statistics.median(run.cpu_s for run in alone), statistics.median(run.cpu_s for run in runs)
    print(f"processor seconds: {cpu_s[0]:.1f} with the search for the keyboard, and {cpu_s[1]:.1f}")
    _say_needs(runs, seconds)


def _say_needs(runs: list[Run], seconds: float) -> None:
    print(f"first notes after {statistics.median(run.first_s for run in runs):.1f} s")
    most, disk = max(runs, key=lambda run: run.memory.both), max(run.disk for run in runs)
    memory = most.memory
    print(f"{seconds:g} s of video: memory {memory.both / 1e6:.0f} MB, temporary files {disk / 1e6:.1f} MB")
    parts = f"{memory.network / 1e6:.0f} MB with the network, {memory.decoder / 1e6:.0f} MB the decoder process"
    print(f"the memory is that at {memory.at_s:.0f} s of {most.wall_s:.0f} s: {parts}")


def decoded_alone(video: Path) -> Alone:
    """Return how long decoding and warping takes without a network."""
    started_s, before_s = time.perf_counter(), _children_s()
    stream_s = float(subprocess.check_output([sys.executable, "-c", DECODE_ALONE, str(video)]))
    return Alone(stream_s, time.perf_counter() - started_s, _children_s() - before_s)


def _children_s() -> float:
    """Return the processor seconds of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_video(work: Path, size: str, seconds: float, loops: int) -> Path:
    """Return the video, made unless it is there."""
    short, video = work / f"{size}_{seconds:g}.mp4", work / f"{size}_{seconds:g}x{loops}.mp4"
    if not short.exists():
        width, height = map(int, size.split("x"))
        synth = section(params_file.load(), "synth", SynthParams)
        camera = replace(synth.camera, sizes=((width, height),), fps=(float(FPS),), converted=0.0)
        (work / "test").mkdir(exist_ok=True)
        clip = ClipTask("test", 0, "plain", f"raw_{size}")
        write_clip(work, replace(synth, camera=camera, test_s=seconds, seed=1), task=clip)
        _encode(work / f"test/raw_{size}.mp4", short)
    if loops == 1:
        return short
    if not video.exists():
        _repeat(short, video, loops)
    return video


def transcribed(video: Path, output: Path) -> Run:
    """Return what one run of the command took."""
    partial = output.with_name(f"{output.stem}.partial.mid")
    for path in (output, partial):
        path.unlink(missing_ok=True)
    transcription_params(chosen(None, None), None)
    with tempfile.TemporaryDirectory() as scratch:
        started_s, before_s = time.perf_counter(), _children_s()
        environment = os.environ | {"TMPDIR": scratch}
        command = [sys.executable, "-m", "tivit", "transcribe", str(video), "-o", str(output), "--quiet"]
        process = subprocess.Popen(command, env=environment)
        first_s, memory, disk = 0.0, Memory(), 0
        while process.poll() is None:
            if not first_s and (partial.exists() or output.exists()):
                first_s = time.perf_counter() - started_s
            memory = max(memory, _memory(process.pid, time.perf_counter() - started_s), key=lambda now: now.both)
            disk = max(disk, sum(path.stat().st_size for path in Path(scratch).rglob("*") if path.is_file()))
            time.sleep(STEP_S)
        if process.returncode:
            raise SystemExit(f"{video}: the command failed")
        wall_s = time.perf_counter() - started_s
        return Run(wall_s, _children_s() - before_s, first_s or wall_s, memory, disk)


def _memory(pid: int, at_s: float) -> Memory:
    """Return the resident bytes of a process and of its children."""
    network = decoder = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:  # it is gone already
            continue
        resident = int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
        network += resident if int(fields["Pid"]) == pid else 0
        decoder += resident if int(fields["PPid"]) == pid else 0
    return Memory(network, decoder, at_s)


def _encode(source: Path, target: Path) -> None:
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        given = reader.streams.video[0]
        stream = writer.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": str(QUALITY)})
        stream.width, stream.height, stream.pix_fmt = given.width, given.height, "yuv420p"
        for number, frame in enumerate(reader.decode(given)):
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, FPS), 0
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))


def _repeat(source: Path, target: Path, loops: int) -> None:
    """Write the packets of a video several times, one after the other."""
    with av.open(str(target), "w") as writer:
        stream, shift = None, 0
        for _ in range(loops):
            with av.open(str(source)) as reader:
                given = reader.streams.video[0]
                stream = stream or writer.add_stream_from_template(given)
                length = given.frames * round(1 / (given.time_base * FPS))
                for packet in reader.demux(given):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    writer.mux(packet)
                shift += length


if __name__ == "__main__":
    main()
