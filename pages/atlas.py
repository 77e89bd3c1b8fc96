"""Atlas, the start page: what the app is and where to begin; what accuracy costs, what changed from one network to the
next, the families in time, who won."""

import streamlit as st

from lib.analysis.atlas import protocols
from lib.lessons.knobs import Knob
from lib.text import prose
from lib.ui import _, atlas, progress
from lib.ui.address import new_address, plain, write_address
from lib.ui.controls import tied
from lib.ui.knobs import read_knobs, write_knobs

VIEWS = {"accuracy": _("Accuracy and cost"), "lineage": _("Lineage"), "timeline": _("Timeline"),
         "winners": _("ILSVRC winners"), "networks": _("All networks")}
BEGIN = (("explore", _("Open a first network"), ":material/tune:"),
         ("convolution", _("Read a first lesson"), ":material/school:"),
         ("compare", _("Compare two networks"), ":material/compare_arrows:"),
         ("timing", _("Time networks"), ":material/speed:"))
KNOBS = {"view": Knob(_("View"), tuple(VIEWS), "accuracy", "", VIEWS.get),
         "protocol": Knob(_("Protocol"), protocols(), protocols()[0], "")}
state = st.session_state


def choose(name: str) -> str:
    """A control that stays in the link."""
    knob = KNOBS[name]
    return st.segmented_control(knob.label, knob.values, required=True, format_func=knob.show, label_visibility="collapsed",
                                **tied(state["atlas"], name, f"atlas_{name}"))


address = new_address("atlas")
left_for_explore = "atlas" in state and "preset" in (address or {})  # st.switch_page leaves this in the history
if address is not None and not left_for_explore:
    state["atlas"], state["atlas_problems"] = read_knobs(address, KNOBS)

st.title("Backbone Lab", anchor=False)
st.markdown(prose("atlas", "Welcome"))
with st.container(horizontal=True, key="begin"):
    for page, label, icon in BEGIN:
        st.page_link(f"../../pages/{page}.py", label=label, icon=icon)
progress.panel(atlas.topics())
for problem in state["atlas_problems"]:
    st.warning(plain(problem))

views, protocols_beside = st.columns([5, 4])
with views:
    view = choose("view")
if view == "accuracy":
    with protocols_beside:
        protocol = choose("protocol")
    atlas.accuracy(protocol)
else:
    getattr(atlas, view)()
write_address("atlas", write_knobs(state["atlas"], KNOBS))
