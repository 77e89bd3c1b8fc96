"""The server's key, SERVER_KEY: whoever knows it may remove and stop what other visitors have made."""

import hmac
import os
import time
from threading import Lock

from lib.architecture import Impossible

PAUSE = 1.0
"""Seconds after a wrong key in which none is looked at, so that nobody tries out many, from however many browsers."""

_trying = Lock()
_last_wrong = -PAUSE


def is_set() -> bool:
    """Whether this server has a key."""
    return bool(_key())


def fits(typed: str) -> bool:
    """Whether this is the server's key. Raises `Impossible` just after a wrong one, whoever typed that."""
    global _last_wrong
    with _trying:
        if time.monotonic() < _last_wrong + PAUSE:
            raise Impossible("A wrong key was typed a moment ago. Wait a second, then type yours again.")
        right = is_set() and hmac.compare_digest(typed.strip().encode(), _key().encode())
        if not right:
            _last_wrong = time.monotonic()
    return right


def _key() -> str:
    return os.environ.get("SERVER_KEY", "").strip()
