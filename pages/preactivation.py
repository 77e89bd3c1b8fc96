"""Identity mappings: five orderings of a residual unit, built, run and measured."""

import streamlit as st

from lib.code import source
from lib.figures import lesson_preactivation, lesson_residual
from lib.lessons import preactivation
from lib.lessons.residual import published
from lib.models.resnet_v2 import UNITS, ResidualUnit, ResNetV2, closing, opening
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.measuring import measured
from lib.ui.provenance import mark

BARE = {"displayModeBar": False}
palette, names = current_palette(), preactivation.NAMES

st.title(_("Identity mappings"), anchor=False)
st.markdown(prose("preactivation", "Question"))
knobs = lesson.knobs("preactivation", {
    "depth": lesson.Knob(_("Layers"), *preactivation.DEPTH, _("110: units of two 3×3. 164: bottleneck units.")),
    "ordering": lesson.Knob(_("Ordering"), tuple(UNITS), "full", _("The unit whose code is shown with the original's."),
                            lambda ordering: names[ordering][:3]),
    "seed": lesson.Knob(_("Seed"), *preactivation.SEED, _("Random weights and images follow from it.")),
})
depth, ordering, seed = knobs["depth"], knobs["ordering"], knobs["seed"]

st.subheader(prose("preactivation", "Units heading"), anchor="units")
st.markdown(prose("preactivation", "Units"))
for column, (key, block) in zip(st.columns(len(UNITS)), preactivation.blocks(depth).items()):
    with column:
        lesson.block_card(names[key], block)
st.markdown(prose("preactivation", "Said"))
st.info(prose("preactivation", "Mistake"), icon=":material/lightbulb:")

st.subheader(prose("preactivation", "Code heading"), anchor="units-code")
for column, key in zip(st.columns(2), ("original", ordering)):
    with column:
        st.markdown(f"**{names[key]}**")
        st.code(source(UNITS[key]), language="python")

st.subheader(prose("preactivation", "Branch heading"), anchor="branch")
courses = measured(_("Running the five networks forward and backward"), preactivation.measure, depth, seed)
fields = preactivation.course_fields(depth, courses)
st.markdown(prose("preactivation", "Branch", **fields))


def chart(quantity: str, title: str, log: str = "") -> None:
    """One measured quantity over the units, a line for each ordering."""
    x, series = preactivation.over_units(courses, quantity)
    st.plotly_chart(lesson_residual.lines(x, series, palette, _("unit"), title, log), key=quantity, config=BARE,
                    alt=_("{title} by unit for five orderings; the table below sums up.").format(title=title))
    mark("measured", _("before training, seed {seed}").format(seed=seed))


sign, size = st.columns(2)
with sign:
    chart("negatives", _("F below zero, %"))
with size:
    chart("branches", _("F (RMS)"))
st.markdown(prose("preactivation", "Signal", **fields))
chart("signals", _("signal (RMS)"))
st.markdown(prose("preactivation", "Sum", **fields))

st.subheader(prose("preactivation", "Gradient heading"), anchor="gradient")
st.markdown(prose("preactivation", "Gradient", **fields))
chart("gradients", _("gradient norm"), "y")
st.dataframe(preactivation.course_table(courses), hide_index=True, key="courses")
mark("measured", _("before training, seed {seed}").format(seed=seed))

st.subheader(prose("preactivation", "Errors heading"), anchor="errors")
st.plotly_chart(lesson_preactivation.errors(list(names.values()), preactivation.printed_errors(), palette), key="errors",
                config=BARE, alt=_("CIFAR-10 errors of the five orderings; the table below holds the same."))
st.dataframe(preactivation.error_table(), hide_index=True, key="error_table")
mark("published", published()["orderings"]["source"])
st.markdown(prose("preactivation", "Errors"))
st.dataframe(preactivation.depth_table(), hide_index=True, key="depth_table")
mark("published", published()["depths"]["source"])

st.subheader(prose("preactivation", "Ends heading"), anchor="ends")
st.markdown(prose("preactivation", "Ends"))
for column, preset in zip(st.columns(3), (preactivation.preset(depth, ordering), "resnetv2_50", "resnetv2_50_a")):
    with column:
        lesson.explore_link(preset)

lesson.try_it(prose("preactivation", "Try"))
lesson.sources([ResidualUnit, *UNITS.values(), opening, closing, ResNetV2])
