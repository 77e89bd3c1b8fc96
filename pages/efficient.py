"""Depthwise separable convolutions, inverted residuals, shuffled channels, and what a count says about time."""

import streamlit as st

from lib.figures import lesson_efficient as figures
from lib.lessons import efficient
from lib.models.mobilenet import DepthwiseSeparable, FullConvolution
from lib.models.mobilenet_v2 import InvertedResidual
from lib.models.shufflenet import ShuffleUnit, channel_shuffle
from lib.models.shufflenet_v2 import ShuffleUnitV2
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.measuring import measured
from lib.ui.provenance import images_of, mark, on_maps

NARROW, EXPANSIONS = (16, 24, 32, 64, 96, 160), (1, 2, 3, 4, 6, 8, 10)
PLAIN = {"displayModeBar": False}
whole, ratio, borne = (st.column_config.NumberColumn(format=format) for format in ("localized", "%.2f", "%g"))

st.title(_("Efficient networks"), anchor=False)
st.markdown(prose("efficient", "Question"))
knobs = lesson.knobs("efficient", {
    "inputs": lesson.Knob(_("Input channels"), efficient.WIDTHS, 64, _("Of the convolution in two steps.")),
    "outputs": lesson.Knob(_("Output channels"), efficient.WIDTHS, 128, _("Of the convolution in two steps.")),
    "size": lesson.Knob(_("Feature map"), *efficient.SIZE, _("Height and width of the maps, also in the first race.")),
    "narrow": lesson.Knob(_("Narrow width"), NARROW, 24, _("Channels at the ends of the inverted residual.")),
    "expansion": lesson.Knob(_("Expansion t"), EXPANSIONS, 6, _("How many times wider it is inside.")),
    "groups": lesson.Knob(_("Groups"), *efficient.GROUPS, _("Groups of ShuffleNet's 1×1 convolutions.")),
    "shuffle": lesson.Knob(_("Channel shuffle"), *efficient.SHUFFLE, _("Off: each group keeps to itself.")),
    "seed": lesson.Knob(_("Seed"), *efficient.SEED, _("Weights and maps follow from it; another one runs the races anew.")),
})
size, groups, shuffle, seed = (knobs[name] for name in ("size", "groups", "shuffle", "seed"))

st.subheader(prose("efficient", "Separable heading"), anchor="separable")
pair = efficient.split(knobs["inputs"], knobs["outputs"], size)
st.markdown(prose("efficient", "Separable", **pair.fields()))
for column, name, block in zip(st.columns(2), (_("Full 3×3"), _("Depthwise separable")), pair):
    with column:
        lesson.block_card(name, block)
st.markdown(prose("efficient", "Formula", **pair.fields()))
counted = efficient.ratios(knobs["inputs"], size)
st.plotly_chart(figures.ratios(efficient.WIDTHS, counted, knobs["outputs"], efficient.WINDOW, current_palette()), key="ratios",
                config=PLAIN, alt=_("Multiply-adds of the two steps as a share of the full convolution: {shares}").format(
                    shares=", ".join(f"{share:.1%}" for share in counted)))
mark("computed", on_maps(size))
st.markdown(prose("efficient", "Pays", **pair.fields()))
st.dataframe(pair.table(), hide_index=True, key="layers", column_config={
    "Weights": whole, "MACs": whole, "Numbers read and written": whole, "MACs per number": ratio})
mark("computed", on_maps(size))
st.markdown(prose("efficient", "Network", **efficient.network_fields()))
st.dataframe(efficient.networks(), hide_index=True, key="networks", column_config={"Parameters": whole, "MACs": whole})
mark("published", _("accuracy: Howard et al. 2017, Table 4, as are the 569 million; 575: Sandler et al. 2018, Table 4. "
                    "The rest is computed, {images}").format(images=images_of(*efficient.separable_networks())))
lesson.explore_link("mobilenetv1_100")

st.subheader(prose("efficient", "Inverted heading"), anchor="inverted")
inversion = efficient.invert(knobs["narrow"], knobs["expansion"], size)
st.markdown(prose("efficient", "Inverted", **inversion.fields()))
for column, name, block in zip(st.columns(2), (_("Bottleneck: wide ends"), _("Inverted residual: narrow ends")), inversion):
    with column:
        lesson.block_card(name, block)
st.markdown(prose("efficient", "In networks"))
st.dataframe(efficient.blocks_in_networks(), hide_index=True, key="blocks", column_config={
    "Weights": whole, "MACs": whole, "Numbers in the shortcut": whole})
mark("computed", on_maps(efficient.CONV2_X))
lesson.explore_link("mobilenet_v2", {"expansion": knobs["expansion"]}, _("MobileNetV2 with this expansion in Explore"))

st.subheader(prose("efficient", "Shuffle heading"), anchor="shuffle")
st.markdown(prose("efficient", "Shuffle", groups=groups))
st.plotly_chart(figures.shuffle(efficient.origins(groups, shuffle), groups, current_palette()), key="shuffle", config=PLAIN,
                alt=_("Channels before and after the shuffle; the table below says which group reaches which."))
mark("computed", _("the real shuffle, run on the numbers of the channels"))
st.markdown(prose("efficient", "Reach"))
shares = measured(_("Gradients of a unit"), efficient.reach, groups, shuffle, seed)
left, right = st.columns(2)
left.plotly_chart(figures.reach(shares, current_palette()), key="reach", config=PLAIN,
                  alt=_("What each group of outputs hears of each group of inputs; a table holds the same."))
right.dataframe(efficient.reach_table(shares), hide_index=True, key="reach_table")
mark("measured", _("gradients of one unit with random weights"))
st.markdown(prose("efficient", "Units"))
names = _("ShuffleNet, {groups} groups").format(groups=groups), _("ShuffleNet V2")
for column, name, block in zip(st.columns(2), names, efficient.units(groups)):
    with column:
        lesson.block_card(name, block)
lesson.explore_link("shufflenet_g3", {"groups": groups, "shuffle": shuffle}, _("ShuffleNet with these groups in Explore"))

st.subheader(prose("efficient", "Race heading"), anchor="race")
attempt = lesson.attempt("efficient")
blocks = measured(_("Two convolutions take turns"), efficient.race_blocks, size, seed, attempt)
networks = measured(_("Two networks take turns"), efficient.race_networks, seed, attempt)
told = efficient.race_fields(blocks, networks)
st.markdown(prose("efficient", "Race", **told))
if told["doubt"]:
    st.warning(prose("efficient", "Race doubtful", **told))
else:
    st.markdown(prose("efficient", "Race result", **told))
lesson.again("efficient", _("Run the races again"))
st.plotly_chart(figures.race(efficient.race_ratios(blocks, networks), current_palette()), key="race", config=PLAIN,
                alt=_("Multiply-adds and time of each second runner over the first; the table below holds the same."))
st.dataframe(efficient.race_table(blocks, networks), hide_index=True, key="racers", column_config={
    "MACs": whole, "MACs, to the first": ratio, "Time, to the first": borne, "MACs per number moved": ratio})
mark("measured", _("time, on this machine, in one run; counts are computed, of the convolutions {maps}, of the "
                   "networks for one image of {image} pixels").format(maps=on_maps(size), image=told["image"]))
st.markdown(prose("efficient", "Why"))

lesson.try_it(prose("efficient", "Try"))
lesson.sources([FullConvolution, DepthwiseSeparable, InvertedResidual, ShuffleUnit, channel_shuffle, ShuffleUnitV2])
