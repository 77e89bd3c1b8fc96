"""The effective receptive field of a layer, untrained and trained."""

import streamlit as st

from lib.inside.effective import IMAGES, effective, measurable
from lib.inside.links import IMAGENET, Asked, layer_of
from lib.inside.networks import SIDES
from lib.lessons.receptive_field.effective import sides
from lib.lessons.receptive_field.figures import heat
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.inside.choosing import PLAIN_CHART, origin, tied
from lib.ui.provenance import mark


def show(asked: Asked) -> None:
    """The gradient of each pixel, with the theoretical field and the square that holds half of it."""
    if asked.network == IMAGENET:
        st.info(prose("inside", "Small alone"))
        return
    subject = asked.subject()
    st.markdown(prose("inside", "Effective", images=IMAGES))
    names = {op.name: f"{op.name} · {op.output}" for op in subject.analysis().ops if measurable(subject, op.index)}
    op = layer_of(asked)
    chosen = op.name if op.name in names else None
    st.selectbox(_("Layer"), names, format_func=names.get, filter_mode="contains", placeholder=_("Choose a layer"),
                 help=_("Whose cell in the middle is asked."), **tied("inside_field_layer", chosen, asked.go))
    if op.name not in names:
        st.info(prose("inside", "No field"))
        return
    found = {side: effective(subject, side, op.index) for side in subject.sides}
    for column, (side, each) in zip(st.columns(len(found), gap="medium"), found.items()):
        with column:
            st.markdown(f"**{SIDES[side]}**")
            st.plotly_chart(heat(each, current_palette()), key=f"inside_heat_{side}", config=PLAIN_CHART,
                            alt=_("How strongly the cell depends on each pixel; the table below holds the sizes."))
            st.markdown(prose("inside", "Effective size", half=each.half, theory=each.size))
    mark("measured", origin(asked))
    st.dataframe(sides(tuple(found.values()), tuple(map(SIDES.get, found))), hide_index=True, key="inside_sides")
    mark("measured", origin(asked))
