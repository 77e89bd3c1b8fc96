"""Pictures of the lesson on residual learning: printed errors, outputs of a deepened network, weight layers."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lib.figures.lines import LOOKS, lines, look
from lib.figures.theme import Palette, drawn, dress

PALE = 0.35
"""How much of its colour a bar keeps that is not spoken of."""


@drawn
def degradation(errors: Mapping[str, Mapping[str, float]], palette: Palette) -> go.Figure:
    """Printed errors of a shallow and a deep network, a line for the plain pair and one for the residual pair."""
    figure = go.Figure()
    for index, (name, values) in enumerate(errors.items()):
        figure.add_scatter(
            name=name, x=[f"{depth} layers" for depth in values], y=list(values.values()), **look(palette, index),
            hovertemplate=f"{name}, %{{x}}: %{{y:.2f}} %<extra></extra>")
        for depth, value in values.items():
            figure.add_annotation(x=f"{depth} layers", y=value, text=f"{value:.2f}", showarrow=False,
                                  yshift=-14 if name == "residual" else 14, font={"color": palette.series[index]})
    figure.update_layout(yaxis_title="top-1 validation error, %")
    figure.update_yaxes(range=[24, 29.5])
    figure.update_xaxes(range=[-0.3, 1.3])
    return dress(figure, palette).update_layout(showlegend=True)


@drawn
def weight_layers(names: Sequence[str], stages: Sequence[Sequence[tuple[str, int, int]]], chosen: str,
                  palette: Palette) -> go.Figure:
    """A bar for each network, cut into the weight layers of its stages; stages hold (name, blocks, layers). All but the
    chosen one are pale."""
    figure = go.Figure()
    for index, cut in enumerate(zip(*stages)):
        stage = {"head": "linear"}.get(cut[0][0], cut[0][0])
        figure.add_bar(
            name=stage, y=list(names), x=[layers for _, _, layers in cut], orientation="h",
            text=[str(layers) if network == chosen and layers > 3 else "" for network, (_, _, layers) in zip(names, cut)],
            textposition="inside", textangle=0,
            insidetextanchor="middle", customdata=[blocks for _, blocks, _ in cut],
            marker={"color": palette.series[index], "line": {"color": palette.background, "width": 2},
                    "opacity": [1 if name == chosen else PALE for name in names]},
            insidetextfont={"color": palette.background},
            hovertemplate=f"%{{y}}, {stage}: %{{x}} weight layers in %{{customdata}} blocks<extra></extra>")
    figure.update_layout(barmode="stack", bargap=0.12, xaxis_title="weight layers", legend_traceorder="normal")
    figure.update_yaxes(autorange="reversed")
    return dress(figure, palette).update_layout(showlegend=True)


@drawn
def correlations(angles: Sequence[float], series: Mapping[str, Sequence[float]], chosen: float, alike: float,
                 palette: Palette) -> go.Figure:
    """Correlations over the angle, with a thin line at the chosen angle and one at what counts as alike."""
    figure = lines.__wrapped__(angles, series, palette, "angle between the images, degrees", "correlation of gradients", "x")
    thin = {"line_width": 1, "line_dash": "dot", "line_color": palette.text}
    figure.add_vline(x=chosen, **thin)
    figure.add_hline(y=alike, **thin)
    return figure


@drawn
def agreement(outputs: Mapping[str, tuple[Sequence[float], Sequence[float]]], palette: Palette) -> go.Figure:
    """For each network a field of points: an output of the shallow one to the right, of the deeper one upwards. On the line
    both are the same."""
    figure = make_subplots(1, len(outputs), subplot_titles=list(outputs), horizontal_spacing=0.14)
    for index, (name, (shallow, deep)) in enumerate(outputs.items()):
        ends = [min(shallow), max(shallow)]
        figure.add_scatter(x=ends, y=ends, mode="lines", line={"color": palette.line, "dash": "dash"}, hoverinfo="skip",
                           row=1, col=index + 1)
        figure.add_scatter(x=list(shallow), y=list(deep), mode="markers", row=1, col=index + 1,
                           marker={"color": palette.series[index], "symbol": LOOKS[index][1], "size": 7},
                           hovertemplate=f"{name}<br>shallow %{{x:.2f}}<br>deeper %{{y:.2f}}<extra></extra>")
    figure.update_xaxes(title="output, shallow")
    figure.update_yaxes(title="output, deeper", col=1)
    return dress(figure, palette).update_layout(showlegend=False)
