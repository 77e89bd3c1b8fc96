"""The pictures of the lesson on batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.figures.comparison import PATTERNS
from lib.figures.lines import look
from lib.figures.theme import Palette, drawn, dress


@drawn
def spreads(channels: Mapping[str, Sequence[tuple[float, float]]], chosen: int, palette: Palette) -> go.Figure:
    """For each channel its mean, and a bar of one deviation up and down: before the norm, and after it. A thin line stands at
    the chosen channel, counted from 1."""
    figure = go.Figure()
    for index, (name, pairs) in enumerate(channels.items()):
        shown = look(palette, index)
        figure.add_scatter(
            name=name, x=[number + 0.3 * index for number in range(1, len(pairs) + 1)], y=[mean for mean, _ in pairs],
            error_y={"array": [deviation for _, deviation in pairs], "color": shown["line"]["color"]}, mode="markers",
            marker=shown["marker"] | {"color": shown["line"]["color"]},
            hovertemplate=f"{name}<br>mean %{{y:.2f}}<extra></extra>")
    figure.add_vline(x=chosen + 0.15, line_width=1, line_dash="dot", line_color=palette.text)
    figure.update_layout(xaxis_title="channel", yaxis_title="mean ± deviation")
    return dress(figure, palette).update_layout(showlegend=True)


@drawn
def scores(classes: Sequence[str], modes: Mapping[str, Sequence[float]], palette: Palette) -> go.Figure:
    """Bars of the classes' scores, a group for each class."""
    figure = go.Figure()
    for index, (name, values) in enumerate(modes.items()):
        figure.add_bar(name=name, x=list(classes), y=list(values), marker={"color": palette.series[index], "pattern": {
            "shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 5}},
            hovertemplate=f"{name}<br>class %{{x}}: %{{y:.2f}}<extra></extra>")
    figure.update_layout(barmode="group", bargap=0.2, xaxis={"title": "class", "type": "category"}, yaxis_title="score")
    return dress(figure, palette).update_layout(showlegend=True)
