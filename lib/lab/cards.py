"""What makers print of their GPUs, to be held against what was measured."""

import json
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).parent.parent / "data" / "cards.json"


class Card(BaseModel):
    """A data sheet: 1e12 FLOP/s of dense products by the kind of numbers, 1e9 bytes/s of memory, and where that stands.

    `names` are those that the driver gives the card.
    """

    model_config = ConfigDict(frozen=True)

    names: tuple[str, ...]
    card: str
    float32: float
    tf32: float
    bfloat16: float
    float16: float
    gigabytes_per_second: float
    source: str

    def teraflop_per_second(self, dtype: str) -> float:
        """The most that the data sheet promises in these numbers."""
        return getattr(self, dtype)


@cache
def _cards() -> tuple[Card, ...]:
    return tuple(Card.model_validate(card) for card in json.loads(FILE.read_text(encoding="utf-8")))


def card(device_name: str) -> Card | None:
    """The data sheet of a device; None if there is none here."""
    return next((card for card in _cards() if device_name in card.names), None)
