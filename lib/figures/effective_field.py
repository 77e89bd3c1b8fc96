"""Pictures of receptive fields: the theoretical one stage by stage, and the measured one over it."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress
from lib.lessons.receptive_field import Effective
from lib.trace import Pair

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


@drawn
def nested(names: Sequence[str], spans: Sequence[Pair], image: int, chosen: int, palette: Palette) -> go.Figure:
    """The theoretical fields of the unit in the middle after each stage, as squares on the image. `spans` are their
    (first, last) pixels along either axis; that of index `chosen` is filled."""
    figure = go.Figure()
    _square(figure, "", (spans[chosen][0], spans[chosen][1] + 1), palette.accent, "solid", 0, palette.kinds["convolution"])
    _square(figure, f"the image, {image} px", (0, image), palette.text, "solid", 2)
    for index, (name, (first, last)) in enumerate(zip(names, spans)):
        _square(figure, f"{name}, {last + 1 - first} px", (first, last + 1), palette.series[index], DASHES[index], 2.5)
    _to_scale(figure, min(0, spans[-1][0]), max(image, spans[-1][1] + 1))
    return _dress(figure, palette, 470)


@drawn
def heat(effective: Effective, palette: Palette) -> go.Figure:
    """The gradient of every pixel, with the theoretical field and the square that holds half of the gradient."""
    places = [(index + 0.5) * effective.cell for index in range(len(effective.values))]
    figure = go.Figure(go.Heatmap(
        z=effective.values, x=places, y=places, zmin=0, zmax=1, colorscale=[(0, palette.background), (1, palette.accent)],
        showscale=False,
        hovertemplate="pixel %{x:.0f}, %{y:.0f}: %{z:.3f}<extra></extra>"))
    first, last = effective.theory
    _square(figure, f"the image, {effective.image} px", (0, effective.image), palette.text, "solid", 1.5)
    _square(figure, f"theoretical, {effective.size} px", (first, last + 1), palette.text, "dash", 2)
    _square(figure, f"half of the gradient, {effective.half} px", effective.square(effective.half),
            palette.series[1], "solid", 3)
    _to_scale(figure, min(0, first), max(effective.image, last + 1))
    return _dress(figure, palette, 470)


def _square(figure: go.Figure, name: str, ends: tuple[float, float], colour: str, dash: str, width: float,
            fill: str | None = None) -> None:
    """A square on the diagonal, from ends[0] to ends[1] on both axes."""
    first, last = ends
    figure.add_scatter(name=name, x=[first, last, last, first, first], y=[first, first, last, last, first], mode="lines",
                       line={"color": colour, "dash": dash, "width": width}, hoverinfo="skip", showlegend=bool(name),
                       **({"fill": "toself", "fillcolor": fill} if fill else {}))


def _to_scale(figure: go.Figure, first: float, last: float) -> None:
    edge = 0.03 * (last - first)
    figure.update_xaxes(range=[first - edge, last + edge], showgrid=False, zeroline=False, title="pixels", constrain="domain")
    figure.update_yaxes(range=[last + edge, first - edge], showgrid=False, zeroline=False, scaleanchor="x", constrain="domain")


@drawn
def profile(effective: Effective, palette: Palette) -> go.Figure:
    """The gradient of each column of pixels, a Gaussian of the same variance, and the ends of the theoretical field."""
    figure = go.Figure()
    figure.add_scatter(name="measured", y=effective.columns, mode="lines", line={"color": palette.accent, "width": 2.5},
                       hovertemplate="column %{x}: %{y:.2%}<extra></extra>")
    figure.add_scatter(name="Gaussian of the same variance", y=effective.gauss, mode="lines", hoverinfo="skip",
                       line={"color": palette.series[1], "width": 2, "dash": "dash"})
    first, last = effective.theory
    for name, x in (("theoretical field", first), ("", last + 1)):
        figure.add_scatter(name=name, x=[x, x], y=[0, max(effective.columns)], mode="lines", hoverinfo="skip",
                           showlegend=bool(name), line={"color": palette.text, "dash": "dot", "width": 1.5})
    figure.update_xaxes(title="column of pixels", zeroline=False, gridcolor=palette.line)
    figure.update_yaxes(title="share of the gradient", tickformat=".1%", rangemode="tozero", gridcolor=palette.line)
    return _dress(figure, palette, 380)


@drawn
def growth(found: Sequence[Effective], chosen: int, palette: Palette) -> go.Figure:
    """Theoretical and measured sides over the number of 3x3 convolutions; `chosen` is the index to mark."""
    figure = go.Figure()
    convolutions = [2 * depth for depth in range(1, len(found) + 1)]
    for index, (name, sides, symbol) in enumerate((
            ("theoretical", [each.size for each in found], "square"),
            ("95 % of the gradient", [each.most for each in found], "diamond"),
            ("half of the gradient", [each.half for each in found], "circle"))):
        figure.add_scatter(name=name, x=convolutions, y=sides, mode="lines+markers",
                           hovertemplate=f"{name}: %{{y}} px<extra></extra>",
                           line={"color": palette.series[index], "dash": DASHES[index], "width": 2.5},
                           marker={"symbol": symbol, "size": [13 if at == chosen else 7 for at in range(len(found))]})
    figure.update_xaxes(title="3×3 convolutions", tickvals=convolutions, gridcolor=palette.line)
    figure.update_yaxes(title="side, px", rangemode="tozero", gridcolor=palette.line)
    return _dress(figure, palette, 380)


ROWS = ("the input", "after one 3×3", "after two 3×3", "after three 3×3")


@drawn
def cone(palette: Palette) -> go.Figure:
    """One output cell and, row by row, what it sees through 3x3 convolutions: 3, 5, 7 cells. The rows are cuts of maps."""
    figure, names, layers = go.Figure(), ROWS, len(ROWS) - 1
    for level in range(layers, -1, -1):
        reach = layers - level
        cells = range(-layers, layers + 1)
        figure.add_scatter(
            x=list(cells), y=[level] * len(cells), mode="markers",
            hovertemplate=f"{names[level]}: {2 * reach + 1} cells<extra></extra>",
            marker={"symbol": "square", "size": 22, "line": {"width": 1, "color": palette.line},
                    "color": [palette.accent if abs(cell) <= reach else palette.kinds["other"] for cell in cells]})
        figure.add_annotation(x=layers + 0.7, y=level, text=f"{2 * reach + 1}", showarrow=False,
                              font={"color": palette.text, "size": 15})
    for side in (-1, 1):
        figure.add_scatter(x=[0, side * layers], y=[layers, 0], mode="lines", hoverinfo="skip",
                           line={"color": palette.text, "dash": "dot", "width": 1.5})
    figure.update_xaxes(visible=False, range=[-layers - 0.8, layers + 1.2])
    figure.update_yaxes(tickvals=list(range(layers + 1)), ticktext=names, showgrid=False, zeroline=False,
                        range=[-0.6, layers + 0.6])
    return _dress(figure, palette, 260).update_layout(showlegend=False)


@drawn
def bars(listed: pd.DataFrame, palette: Palette) -> go.Figure:
    """Networks by field over image; bars beyond the image are hatched."""
    ratios = [float(ratio) for ratio in listed["Field / image"]]
    figure = go.Figure(go.Bar(
        x=ratios, y=[f"{name}, {field} px" for name, field in zip(listed["Network"], listed["Field, px"])], orientation="h",
        marker={"color": [palette.series[1] if ratio > 1 else palette.accent for ratio in ratios],
                "pattern": {"shape": ["/" if ratio > 1 else "" for ratio in ratios], "fgcolor": palette.background, "size": 6}},
        hovertemplate="%{y}: %{x} of the image<extra></extra>"))
    figure.add_vline(x=1, line={"color": palette.text, "dash": "dash", "width": 1.5})
    figure.add_annotation(x=1, y=1, yref="paper", yanchor="bottom", text="the image", showarrow=False,
                          font={"color": palette.text})
    figure.update_xaxes(title="side of the field / side of the image", gridcolor=palette.line)
    figure.update_yaxes(autorange="reversed")
    return _dress(figure, palette, 480).update_layout(showlegend=False)


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    return dress(figure, palette, height).update_layout(showlegend=True)
