"""What each answer tells the browser for safety: what a page may load, and on whose pages it may stand in a frame.

Everything comes from this server; a page that was talked into asking another one is stopped by the browser. What the
policy lets in beyond that, Streamlit needs: its components are scripts from memory (blob:), it reads numbers of 64 bits
with a little WebAssembly, it styles what it draws in place, and charts become pictures to download by way of blob:.
"""

import os
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.architecture import Impossible

POLICY = {"default-src": "'none'", "script-src": "'self' blob: 'wasm-unsafe-eval'",
          "style-src": "'self' 'unsafe-inline'", "img-src": "'self' data: blob:", "font-src": "'self' data:",
          "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'"}
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
HEADERS = NOSNIFF | {
    "Referrer-Policy": "same-origin", "Permissions-Policy": "camera=(), microphone=(), geolocation=()"}
ORIGIN = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", re.IGNORECASE)


def embedders() -> tuple[str, ...]:
    """The sites that may show pages in a frame, from EMBED_IN. Raises `Impossible` for what is no address of a site."""
    named = tuple(os.environ.get("EMBED_IN", "").split())
    for name in named:
        if not ORIGIN.fullmatch(name):
            raise Impossible(f"EMBED_IN: “{name}” is not the address of a site. "
                             "Write it like https://moodle.example.edu, without a path, and a space between two.")
    return named


def hashes(page: Path) -> str:
    """The sources that allow the scripts written into an HTML page, and no other ones."""
    written = re.findall(rb"<script>(.*?)</script>", page.read_bytes(), re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in written)


class SafeHeaders:
    """ASGI middleware: every answer bears the headers; `page` is the HTML that all pages begin with.

    Streamlit's own files, which it marks as immutable, bear only the one that concerns them: a page loads 130 of them, and
    all headers would be 60 kB more.
    """

    def __init__(self, app: ASGIApp, page: Path, embedders: Sequence[str]):
        policy = POLICY | {"script-src": f"{POLICY['script-src']} {hashes(page)}",
                           "frame-ancestors": " ".join(["'self'", *embedders])}
        self.app = app
        self.headers = HEADERS | {"Content-Security-Policy": "; ".join(map(" ".join, policy.items()))}
        if not embedders:  # for browsers that know no policy; it cannot name a site
            self.headers["X-Frame-Options"] = "SAMEORIGIN"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(scope=message)
                said.update(NOSNIFF if "immutable" in said.get("cache-control", "") else self.headers)
            await send(message)
        await self.app(scope, receive, sending)
