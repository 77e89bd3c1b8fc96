"""Plans in links: as they are where that is short, else compressed. Whatever comes in a link is only read as a text."""

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote_plus

from lib.architecture import Impossible
from lib.limits import limits

LONGEST = 1000
"""Characters that a plan may take in an address; a longer one is compressed."""

COMPRESSED = re.compile("z[A-Za-z0-9_-]{20,}")

HALVES = re.compile("[\ud800-\udfff]")
"""Surrogates, which stand for nothing one by one, and cannot be written in a file or a link."""

BYTES = 4
"""The most that a character takes."""


def packed(text: str) -> str:
    """The text for a link."""
    if len(quote_plus(text)) <= LONGEST:
        return text
    return "z" + urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpacked(text: str, what: str = "plan") -> str:
    """The text that a link holds. Raises `Impossible`, saying `what` it is, for one that is too long, damaged, or no text."""
    most = limits().plan_characters
    if len(text) <= 2 * most and COMPRESSED.fullmatch(text):
        text = _decompressed(text, most, what)
    if len(text) > most:
        raise _too_long(most, what)
    if HALVES.search(text):
        raise Impossible(f"This {what} holds halves of characters, which are no text.")
    return text


def _decompressed(text: str, most: int, what: str) -> str:
    reader = zlib.decompressobj()
    try:
        found = reader.decompress(urlsafe_b64decode(text[1:] + "==="), BYTES * most + 1)
        if len(found) > BYTES * most:
            raise _too_long(most, what)
        if not reader.eof:
            raise Impossible(f"The {what} in this link is damaged: its end is missing.")
        return found.decode()
    except Impossible:
        raise
    except (ValueError, zlib.error):  # binascii's error is a ValueError
        raise Impossible(f"The {what} in this link is damaged: a part of it is missing or was changed on the way.") from None


def _too_long(most: int, what: str) -> Impossible:
    return Impossible(f"This {what} is longer than the {most:,} characters that this server allows.")
