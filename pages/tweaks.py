"""ResNet-B, -C and -D: three switches, what a strided block never reads, what a tweak costs and gains."""

import streamlit as st

from lib.figures import lesson_tweaks as figures
from lib.lessons import tweaks
from lib.models.resnet import Bottleneck, stem
from lib.models.resnet_tweaks import deep_stem, pooled_projection
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.measuring import measured
from lib.ui.provenance import images_of, mark

SWITCH, WIDTHS = (False, True), (8, 16, 24, 32, 64, 96, 128)
PLAIN = {"displayModeBar": False}

st.title(_("ResNet tweaks"), anchor=False)
st.markdown(prose("tweaks", "Question"))
knobs = lesson.knobs("tweaks", {
    "b": lesson.Knob(_("B: stride in the 3×3"), SWITCH, False, _("Off: in the first 1×1, as in 2015.")),
    "c": lesson.Knob(_("C: three 3×3 at the start"), SWITCH, False, _("Off: one 7×7.")),
    "d": lesson.Knob(_("D: pooled shortcut"), SWITCH, False, _("Off: the 1×1 of the shortcut strides.")),
    "width": lesson.Knob(_("Width"), WIDTHS, 64, _("Channels after the stem. For the stem and the totals.")),
    "size": lesson.Knob(_("Map of the pictures"), *tweaks.SIZE, _("Height and width of the map that the block reads.")),
    "seed": lesson.Knob(_("Seed"), *tweaks.SEED, _("Weights and map of the pictures follow from it.")),
})
b, c, d, width = (knobs[name] for name in ("b", "c", "d", "width"))
total = tweaks.chosen(b, c, d, width)
for column, label, value, delta in zip(
        st.columns(3), (_("Tweaks on"), _("Parameters"), _("MACs")), (total["tweaks"], total["params"], total["macs"]),
        (None, total["more_params"], total["more_macs"])):
    column.metric(label, value, delta and _("{more} against A").format(more=delta), delta_color="off",
                  delta_arrow="off")
mark("computed", images_of(tweaks.network(b, c, d, width)))
st.caption(prose("tweaks", "Names"))

st.subheader(prose("tweaks", "Read heading"), anchor="read")
maps = measured(_("Gradients of four blocks"), tweaks.gradients, knobs["size"], knobs["seed"])
unread = {part: tweaks.unread(cells) for part, cells in maps[b, d]._asdict().items()}
st.markdown(prose("tweaks", "Read", size=knobs["size"], **unread))
parts = {"path": _("The three convolutions alone"), "shortcut": _("The shortcut alone"), "block": _("The whole block")}
for column, (part, name) in zip(st.columns(3), parts.items()):
    with column:
        st.markdown(f"**{name}**")
        st.caption(_("never read: {cells}").format(cells=unread[part]))
        st.plotly_chart(figures.cells(getattr(maps[b, d], part), current_palette()), key=f"cells_{part}", config=PLAIN,
                        alt=_("{part}; cells never read: {cells}").format(part=name, cells=unread[part]))
mark("measured", _("the sum over the channels of the gradient's size, as a share of the largest"))
st.markdown(prose("tweaks", "Four blocks"))
st.dataframe(tweaks.unread_table(maps), hide_index=True, key="unread")
mark("measured", _("cells of the map whose gradient is exactly zero"))
st.markdown(prose("tweaks", "Image", **tweaks.image_fields()))

st.subheader(prose("tweaks", "Cards heading"), anchor="blocks")
blocks = (_("A: as in 2015"), tweaks.strided_block(False, False)), (_("With your switches"), tweaks.strided_block(b, d))
for column, (name, block) in zip(st.columns(2), blocks):
    with column:
        lesson.block_card(name, block)

st.subheader(prose("tweaks", "Stem heading"), anchor="stem")
stems = tweaks.stems(width)
st.markdown(prose("tweaks", "Stem", **stems.fields()))
st.plotly_chart(figures.stems(stems.pieces(), current_palette()), key="stems", config=PLAIN,
                alt=_("Multiply-adds of the two stems; the table below has the numbers"))
st.dataframe(stems.table(), hide_index=True, key="stem_costs")
mark("computed", images_of(tweaks.network(b, c, d, width)))
st.markdown(prose("tweaks", "Notes", **stems.fields()))

st.subheader(prose("tweaks", "Cost heading"), anchor="cost")
st.markdown(prose("tweaks", "Cost", **tweaks.ladder_fields()))
st.plotly_chart(figures.gains(*tweaks.tweaks_gain(), current_palette()), key="gains", config=PLAIN,
                alt=_("Multiply-adds that each tweak adds, accuracy that it gains; the table below has the numbers"))
st.dataframe(tweaks.ladder(), hide_index=True, key="ladder")
mark("computed", _("parameters and MACs, {images}, at width 64").format(images=images_of(tweaks.network(b, c, d, 64))))
mark("published", _("gains in accuracy: He et al. 2018, section 4, in words; 77.16 % for D: Table 5"))
st.markdown(prose("tweaks", "Printed"))
st.dataframe(tweaks.printed(), hide_index=True, key="printed")
mark("unverified", _("the accuracies of A, B and C in Table 5 of He et al. 2018"))
lesson.explore_link("resnet50d", tweaks.switches(b, c, d, width), _("The network with your switches in Explore"))

lesson.try_it(prose("tweaks", "Try"))
lesson.sources([Bottleneck, pooled_projection, stem, deep_stem, tweaks.gradients])
