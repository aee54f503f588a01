"""The page of `tivit serve`, answered by the standard library's own server to this machine alone.

One person uses it, with a dozen addresses and no templates, so `http.server` is enough and brings no dependency. What keeps
others out: it listens on 127.0.0.1 only; every address begins with a secret of this run; requests must name this machine in
`Host`, so that a foreign name which resolves to it gets nothing, and a request that changes something must come from the page
itself. Files are named by numbers that this program gave them: no text of a request is ever a path.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from tivit.core.artifacts import json_text
from tivit.core.errors import InputError
from tivit.report.page import PLAYABLE
from tivit.report.parts import SERVED_POLICY
from tivit.serve import answers
from tivit.serve.jobs import Job, Jobs, State
from tivit.transcription.outputs import VIDEO_SUFFIXES

log = logging.getLogger("tivit.serve")
ADDRESS = "127.0.0.1"
NAMES = (ADDRESS, "localhost")
MOST_UPLOAD_BYTES = 20 * 10**9
"""An hour of a phone's 4K takes 20 GB."""
LEFT_FREE_BYTES = 10**9
MOST_BODY_BYTES = 64 * 2**20
BLOCK_BYTES = 1 << 20
PATIENCE_S = 60.0
"""A request that sends nothing for so long is dropped, and what it uploaded is deleted."""
MOST_NAME = 120
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{SERVED_POLICY}; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageServer(ThreadingHTTPServer):
    """The server of the page; a context manager, at whose end uploads are deleted and nothing is read any more.

    Parameters
    ----------
    jobs : Jobs
        The videos.
    port : int
        Where it listens; 0: wherever there is room.

    Raises
    ------
    OSError
        The port is taken.
    """

    daemon_threads = True

    def __init__(self, jobs: Jobs, port: int) -> None:
        self.jobs, self.token = jobs, secrets.token_urlsafe(32)
        self._uploads = tempfile.TemporaryDirectory(prefix="tivit-serve-", ignore_cleanup_errors=True)
        self.uploads = Path(self._uploads.name)
        super().__init__((ADDRESS, port), _Handler)  # closes itself where the port is taken

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/{self.token}/"

    def server_close(self) -> None:
        """Close the socket and delete the uploads."""
        super().server_close()
        self._uploads.cleanup()


