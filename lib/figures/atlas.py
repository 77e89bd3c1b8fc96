"""The Atlas as pictures: families on a time axis, what changed from network to network, accuracy against cost, and the
winners of ILSVRC."""

from collections.abc import Iterable, Sequence
from html import escape
from textwrap import wrap

import graphviz
import plotly.graph_objects as go

from lib.analysis.atlas import Edge, Ilsvrc, Point
from lib.architecture import Architecture
from lib.digits import change
from lib.figures.bubbles import HEIGHT, SMALL, Bubble, bubbles, named, ranges, ticks
from lib.figures.diagram import FONT
from lib.figures.theme import Palette, drawn, dress

SYMBOLS = ("circle", "diamond", "square")
"""Families beyond the palette's series begin again with the next shape."""

CHARACTERS = 24
"""A line of an arrow's label holds so many."""


@drawn
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
    return _dress(figure, palette, 40 + 22 * len(families))


def lineage(edges: Iterable[Edge], families: Sequence[Architecture], palette: Palette) -> str:
    """Graphviz source: networks framed by family, an arrow for each change. A network's link is `#` and its id."""
    edges = list(edges)
    used = {preset for edge in edges for preset in (edge.change.parent, edge.change.child)}
    dot = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "bgcolor": palette.background, "nodesep": "0.3", "ranksep": "0.35", "pad": "0.1",
                    "fontname": FONT, "fontcolor": palette.muted, "fontsize": str(SMALL)},
        node_attr={"shape": "box", "style": "rounded,filled", "color": palette.line,
                   "fillcolor": palette.kinds["other"], "fontname": FONT, "fontsize": str(SMALL + 1),
                   "fontcolor": palette.text, "height": "0.34", "margin": "0.12,0.04"},
        edge_attr={"fontname": FONT, "fontsize": str(SMALL), "fontcolor": palette.muted, "color": palette.line,
                   "arrowsize": "0.7"})
    for family in families:
        if members := [preset for preset in family.presets if preset in used]:
            with dot.subgraph(name=f"cluster {family.id}") as frame:
                frame.attr(label=f"{family.name}, {family.paper.year}", style="rounded", color=palette.line,
                           labeljust="r", margin="8")
                for preset in members:
                    frame.node(preset, URL=f"#{preset}", tooltip=preset)
    for edge in edges:
        dot.edge(edge.change.parent, edge.change.child, label=_edge_label(edge, palette))
    return dot.source


def _edge_label(edge: Edge, palette: Palette) -> str:
    """The change in words, and below it what it did to the totals."""
    words = [f'<FONT COLOR="{palette.text}">{escape(line)}</FONT>' for line in wrap(edge.change.change, CHARACTERS)]
    rows = [*words, f"params {change(edge.before.params, edge.after.params)}",
            f"MACs {change(edge.before.macs, edge.after.macs)}"]
    cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>>'


@drawn
def chart(points: Sequence[Point], palette: Palette) -> go.Figure:
    """Top-1 accuracy against multiply-adds; a bubble's area is its parameters. Points carry their place in `points` as
    customdata."""
    shown = [Bubble(point.totals.macs, point.top1, point.totals.params, point.result.preset, point.leads)
             for point in points]
    families = list(dict.fromkeys(point.family.id for point in points))
    largest = max(bubble.area for bubble in shown)
    figure = go.Figure()
    for number, family in enumerate(families):
        turn, place = divmod(number, len(palette.series))
        marker = {"color": palette.series[place], "symbol": SYMBOLS[turn % len(SYMBOLS)],
                  "line": {"color": palette.background, "width": 1}}
        own = [index for index, point in enumerate(points) if point.family.id == family]
        figure.add_trace(bubbles(
            [shown[index] for index in own], largest, mode="markers", name=points[own[0]].family.name, hoverinfo="text",
            hovertext=[_hover(points[index]) for index in own], customdata=own).update(marker=marker))
    figure.add_trace(named(shown, palette, customdata=list(range(len(points)))))
    across, upwards = ranges(shown)
    marks = ticks(across)
    words = [f"{mark / 1e9:g} G" if mark >= 1e9 else f"{mark / 1e6:g} M" for mark in marks]
    figure.update_xaxes(type="log", range=across, title="MACs for one image (logarithmic)", zeroline=False,
                        tickvals=marks, ticktext=words)
    figure.update_yaxes(range=upwards, title="top-1 accuracy, %", zeroline=False)
    _dress(figure, palette, HEIGHT + 120)
    return figure.update_layout(showlegend=True, legend={
        "orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "itemsizing": "constant", "itemclick": False,
        "itemdoubleclick": False})


def _hover(point: Point) -> str:
    top5 = "not printed" if point.top5 is None else f"{point.top5:.4g} %"
    changed = "".join(f"<br>{name} = {str(value).lower()}" for name, value in point.result.knobs.items())
    return (f"<b>{escape(point.result.preset)}</b>, {escape(point.family.name)}{changed}<br>"
            f"top-1 {point.top1:.4g} %, top-5 {top5}<br>{point.totals.params:,} parameters<br>"
            f"{point.totals.macs:,} MACs<br>{escape(point.result.source)}")


@drawn
def winners(contest: Ilsvrc, palette: Palette) -> go.Figure:
    """Top-5 test error of each year's winner, and below them that of a person."""
    colors = {"ensemble": palette.accent, "shallow": palette.line}
    rows = [(f"{entry.year}  {entry.team}", entry.error, entry.ran, colors[entry.kind]) for entry in contest.winners]
    rows.append(("A person", contest.human_error, contest.human, palette.background))
    names, errors, words, fills = zip(*rows)
    figure = go.Figure(go.Bar(
        orientation="h", y=names, x=errors, width=0.62, cliponaxis=False, hoverinfo="text",
        text=[f"{error:.1f}" for error in errors], textposition="outside",
        marker={"color": fills, "line": {"color": palette.text, "width": [0] * len(contest.winners) + [1.5]}},
        hovertext=[f"<b>{escape(name)}</b>: {error} %<br>{escape(said)}"
                   for name, error, said in zip(names, errors, words)]))
    figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)
    figure.update_xaxes(title="top-5 error on the test set, %", range=[0, 1.1 * max(errors)])
    return _dress(figure, palette, 60 + 38 * len(rows))


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    return dress(figure, palette, height).update_layout(
        margin_t=20, showlegend=False, dragmode=False,
        hoverlabel={"bgcolor": palette.background, "font": {"color": palette.text}, "align": "left"})
