"""Plans in links: as they are where that is short, else compressed. Whatever comes in a link is only read as a plan's text."""

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote_plus

from lib.architecture import Impossible
from lib.limits import limits

LONGEST = 1000
"""Characters that a plan may take in an address; a longer one is compressed."""

COMPRESSED = re.compile("z[A-Za-z0-9_-]{20,}")


def packed(text: str) -> str:
    """The text for a link."""
    if len(quote_plus(text)) <= LONGEST:
        return text
    return "z" + urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpacked(text: str, what: str = "plan") -> str:
    """The text that a link holds. Raises `Impossible`, saying `what` it is, for one that is too long, or damaged."""
    if COMPRESSED.fullmatch(text):
        most, reader = limits().plan_characters, zlib.decompressobj()
        try:
            text = reader.decompress(urlsafe_b64decode(text[1:] + "==="), most + 1).decode()
        except (ValueError, zlib.error):  # binascii's error is a ValueError
            raise Impossible(f"The {what} in this link is damaged: a part of it is missing or was changed on the way.") from None
        if not reader.eof and len(text) <= most:
            raise Impossible(f"The {what} in this link is damaged: its end is missing.")
    if len(text) > limits().plan_characters:
        raise Impossible(f"This {what} is longer than the {limits().plan_characters:,} characters that this server allows.")
    return text
