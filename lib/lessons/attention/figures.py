"""The gates of attention in channels as pictures, and the groups of split attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from lib.figures.comparison import DASHES, PATTERNS
from lib.figures.theme import Palette, drawn, dress

if TYPE_CHECKING:  # drawing needs no torch
    from lib.lessons.attention.groups import Group


@drawn
def gates(names: Sequence[str], weights: np.ndarray, palette: Palette) -> go.Figure:
    """(branches, channels): a bar for each channel, of as many pieces as it has branches. Several branches fill it."""
    branches, channels = weights.shape
    figure = go.Figure()
    for index, (name, row) in enumerate(zip(names, weights)):
        figure.add_bar(
            name=name, x=list(range(1, channels + 1)), y=row,
            marker={"color": palette.series[index],
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 5}},
            hovertemplate=f"channel %{{x}}<br>{name} %{{y:.4f}}<extra></extra>")
    for part in range(1, max(2, branches)):
        figure.add_hline(y=part / max(2, branches), line={"color": palette.text, "dash": "dot", "width": 1})
    figure.update_layout(barmode="stack", bargap=0.15, xaxis_title="channel", yaxis={"range": [0, 1], "title": "weight"})
    return _dress(figure, palette, 300)


@drawn
def drift(zooms: Sequence[int], seeds: Sequence[int], widest: np.ndarray, even: float, chosen: int,
          palette: Palette) -> go.Figure:
    """The widest kernel's mean weight (seeds, zooms) while the object grows: a line a seed, the chosen one the thickest."""
    figure = go.Figure()
    for index, (seed, row) in enumerate(zip(seeds, widest)):
        figure.add_scatter(
            name=f"seed {seed}", x=list(zooms), y=row, mode="lines+markers",
            line={"color": palette.series[index], "dash": DASHES[index], "width": 4 if seed == chosen else 2},
            marker={"size": 9 if seed == chosen else 6, "symbol": ("circle", "square", "diamond", "cross")[index]},
            hovertemplate=f"seed {seed}<br>object at %{{x}} %<br>%{{y:.4f}}<extra></extra>")
    figure.add_hline(y=even, line={"color": palette.text, "dash": "dot", "width": 1},
                     annotation={"text": "no preference", "font": {"color": palette.text}}, annotation_position="top left")
    figure.update_layout(xaxis_title="size of the object, %", yaxis={"title": "mean weight", "tickformat": ".3f"})
    return _dress(figure, palette, 340)


@drawn
def groups(found: Sequence[Group], palette: Palette) -> go.Figure:
    """Each group of the 3x3 as a box from what it reads (top) to what it is added into (bottom).

    Cardinal groups have colours, splits rows; the bottom row is the concatenation.
    """
    radix, cardinality = found[-1].split, found[-1].cardinal
    figure = go.Figure()
    for group in found:
        colour = palette.series[group.cardinal - 1]
        middle = group.cardinal - 0.5
        _box(figure, middle, -group.split, f"{group.reads[0]}–{group.reads[1]}", colour, PATTERNS[group.split - 1], palette)
        figure.add_scatter(x=[middle], y=[-group.split], mode="markers", marker={"opacity": 0, "size": 30},
                           hovertemplate=f"split {group.split}, cardinal group {group.cardinal}<br>"
                                         f"reads channels {group.reads[0]}–{group.reads[1]}<extra></extra>")
    for cardinal in range(1, cardinality + 1):
        joins = found[cardinal - 1].joins
        figure.add_annotation(x=cardinal - 0.5, y=-radix - 0.55, showarrow=False, font={"color": palette.text, "size": 13},
                              text="↓ sum" if radix > 1 else "↓ gate")
        colour = palette.series[cardinal - 1]
        _box(figure, cardinal - 0.5, -radix - 1.1, f"{joins[0]}–{joins[1]}", colour, "", palette)
        figure.add_annotation(x=cardinal - 0.5, y=-0.45, showarrow=False, font={"color": palette.text, "size": 13},
                              text=f"cardinal {cardinal}")
    figure.add_annotation(x=cardinality / 2, y=-radix - 1.65, showarrow=False, font={"color": palette.text, "size": 13},
                          text="concatenated" if cardinality > 1 else "one cardinal group: nothing to concatenate")
    figure.update_xaxes(visible=False, range=[0, cardinality], fixedrange=True)
    rows = {-split: f"split {split} reads" for split in range(1, radix + 1)} | {-radix - 1.1: "given"}
    figure.update_yaxes(tickvals=list(rows), ticktext=list(rows.values()), range=[-radix - 1.9, -0.2], fixedrange=True)
    _dress(figure, palette, 170 + 84 * radix).update_yaxes(showgrid=False, showline=False)
    return figure.update_layout(showlegend=False, margin_t=30)


def _box(figure: go.Figure, x: float, y: float, text: str, colour: str, pattern: str, palette: Palette) -> None:
    """A rectangle around (x, y) with its text; the pattern tells splits apart beside the words."""
    left, right, low, high = x - 0.44, x + 0.44, y - 0.3, y + 0.3
    figure.add_scatter(x=[left, right, right, left, left], y=[low, low, high, high, low], mode="lines", fill="toself",
                       hoverinfo="skip", line={"color": colour, "width": 3},
                       fillpattern={"shape": pattern, "fgcolor": colour, "bgcolor": palette.background, "size": 9,
                                    "solidity": 0.12})
    figure.add_annotation(x=x, y=y, text=f"<b>{text}</b>", showarrow=False, bgcolor=palette.background, borderpad=2,
                          font={"color": palette.text, "size": 13})


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    return dress(figure, palette, height).update_layout(showlegend=True)
