"""`tivit serve`: a page on this machine onto which videos are dropped, and on which their notes are mended and saved."""

from __future__ import annotations

import argparse

from tivit.commands.transcribe import add_network, network
from tivit.core.errors import InputError
from tivit.core.run.libraries import calm_libraries
from tivit.core.run.stage import add_verbose


def add(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    command = commands.add_parser(
        "serve",
        help="open a page on this machine onto which videos are dropped",
        description="Open a page onto which videos are dropped: their notes are read, seen over the video, heard, mended and "
        "saved as MIDI, JSON and a score. Only this machine reaches the page, and its address holds a secret of this run. "
        "What is dropped lies in a private temporary folder, which Ctrl-C deletes; what the page saves goes where your browser "
        "saves files.",
    )
    command.add_argument(
        "videos", nargs="*", metavar="VIDEO", help="videos to begin with: files, folders or patterns; they are not copied"
    )
    command.add_argument(
        "--port", type=_port, default=0, metavar="N", help="where the page listens; default: wherever there is room"
    )
    command.add_argument("--no-browser", action="store_true", help="say the address, and open no browser")
    add_network(command)
    add_verbose(command)
    return command


def run(arguments: argparse.Namespace) -> int:
    """Answer the page until Ctrl-C, and return 0."""
    calm_libraries()

    from tivit.serve.run import serve
    from tivit.transcription.chain import Transcriber
    from tivit.transcription.outputs import videos_of

    videos = videos_of(arguments.videos)
    for video in videos:
        if not video.is_file():
            raise InputError(f"{video}: no such video file")
    trained, params = network(arguments)
    transcriber = Transcriber(params, trained.checkpoint, trained.thresholds)
    serve(transcriber, videos, arguments.port, opens_browser=not arguments.no_browser)
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; write a number from 1024 to 65535")
    return int(text)
