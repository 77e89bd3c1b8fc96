"""Where the cost lives: a treemap of stages, blocks and layers."""

import plotly.graph_objects as go

from lib.analysis.outline import Part
from lib.figures.theme import Palette, drawn

TITLES = {"params": "parameters", "macs": "MACs", "activation_bytes": "activation memory"}
"""What a tile's area can be."""


@drawn
def treemap(root: Part, quantity: str, palette: Palette, selected: str | None = None) -> go.Figure:
    """Tiles nested as stage > block > layer, with areas in proportion to `quantity`, one of `TITLES`.

    Tile ids are part ids; parts that have none of the quantity are left out. The selected tile stands out by its
    colour: a wider frame would make plotly draw paths through nowhere.
    """
    parents = {child.id: part.id for part in root.walk() for child in part.children}
    parts = [part for part in root.walk() if getattr(part, quantity)]
    unit = " bytes" if quantity == "activation_bytes" else ""
    figure = go.Figure(go.Treemap(
        ids=[part.id for part in parts],
        labels=[part.name for part in parts],
        parents=[parents.get(part.id, "") for part in parts],
        values=[getattr(part, quantity) for part in parts],
        branchvalues="total", maxdepth=4, sort=False,
        tiling={"packing": "squarify", "pad": 2},
        marker={
            "colors": [palette.accent if part.id == selected else _color(part, palette) for part in parts],
            "line": {"color": palette.background, "width": 1}},
        textfont={"color": [palette.background if part.id == selected else palette.text for part in parts], "size": 13},
        texttemplate="%{label}<br>%{percentRoot:.1%}",
        hovertemplate=f"%{{label}}<br>%{{value:,}}{unit}<br>%{{percentRoot:.2%}} of the network<extra></extra>"))
    figure.update_layout(margin={"l": 0, "r": 0, "t": 24, "b": 0}, height=430, paper_bgcolor="rgba(0,0,0,0)",
                         uirevision=root.name + quantity)
    return figure


def _color(part: Part, palette: Palette) -> str:
    """A layer's by its kind; the frames around layers stay quiet."""
    return palette.kind(part.last.kind) if part.level == "layer" else palette.kinds["other"]
