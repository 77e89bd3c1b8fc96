"""The five orderings in networks that learnt the digits: recorded races."""

from __future__ import annotations

from lib.lessons.curves import Runs, end, ends_written, recorded
from lib.lessons.preactivation.errors import error
from lib.lessons.preactivation.orderings import NAMES, letter
from lib.training.recipe import Recipe
from lib.training.recorded import ORDERS

LEARNT = 5.0
"""Percent: with a lower training error at the end a network has learnt most of the digits."""


def runs(layers: int) -> Runs:
    """The orderings by their letters, `(a)` to `(e)`, with so many layers."""
    return recorded(f"orders_{layers}", {f"({letter(ordering)})": ORDERS[layers][letter(ordering)] for ordering in NAMES})


def learnt(layers: int) -> set[str]:
    """The orderings that have learnt most of the digits, by their names in links."""
    found = runs(layers)
    return {ordering for ordering in NAMES if end(found[f"({letter(ordering)})"]).median < LEARNT}


def fields(layers: int) -> dict[str, object]:
    """How they end, and by how many points the paper's test errors differ."""
    printed = [error(ordering, "110") for ordering in NAMES]
    return {"points": f"{max(printed) - min(printed):.1f}",
            "layers": layers, "epochs": Recipe().epochs, "learnt": f"{LEARNT:g}", "each": ends_written(runs(layers)),
            "test": ends_written(runs(layers), "test_error")}
