"""The pictures of the lesson on Inception: branches, growth of maps, layers, kernels taken apart, gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from lib.figures.lines import look
from lib.figures.theme import Palette, drawn, dress

PATTERNS = ("", "/", "x")
ROOM = 1.25
"""How much longer than its longest bar an axis is, for the numbers at the ends."""


@drawn
def cut(names: Sequence[str], small: Sequence[int], large: Sequence[int], palette: Palette) -> go.Figure:
    """Multiply-adds of a branch in each form: a bar, cut into the 1x1 that reduces and the kernel."""
    figure = go.Figure()
    for index, (title, values) in enumerate((("1×1 that reduces", small), ("the kernel", large))):
        figure.add_bar(name=title, y=list(names), x=list(values), orientation="h", marker=_marker(palette, index),
                       hovertemplate=f"{title}, %{{y}}: %{{x:,}} MACs<extra></extra>")
    sums = [sum(parts) for parts in zip(small, large)]
    for name, whole in zip(names, sums):
        figure.add_annotation(x=whole, y=name, text=f"{whole / 1e6:,.1f}M", showarrow=False, xanchor="left", xshift=4)
    figure.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal",
                         xaxis={"title": "MACs", "tickformat": "~s", "range": (0, ROOM * max(sums))})
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6, showgrid=False)
    return dress(figure, palette).update_layout(showlegend=True)


def _marker(palette: Palette, index: int) -> dict:
    return {"color": palette.series[index], "pattern": {
        "shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}}


@drawn
def break_even(reduction: int, weights: int, alone: int, crossing: float, palette: Palette) -> go.Figure:
    """Weights of a branch over the filters of its reduction, which are a line through zero, and of its kernel alone."""
    figure, end = go.Figure(), 1.3 * max(crossing, reduction)
    lines = {"1×1 and 3×3": (0, end * weights / reduction), "3×3 alone": (alone, alone)}
    for index, (name, heights) in enumerate(lines.items()):
        figure.add_scatter(name=name, x=(0, end), y=heights, **look(palette, index, False), hoverinfo="name")
    for index, (x, y, words) in enumerate(((reduction, weights, "chosen"), (crossing, alone, "equal"))):
        figure.add_scatter(x=[x], y=[y], mode="markers+text", text=[f"{words}: {x:,.0f}"], showlegend=False,
                           textposition="bottom right", textfont={"color": palette.text},
                           marker={"color": palette.text, "symbol": ("circle", "x")[index], "size": 10}, cliponaxis=False,
                           hovertemplate=f"{words}: %{{x:.0f}} filters, %{{y:,}} weights<extra></extra>")
    figure.update_layout(xaxis_title="filters of the reduction", yaxis={"title": "weights", "tickformat": "~s"})
    return dress(figure, palette).update_layout(showlegend=True)


@drawn
def branches(names: Sequence[str], naive: Sequence[int], small: Sequence[int], large: Sequence[int],
             palette: Palette) -> go.Figure:
    """Multiply-adds by branch: the naive module beside the reduced one, whose 1x1 and larger kernels are told apart."""
    figure = go.Figure()
    for title, values, base, group, index in (
            ("naive", naive, None, "naive", 0), ("reduced: added 1×1", small, None, "reduced", 1),
            ("reduced: the kernel", large, list(small), "reduced", 2)):
        figure.add_bar(name=title, x=list(names), y=list(values), base=base, offsetgroup=group,
                       marker=_marker(palette, index), customdata=list(values),
                       hovertemplate=f"{title}, %{{x}}: %{{customdata:,}} MACs<extra></extra>")
    figure.update_layout(barmode="group", yaxis={"title": "MACs", "tickformat": "~s"}, xaxis_title="branch")
    return _dress(figure, palette)


@drawn
def growth(modules: Sequence[str], channels: Mapping[str, Sequence[int]], row: str, palette: Palette) -> go.Figure:
    """Channels after each module, a line for each network; the module `row` is marked."""
    figure = go.Figure()
    for index, (network, values) in enumerate(channels.items()):
        figure.add_scatter(name=network, x=list(modules), y=list(values), **look(palette, index),
                           hovertemplate=f"{network}, %{{x}}: %{{y}} channels<extra></extra>")
    figure.add_vline(list(modules).index(row), line={"color": palette.muted, "dash": "dot", "width": 1.5})
    figure.update_layout(yaxis={"title": "channels", "rangemode": "tozero"}, xaxis_title="after the module")
    return _dress(figure, palette)


@drawn
def bars(names: Sequence[str], numbers: Sequence[float], title: str, palette: Palette, unit: str = "") -> go.Figure:
    """A bar for each name, its number written at its end: with its unit, or else in millions."""
    shown = [f"{number:.1f} {unit}" if unit else f"{number / 1e6:,.0f}M" for number in numbers]
    figure = go.Figure(go.Bar(
        y=list(names), x=list(numbers), orientation="h", marker={"color": palette.accent}, text=shown, textposition="outside",
        hovertemplate="%{y}<br>%{text}<extra></extra>"))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title=title, tickformat="" if unit else "~s", range=(0, ROOM * max(numbers)))
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6, showgrid=False)
    return dress(figure, palette)


@drawn
def stems(macs: Mapping[str, Mapping[str, int]], palette: Palette) -> go.Figure:
    """Multiply-adds by resolution on the way to 28x28, a bar for each network."""
    figure = go.Figure()
    for index, (network, sums) in enumerate(macs.items()):
        figure.add_bar(name=network, x=list(sums), y=list(sums.values()), marker=_marker(palette, index),
                       text=[f"{value / 1e6:,.0f}M" if value else "" for value in sums.values()],
                       textposition="outside", cliponaxis=False,
                       hovertemplate=f"{network}, %{{x}}: %{{y:,}} MACs<extra></extra>")
    figure.update_layout(barmode="group", yaxis={"title": "MACs", "tickformat": "~s"},
                         xaxis_title="map that the convolution writes")
    return _dress(figure, palette)


@drawn
def ladder(reached: Mapping[str, bool], taps: Sequence[str], coloured: bool, palette: Palette) -> go.Figure:
    """The parts of the network in a row, with a loss above each of `taps` and behind the last. With `coloured`, the parts
    that a gradient of the auxiliary losses reaches are filled."""
    names = list(reached)
    places = {tap: names.index(tap) for tap in taps}
    fill = [palette.series[1] if coloured and reached[name] else palette.background for name in names]
    figure = go.Figure(go.Scatter(
        x=list(range(len(names))), y=[0] * len(names), mode="lines+markers", text=names, hoverinfo="text", cliponaxis=False,
        line={"color": palette.line, "width": 2},
        marker={"color": fill, "size": 22, "line": {"color": palette.line, "width": 2}}))
    for place in places.values():
        _loss(figure, place, 1, "auxiliary<br>loss", (place, 0), palette)
    _loss(figure, len(names), 0, "main<br>loss", (len(names) - 1, 0), palette)
    dress(figure, palette).update_layout(showlegend=False, margin_t=10)
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=names, showgrid=False, range=[-0.6, len(names) + 0.6])
    return figure.update_yaxes(visible=False, range=[-0.4, 1.5])


def _loss(figure: go.Figure, x: float, y: float, words: str, given: tuple[float, float], palette: Palette) -> None:
    figure.add_scatter(x=[given[0], x], y=[given[1], y], mode="lines", hoverinfo="skip",
                       line={"color": palette.line, "width": 2, "dash": "dot"})
    figure.add_annotation(x=x, y=y, text=words, showarrow=False, bgcolor=palette.background, bordercolor=palette.line,
                          borderpad=3, font={"color": palette.text})


@drawn
def gradients(names: Sequence[str], norms: Mapping[str, Sequence[float]], palette: Palette) -> go.Figure:
    """Norms of the weight gradients from the image up, with and without the auxiliary losses, on a logarithmic scale."""
    figure = go.Figure()
    for index, (title, values) in enumerate(norms.items()):
        figure.add_scatter(name=title, x=list(names), y=list(values), **look(palette, index),
                           hovertemplate=f"{title}, %{{x}}: %{{y:.2e}}<extra></extra>")
    thin = {"color": palette.muted, "dash": "dot", "width": 1.5}
    for part in ("4a", "4d"):
        figure.add_vline(list(names).index(part), line=thin)
    figure.add_scatter(name="classifier", x=[None], y=[None], mode="lines", line=thin)  # what the thin lines are
    figure.update_yaxes(type="log", tickformat=".1~g", title="gradient norm", dtick=_step(norms))
    figure.update_xaxes(tickangle=-60)
    return _dress(figure, palette)


def _step(norms: Mapping[str, Sequence[float]]) -> Any:
    """Lines of the scale: at 1, 2 and 5 (D2) where it spans little, else at every or every second power of ten."""
    values = [value for line in norms.values() for value in line]
    span = max(values) / min(values)
    return "D2" if span < 100 else 1 if span < 1e4 else 2


def _dress(figure: go.Figure, palette: Palette, height: int = 340) -> go.Figure:
    dress(figure, palette, height).update_layout(margin_t=50, bargap=0.25, legend_y=1.04, showlegend=True)
    return figure.update_xaxes(type="category", showgrid=False)
