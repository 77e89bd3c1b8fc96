"""The pictures of the lesson on AlexNet and VGG: shares by part and by layer, cost by stage, weights of endings."""

from collections.abc import Mapping, Sequence
from math import log10

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lib.analysis import Layer
from lib.figures.theme import Palette, ROLES, drawn, dress
from lib.lessons.vgg.heads import Ending
from lib.lessons.vgg.networks import QUANTITIES, name
from lib.lessons.vgg.stages import FIFTH, FIRST, HOLDS, IMAGE, Cost, Rung

TITLES = {"memory": "memory", "params": "parameters", "macs": "MACs"}
LOOKS = {"convolution": (0, ""), "linear": (1, "/"), "pooling": (2, "x"), "normalisation": (3, ".")}
"""Colour (place in the series) and pattern of each role."""
REASONS = {HOLDS: (0, ""), FIRST: (1, "/"), FIFTH: (2, "x"), IMAGE: (3, ".")}


@drawn
def parts(sums: Mapping[str, Mapping[str, int]], palette: Palette) -> go.Figure:
    """A bar for each quantity, cut into the parts of the network, in percent."""
    figure = go.Figure()
    for index, (part, numbers) in enumerate(sums.items()):
        totals = [sum(each[quantity] for each in sums.values()) for quantity in TITLES]
        values = [100 * numbers[quantity] / total for quantity, total in zip(TITLES, totals)]
        figure.add_bar(
            name=part, y=list(TITLES.values()), x=values, orientation="h", customdata=[numbers[each] for each in TITLES],
            text=[f"{value:.0f}%" if value >= 5 else "" for value in values], textposition="inside",
            insidetextanchor="middle", textangle=0, insidetextfont={"color": palette.background},
            marker=_marker(palette, index, ("", "/", "x")[index]),
            hovertemplate=f"%{{y}}: %{{customdata:,}} (%{{x:.1f}} %)<extra>{part}</extra>")
    figure.update_xaxes(ticksuffix="%")
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return _dress(figure, palette, 320).update_layout(barmode="stack", bargap=0.15, margin_t=30, legend_traceorder="normal")


@drawn
def shares(layers: Sequence[Layer], palette: Palette) -> go.Figure:
    """Three rows of bars over the layers: their shares of memory, parameters and multiply-adds, in percent."""
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.1,
                           subplot_titles=[f"share of {title}" for title in TITLES.values()])
    for role, (index, pattern) in LOOKS.items():
        chosen = [op for op in layers if ROLES[op.kind] == role]
        for row, (quantity, attribute) in enumerate(QUANTITIES.items(), 1):
            total = sum(getattr(op, attribute) for op in layers)
            values = [100 * getattr(op, attribute) / total for op in chosen]
            figure.add_bar(
                row=row, col=1, name=role, legendgroup=role, showlegend=row == 1 and bool(chosen),
                x=[name(op) for op in chosen], y=values, customdata=[getattr(op, attribute) for op in chosen],
                text=[f"{value:.0f}%" if value >= 5 else "" for value in values], textposition="outside", cliponaxis=False,
                marker=_marker(palette, index, pattern),
                hovertemplate=f"%{{x}}: %{{customdata:,}} (%{{y:.1f}} %)<extra>{TITLES[quantity]}</extra>")
    _dress(figure, palette, 600)
    figure.update_xaxes(categoryorder="array", categoryarray=[name(op) for op in layers], tickangle=-60)
    return figure.update_yaxes(ticksuffix="%", nticks=4)


def _marker(palette: Palette, index: int, pattern: str) -> dict:
    return {"color": palette.series[index],
            "pattern": {"shape": pattern, "fillmode": "overlay", "fgcolor": palette.background, "size": 6}}


@drawn
def bars(names: Sequence[str], numbers: Sequence[float], title: str, shown: str, palette: Palette) -> go.Figure:
    """A bar for each name, its number written at its end in the format `shown`."""
    figure = go.Figure(go.Bar(
        y=list(names), x=list(numbers), orientation="h", marker={"color": list(palette.series[:len(names)])},
        text=[f"{number:{shown}}" for number in numbers], textposition="auto",
        hovertemplate="%{y}: %{text}<extra></extra>"))
    figure.update_layout(bargap=0.4)
    figure.update_xaxes(title=title)
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return dress(figure, palette, 300)


