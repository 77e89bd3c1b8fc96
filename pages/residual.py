"""Residual learning: plain against residual, the identity, shortcuts, signals and gradients before training."""

import streamlit as st

from lib.figures import lesson_residual as figures
from lib.lessons import residual
from lib.models.resnet import (
    BasicBlock, Bottleneck, PlainBasicBlock, ZeroPadding, identity_or_projection, projection, zero_padding)
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.measuring import measured
from lib.ui.provenance import images_of, mark

BARE = {"displayModeBar": False}
palette = current_palette()

st.title(_("Residual learning"), anchor=False)
st.markdown(prose("residual", "Question"))
knobs = lesson.knobs("residual", {
    "depth": lesson.Knob(_("Layers"), *residual.DEPTH, _("Weight layers of the CIFAR networks that are measured.")),
    "shortcut": lesson.Knob(_("Shortcut option"), *residual.SHORTCUT, _("What goes around the blocks of the ResNet.")),
    "shift": lesson.Knob(_("Shift β"), (-0.5, 0.0, 0.5), 0.0, _("β of the norms in the blocks with zero weights."),
                         "{:g}".format),
    "seed": lesson.Knob(_("Seed"), *residual.SEED, _("Random weights and images follow from it.")),
})
depth, shortcut, shift, seed = knobs["depth"], knobs["shortcut"], knobs["shift"], knobs["seed"]

st.subheader(prose("residual", "Same depth heading"), anchor="plain")
st.markdown(prose("residual", "Same depth", **residual.same_depth(depth, shortcut)))
names = (_("Plain block"), _("Residual, solid shortcut"), _("Residual, dotted shortcut ({option})").format(option=shortcut))
for column, name, block in zip(st.columns(3), names, residual.blocks(shortcut)):
    with column:
        lesson.block_card(name, block)

st.subheader(prose("residual", "Degradation heading"), anchor="degradation")
st.markdown(prose("residual", "Degradation"))
printed = residual.published()
imagenet, cifar = st.columns(2)
with imagenet:
    st.plotly_chart(figures.degradation(residual.printed_pairs(), palette), key="degradation", config=BARE,
                    alt=_("Errors of four networks: plain-34 is worse than plain-18, ResNet-34 better than ResNet-18."))
    st.dataframe(residual.printed_table(), hide_index=True, key="degradation_table")
    mark("published", printed["degradation"]["source"])
with cifar:
    st.plotly_chart(figures.lines(*residual.printed_cifar(), palette, _("weight layers"), _("test error, %"), "x", False),
                    key="cifar", config=BARE, alt=_("CIFAR-10 error falls from 20 to 110 layers and rises at 1202."))
    st.dataframe(residual.cifar_table(), hide_index=True, key="cifar_table")
    mark("published", printed["cifar"]["source"])
st.markdown(prose("residual", "Not"))

st.subheader(prose("residual", "Identity heading"), anchor="identity")
st.markdown(prose("residual", "Identity", shift=shift))
st.plotly_chart(figures.nested(*residual.curves(shift), palette, "x", "y"), key="identity", config=BARE,
                alt=_("Output over input for four blocks; the table below holds their distance from the identity."))
st.dataframe(residual.errors(shift), hide_index=True, key="identity_table")
mark("measured", _("real blocks with weights set by hand; the random weights of the third play no part"))
st.markdown(prose("residual", "Caveats"))

st.subheader(prose("residual", "Start heading"), anchor="start")
starts = measured(_("Running both networks forward and backward"), residual.at_initialisation, depth, shortcut, seed)
fields = residual.start_fields(starts)
st.markdown(prose("residual", "Start", **fields))
signal, gradient = st.columns(2)
with signal:
    st.plotly_chart(figures.lines(*residual.over_blocks(starts, "signals"), palette, _("block"), _("signal (RMS)")),
                    key="signals", config=BARE, alt=_("Signal by block; the table below holds first and last."))
with gradient:
    st.plotly_chart(figures.lines(*residual.over_blocks(starts, "gradients"), palette, _("block"), _("gradient norm"), "y"),
                    key="gradients", config=BARE, alt=_("Gradient norm by block; the table below holds first and last."))
st.dataframe(residual.signal_table(starts), hide_index=True, key="signal_table")
mark("measured", _("before training, seed {seed}").format(seed=seed))
st.markdown(prose("residual", "Growth", **fields))

st.subheader(prose("residual", "Shatter heading"), anchor="shattering")
st.markdown(prose("residual", "Shatter", **fields))
st.plotly_chart(figures.lines(*residual.over_angles(starts), palette, _("angle between the images, degrees"),
                              _("correlation of gradients"), "x"), key="correlations", config=BARE,
                alt=_("Correlation of gradients over the angle between images; the table below holds all values."))
st.dataframe(residual.correlation_table(starts), hide_index=True, key="correlation_table")
mark("measured", _("before training, norms with fixed statistics, seed {seed}").format(seed=seed))

st.subheader(prose("residual", "Shortcuts heading"), anchor="shortcuts")
st.markdown(prose("residual", "Shortcuts"))
st.dataframe(residual.options(), hide_index=True, key="options")
mark("computed", _("ResNet-34's shortcuts, and all its parameters and multiply-adds, {images}").format(
    images=images_of(residual.family()[0].analysis)))
mark("published", printed["options"]["source"])

st.subheader(prose("residual", "Count heading"), anchor="count")
st.markdown(prose("residual", "Count", **residual.count_fields()))
st.plotly_chart(figures.weight_layers(*residual.family_stages(), palette), key="family", config=BARE,
                alt=_("Weight layers of the five ResNets by stage; the table below holds the sums."))
st.dataframe(residual.family_table(), hide_index=True, key="family_table")
mark("computed", images_of(*(member.analysis for member in residual.family())))
mark("published", _("the last column: He et al. 2015, Table 1, as printed there"))
st.markdown(prose("residual", "Family", size=residual.family()[0].analysis.image))
for column, preset in zip(st.columns(4), ("plain34", "resnet34", "resnet34_c", "resnet50")):
    with column:
        lesson.explore_link(preset)

lesson.try_it(prose("residual", "Try"))
lesson.sources([PlainBasicBlock, BasicBlock, Bottleneck, ZeroPadding, zero_padding, identity_or_projection, projection])
