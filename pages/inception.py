"""Inception: branches side by side, 1x1 reductions, the stem, kernels taken apart, auxiliary classifiers."""

import streamlit as st

from lib.figures import lesson_inception as figures
from lib.lessons import inception
from lib.models.googlenet import AuxiliaryClassifier, Filters, GoogLeNet, Inception, NaiveInception
from lib.models.inception_v3 import InceptionC
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.measuring import measured
from lib.ui.provenance import images_of, mark, on_maps

BARE = {"displayModeBar": False}


def filters(label: str, name: str, default: int, help: str) -> lesson.Knob:
    """A control for the filters of one convolution."""
    return lesson.Knob(label, inception.FILTERS[name], default, help)


st.title(_("Inception"), anchor=False)
st.markdown(prose("inception", "Question"))
knobs = lesson.knobs("inception", {
    "channels": lesson.Knob(_("Channels in"), inception.CHANNELS, 192, _("Channels of the map that the module reads.")),
    "size": lesson.Knob(_("Feature map"), inception.SIZES, 28, _("Height and width of the map.")),
    "n1x1": filters(_("1×1"), "n1x1", 64, _("Filters of the 1×1 branch.")),
    "projection": filters(_("Projection"), "projection", 32, _("1×1 after the pooling.")),
    "reduce3x3": filters(_("3×3 reduction"), "reduce3x3", 96, _("1×1 before the 3×3.")),
    "n3x3": filters(_("3×3"), "n3x3", 128, _("Filters of the 3×3.")),
    "reduce5x5": filters(_("5×5 reduction"), "reduce5x5", 16, _("1×1 before the 5×5.")),
    "n5x5": filters(_("5×5"), "n5x5", 32, _("Filters of the 5×5.")),
    "auxiliary": lesson.Knob(_("Auxiliary weight"), inception.WEIGHTS, "0.3", _("Of each auxiliary loss; the paper has 0.3.")),
    "start": lesson.Knob(_("Starting weights"), *inception.START,
                         _("He by fan-out, Xavier, or Gaussian of deviation 0.01."), inception.STARTS.get),
    "batch_norm": lesson.Knob(_("Batch norm"), *inception.BATCH_NORM, _("In every convolution. The network of 2014 has none.")),
    "seed": lesson.Knob(_("Seed"), *inception.SEED, _("Of the weights and the images.")),
})
st.markdown(prose("inception", "Rows"))
with st.container(horizontal=True):
    for row, values in inception.rows().items():
        st.button(row, key=f"row_{row}", on_click=lesson.turn, args=("inception", values))
colours = current_palette()
modules = inception.modules(knobs["channels"], knobs["size"], Filters(*(knobs[name] for name in Filters._fields)))
fields = inception.module_fields(modules)

st.subheader(prose("inception", "Module heading"), anchor="module")
st.markdown(prose("inception", "Module", **fields))
st.plotly_chart(figures.branches(*(inception.branches(module) for module in modules), colours), key="branches", config=BARE,
                alt=_("Bars: MACs of each branch, naive and reduced"))
mark("computed", on_maps(knobs["size"]))
table = inception.branch_table(modules)
st.dataframe(table, hide_index=True, key="branch_table", column_config={
    name: st.column_config.NumberColumn(format="localized") for name in table.columns[1:]})
mark("computed", on_maps(knobs["size"]))
for column, name, module in zip(st.columns(2), (_("Naive, Fig. 2 (a)"), _("Reduced, Fig. 2 (b)")), modules):
    with column:
        lesson.block_card(name, module)
st.markdown(prose("inception", "Purpose"))

st.subheader(prose("inception", "Growth heading"), anchor="growth")
st.markdown(prose("inception", "Growth", **fields | inception.growth_fields()))
growth = inception.growth()
st.plotly_chart(figures.growth(growth, colours), key="growth", config=BARE, alt=_("Lines: channels after each module"))
mark("computed")
st.dataframe(growth, hide_index=True, key="growth_table")
mark("computed")
lesson.explore_link("googlenet_naive")

st.subheader(prose("inception", "Stem heading"), anchor="stem")
st.markdown(prose("inception", "Stem", **inception.stem_fields()))
st.plotly_chart(figures.stems(inception.stem_macs(), colours), key="stems", config=BARE,
                alt=_("Bars: MACs by resolution, GoogLeNet and VGG-16"))
mark("computed", images_of(*inception.stem_networks()))
st.dataframe(inception.stem_table(), hide_index=True, key="stem_table")
mark("unverified", _("the two columns “Slide” (EECS-498, lecture 8); the others are computed, {images}").format(
    images=images_of(*inception.stem_networks())))
st.markdown(prose("inception", "Stem slides", **inception.stem_fields()))

st.subheader(prose("inception", "Factors heading"), anchor="factors")
st.markdown(prose("inception", "Factors", **inception.double_fields()))
factors = inception.factors(knobs["channels"], knobs["size"])
st.plotly_chart(figures.factors(factors, colours), key="factors", config=BARE, alt=_("Bars: weights of kernels taken apart"))
mark("computed", on_maps(knobs["size"]))
st.dataframe(inception.factor_table(factors), hide_index=True, key="factor_table")
mark("computed", on_maps(knobs["size"]))
st.markdown(prose("inception", "Papers"))
st.table(inception.PAPERS.set_index("What"))
mark("published", _("the papers named; the last column: arXiv:1602.07261 (2016), introduction"))
lesson.explore_link("inception_v3")

st.subheader(prose("inception", "Auxiliary heading"), anchor="auxiliary")
network, experiment = st.columns([2, 3])
with network:
    lesson.network_graph(inception.analysis("googlenet_2014", auxiliary=True))
    lesson.explore_link("googlenet_2014", {"auxiliary": True})
with experiment:
    st.markdown(prose("inception", "Auxiliary", **inception.auxiliary_fields()))
    st.markdown(prose("inception", "Gradients", **inception.auxiliary_fields()))
    gradients = measured(_("Measuring gradients"), inception.gradients, knobs["start"], knobs["batch_norm"], knobs["seed"])
    weight = float(knobs["auxiliary"])
    st.markdown(prose("inception", "Gradient result", **inception.gradient_fields(gradients, weight)))
    st.plotly_chart(figures.gradients(gradients, weight, colours), key="gradients", config=BARE,
                    alt=_("Lines: gradient norm of each part with and without auxiliary losses"))
    mark("measured")
    st.dataframe(inception.gradient_table(gradients, weight), hide_index=True, key="gradient_table", height="content")
    mark("measured")
    st.markdown(prose("inception", "Gradient meaning"))

lesson.try_it(prose("inception", "Try"))
lesson.sources([Inception, NaiveInception, AuxiliaryClassifier, GoogLeNet, InceptionC, inception.gradients])