class _RefusedError(Exception):
    """A request that is not answered.

    Attributes
    ----------
    status : HTTPStatus
        Why.
    """

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "tivit", ""
    timeout = PATIENCE_S
    server: PageServer

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say what is asked for at the level debug, without the secret."""
        log.debug("%s", (format % arguments).replace(self.server.token, "…"))

    def _answer(self, method: str) -> None:
        self._unread = self._length() if method == "POST" else 0
        try:
            self._check_origin(method)
            self._route(method)
        except _RefusedError as error:
            self._send_json({"error": str(error)}, error.status)
        except InputError as error:
            self._send_json({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the browser is gone

    def _check_origin(self, method: str) -> None:
        hosts = [f"{name}:{self.server.server_port}" for name in NAMES]
        host = self.headers.get("Host", "")
        if host not in hosts:
            raise _RefusedError(HTTPStatus.FORBIDDEN, f"this page is only at {hosts[0]}")
        origin = self.headers.get("Origin")
        is_foreign = origin not in (None, f"http://{host}") or self.headers.get("Sec-Fetch-Site") not in (None, "same-origin")
        if method != "GET" and is_foreign:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "another page sent this")

    def _route(self, method: str) -> None:
        """Find what is asked for: `/<secret>/`, `/<secret>/<what>` or `/<secret>/<number>/<what>`."""
        address = urlsplit(self.path)
        first, *rest = address.path.removeprefix("/").split("/")
        if not secrets.compare_digest(first.encode(), self.server.token.encode()) or not 1 <= len(rest) <= 2:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "no such page")
        if len(rest) == 1:
            routes: dict[tuple[str, str], Callable[[], None]] = {
                ("GET", ""): self._index, ("GET", "jobs"): self._list,
                ("POST", "videos"): lambda: self._upload(parse_qs(address.query).get("name", [""])[0]),
            }  # fmt: skip
            self._call(routes.get((method, rest[0])))
            return
        # No more than nine digits: longer ones take Python long to read.
        job = self.server.jobs.get(int(rest[0])) if re.fullmatch(r"[0-9]{1,9}", rest[0]) else None
        if job is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "this video is not on the page any more")
        parts: dict[tuple[str, str], Callable[[], None]] = {
            ("GET", ""): lambda: self._page(job), ("GET", "video"): lambda: self._video(job),
            ("POST", "keyboard"): lambda: self._keyboard(job), ("POST", "remove"): lambda: self._remove(job),
            **{("POST", name): self._maker(job, answer) for name, answer in answers.ANSWERS.items()},
        }  # fmt: skip
        self._call(parts.get((method, rest[1])))

    def _call(self, answer: Callable[[], None] | None) -> None:
        if answer is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "no such page")
        answer()

    def _index(self) -> None:
        self._send_text(answers.index_page(), "text/html; charset=utf-8")

    def _list(self) -> None:
        self._send_json({"jobs": [job.row() for job in self.server.jobs.all()]})

    def _page(self, job: Job) -> None:
        self._send_text(answers.job_page(job), "text/html; charset=utf-8")

    def _keyboard(self, job: Job) -> None:
        self.server.jobs.go_on(job, answers.keyboard(self._json()))
        self._send_json(job.row())

    def _remove(self, job: Job) -> None:
        self._json()
        self.server.jobs.remove(job)
        self._send_json({})

    def _maker(self, job: Job, answer: answers.Answer) -> Callable[[], None]:
        def make() -> None:
            value = self._json()
            if job.state is not State.DONE or job.transcription is None:
                raise _RefusedError(HTTPStatus.CONFLICT, f"{job.name}: is not read yet")
            made = answer(job.transcription, value)
            if isinstance(made, str):
                self._send_text(made, "application/octet-stream")
            else:
                self._send_json(made)

        return make

    def _upload(self, name: str) -> None:
        """Write what is sent to a file whose name this program chooses, and read it when its turn comes."""
        shown = shown_name(name)
        suffix = Path(shown).suffix.lower()
        if suffix not in VIDEO_SUFFIXES:
            raise InputError(f"{shown}: not a video by its name; videos end in {', '.join(sorted(VIDEO_SUFFIXES))}")
        length = self._unread
        if not 0 < length <= MOST_UPLOAD_BYTES:
            raise InputError(
                f"{shown}: is {length / 1e9:.1f} GB; more than 0 and up to {MOST_UPLOAD_BYTES / 1e9:g} GB can be sent"
            )
        if (free := shutil.disk_usage(self.server.uploads).free) < length + LEFT_FREE_BYTES:
            raise InputError(
                f"{shown}: needs {length / 1e9:.1f} GB in the temporary folder, and {free / 1e9:.1f} GB are free; name another "
                "folder in TMPDIR, or give the video to `tivit serve` as an argument, which copies nothing"
            )
        folder = Path(tempfile.mkdtemp(dir=self.server.uploads))
        is_kept = False
        try:
            video = folder / f"video{suffix}"
            with open(video, "xb") as file:
                self._copy(file)
            job = self.server.jobs.add(shown, video, folder)
            is_kept = True
        finally:
            if not is_kept:
                shutil.rmtree(folder, ignore_errors=True)
        self._send_json(job.row())

    def _copy(self, file: BinaryIO) -> None:
        while self._unread:
            block = self.rfile.read(min(BLOCK_BYTES, self._unread))
            if not block:
                raise ConnectionError("the upload broke off")
            file.write(block)
            self._unread -= len(block)

    def _video(self, job: Job) -> None:
        """Send the video, or the part of it that a player asks for."""
        try:
            file = open(job.video, "rb")  # noqa: SIM115
        except OSError:
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"{job.name}: the file is gone") from None
        with file:
            size = job.video.stat().st_size
            first, last = byte_range(self.headers.get("Range", ""), size)
            is_part = "Range" in self.headers
            self.send_response(HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK)
            kind = PLAYABLE.get(job.video.suffix.lower(), "application/octet-stream")
            headers = {"Content-Type": kind, "Content-Length": str(last - first + 1), "Accept-Ranges": "bytes"}
            if is_part:
                headers["Content-Range"] = f"bytes {first}-{last}/{size}"
            self._end(headers)
            file.seek(first)
            left = last - first + 1
            while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
                self.wfile.write(block)
                left -= len(block)

    def _length(self) -> int:
        text = self.headers.get("Content-Length", "")
        return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else 0

    def _json(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not JSON")
        if not 0 < self._unread <= MOST_BODY_BYTES:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"not between 1 and {MOST_BODY_BYTES} bytes of JSON")
        body = self.rfile.read(self._unread)
        self._unread = 0
        return answers.json_of(body)

    def _send_json(self, value: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send_text(json.dumps(json.loads(json_text(value, decimals=6))), "application/json", status)

    def _send_text(self, text: str, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        content = text.encode()
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content))}
        if self._unread:  # a body that nobody wants is not read: the connection ends
            headers["Connection"] = "close"
        self._end(headers)
        self.wfile.write(content)

    def _end(self, headers: dict[str, str]) -> None:
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def shown_name(name: str) -> str:
    """Return the name of a file as it is shown: its last part, without what cannot be printed, and not too long."""
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(character for character in last if character.isprintable())
    stem, suffix = printable[: -len(Path(printable).suffix) or None], Path(printable).suffix
    return f"{stem[:MOST_NAME]}{suffix[:10]}" or "video"


def byte_range(header: str, size: int) -> tuple[int, int]:
    """Return the first and the last byte that a `Range` header asks for, of a file of `size` bytes; all of it without one."""
    match = re.fullmatch(r"bytes=([0-9]{0,15})-([0-9]{0,15})", header)
    if match is None or match[0] == "bytes=-":
        return 0, size - 1
    if not match[1]:
        first, last = max(size - int(match[2]), 0), size - 1
    else:
        first = int(match[1])
        last = min(int(match[2]), size - 1) if match[2] else size - 1
    if first > last:
        raise _RefusedError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "no such part")
    return first, last
