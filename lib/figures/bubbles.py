"""Bubbles above an axis of powers of ten, their areas in proportion, with names that cover nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

import plotly.graph_objects as go

from lib.figures.theme import Palette

SMALL = 12
"""The smallest text of a picture, in pixels of the screen: still to be read on a projector."""

WIDTH, HEIGHT = 1000, 350
"""The size of the plot, in pixels, that names are placed for."""

LARGEST = 48
"""Diameter of the largest bubble, in pixels."""


SIDES = ("top center", "bottom center", "middle right", "middle left")
"""Where a name may lie, in the order in which it is tried."""


@dataclass(frozen=True)
class Bubble:
    """Where a bubble lies, its area in any unit, and its name; those that are `first` find a place for it first."""

    x: float
    y: float
    area: float
    name: str
    first: bool = False


def bubbles(shown: Sequence[Bubble], largest: float, **more: Any) -> go.Scatter:
    """Some of the bubbles; `largest` is the largest area of all."""
    return go.Scatter(
        x=[bubble.x for bubble in shown], y=[bubble.y for bubble in shown],
        marker={"size": [bubble.area for bubble in shown], "sizemode": "area", "sizemin": 4,
                "sizeref": 2 * largest / LARGEST**2, "opacity": 0.7},
        selected={"marker": {"opacity": 0.7}}, unselected={"marker": {"opacity": 0.7}}, **more)


def named(shown: Sequence[Bubble], palette: Palette, sides: Sequence[str] = SIDES, **more: Any) -> go.Scatter:
    """The names of the bubbles, to lie on top; a name that finds no place on one of the `sides` is left out, and hovering
    tells it."""
    largest = max(bubble.area for bubble in shown)
    names, sides = zip(*_labels(shown, largest, sides))
    return bubbles(shown, largest, mode="markers+text", text=names, textposition=sides, hoverinfo="skip",
                   textfont={"size": SMALL, "color": palette.text}, showlegend=False, **more).update(
                       marker={"color": "rgba(0,0,0,0)", "line": {"width": 0}})


def ranges(shown: Sequence[Bubble]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The axes, with room for bubbles and names at the edge: powers of ten, and the upward axis in its own unit."""
    across, upwards = [log10(bubble.x) for bubble in shown], [bubble.y for bubble in shown]
    beside, above = 0.08 * (max(across) - min(across)) + 0.12, 0.12 * (max(upwards) - min(upwards)) + 0.5
    return (min(across) - beside, max(across) + beside), (min(upwards) - above, max(upwards) + above)


def ticks(across: tuple[float, float]) -> list[float]:
    """Round numbers along an axis of these powers of ten."""
    digits = (1, 2, 5) if across[1] - across[0] < 2 else (1, 3)
    return [float(f"{digit}e{power}") for power in range(int(across[0] // 1), int(across[1] // 1) + 1) for digit in digits]


def _labels(shown: Sequence[Bubble], largest: float, order: Sequence[str]) -> list[tuple[str, str]]:
    """The name of each bubble and on which side of it the name lies. A name that would cover another one, or the middle of
    another bubble, is left out."""
    (left, right), (low, high) = ranges(shown)
    middles = [((log10(bubble.x) - left) / (right - left) * WIDTH, (high - bubble.y) / (high - low) * HEIGHT)
               for bubble in shown]
    radii = [LARGEST / 2 * (bubble.area / largest) ** 0.5 for bubble in shown]
    taken = [(x, y, max(7, 0.7 * radius), max(7, 0.7 * radius)) for (x, y), radius in zip(middles, radii)]
    labels = [("", "top center")] * len(shown)
    for index in sorted(range(len(shown)), key=lambda index: not shown[index].first):
        (x, y), away = middles[index], radii[index] / 0.8 + 8
        half = 0.29 * SMALL * len(shown[index].name)
        sides = {"top center": (x, y - away), "bottom center": (x, y + away),
                 "middle right": (x + away + half, y), "middle left": (x - away - half, y)}
        free = [(side, (across, down, half, 7)) for side, (across, down) in ((side, sides[side]) for side in order)
                if half < across < WIDTH - half and 7 < down < HEIGHT - 7
                and all(abs(across - other[0]) > half + other[2] or abs(down - other[1]) > 7 + other[3]
                        for other in taken)]
        for side, box in free[:1]:
            labels[index] = shown[index].name, side
            taken.append(box)
    return labels
