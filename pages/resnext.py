"""ResNeXt: three forms of one block, groups as a matrix, cardinality against width, adding and concatenating."""

import streamlit as st

from lib.figures import lesson_resnext as figures
from lib.lessons import resnext
from lib.models.resnet import Bottleneck
from lib.models.resnext import equal_weights_width
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.measuring import measured
from lib.ui.provenance import images_of, mark, on_maps

DEPTHS = (50, 101)
PLAIN = {"displayModeBar": False}

st.title(_("ResNeXt"), anchor=False)
st.markdown(prose("resnext", "Question"))
st.caption(prose("resnext", "Names"))
knobs = lesson.knobs("resnext", {
    "cardinality": lesson.Knob(_("Cardinality C"), *resnext.PATHS, _("Paths of the block, groups of its 3×3.")),
    "width": lesson.Knob(_("Width d of a path"), *resnext.WIDTH, _("Channels of one path of the block.")),
    "depth": lesson.Knob(_("Layers of the network"), DEPTHS, 50, _("For the totals and the paper's errors.")),
    "seed": lesson.Knob(_("Seed"), *resnext.SEED, _("Weights and input of the measured block follow from it.")),
})
cardinality, width, depth, seed = knobs.values()
palette = current_palette()

st.subheader(prose("resnext", "Forms heading"), anchor="forms")
found = measured(_("The three forms"), resnext.differences, cardinality, width, seed)
st.markdown(prose("resnext", "Forms", cardinality=cardinality, width=width, **found.fields()))
st.dataframe(found.table(), hide_index=True, key="differences")
mark("measured", _("largest absolute difference of the outputs on a map of 7×7, the norms in training mode"))
st.markdown(prose("resnext", "Why"))
names = [_("(a) Paths added"), _("(b) Paths concatenated"), _("(c) Grouped")]
paths, shown = resnext.drawn(cardinality, width)
st.caption(prose("resnext", "Drawn", paths=paths, cardinality=cardinality))
for column, name, block in zip(st.columns(3), names, shown):
    with column:
        lesson.block_card(name, block)
st.markdown(prose("resnext", "Same cost"))
st.dataframe(resnext.forms(cardinality, width).table(names), hide_index=True, key="forms")
mark("computed", _("{maps}, all paths").format(maps=on_maps(resnext.MAP)))

st.subheader(prose("resnext", "Matrix heading"), anchor="matrix")
cost = resnext.cost_fields(cardinality, width)
st.markdown(prose("resnext", "Matrix", **found.fields(), **cost))
st.plotly_chart(figures.matrix(found.matrix, palette), key="matrix", config=PLAIN,
                alt=_("Matrix of kernels with blocks on its diagonal, blank elsewhere; the text above has the numbers"))
mark("measured", _("root of the summed squares of every kernel of the grouped 3×3, and of the zeros around"))

st.subheader(prose("resnext", "Cost heading"), anchor="cost")
st.markdown(prose("resnext", "Cost", **cost))
st.plotly_chart(figures.equal_cost(resnext.equal_cost(cardinality, width), palette), key="equal_cost", config=PLAIN,
                alt=_("Weights of blocks of equal cost, split by convolution; the table below has the numbers"))
st.dataframe(resnext.equal_cost_table(cardinality, width), hide_index=True, key="equal_costs")
mark("computed")

st.subheader(prose("resnext", "Published heading"), anchor="published")
st.markdown(prose("resnext", "Published", **resnext.error_fields(depth)))
st.plotly_chart(figures.errors([f"{c}×{d}d" for c, d in resnext.TEMPLATES], resnext.errors(), palette), key="errors",
                config=PLAIN, alt=_("Top-1 error falls with the cardinality at both depths; the table below has the numbers"))
mark("published", _("Xie et al. 2016, Table 3; one crop of 224 pixels"))
st.dataframe(resnext.published(depth), hide_index=True, key="published")
mark("computed", _("parameters and MACs, {images}").format(images=images_of(resnext.network(depth, cardinality, width))))
mark("published", _("errors: Xie et al. 2016, Table 3"))
st.markdown(prose("resnext", "Doubled"))
st.plotly_chart(figures.marks(resnext.DOUBLED, _("top-1 error, %"), palette), key="doubled", config=PLAIN,
                alt=", ".join(f"{name} {error} %" for name, error in resnext.DOUBLED.items()))
mark("published", _("Xie et al. 2016, Table 4; one crop of 224 pixels"))

st.subheader(prose("resnext", "Add heading"), anchor="add")
st.markdown(prose("resnext", "Add"))
st.markdown(prose("resnext", "Radix"))
st.plotly_chart(figures.marks(resnext.billions(), _("billion MACs"), palette), key="billions", config=PLAIN,
                alt=_("Multiply-adds of ResNet, ResNeXt and ResNeSts; the table below has the numbers"))
st.dataframe(resnext.networks_table(), hide_index=True, key="networks")
mark("computed", images_of(*resnext.networks().values()))
st.markdown(prose("resnext", "Yours"))
chosen = resnext.network(depth, cardinality, width)
for column, label, value in zip(st.columns(3), (_("Your network"), _("Parameters"), _("MACs")),
                                (f"{cardinality}×{width}d", f"{chosen.params:,}", f"{chosen.macs:,}")):
    column.metric(label, value)
mark("computed", images_of(chosen))
lesson.explore_link("resnext50_32x4d", resnext.knobs(depth, cardinality, width), _("Your network in Explore"))

lesson.try_it(prose("resnext", "Try"))
lesson.sources([Bottleneck, resnext.PathsAdded, resnext.PathsConcatenated, resnext.dense_weight, equal_weights_width])
