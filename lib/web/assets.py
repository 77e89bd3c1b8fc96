"""Streamlit's own files, compressed: nearly all of what a browser loads when it comes for the first time.

Streamlit sends its JavaScript as it lies on disk, and leaves compression to a proxy. Here the first who asks for a file
has it compressed quickly, which is not felt. Brotli can make it a tenth smaller still, and Zopfli the copy in gzip's form
a twentieth, but either takes up to eight seconds. A thread that gives way to all others does that, in the order in which
files were asked for, and keeps the copy on disk for the next start and for other processes. A copy counts only if it
unpacks to the very file, so that neither an update of Streamlit nor a damaged copy does harm; where nothing can be
written, copies stay in memory.
"""

import gzip
import os
import re
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from mimetypes import guess_type
from pathlib import Path
from queue import Queue
from threading import Lock, Thread, get_native_id
from typing import NamedTuple

import brotli
import zopfli.gzip
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUICK: dict[str, Callable[[bytes], bytes]] = {
    "br": partial(brotli.compress, quality=5), "gzip": partial(gzip.compress, compresslevel=6, mtime=0)}
"""The codings, the best first. Either takes 0.1 seconds for the largest file."""
SMALLEST: dict[str, Callable[[bytes], bytes]] = {"br": partial(brotli.compress, quality=11), "gzip": zopfli.gzip.compress}
UNPACK: dict[str, Callable[[bytes], bytes]] = {"br": brotli.decompress, "gzip": gzip.decompress}
TEXT = {".js", ".css", ".svg"}  # fonts and pictures are compressed by themselves
FOREVER = "public, immutable, max-age=31536000"  # seconds, a year: each name bears a hash of what is in the file
PATH = "/static/"


class Copy(NamedTuple):
    content: bytes
    tag: str


def tagged(content: bytes) -> Copy:
    """A compressed copy with its ETag."""
    return Copy(content, f'"{blake2b(content, digest_size=12).hexdigest()}"')


class Copies:
    """Compressed copies of files, in memory, and the smallest ones in a folder as well."""

    def __init__(self, folder: Path):
        self.folder, self.turn = folder, Lock()
        self.ready: dict[tuple[Path, str], Copy] = {}
        self.large: Queue[tuple[Path, str]] = Queue()
        Thread(target=self._shrink_all, daemon=True).start()

    def get(self, file: Path, coding: str) -> Copy:
        """The smallest copy that there is by now. Raises OSError if the file cannot be read."""
        with self.turn:  # one at a time: many who come at once get the same copy, and take one core
            if (file, coding) not in self.ready:
                self._begin(file, coding)
            return self.ready[file, coding]

    def _begin(self, file: Path, coding: str) -> None:
        content = file.read_bytes()
        small = self._kept(file, coding, content)
        self.ready[file, coding] = tagged(small or QUICK[coding](content))
        if not small:
            self.large.put((file, coding))

    def _place(self, file: Path, coding: str) -> Path:
        return self.folder / f"{file.name}.{coding}"

    def _kept(self, file: Path, coding: str, content: bytes) -> bytes | None:
        """The smallest copy from the folder, if it is there and is one of this content."""
        with suppress(OSError, EOFError, brotli.error, zlib.error):
            copy = self._place(file, coding).read_bytes()
            return copy if UNPACK[coding](copy) == content else None

    def _shrink_all(self) -> None:
        if sys.platform == "linux":  # elsewhere a thread has no priority of its own
            os.setpriority(os.PRIO_PROCESS, get_native_id(), 19)
        while True:
            with suppress(OSError):  # of a folder where nothing can be written: the copy is in memory by then
                self._shrink(*self.large.get())
            self.large.task_done()

    def _shrink(self, file: Path, coding: str) -> None:
        content = file.read_bytes()
        small = self._kept(file, coding, content) or SMALLEST[coding](content)  # another process may have made it meanwhile
        self.ready[file, coding] = tagged(small)
        write_whole(self._place(file, coding), small)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that nobody ever sees half of. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def preferred(accepted: str) -> str | None:
    """Which of our codings suits a browser best, by its Accept-Encoding; None if it wants the file as it is."""
    weights = {name: float(weight or 1) for name, weight in
               re.findall(r"([\w*-]+)\s*(?:;\s*q=\s*([01](?:\.\d*)?))?", accepted.lower())}
    best = max(QUICK, key=lambda coding: weights.get(coding, weights.get("*", 0)))
    return best if weights.get(best, weights.get("*", 0)) > 0 else None


class Assets:
    """ASGI middleware: sends compressed copies of the files in a folder for what is asked below /static/.

    It passes on whatever else is asked, parts of a file included: those are of the file as it is.
    """

    def __init__(self, app: ASGIApp, files: Path, copies: Path):
        self.app, self.static, self.copies = app, StaticFiles(directory=files), Copies(copies)
        self.files = {PATH + file.relative_to(files).as_posix(): file for file in files.rglob("*") if file.suffix in TEXT}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = self.files.get(scope["path"]) if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} else None
        if not file:
            return await self.app(scope, receive, send)
        asked = Headers(scope=scope)
        coding = None if "range" in asked else preferred(",".join(asked.getlist("accept-encoding")))
        if not coding:
            return await self.app(scope, receive, varying(send))
        copy = self.copies.ready.get((file, coding)) or await run_in_threadpool(self.copies.get, file, coding)
        response = answer(copy, file, coding, with_content=scope["method"] == "GET")
        if self.static.is_not_modified(response.headers, asked):
            response = NotModifiedResponse(response.headers)
        await response(scope, receive, send)


def answer(copy: Copy, file: Path, coding: str, with_content: bool) -> Response:
    return Response(copy.content if with_content else b"", media_type=guess_type(file.name)[0], headers={
        "Content-Encoding": coding, "Content-Length": str(len(copy.content)), "ETag": copy.tag,
        "Vary": "Accept-Encoding", "Cache-Control": FOREVER})


def varying(send: Send) -> Send:
    """As `send`, and says to caches that others are sent other copies."""
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
        await send(message)
    return sending
