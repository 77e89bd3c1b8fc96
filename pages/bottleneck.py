"""The bottleneck block against two 3x3 convolutions, and with groups."""

import streamlit as st

from lib.lessons.bottleneck import compare, in_resnet
from lib.models.resnet import BasicBlock, Bottleneck
from lib.text import prose
from lib.ui import _, lesson
from lib.ui.provenance import mark, on_maps

OUTER, INNER, GROUPS = (64, 128, 256, 512, 1024), (16, 32, 64, 128, 256, 512), (1, 2, 4, 8, 16, 32, 64)
SIZES = (7, 14, 28, 56, 112)

st.title(_("Bottleneck"), anchor=False)
st.markdown(prose("bottleneck", "Question"))
knobs = lesson.knobs("bottleneck", {
    "outer": lesson.Knob(_("Outer width"), OUTER, 256, _("Channels that go in and come out.")),
    "inner": lesson.Knob(_("Bottleneck width"), INNER, 64, _("Channels of the 3×3 convolution in the bottleneck.")),
    "cardinality": lesson.Knob(_("Cardinality"), GROUPS, 32, _("Groups of the 3×3 convolution in the third block.")),
    "size": lesson.Knob(_("Feature map"), SIZES, 56, _("Height and width of the maps.")),
})
blocks = compare(**knobs)

st.markdown(prose("bottleneck", "Answer", **blocks.fields()))
names = [_("Two 3×3 (basic)"), _("1×1, 3×3, 1×1 (bottleneck)"), _("Grouped (ResNeXt)")]
for column, name, block in zip(st.columns(3), names, blocks):
    with column:
        lesson.block_card(name, block)
st.markdown(prose("bottleneck", "Grouped", **blocks.fields()))
st.dataframe(blocks.table(names), hide_index=True, key="costs")
mark("computed", on_maps(knobs["size"]))
st.markdown(prose("bottleneck", "Norm"))

st.subheader(prose("bottleneck", "Meaning heading"), anchor="meaning")
st.markdown(prose("bottleneck", "Meaning", **in_resnet()))

lesson.try_it(prose("bottleneck", "Try"))
lesson.sources([BasicBlock, Bottleneck])
