"""Pictures of receptive fields: theoretical ones layer by layer and stage by stage, and the measured one over them."""

from collections.abc import Collection, Sequence

import pandas as pd
import plotly.graph_objects as go

from lib.analysis.receptive_field import sides_text
from lib.figures.lines import look
from lib.figures.theme import Palette, drawn, dress
from lib.lessons.receptive_field.effective import Effective
from lib.trace import Pair

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
BESIDE = {"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top"}
"""The legend to the right of a square picture, where there is room."""
ABOVE_GUESS = {"showlegend": True, "legend_y": 1.16, "margin_t": 70}
"""The legend so high that a person's guess has its place below it."""


@drawn
def cone(kernel: int, layers: int, palette: Palette) -> go.Figure:
    """One output cell and, row by row, the cells that it sees through so many convolutions. The rows are cuts of maps."""
    figure, edge = go.Figure(), layers * (kernel - 1) // 2
    cells, names = range(-edge, edge + 1), ["input", *(f"after {layer}" for layer in range(1, layers + 1))]
    for level, name in enumerate(names):
        reach = (layers - level) * (kernel - 1) // 2
        figure.add_scatter(
            x=list(cells), y=[level] * len(cells), mode="markers",
            hovertemplate=f"{name}: {2 * reach + 1} cells<extra></extra>",
            marker={"symbol": "square", "size": min(22, 320 // len(cells)), "line": {"width": 1, "color": palette.line},
                    "color": [palette.accent if abs(cell) <= reach else palette.kinds["other"] for cell in cells]})
        figure.add_annotation(x=edge + 0.8, y=level, text=f"{2 * reach + 1} px" if level == 0 else f"{2 * reach + 1}",
                              showarrow=False, xanchor="left", font={"color": palette.text, "size": 15})
    for side in (-1, 1):
        figure.add_scatter(x=[0, side * edge], y=[layers, 0], mode="lines", hoverinfo="skip",
                           line={"color": palette.text, "dash": "dot", "width": 1.5})
    figure.update_xaxes(visible=False, range=[-edge - 0.8, 1.3 * edge + 1.2])
    figure.update_yaxes(tickvals=list(range(layers + 1)), ticktext=names, showgrid=False, range=[-0.6, layers + 0.6])
    return dress(figure, palette).update_layout(showlegend=False)


@drawn
def race(dilated: Sequence[int], plain: Sequence[int], palette: Palette) -> go.Figure:
    """Sides of the field, in cells, after each layer of two stacks of 3x3 convolutions."""
    figure = go.Figure()
    for index, (name, sides) in enumerate((("dilation 1, 2, 4, …", dilated), ("no dilation", plain))):
        figure.add_scatter(name=name, x=list(range(1, len(sides) + 1)), y=list(sides), **look(palette, index),
                           hovertemplate=f"{name}<br>%{{x}} layers: %{{y}} cells<extra></extra>")
    figure.add_hline(y=dilated[-1], line={"color": palette.text, "dash": "dot", "width": 1})
    figure.update_xaxes(title="3×3 convolutions", rangemode="tozero")
    figure.update_yaxes(title="field, cells", rangemode="tozero")
    return dress(figure, palette).update_layout(ABOVE_GUESS)


@drawn
def climb(names: Sequence[str], sides: Sequence[int], palette: Palette) -> go.Figure:
    """A bar for each layer: the field that it finds, and what it adds. `sides` are those after the layers, in pixels."""
    before = [1, *sides[:-1]]
    added = [after - found for found, after in zip(before, sides)]
    figure, places = go.Figure(), [f"{place}. {name}" for place, name in enumerate(names, 1)]
    figure.add_bar(name="field before", y=places, x=before, orientation="h", marker={"color": palette.kinds["convolution"]},
                   hovertemplate="%{y}<br>before: %{x} px<extra></extra>")
    figure.add_bar(name="added", y=places, x=added, orientation="h", text=[f"+{more}" for more in added], textangle=0,
                   marker={"color": palette.accent, "pattern": {"shape": "/", "fillmode": "overlay", "fgcolor": palette.background, "size": 6}},
                   textposition="outside", cliponaxis=False, hovertemplate="%{y}<br>adds %{x} px<extra></extra>")
    figure.update_layout(barmode="stack", bargap=0.35)
    figure.update_xaxes(title="field, px", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return dress(figure, palette).update_layout(ABOVE_GUESS, legend_traceorder="normal")


@drawn
def nested(names: Sequence[str], spans: Sequence[Pair], image: int, chosen: int, palette: Palette) -> go.Figure:
    """The theoretical fields of the unit in the middle after each stage, as squares on the image. `spans` are their
    (first, last) pixels along either axis; that of index `chosen` is filled."""
    figure = go.Figure()
    _square(figure, "", (spans[chosen][0], spans[chosen][1] + 1), palette.accent, "solid", 0, palette.kinds["convolution"])
    _square(figure, f"image, {image}", (0, image), palette.text, "solid", 2)
    for index, (name, (first, last)) in enumerate(zip(names, spans)):
        _square(figure, f"{name}, {last + 1 - first}", (first, last + 1), palette.series[index], DASHES[index], 2.5)
    return _to_scale(figure, min(0, spans[-1][0]), max(image, spans[-1][1] + 1), palette)


@drawn
def heat(effective: Effective, palette: Palette) -> go.Figure:
    """The gradient of every pixel, with the theoretical field and the square that holds half of the gradient."""
    rows, columns = ([(index + 0.5) * effective.cell for index in range(count)] for count in effective.values.shape)
    (height, width), (left, right), (top, bottom) = effective.image, effective.theory, effective.rows
    figure = go.Figure(go.Heatmap(
        z=effective.values, x=columns, y=rows, zmin=0, zmax=1, colorscale=[(0, palette.background), (1, palette.accent)],
        showscale=False, hovertemplate="pixel %{x:.0f}, %{y:.0f}: %{z:.3f}<extra></extra>"))
    _rectangle(figure, f"image, {sides_text(effective.image)}", (0, width), (0, height), palette.text, "solid", 1.5)
    _rectangle(figure, f"theory, {effective.size}", (left, right + 1), (top, bottom + 1), palette.text, "dash", 2)
    _rectangle(figure, f"half, {effective.half}", *effective.square(effective.half), palette.series[1], "solid", 3)
    return _to_scale(figure, min(0, left, top), max(width, height, right + 1, bottom + 1), palette)


def _square(figure: go.Figure, name: str, ends: tuple[float, float], *style) -> None:
    """A square on the diagonal, from ends[0] to ends[1] on both axes."""
    _rectangle(figure, name, ends, ends, *style)


def _rectangle(figure: go.Figure, name: str, across: tuple[float, float], down: tuple[float, float], colour: str, dash: str,
               width: float, fill: str | None = None) -> None:
    """From across[0] to across[1] on the horizontal axis, from down[0] to down[1] on the vertical one."""
    (left, right), (top, bottom) = across, down
    figure.add_scatter(name=name, x=[left, right, right, left, left], y=[top, top, bottom, bottom, top], mode="lines",
                       line={"color": colour, "dash": dash, "width": width}, hoverinfo="skip", showlegend=bool(name),
                       **({"fill": "toself", "fillcolor": fill} if fill else {}))


def _to_scale(figure: go.Figure, first: float, last: float, palette: Palette) -> go.Figure:
    edge = 0.03 * (last - first)
    dress(figure, palette).update_layout(showlegend=True, legend=BESIDE, margin_t=10)
    figure.update_xaxes(range=[first - edge, last + edge], showgrid=False, title="pixels", constrain="domain")
    return figure.update_yaxes(range=[last + edge, first - edge], showgrid=False, scaleanchor="x", constrain="domain")


@drawn
def profile(effective: Effective, palette: Palette) -> go.Figure:
    """The gradient of each column of pixels, a Gaussian of the same variance, and the ends of the theoretical field."""
    figure = go.Figure()
    figure.add_scatter(name="measured", y=effective.columns, mode="lines", line={"color": palette.accent, "width": 2.5},
                       hovertemplate="column %{x}: %{y:.2%}<extra></extra>")
    figure.add_scatter(name="Gaussian, same variance", y=effective.gauss, mode="lines", hoverinfo="skip",
                       line={"color": palette.series[1], "width": 2, "dash": "dash"})
    return _columns(figure, effective, max(effective.columns), palette)


@drawn
def profiles(found: Sequence[Effective], names: Sequence[str], palette: Palette) -> go.Figure:
    """The gradient of each column of pixels in several networks with the same theoretical field."""
    figure = go.Figure()
    for index, (name, each) in enumerate(zip(names, found)):
        figure.add_scatter(name=name, y=each.columns, **look(palette, index, markers=False),
                           hovertemplate=f"{name}<br>column %{{x}}: %{{y:.2%}}<extra></extra>")
    return _columns(figure, found[0], max(max(each.columns) for each in found), palette)


def _columns(figure: go.Figure, effective: Effective, highest: float, palette: Palette) -> go.Figure:
    """The axes of a profile, and the ends of the theoretical field."""
    first, last = effective.theory
    for name, x in (("theoretical field", first), ("", last + 1)):
        figure.add_scatter(name=name, x=[x, x], y=[0, highest], mode="lines", hoverinfo="skip", showlegend=bool(name),
                           line={"color": palette.text, "dash": "dot", "width": 1.5})
    figure.update_xaxes(title="column of pixels")
    figure.update_yaxes(title="share of the gradient", tickformat=".1%", rangemode="tozero")
    return dress(figure, palette).update_layout(showlegend=True)


@drawn
def growth(found: Sequence[Effective], palette: Palette) -> go.Figure:
    """Theoretical and measured sides over the number of 3x3 convolutions."""
    figure = go.Figure()
    convolutions = [2 * depth for depth in range(1, len(found) + 1)]
    for index, (name, sides) in enumerate((
            ("theory", [each.size for each in found]), ("theory / 2", [each.size / 2 for each in found]),
            ("95 % of gradient", [each.most for each in found]), ("half of gradient", [each.half for each in found]))):
        figure.add_scatter(name=name, x=convolutions, y=sides, **look(palette, index),
                           hovertemplate=f"{name}: %{{y}} px<extra></extra>")
    figure.update_xaxes(title="3×3 convolutions", tickvals=convolutions)
    figure.update_yaxes(title="side, px", rangemode="tozero")
    return dress(figure, palette).update_layout(ABOVE_GUESS)


@drawn
def bars(listed: pd.DataFrame, palette: Palette, chosen: Collection[str] = ()) -> go.Figure:
    """Networks by field over image; bars beyond the image are hatched. The names of those chosen are bold."""
    ratios = [float(ratio) for ratio in listed["Field / image"]]
    figure = go.Figure(go.Bar(
        x=ratios, orientation="h",
        y=[f"<b>{name}, {field} px</b>" if name in chosen else f"{name}, {field} px"
           for name, field in zip(listed["Network"], listed["Field, px"])],
        marker={"color": [palette.series[1] if ratio > 1 else palette.accent for ratio in ratios],
                "pattern": {"shape": ["/" if ratio > 1 else "" for ratio in ratios], "size": 6, "fillmode": "overlay",
                            "fgcolor": palette.background}},
        hovertemplate="%{y}: %{x} of the image<extra></extra>"))
    figure.add_vline(x=1, line={"color": palette.text, "dash": "dash", "width": 1.5})
    figure.update_xaxes(title="field / image (dashed line: the image)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", dtick=1, ticklabelstandoff=6)
    return dress(figure, palette, 90 + 24 * max(10, len(ratios))).update_layout(showlegend=False)
