"""What lecture notes and articles say about these networks, checked: the cards, and the checks behind them.

The cards are data (`lib/data/textbook.json`): a statement in our words, what is right, where that is written, and the
name of the function that recomputes it here, or the reason why nothing can. The verdict in the data is what the check
gives; a test runs them all. What a person is asked about a card is in `questions.py`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from lib.lessons.textbook import blocks, memory, networks, slides
from lib.lessons.textbook.rows import VERDICTS, Row, verdict
from lib.once import once

__all__ = ["VERDICTS", "Card", "cards", "check", "chosen", "counts", "documents", "drawn_and_true", "evidence", "find",
           "image_sizes", "shuffled", "table", "topics", "verdict"]

DATA = Path(__file__).parent.parent.parent / "data" / "textbook.json"


@dataclass(frozen=True)
class Card:
    """A statement and what became of it.

    `original` quotes the notes where the statement is not in their own words. `basis` is `computed`, `measured` or
    `published`: what the check's right-hand column is. `verified` is False where nobody here has seen the source of what
    the notes print. `explore` is a preset and its knobs.
    """

    id: str
    document: str
    topic: str
    verdict: str
    statement: str
    right: str
    source: str
    original: str = ""
    verified: bool = True
    check: str = ""
    arguments: tuple[Any, ...] = ()
    basis: str = "computed"
    reason: str = ""
    explore: tuple[str, Mapping[str, Any]] | None = None


@once
def _data() -> dict[str, Any]:
    return json.loads(DATA.read_text(encoding="utf-8"))


def documents() -> dict[str, str]:
    """The ids of the documents, and what they are."""
    return _data()["documents"]


@once
def cards() -> tuple[Card, ...]:
    """All cards, by document."""
    return tuple(_card(**fields) for fields in _data()["cards"])


def _card(explore: dict[str, Any] | None = None, arguments: list = [], **fields: Any) -> Card:
    if explore:
        knobs = {name: tuple(value) if isinstance(value, list) else value for name, value in explore.items()}
        explore = (knobs.pop("preset"), knobs)
    return Card(explore=explore, arguments=tuple(arguments), **fields)


def find(id: str) -> Card:
    """The card of this id. Raises KeyError if there is none."""
    return {card.id: card for card in cards()}[id]


def topics() -> tuple[str, ...]:
    """The lessons that cards lead to, as their pages are called."""
    return tuple(dict.fromkeys(card.topic for card in cards()))


def chosen(document: str = "all", topic: str = "all", verdict: str = "all") -> tuple[Card, ...]:
    """The cards that fit; "all" leaves a choice open."""
    wanted = {"document": document, "topic": topic, "verdict": verdict}
    return tuple(card for card in cards() if all(value in ("all", getattr(card, name)) for name, value in wanted.items()))


def shuffled(found: tuple[Card, ...], seed: int) -> tuple[Card, ...]:
    """These cards in an order that follows from the seed; with 0 as they stand in the documents."""
    return tuple(Random(seed).sample(found, len(found))) if seed else found


def counts(found: tuple[Card, ...]) -> dict[str, int]:
    """How many of these cards have each verdict."""
    return {name: sum(card.verdict == name for card in found) for name in VERDICTS}


def check(card: Card) -> Callable[..., list[Row]] | None:
    """The function that recomputes what a card says; None where nothing can."""
    return next((getattr(module, card.check) for module in (blocks, memory, networks, slides) if card.check and hasattr(
        module, card.check)), None)


@once
def evidence(card_id: str) -> tuple[Row, ...]:
    """The check's rows, kept; none for a card that cannot be checked here."""
    card = find(card_id)
    function = check(card)
    return tuple(function(*card.arguments)) if function else ()


@once
def table(rows: tuple[Row, ...]) -> pd.DataFrame:
    """The rows of a check for a reader."""
    words = {True: "yes", False: "no", None: ""}
    return pd.DataFrame([(row.quantity, row.notes, row.found, words[row.agrees]) for row in rows],
                        columns=["Quantity", "The notes", "Found", "Agree"])


def image_sizes() -> dict[str, str]:
    """The images of the networks that the checks count, and of the lecture's AlexNet."""
    return {"size": slides.vgg().image, "lecture": slides.alexnet().image}


def drawn_and_true() -> slides.DrawnAndTrue:
    """VGG-16 as the slides draw it, and the true one."""
    return slides.DrawnAndTrue(slides.vgg(2), slides.vgg())
