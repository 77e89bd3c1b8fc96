"""Pictures of what a network sees: the picture with a cell's field, the scores, the gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress
from lib.inside.fields import Seen

BESIDE = 12
"""More classes than these get bars that lie, the highest ones alone."""
MOST = 5


@drawn
def picture(pixels: np.ndarray, seen: Seen | None, palette: Palette) -> go.Figure:
    """A picture (channels, H, W) from 0 to 1: grey ones in ink on the page's ground, with the field of the chosen cell."""
    height, width = pixels.shape[1:]
    figure = go.Figure()
    if _is_grey(pixels):
        figure.add_heatmap(z=pixels[0], zmin=0, zmax=1, showscale=False,
                           colorscale=[(0, palette.background), (1, palette.text)],
                           hovertemplate="row %{y}, column %{x}: %{z:.2f}<extra></extra>")
    else:
        figure.add_image(z=(255 * pixels).round().astype(np.uint8).transpose(1, 2, 0),
                         hovertemplate="row %{y}, column %{x}: %{z}<extra></extra>")
    _frame(figure, (0, height - 1), (0, width - 1), palette.line, "solid", 1)
    if seen:
        _frame(figure, *seen.on_picture(), palette.series[1], "solid", 3)
    edge = 0.02 * height
    figure.update_xaxes(range=[-0.5 - edge, width - 0.5 + edge], visible=False, constrain="domain")
    figure.update_yaxes(range=[height - 0.5 + edge, -0.5 - edge], visible=False, scaleanchor="x", constrain="domain")
    return dress(figure, palette, 210).update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, showlegend=False)


def _is_grey(pixels: np.ndarray) -> bool:
    return bool((pixels == pixels[:1]).all())


def _frame(figure: go.Figure, rows: tuple[int, int], columns: tuple[int, int], colour: str, dash: str, width: float) -> None:
    """A line around these rows and columns, first and last."""
    figure.add_shape(type="rect", x0=columns[0] - 0.5, x1=columns[1] + 0.5, y0=rows[0] - 0.5, y1=rows[1] + 0.5,
                     line={"color": colour, "dash": dash, "width": width})


@drawn
def bars(scores: Mapping[str, np.ndarray], classes: Sequence[str], palette: Palette) -> go.Figure:
    """The probability of each class, for each of the sides by its name; of many classes the highest of the last side."""
    sides = dict(zip(scores, (palette.muted, palette.accent)[-len(scores):]))
    many = len(classes) > BESIDE
    shown = np.argsort(-list(scores.values())[-1])[:MOST] if many else np.arange(len(classes))
    figure = go.Figure()
    of_score, of_class = ("x", "y") if many else ("y", "x")
    names = [str(classes[each]) for each in shown]
    for name, colour in sides.items():
        figure.add_bar(**{of_score: scores[name][shown], of_class: names}, name=name, orientation="h" if many else "v",
                       marker={"color": colour}, hovertemplate=f"{name}, %{{{of_class}}}: %{{{of_score}:.1%}}<extra></extra>")
    figure.update_layout({f"{of_score}axis": {"range": [0, 1], "tickformat": ".0%", "nticks": 4}, f"{of_class}axis": {
        "type": "category", "autorange": "reversed" if many else True, "ticklabelstandoff": 4}})
    return dress(figure, palette, 190).update_layout(bargap=0.25, margin={"l": 6, "r": 14, "t": 28, "b": 6})


SYMBOLS = ("circle", "diamond", "square", "cross")


@drawn
def gate(values: np.ndarray, branches: Sequence[str], palette: Palette) -> go.Figure:
    """What a gate multiplies each channel with, (branches, channels)."""
    figure = go.Figure()
    for index, (name, row) in enumerate(zip(branches, values)):
        figure.add_scatter(name=name, x=np.arange(len(row)), y=row, mode="markers", marker={
            "color": palette.series[index % len(palette.series)], "symbol": SYMBOLS[index % len(SYMBOLS)], "size": 8},
            hovertemplate=name + ", channel %{x}: %{y:.3f}<extra></extra>")
    figure.update_xaxes(title="channel")
    figure.update_yaxes(title="gate", range=[-0.03, 1.03])
    return dress(figure, palette, 280).update_layout(showlegend=len(branches) > 1)
