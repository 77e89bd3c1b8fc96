"""The Atlas as pictures: families on a time axis, what changed from network to network, accuracy against cost, and the
winners of ILSVRC."""

from collections.abc import Iterable, Sequence
from html import escape
from math import log10

import graphviz
import plotly.graph_objects as go

from lib.analysis.atlas import Edge, Ilsvrc, Point
from lib.architecture import Architecture
from lib.figures.diagram import FONT, SMALL
from lib.figures.theme import Palette

SYMBOLS = ("circle", "diamond", "square")
"""Families beyond the palette's series begin again with the next shape."""


def timeline(families: Sequence[Architecture], palette: Palette) -> go.Figure:
    """A row for each family, a point in the year of its paper. Points carry the family's id as customdata."""
    names, years = [family.name for family in families], [family.paper.year for family in families]
    figure = go.Figure()
    for name, year in zip(names, years):
        figure.add_scatter(x=[min(years) - 1, year], y=[name, name], mode="lines", hoverinfo="skip",
                           line={"color": palette.line, "width": 1})
    figure.add_scatter(
        x=years, y=names, mode="markers+text", text=years, textposition="middle right",
        marker={"size": 15, "color": palette.accent}, customdata=[family.id for family in families],
        hovertext=[f"<b>{escape(family.name)}</b>, {family.paper.year}<br>{escape(family.paper.title)}<br>"
                   f"{escape(family.paper.authors)}" for family in families], hoverinfo="text", cliponaxis=False)
    figure.update_xaxes(range=[min(years) - 1, max(years) + 2], showgrid=False, dtick=5, zeroline=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)
    return _dress(figure, palette, 60 + 30 * len(families))


def lineage(edges: Iterable[Edge], families: Sequence[Architecture], palette: Palette) -> str:
    """Graphviz source: networks framed by family, an arrow for each change. A network's link is `#` and its id."""
    edges = list(edges)
    used = {preset for edge in edges for preset in (edge.change.parent, edge.change.child)}
    dot = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "bgcolor": palette.background, "nodesep": "0.3", "ranksep": "0.35", "pad": "0.1",
                    "fontname": FONT, "fontcolor": palette.muted, "fontsize": "12"},
        node_attr={"shape": "box", "style": "rounded,filled", "color": palette.line, "fillcolor": palette.kinds["other"],
                   "fontname": FONT, "fontsize": "12", "fontcolor": palette.text, "height": "0.34", "margin": "0.12,0.04"},
        edge_attr={"fontname": FONT, "fontsize": SMALL, "fontcolor": palette.muted, "color": palette.line,
                   "arrowsize": "0.7"})
    for family in families:
        if members := [preset for preset in family.presets if preset in used]:
            with dot.subgraph(name=f"cluster {family.id}") as frame:
                frame.attr(label=f"{family.name}, {family.paper.year}", style="rounded", color=palette.line,
                           labeljust="l", margin="8")
                for preset in members:
                    frame.node(preset, URL=f"#{preset}", tooltip=preset)
    for edge in edges:
        dot.edge(edge.change.parent, edge.change.child, label=_edge_label(edge, palette))
    return dot.source


def _edge_label(edge: Edge, palette: Palette) -> str:
    """The change in words, and below it what it did to the totals."""
    rows = [f'<FONT COLOR="{palette.text}">{escape(edge.change.change)}</FONT>',
            f"params {difference(edge.params, edge.params_percent)}", f"MACs {difference(edge.macs, edge.macs_percent)}"]
    cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>>'


def difference(value: int, percent: float) -> str:
    """A difference with its sign, in numbers and in percent: `+2.53 M (+9.9 %)`."""
    if value == 0:
        return "the same"
    size, unit = next(((size, unit) for size, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")) if abs(value) >= size),
                      (1, ""))
    amount = f"{value / size:+,.2f}{unit}" if size > 1 else f"{value:+,}"
    return f"{amount} ({percent:+,.1f} %)".replace("-", "−")


WIDTH, HEIGHT = 900, 520
"""The size, in pixels, that labels are placed for."""

LARGEST = 58
"""Diameter of the largest bubble, in pixels."""


def chart(points: Sequence[Point], palette: Palette) -> go.Figure:
    """Top-1 accuracy against multiply-adds; a bubble's area is its parameters. Points carry their place in `points` as
    customdata."""
    families = list(dict.fromkeys(point.family.id for point in points))
    largest = max(point.totals.params for point in points)
    labels = _labels(points, largest)
    figure = go.Figure()
    for number, family in enumerate(families):
        own = [index for index, point in enumerate(points) if point.family.id == family]
        shown = [points[index] for index in own]
        figure.add_scatter(
            name=shown[0].family.name, x=[point.totals.macs for point in shown], y=[point.top1 for point in shown],
            mode="markers+text", text=[labels[index][0] for index in own], customdata=own,
            textposition=[labels[index][1] for index in own], textfont={"size": 11, "color": palette.text},
            marker={"size": [point.totals.params for point in shown], "sizemode": "area", "sizemin": 4,
                    "sizeref": 2 * largest / LARGEST**2, "color": palette.series[number % len(palette.series)],
                    "symbol": SYMBOLS[number // len(palette.series) % len(SYMBOLS)], "opacity": 0.7,
                    "line": {"color": palette.background, "width": 1}},
            selected={"marker": {"opacity": 0.7}}, unselected={"marker": {"opacity": 0.7}},
            hovertext=[_hover(point) for point in shown], hoverinfo="text", cliponaxis=False)
    (left, right), (low, high) = _ranges(points)
    figure.update_xaxes(type="log", range=[left, right], title="MACs for one image (logarithmic)", dtick="D2",
                        exponentformat="SI", zeroline=False)
    figure.update_yaxes(range=[low, high], title="top-1 accuracy, %", zeroline=False)
    _dress(figure, palette, HEIGHT)
    return figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.16, "itemsizing": "constant"})


