"""Times against multiply-adds, a point for each network, with the line on which all would lie if MACs alone decided."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from lib.digits import text
from lib.figures.theme import Palette, drawn, dress
from lib.lab.against_macs import Outlier, Rate, common

GROUPS = {"depthwise": ("depthwise convolutions", "diamond"), "gates": ("gates from a global average", "triangle-up"),
          "grouped": ("grouped convolutions", "square"), "plain": ("none of these", "circle")}
"""What a network's trace holds: the name in the legend, and the shape of its points."""


@drawn
def scatter(rates: Sequence[Rate], outliers: Sequence[Outlier], palette: Palette) -> go.Figure:
    """Milliseconds of a pass over its MACs, both logarithmic. The outliers' middle networks are numbered, from 1 on; times
    that bear no conclusion are hollow."""
    figure = go.Figure()
    across = [rate.gmacs for rate in rates]
    rate = common(rates)
    ends = [min(across) / 1.5, max(across) * 1.5]
    figure.add_scatter(x=ends, y=[rate * end for end in ends], mode="lines", name=f"common rate: {rate:.2g} ms per GMAC",
                       line={"color": palette.muted, "dash": "dash", "width": 1.5}, hoverinfo="name")
    for (group, (name, symbol)), color in zip(GROUPS.items(), palette.series):
        own = [rate for rate in rates if rate.traits.group == group]
        figure.add_scatter(
            x=[rate.gmacs for rate in own], y=[rate.latency.latency_ms.median for rate in own], mode="markers", name=name,
            marker={"size": 10, "symbol": [symbol + "-open" * (not rate.latency.sound) for rate in own] or symbol,
                    "color": color, "opacity": 0.8,
                    "line": {"color": palette.background, "width": 1}},
            hovertext=[_hover(rate) for rate in own], hoverinfo="text", visible=True if own else "legendonly")
    named = [outlier.middle for outlier in outliers]
    figure.add_scatter(
        x=[rate.gmacs for rate in named], y=[rate.latency.latency_ms.median for rate in named], mode="text",
        text=[f" {number} " for number in range(1, len(named) + 1)], hoverinfo="skip", showlegend=False, cliponaxis=False,
        textposition=[f"{'top' if rate.factor > 1 else 'bottom'} {('left', 'right')[index % 2]}"
                      for index, rate in enumerate(named)], textfont={"size": 13, "color": palette.text})
    figure.update_xaxes(type="log", title="MACs of one pass, G (logarithmic)", dtick=1)
    figure.update_yaxes(type="log", title="ms for one pass (logarithmic)", dtick=1)
    return dress(figure, palette, 520).update_layout(legend={"y": -0.2, "yanchor": "top"}, margin_t=20)


def _hover(rate: Rate) -> str:
    spread = rate.latency.latency_ms
    middle, low, high, for_gmac, factor = (text(value, spread.figures) for value in (
        spread.median, spread.p10, spread.p90, rate.ms_per_gmac, rate.factor))
    return (f"<b>{escape(rate.latency.label)}</b>, {escape(rate.family.name)}<br>{middle} ms ({low} to {high})"
            f"<br>{rate.gmacs:.4g} GMACs<br>{for_gmac} ms per GMAC<br>{factor} times the common rate")
