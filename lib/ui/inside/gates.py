"""Gates of SE, SK and split attention for the chosen picture, untrained and trained."""

import pandas as pd
import streamlit as st

from lib.inside import figures
from lib.inside.gates import gate_values, gates
from lib.inside.links import Asked, gate_of
from lib.inside.networks import SIDES
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.inside.choosing import PLAIN_CHART, origin, put, tied
from lib.ui.provenance import mark


def show(asked: Asked) -> None:
    """A gate's numbers, channel by channel."""
    subject, gate = asked.subject(), gate_of(asked)
    if gate is None:
        st.info(prose("inside", "No gates"))
        return
    blocks = [each.block for each in gates(subject.analysis())]
    st.markdown(prose("inside", "Gates"))
    if gate.branches > 1:
        st.markdown(prose("inside", "Branches", branches=gate.branches))
    st.selectbox(_("Block"), blocks, help=_("The block that the gate stands in."),
                 **tied("inside_gate", gate.block, put(asked, "gate")))
    many = [_("branch {number}").format(number=number) for number in range(gate.branches)]
    names = many if gate.branches > 1 else [_("gate")]
    found = {side: gate_values(subject, side, asked.shown(), gate) for side in subject.sides}
    for column, (side, values) in zip(st.columns(len(found), gap="medium"), found.items()):
        with column:
            st.markdown(f"**{SIDES[side]}**")
            st.plotly_chart(figures.gate(values, names, current_palette()), key=f"inside_gate_{side}", config=PLAIN_CHART,
                            alt=_("The gate of each channel; the table below holds the same."))
    mark("measured", origin(asked))
    table = {_("Channel"): range(gate.channels)} | {
        f"{SIDES[side]}, {name}": row.round(4) for side, values in found.items() for name, row in zip(names, values)}
    st.dataframe(pd.DataFrame(table), hide_index=True, key="inside_gates", height=240)
    mark("measured", origin(asked))
