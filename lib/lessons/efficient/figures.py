"""The pictures of the lesson on efficient networks: times fewer, a matrix, a shuffle, what reaches what, a race."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress


MOST_NUMBERED = 16
"""Channels that have room for their numbers."""


@drawn
def times_fewer(widths: Sequence[int], counted: Sequence[float], chosen: int, window: int, palette: Palette,
                target: int = 0) -> go.Figure:
    """How many times fewer multiply-adds: counted ones (dots) on the formula's line, 1 / (1/C_out + 1/window), below its
    ceiling; the chosen width stands out. `target` is a line to be reached."""
    figure = go.Figure()
    steps = np.geomspace(widths[0], widths[-1], 60)
    figure.add_scatter(name="by the formula", x=steps, y=1 / (1 / steps + 1 / window), mode="lines",
                       line={"color": palette.series[0], "width": 2.5}, hoverinfo="skip")
    if target:
        figure.add_scatter(name=f"{target} times", x=steps[[0, -1]], y=[target] * 2, mode="lines", hoverinfo="skip",
                           line={"color": palette.series[1], "width": 2, "dash": "dash"})
    else:
        figure.add_scatter(name="9, the ceiling", x=steps[[0, -1]], y=[window] * 2, mode="lines", hoverinfo="skip",
                           line={"color": palette.series[1], "width": 2, "dash": "dash"})
    figure.add_scatter(
        name="counted", x=list(widths), y=list(counted), mode="markers",
        hovertemplate="%{x} channels: %{y:.2f}<extra></extra>",
        marker={"color": [palette.text if width == chosen else palette.series[0] for width in widths], "size": 12,
                "symbol": ["diamond" if width == chosen else "circle" for width in widths]})
    ticks = [width for width in widths if width == chosen or not 2 / 3 < width / chosen < 3 / 2]  # others would overlap
    figure.update_xaxes(type="log", tickvals=ticks, title="output channels C_out")
    figure.update_yaxes(range=[0, 1.1 * window], title="times fewer")
    return dress(figure, palette, 320)


@drawn
def group_matrix(outputs: int, inputs: int, groups: int, palette: Palette) -> go.Figure:
    """The weights of a grouped 1x1 as a matrix: a block for each group, nothing beside them."""
    figure = go.Figure()
    high, wide = outputs / groups, inputs / groups
    for group in range(groups):
        left, top = group * wide, group * high
        figure.add_scatter(x=[left, left + wide, left + wide, left, left], y=[top, top, top + high, top + high, top],
                           mode="lines", fill="toself", fillcolor=palette.series[group], name=f"group {group + 1}",
                           line={"color": palette.background, "width": 1}, hoverinfo="name")
    figure.update_xaxes(title="input channels", range=[0, inputs], showgrid=False)
    figure.update_yaxes(title="output channels", range=[outputs, 0], showgrid=False)
    figure.add_shape(type="rect", x0=0, x1=inputs, y0=0, y1=outputs, line={"color": palette.line, "width": 1})
    return dress(figure, palette, 320).update_layout(showlegend=False, margin={"t": 25})


@drawn
def shuffle(origins: Sequence[int], groups: int, asked: int, palette: Palette) -> go.Figure:
    """Channels before (above) and after (below), joined by lines; colours tell the group they come from. An arrow points to
    the place that is `asked` about."""
    width = len(origins) // groups
    figure = go.Figure()
    few = len(origins) <= MOST_NUMBERED
    place = [index + index // width for index in range(len(origins))]  # a gap between groups
    for group in range(groups):
        lines_x, lines_y, ends, channels = [], [], [], list(range(group * width, (group + 1) * width))
        for target, source in enumerate(origins):
            if source // width == group:
                lines_x += [place[source], place[target], None]
                lines_y += [1, 0, None]
                ends.append(place[target])
                channels.append(source)
        starts = place[group * width:(group + 1) * width]
        figure.add_scatter(x=lines_x, y=lines_y, mode="lines", line={"color": palette.series[group], "width": 1.5},
                           hoverinfo="skip")
        figure.add_scatter(
            x=starts + ends, y=[1] * width + [0] * width, mode="markers+text" if few else "markers",
            text=channels, textfont={"color": palette.background, "size": 13}, hoverinfo="text",
            hovertext=[f"channel {channel}, from group {group + 1}" for channel in channels],
            marker={"color": palette.series[group], "size": 22 if few else 7, "symbol": "square"})
        name = f"group {group + 1}" if groups <= 4 else str(group + 1)
        figure.add_annotation(x=sum(starts) / width, y=1.22, text=name, showarrow=False)
    figure.add_annotation(x=place[asked], y=-0.12, ay=26, ax=0, text=f"place {asked}", arrowhead=2, arrowcolor=palette.text)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, range=[-0.45, 1.4])
    return dress(figure, palette, 260).update_layout(showlegend=False, margin={"l": 0, "r": 0, "t": 0, "b": 0})


@drawn
def reach(shares: np.ndarray, palette: Palette) -> go.Figure:
    """What each group of outputs (rows) hears of each group of inputs (columns); a cell without a path says 0."""
    names = [f"{index + 1} " for index in range(len(shares))]  # the space keeps plotly from reading a number
    figure = go.Figure(go.Heatmap(
        z=shares, x=names, y=names, zmin=0, zmax=1, showscale=False,
        colorscale=[[0, palette.background], [1, palette.kinds["convolution"]]], textfont={"color": palette.text},
        text=[[f"{100 * share:.1f}" if share else "0" for share in row] for row in shares], texttemplate="%{text}",
        xgap=2, ygap=2, hovertemplate="output group %{y}from input group %{x}: %{z:.1%}<extra></extra>"))
    figure.update_xaxes(title="input group", showgrid=False, dtick=1)
    figure.update_yaxes(title="output group", autorange="reversed", showgrid=False, dtick=1)
    return dress(figure, palette, 320).update_layout(margin={"l": 10, "r": 10, "t": 25, "b": 10})


@drawn
def race(pairs: Mapping[str, tuple[float, float]], palette: Palette) -> go.Figure:
    """For each pair (multiply-adds, time) of the second runner as multiples of the first; times have their own digits."""
    figure = go.Figure()
    for index, (name, pattern, digits) in enumerate((("multiply-adds", "", ".2f"), ("time", "/", "g"))):
        values = [pair[index] for pair in pairs.values()]
        figure.add_bar(name=name, x=list(pairs), y=values, text=[f"{value:{digits}}" for value in values],
                       textposition="outside", cliponaxis=False,
                       hovertemplate=f"%{{x}}<br>{name}: %{{text}}<extra></extra>",
                       marker={"color": palette.series[index], "pattern": {
                           "shape": pattern, "fgcolor": palette.background, "fillmode": "overlay", "size": 6}})
    figure.add_hline(y=1, line={"color": palette.text, "dash": "dot", "width": 1})
    figure.update_yaxes(title="first runner = 1", range=[0, 1.15 * max(1, *(max(pair) for pair in pairs.values()))])
    return dress(figure.update_layout(barmode="group"), palette, 340)