@drawn
def growths(times: Mapping[str, float], before: str, palette: Palette) -> go.Figure:
    """How many times as much of each quantity a network has as the one before it."""
    figure = go.Figure(go.Bar(
        y=[TITLES[quantity] for quantity in times], x=list(times.values()), orientation="h",
        marker={"color": palette.accent}, text=[f"{value:.2f}" for value in times.values()], textposition="auto",
        hovertemplate="%{y}: %{x:.2f} times<extra></extra>"))
    figure.add_vline(1, line={"color": palette.text, "dash": "dot", "width": 1.5})
    figure.update_layout(bargap=0.4)
    figure.update_xaxes(title=f"times that of {before}", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return dress(figure, palette, 300)


@drawn
def layer_costs(names: Sequence[str], networks: Sequence[Sequence[Layer]], palette: Palette) -> go.Figure:
    """Multiply-adds of each weight layer, a bar for each network."""
    figure = go.Figure()
    for index, (network, layers, pattern) in enumerate(zip(names, networks, ("", "/", "x"))):
        figure.add_bar(name=network, x=[name(op) for op in layers], y=[op.macs for op in layers],
                       marker=_marker(palette, index, pattern), hovertemplate=f"{network}, %{{x}}: %{{y:,}}<extra></extra>")
    figure.update_layout(barmode="group", yaxis_title="MACs")
    return _dress(figure, palette, 340)


@drawn
def work(rungs: Sequence[Rung], shares: Sequence[float], palette: Palette) -> go.Figure:
    """The share of all multiply-adds that is done at each resolution, in percent."""
    figure = go.Figure(go.Bar(
        x=_labels(rungs), y=list(shares), marker={"color": palette.accent}, text=[f"{share:.3g}%" for share in shares],
        textposition="outside", cliponaxis=False, customdata=[rung.macs for rung in rungs],
        hovertemplate="%{customdata:,} MACs, %{y:.3g} %<extra></extra>"))
    figure.update_layout(bargap=0.35)
    figure.update_yaxes(title="share of all MACs", ticksuffix="%", rangemode="tozero")
    return dress(figure, palette, 330)


def _labels(rungs: Sequence[Rung]) -> list[str]:
    return [f"{rung.size}×{rung.size}<br>{rung.channels} ch." for rung in rungs]


@drawn
def ladder(rungs: Sequence[Rung], palette: Palette) -> go.Figure:
    """What one 3x3 convolution costs at every resolution, as a multiple of the first, on a scale of powers of two."""
    figure, first = go.Figure(), rungs[0]
    looks = (("MACs", "macs", "solid", "circle"), ("weights", "weights", "dash", "square"),
             ("output memory", "memory", "dot", "diamond"))
    for index, (title, quantity, dash, symbol) in enumerate(looks):
        figure.add_scatter(
            name=title, x=_labels(rungs),
            y=[getattr(rung, quantity) / getattr(first, quantity) for rung in rungs], mode="lines+markers",
            line={"color": palette.series[index], "dash": dash, "width": 2.5}, marker={"symbol": symbol, "size": 9},
            hovertemplate=f"{title}: %{{y:g}} times the first<extra></extra>")
    powers = [4.0**power for power in range(-8, 9)]
    figure.update_layout(yaxis={"type": "log", "title": "times the first", "tickvals": powers, "ticktext": [
        f"{value:g}" if value >= 1 else f"1/{1 / value:g}" for value in powers]})
    return _dress(figure, palette, 360)


@drawn
def costs(costs: Sequence[Cost], palette: Palette) -> go.Figure:
    """Multiply-adds of each convolution of a VGG as a share of a full layer; colour and pattern say why."""
    figure = go.Figure()
    for reason, (index, pattern) in REASONS.items():
        chosen = [cost for cost in costs if cost.reason == reason]
        if chosen:
            figure.add_bar(name=reason, x=[cost.name for cost in chosen], y=[100 * cost.share for cost in chosen],
                           customdata=[cost.op.macs for cost in chosen], marker=_marker(palette, index, pattern),
                           hovertemplate=f"%{{x}}: %{{customdata:,}} MACs, %{{y:.1f}} %<extra>{reason}</extra>")
    figure.add_hline(100, line={"color": palette.text, "dash": "dot", "width": 1})
    figure.update_xaxes(categoryorder="array", categoryarray=[cost.name for cost in costs], tickangle=-60)
    figure.update_layout(yaxis={"title": "of a full layer", "ticksuffix": "%", "range": [0, 115]})
    return _dress(figure, palette, 340)


@drawn
def endings(endings: Sequence[Ending], palette: Palette) -> go.Figure:
    """Weights of the linear layers of each ending, on a logarithmic scale."""
    figure = go.Figure(go.Bar(
        orientation="h", y=[ending.name.replace(", ", ",<br>").replace(": ", ":<br>") for ending in endings],
        x=[ending.weights for ending in endings],
        text=[f" {ending.weights:,}" for ending in endings], textposition="outside", cliponaxis=False,
        marker={"color": list(palette.series[:len(endings)])},
        hovertemplate="%{y}: %{x:,} weights<extra></extra>"))
    powers = [log10(ending.weights) for ending in endings]
    figure.update_xaxes(type="log", title="weights, logarithmic", dtick=2, range=[min(powers) - 1, max(powers) + 2])
    figure.update_yaxes(autorange="reversed", automargin=True)
    _dress(figure, palette, 260)
    return figure.update_layout(showlegend=False, margin_t=10)


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    dress(figure, palette, height).update_layout(margin_t=60, bargap=0.25, legend_y=1.06, showlegend=True)
    return figure.update_xaxes(showgrid=False)
