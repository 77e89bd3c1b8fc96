"""Who is who without accounts: a cookie that every browser is given with the page that it opens.

It holds a random token and this server's signature, nothing of the person. The app knows a visitor by a hash of the token:
whoever reads the hash, beside a stored run for example, cannot make the cookie from it.
"""

import hashlib
import hmac
import logging
import os
import secrets
from functools import cache
from pathlib import Path

from itsdangerous import BadSignature, Signer
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "backbone_lab_visitor"
SECONDS = 400 * 24 * 60 * 60
"""From the last visit on; browsers keep no cookie for longer."""

FILE = Path(__file__).parent.parent.parent / "visitors.key"


class VisitorCookie:
    """ASGI middleware. Whoever opens a page in a browser gets the cookie with the answer: a new one, or again their own.

    Code, pictures and data are answered without it, as proxies may keep these for all.
    """

    def __init__(self, app: ASGIApp):
        self.app = app
        secret()  # made before the first visitor comes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "text/html" in HTTPConnection(scope).headers.get("accept", ""):
            send = _with_cookie(HTTPConnection(scope), send)
        await self.app(scope, receive, send)


def _with_cookie(asked: HTTPConnection, send: Send) -> Send:
    """`send`, with the cookie at the head of the answer."""
    own = asked.cookies.get(COOKIE, "")
    cookie = own if _token(own) else _signer().sign(secrets.token_urlsafe(24)).decode()

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            attributes = _attributes(asked.url.scheme == "https")
            MutableHeaders(scope=message).append("set-cookie", f"{COOKIE}={cookie}; {attributes}")
        await send(message)
    return answer


def _attributes(secure: bool) -> str:
    """Who gets the cookie back. In a frame of another site (EMBED_IN) browsers send one over HTTPS alone, and keep it apart for
    each such site."""
    framed = secure and os.environ.get("EMBED_IN")
    return f"Path=/; Max-Age={SECONDS}; HttpOnly; SameSite={'None; Partitioned' if framed else 'Lax'}" + "; Secure" * secure


def identify(cookie: str, address: str) -> str:
    """Who sends this cookie from this network address: 32 hexadecimal digits, the same at every visit.

    Whoever has no cookie, or one that this server has not made, is one visitor with all others of their address who have
    none: to leave it out is no way to be many.
    """
    token = _token(cookie)
    who = f"browser {token}" if token else f"address {address}"
    return hmac.new(secret().encode(), who.encode(), "sha256").hexdigest()[:32]


def _token(cookie: str) -> str:
    """The token of a cookie; empty if this server has not signed it."""
    try:
        return _signer().unsign(cookie).decode()
    except BadSignature:
        return ""


def _signer() -> Signer:
    return Signer(secret(), salt=COOKIE, digest_method=hashlib.sha256)


@cache
def secret() -> str:
    """What cookies are signed with: STREAMLIT_SERVER_COOKIE_SECRET, as Streamlit's own are, or else what is kept in `FILE`,
    so that visitors are still themselves when the server has started anew."""
    try:
        return os.environ.get("STREAMLIT_SERVER_COOKIE_SECRET") or _kept(FILE)
    except OSError as error:
        logging.warning("visitors are known until this server stops, as their key cannot be kept: %s", error)
        return secrets.token_hex()


def _kept(file: Path) -> str:
    """The secret in a file, which is made if there is none. Raises OSError if that cannot be."""
    if not file.exists():
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        try:
            draft.write_text(secrets.token_hex())
            file.hardlink_to(draft)  # whole at once, and only the first of several servers can
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    if not (kept := file.read_text().strip()):
        raise OSError(f"{file} is empty")
    return kept
