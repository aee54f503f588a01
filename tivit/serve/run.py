"""Runs the page until it is stopped."""

from __future__ import annotations

import signal
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tivit.core.errors import InputError
from tivit.core.run.progress import say
from tivit.serve.jobs import Jobs
from tivit.serve.server import PageServer
from tivit.transcription.chain import Transcriber


def serve(transcriber: Transcriber, videos: Sequence[Path], port: int, opens_browser: bool) -> None:
    """Answer the page until Ctrl-C, SIGTERM or SIGHUP; what was uploaded is deleted then.

    Parameters
    ----------
    transcriber : Transcriber
        Reads the videos.
    videos : sequence of Path
        Videos to begin with.
    port : int
        Where the page listens; 0: wherever there is room.
    opens_browser : bool
        Whether the page is opened in a browser.

    Raises
    ------
    InputError
        The port is taken.
    """
    try:
        server = PageServer(Jobs(transcriber), port)
    except OSError as error:
        raise InputError(
            f"--port {port}: cannot be listened at ({error.strerror}); name another one, or leave it out"
        ) from None
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with server, server.jobs as jobs:
            for video in videos:
                jobs.add(video.name, video.absolute(), None)
            say(f"the page is at {server.url}\nCtrl-C ends it")
            if opens_browser:
                # A browser in the terminal would wait for its end before anybody answers it.
                threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
            server.serve_forever()
    except KeyboardInterrupt:
        say("stopped; what was uploaded is deleted")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
