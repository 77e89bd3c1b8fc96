"""Receptive fields as pictures: how they grow through a network, and one of them to scale on the image."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lib.analysis import Layer
from lib.analysis.receptive_field import sides_text
from lib.figures.theme import Palette, drawn, dress
from lib.trace import Pair


@drawn
def growth(ops: tuple[Layer, ...], image: Pair, palette: Palette, selected: int | None = None) -> go.Figure:
    """Size and jump, in pixels, of every map that a window gives, in the order of the forward pass: the height as a line,
    the width beside it as a dashed one where it differs.

    `image` is the input's height and width; `selected` the index of an op to mark. Points carry the op's index as customdata.
    """
    steps = [op for op in ops if op.window and op.field and op.field.is_map]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.08)
    for row, (title, values) in enumerate(
            (("size", [op.field.size for op in steps]), ("jump", [op.field.jump for op in steps])), 1):
        marks = [12 if op.index == selected else 5 for op in steps]
        if any(height != width for height, width in values):
            figure.add_scatter(row=row, col=1, y=[width for _, width in values], mode="lines", hoverinfo="skip",
                               line={"shape": "hv", "color": palette.accent, "dash": "dash", "width": 1.5})
        figure.add_scatter(
            row=row, col=1, y=[height for height, _ in values], mode="lines+markers",
            line={"shape": "hv", "color": palette.accent, "width": 2}, marker={"size": marks, "color": palette.accent},
            customdata=[op.index for op in steps],
            text=[f"{op.name}<br>{title} {sides_text(value)} px" for op, value in zip(steps, values)],
            hovertemplate="%{text}<extra></extra>")
    figure.add_scatter(row=1, col=1, y=[max(op.field.smallest) for op in steps], mode="lines", hoverinfo="skip",
                       line={"shape": "hv", "color": palette.muted, "dash": "dot", "width": 1.5})
    figure.add_hline(row=1, col=1, y=max(image), line={"color": palette.text, "dash": "dash", "width": 1},
                     annotation_position="top left",
                     annotation={"text": f"the image, {sides_text(image)} px", "font": {"color": palette.text}})
    figure.update_yaxes(title="field, px", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title="jump, px", rangemode="tozero", row=2, col=1)
    figure.update_xaxes(title="convolutions and poolings, in order", row=2, col=1)
    return _dress(figure, palette, 400)


@drawn
def on_image(op: Layer, image: Pair, palette: Palette) -> go.Figure:
    """The field of the cell in the middle of the op's map (or of the map before it, if it gives none), to scale on the (height, width) image.

    What falls into the padding around the image is hatched.
    """
    height, width = image
    (top, bottom), (left, right) = op.field.middle()
    figure = go.Figure()
    figure.add_scatter(  # the whole field, hatched; the part on the image is painted over it
        x=[left, right + 1, right + 1, left, left], y=[top, top, bottom + 1, bottom + 1, top], fill="toself",
        mode="lines", line={"color": palette.accent, "dash": "dash", "width": 2},
        fillpattern={"shape": "/", "fgcolor": palette.muted, "bgcolor": palette.background, "size": 8}, hoverinfo="skip")
    figure.add_shape(type="rect", x0=0, x1=width, y0=0, y1=height, layer="above",
                     line={"color": palette.text, "width": 2}, fillcolor=palette.kinds["other"])
    figure.add_shape(type="rect", x0=max(0, left), x1=min(width, right + 1), y0=max(0, top), y1=min(height, bottom + 1),
                     layer="above", line={"color": palette.accent, "width": 2}, fillcolor=palette.kinds["convolution"])
    edge = 0.06 * max(width, height)
    spread = (min(0, left, top) - edge, max(width, height, right + 1, bottom + 1) + edge)
    figure.update_xaxes(range=spread, showgrid=False, zeroline=False, title="pixels of the image")
    figure.update_yaxes(range=spread[::-1], showgrid=False, zeroline=False, scaleanchor="x")
    return _dress(figure, palette, 400)


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    return dress(figure, palette, height).update_layout(margin_t=20, showlegend=False)
