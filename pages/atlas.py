"""The start page: what this is, and every network with its totals."""

import pandas as pd
import streamlit as st

from lib import catalog
from lib.text import prose
from lib.ui import _
from lib.ui.network import analysis_of

st.title("Backbone Lab", anchor=False)
st.markdown(prose("atlas", "Welcome"))
st.markdown(prose("atlas", "Begin"))
with st.container(horizontal=True):
    st.page_link("../../pages/explore.py", label=_("Explore"), icon=":material/tune:")
    st.page_link("../../pages/bottleneck.py", label=_("Bottleneck"), icon=":material/school:")

for family in catalog.families().values():
    st.subheader(f"{family.name}, {family.paper.year}", anchor=family.id)
    source = f"[{family.paper.title}]({family.paper.url})" if family.paper.url else family.paper.title
    st.markdown(f"{family.summary} *{source}*, {family.paper.authors}.")
    analyses = [analysis_of(preset, catalog.configure(preset, {})) for preset in family.presets]
    st.dataframe(
        pd.DataFrame([(f"/explore?preset={a.preset}", a.params, a.macs, a.weight_layers, a.receptive_field,
                       family.presets[a.preset].note) for a in analyses],
                     columns=["preset", "params", "macs", "layers", "field", "note"]),
        hide_index=True, key=f"presets_{family.id}",
        column_config={
            "preset": st.column_config.LinkColumn(_("Network"), display_text=r"preset=(.*)$", help=_("Opens in Explore.")),
            "params": st.column_config.NumberColumn(_("Parameters"), format="localized"),
            "macs": st.column_config.NumberColumn(_("MACs"), format="localized"),
            "layers": _("Weight layers"), "field": _("Field, px"), "note": _("What it is")})
st.caption(prose("atlas", "Convention"))
