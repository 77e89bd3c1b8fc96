"""What a check of a statement gives: rows of a quantity as the notes have it, and as it is."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import lib
from lib.analysis import Analysis
from lib.once import once

VERDICTS = ("holds", "imprecise", "wrong", "unchecked")
GIGA, MEGA, KILO = 10**9, 10**6, 10**3


class Row(NamedTuple):
    """A quantity as the notes have it and as it is; `agrees` is None for a row that only explains."""

    quantity: str
    notes: str
    found: str
    agrees: bool | None


@once
def analyze(preset: str, **knobs: Any) -> Analysis:
    """A network's analysis, kept, as many checks look at the same few."""
    return lib.analyze(preset, **knobs)


def same(quantity: str, notes: object, found: object) -> Row:
    """A row where both must be equal, and read the same."""
    return Row(quantity, _text(notes), _text(found), notes == found)


def rounds(quantity: str, notes: float, found: float, digits: int = 0, unit: str = "") -> Row:
    """A row where what is found, rounded to the digits that the notes print, must be what they print."""
    return Row(quantity, f"{notes:,}{unit}", f"{found:,.{digits + 2}f}{unit}", round(found, digits) == notes)


def beside(quantity: str, found: object) -> Row:
    """A row that only explains."""
    return Row(quantity, "", _text(found), None)


def verdict(rows: Iterable[Row]) -> str:
    """`holds` where every graded row agrees, `wrong` where none does, else `imprecise`; without rows `unchecked`."""
    graded = {row.agrees for row in rows} - {None}
    return {frozenset(): "unchecked", frozenset({True}): "holds", frozenset({False}): "wrong"}.get(
        frozenset(graded), "imprecise")


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