def _ranges(points: Sequence[Point]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The axes, with room for bubbles and labels at the edge: powers of ten, percent."""
    macs, accuracy = [log10(point.totals.macs) for point in points], [point.top1 for point in points]
    across, up = 0.08 * (max(macs) - min(macs)) + 0.12, 0.08 * (max(accuracy) - min(accuracy)) + 0.5
    return (min(macs) - across, max(macs) + across), (min(accuracy) - up, max(accuracy) + up)


def _labels(points: Sequence[Point], largest: int) -> list[tuple[str, str]]:
    """The name of each bubble and on which side of it the name lies. A name that would cover another one is left out;
    hovering tells it."""
    (left, right), (low, high) = _ranges(points)
    placed, taken = [], []
    for point in points:
        x, y = ((log10(point.totals.macs) - left) / (right - left) * WIDTH, (high - point.top1) / (high - low) * HEIGHT)
        away = LARGEST / 2 * (point.totals.params / largest) ** 0.5 / 0.8 + 8
        half = 3.2 * len(point.result.preset)
        sides = {"top center": (x, y - away), "bottom center": (x, y + away),
                 "middle right": (x + away + half, y), "middle left": (x - away - half, y)}
        free = [(side, place) for side, place in sides.items()
                if half < place[0] < WIDTH - half and all(
                    abs(place[0] - other[0]) > half + other[2] or abs(place[1] - other[1]) > 13 for other in taken)]
        if free:
            taken.append((*free[0][1], half))
        placed.append((point.result.preset, free[0][0]) if free else ("", "top center"))
    return placed


def _hover(point: Point) -> str:
    top5 = "not printed" if point.top5 is None else f"{point.top5:.4g} %"
    changed = "".join(f"<br>{name} = {str(value).lower()}" for name, value in point.result.knobs.items())
    return (f"<b>{escape(point.result.preset)}</b>, {escape(point.family.name)}{changed}<br>"
            f"top-1 {point.top1:.4g} %, top-5 {top5}<br>{point.totals.params:,} parameters<br>"
            f"{point.totals.macs:,} MACs<br>{escape(point.result.source)}")


def winners(contest: Ilsvrc, palette: Palette) -> go.Figure:
    """Top-5 test error of each year's winner, and a person's. Bars carry the year as customdata."""
    entries = contest.winners
    figure = go.Figure(go.Bar(
        orientation="h", y=[f"{entry.year}  {entry.team}" for entry in entries], x=[entry.error for entry in entries],
        text=[f"{entry.error:.1f}" for entry in entries], textposition="outside", cliponaxis=False, width=0.62,
        marker={"color": [palette.accent if entry.kind == "ensemble" else palette.line for entry in entries]},
        customdata=[entry.year for entry in entries], hoverinfo="text",
        hovertext=[f"<b>{entry.year}, {escape(entry.team)}</b>: {entry.error} %<br>{escape(entry.ran)}" for entry in entries]))
    figure.add_vline(x=contest.human_error, line={"color": palette.text, "dash": "dash", "width": 1},
                     annotation={"text": f"a person, {contest.human_error}", "font": {"color": palette.text}},
                     annotation_position="bottom right")
    figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)
    figure.update_xaxes(title="top-5 error on the test set, %", range=[0, 1.1 * max(entry.error for entry in entries)])
    return _dress(figure, palette, 60 + 44 * len(entries))


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    figure.update_layout(
        height=height, margin={"l": 10, "r": 10, "t": 20, "b": 10}, showlegend=False, hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", font={"color": palette.text, "size": 13},
        dragmode=False, hoverlabel={"bgcolor": palette.background, "font": {"color": palette.text}, "align": "left"})
    figure.update_xaxes(gridcolor=palette.kinds["other"], linecolor=palette.line)
    figure.update_yaxes(gridcolor=palette.kinds["other"], linecolor=palette.line)
    return figure
