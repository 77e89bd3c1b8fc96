"""What a training step costs, stage by stage, and how many times the forward pass it is, network by network."""

from bisect import bisect
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress

PATTERNS = ("", "/", ".")
"""What tells forward and the two gradients apart beside their colours."""


@drawn
def bars(stages: Sequence[str], parts: Mapping[str, Sequence[int]], palette: Palette) -> go.Figure:
    """A stack for each stage: its multiply-adds forward and for each gradient, by the names of `parts`."""
    figure = go.Figure()
    for index, (name, counts) in enumerate(parts.items()):
        figure.add_bar(
            name=name, x=list(stages), y=list(counts), hovertemplate=f"%{{x}}<br>{name}: %{{y:,}}<extra></extra>",
            marker={"color": palette.series[index],
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}})
    figure.update_layout(barmode="stack", yaxis_title="MACs", xaxis={"type": "category"}, showlegend=True)
    return dress(figure, palette, 320)


@drawn
def ratios(names: Sequence[str], times: Sequence[float], rule: float, shown: tuple[str, float],
           palette: Palette) -> go.Figure:
    """A point for each network, from the lowest ratio to the highest, below a line at the `rule`; among them the one that is
    `shown`."""
    figure = go.Figure()
    figure.add_scatter(name="rule of thumb", x=[names[0], names[-1]], y=[rule, rule], mode="lines", hoverinfo="skip",
                       line={"color": palette.text, "dash": "dash", "width": 1.5})
    figure.add_scatter(name="networks", x=list(names), y=list(times), mode="markers",
                       hovertemplate="%{x}<br>%{y:.3f} times<extra></extra>",
                       marker={"color": palette.series[0], "size": 6})
    name, ratio = shown
    figure.add_scatter(name=name, x=[names[max(0, bisect(times, ratio) - 1)]], y=[ratio], mode="markers",
                       marker={"color": palette.series[1], "symbol": "diamond", "size": 13,
                               "line": {"color": palette.background, "width": 2}},
                       hovertemplate=f"{name}<br>%{{y:.3f}} times<extra></extra>")
    figure.update_layout(xaxis={"type": "category", "categoryorder": "array", "categoryarray": list(names),
                                "title": "networks, from the furthest off", "showticklabels": False, "showgrid": False},
                         yaxis_title="times the forward pass", showlegend=True)
    return dress(figure, palette, 320)
