"""The arithmetic of a convolution: its window, the size of its output, its weights, and what it is equal to."""

from typing import Any

import streamlit as st

from lib.architecture import Impossible
from lib.figures import convolution as figures
from lib.lessons import convolution
from lib.lessons.convolution import (
    IMAGES, STRIDED, Slide, as_convolution, compared, connections, edge, edge_fields, equalities, layer, layer_fields,
    per_pixel, slide, steps, strided)
from lib.models.resnet import stem
from lib.text import prose
from lib.trace import output_size
from lib.ui import _, current_palette, lesson
from lib.ui.address import plain
from lib.ui.measuring import measured
from lib.ui.provenance import mark

KERNELS, STRIDES, PADDINGS, DILATIONS = (1, 2, 3, 4, 5), (1, 2, 3, 4), (0, 1, 2, 3), (1, 2, 3)
GROUPS, PLACES = (1, 2, 4, 8, 16, 32, 64), tuple(range(1, 13))
WINDOW = ("size", "kernel", "stride", "padding", "dilation")
QUIET = {"displayModeBar": False}


def show_grid(knobs: dict[str, Any]) -> None:
    slid = slide(*(knobs[name] for name in WINDOW))
    wanted = knobs["row"] - 1, knobs["column"] - 1
    chosen = slid.nearest(*wanted)
    if chosen != wanted:
        st.caption(prose("convolution", "Clipped", **slid.fields(*chosen)))
    st.markdown(prose("convolution", "Grid", **slid.fields(*chosen)))
    show_maps(slid, chosen)
    st.code(slid.written_out(*chosen), language=None)
    mark("measured", _("whole numbers, run by torch"))


def show_maps(slid: Slide, chosen: tuple[int, int]) -> None:
    colours = current_palette()
    maps = ((_("Map with padding"), figures.padded_map(slid, chosen, colours)), (_("Kernel"), figures.kernel(slid, colours)),
            (_("Output"), figures.output(slid, chosen, colours)))
    for column, (name, figure) in zip(st.columns([4, 2, 4]), maps):
        with column:
            st.markdown(f"**{name}**")
            st.plotly_chart(figure, key=f"grid_{name}", config=QUIET, alt=name)


def show_layer(knobs: dict[str, Any]) -> None:
    block = layer(*(knobs[name] for name in (*WINDOW, "in_channels", "out_channels", "groups")))
    st.table(steps(block).set_index("Quantity"))
    mark("computed")
    st.subheader(prose("convolution", "Weights heading"), anchor="weights")
    st.markdown(prose("convolution", "Weights", **layer_fields(block)))
    left, right = st.columns(2)
    with left:
        lesson.block_card(_("The layer"), block)
    with right, st.container(border=True, height="stretch"):
        st.markdown(_("**Which input channels an output channel reads**"))
        matrix = connections(knobs["in_channels"], knobs["out_channels"], knobs["groups"])
        st.plotly_chart(figures.connections(matrix, current_palette()), key="connections", config=QUIET,
                        alt=_("Output channels over the input channels that they read"))
        mark("measured", _("weights of one, each input channel alone"))
    st.markdown(prose("convolution", "Macs", **layer_fields(block)))


def show_equalities(knobs: dict[str, Any]) -> None:
    found = measured(_("Running both"), equalities, *(knobs[name] for name in ("size", "in_channels", "out_channels", "seed")))
    names = [_("Linear layer and convolution as large as the map"), _("The same on a larger map: every crop, and sliding"),
             _("Linear layer on every pixel and 1×1 convolution")]
    st.markdown(prose("convolution", "Linear", images=IMAGES, in_channels=knobs["in_channels"]))
    for index, (column, name, pair) in enumerate(zip(st.columns(3), names, found)):
        with column:
            st.markdown(f"**{name}**")
            st.plotly_chart(figures.agreement(pair, _("linear layer"), _("convolution"), current_palette()),
                            key=f"agreement_{index}", config=QUIET, alt=name)
    st.dataframe(compared(names, found), hide_index=True, key="agreements")
    mark("measured", _("float32, seed {seed}").format(seed=knobs["seed"]))
    st.markdown(prose("convolution", "Difference", difference=f"{max(pair.difference for pair in found):.1e}"))


st.title(_("Convolution"), anchor=False)
st.markdown(prose("convolution", "Question"))
knobs = lesson.knobs("convolution", {
    "size": lesson.Knob(_("Map"), *convolution.SIZE, _("Height and width of the input map.")),
    "kernel": lesson.Knob(_("Kernel K"), KERNELS, 3, _("Height and width of the kernel.")),
    "stride": lesson.Knob(_("Stride S"), STRIDES, 2, _("Cells from one window to the next.")),
    "padding": lesson.Knob(_("Padding P"), PADDINGS, 1, _("Zeros added on each of the four sides.")),
    "dilation": lesson.Knob(_("Dilation D"), DILATIONS, 1, _("Cells from one weight of the kernel to the next.")),
    "in_channels": lesson.Knob(_("Channels in"), *convolution.IN_CHANNELS, _("C_in: channels of the layer's input.")),
    "out_channels": lesson.Knob(_("Channels out"), *convolution.OUT_CHANNELS, _("C_out: filters of the layer.")),
    "groups": lesson.Knob(_("Groups"), GROUPS, 4, _("Parts into which the channels are split.")),
    "row": lesson.Knob(_("Output row"), PLACES, 1, _("The row of the output that the kernel computes.")),
    "column": lesson.Knob(_("Output column"), PLACES, 2, _("The column of the output that the kernel computes.")),
    "layer": lesson.Knob(_("Layer of a real network"), tuple(STRIDED), "resnet50 conv1", _("For the end of the axis, below.")),
    "seed": lesson.Knob(_("Seed"), *convolution.SEED, _("Of the random weights and images at the end.")),
})

st.subheader(prose("convolution", "Grid heading"), anchor="grid")
try:
    show_grid(knobs)
except Impossible as error:
    st.error(plain(str(error)))
st.subheader(prose("convolution", "Size heading"), anchor="size")
st.markdown(prose("convolution", "Size"))
try:
    show_layer(knobs)
except Impossible as error:
    st.error(plain(str(error)))

st.subheader(prose("convolution", "Real strides heading"), anchor="strides")
st.markdown(prose("convolution", "Real strides", **edge_fields(knobs["layer"])))
st.plotly_chart(figures.end_of_axis(edge(knobs["layer"]), current_palette()), key="end_of_axis", config=QUIET,
                alt=_("The last rows of the padded map and the windows that read them"))
st.dataframe(strided(), hide_index=True, key="strided")
mark("computed")
st.markdown(prose("convolution", "AlexNet"))
lesson.explore_link("resnet50")
lesson.explore_link("alexnet_2012")

st.subheader(prose("convolution", "Linear heading"), anchor="linear")
show_equalities(knobs)
st.markdown(prose("convolution", "Limits"))
mark("published", _("torchvision 0.29, `min_size` in the metadata of its weights"))

lesson.try_it(prose("convolution", "Try"))
lesson.sources([output_size, stem, as_convolution, per_pixel])
