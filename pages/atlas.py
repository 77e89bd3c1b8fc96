"""Atlas, the start page: the families in time, what changed from one to the next, what accuracy costs, who won."""

from collections.abc import Callable, Mapping

import streamlit as st

from lib.analysis.atlas import protocols
from lib.text import prose
from lib.ui import _, atlas
from lib.ui.address import new_address, plain, write_address
from lib.ui.controls import tied

VIEWS = {"timeline": _("Timeline"), "lineage": _("Lineage"), "accuracy": _("Accuracy and cost"),
         "winners": _("ILSVRC winners"), "networks": _("All networks")}
CHOICES = {"view": tuple(VIEWS), "protocol": protocols()}
state = st.session_state


def read(address: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What a link chooses, and a sentence for each part of it that is not possible."""
    chosen, problems = {name: values[0] for name, values in CHOICES.items()}, []
    for name, text in address.items():
        if text in CHOICES.get(name, ()):
            chosen[name] = text
        elif name in CHOICES:
            problems.append(_("{name} = {text} is not possible: choose one of {values}.").format(
                name=name, text=text[:40], values=", ".join(CHOICES[name])))
        else:
            problems.append(_("There is no “{name}” on this page.").format(name=name[:40]))
    return chosen, problems


def choose(name: str, label: str, show: Callable[[str], str]) -> str:
    """A control that stays in the link."""
    return st.segmented_control(label, CHOICES[name], required=True, format_func=show, label_visibility="collapsed",
                                **tied(state["atlas"], name, f"atlas_{name}"))


address = new_address("atlas")
left_for_explore = "atlas" in state and "preset" in (address or {})  # st.switch_page leaves this in the history
if address is not None and not left_for_explore:
    state["atlas"], state["atlas_problems"] = read(address)

st.title("Backbone Lab", anchor=False)
st.markdown(prose("atlas", "Welcome"))
with st.container(horizontal=True):
    st.page_link("../../pages/explore.py", label=_("Explore"), icon=":material/tune:")
    st.page_link("../../pages/compare.py", label=_("Compare"), icon=":material/compare_arrows:")
    st.page_link("../../pages/convolution.py", label=_("Convolution"), icon=":material/school:")
    st.page_link("../../pages/textbook.py", label=_("Textbook, checked"), icon=":material/fact_check:")
for problem in state["atlas_problems"]:
    st.warning(plain(problem))

view = choose("view", _("View"), VIEWS.get)
if view == "accuracy":
    st.markdown(prose("atlas", "Accuracy"))
    atlas.accuracy(choose("protocol", _("Protocol"), str))
else:
    getattr(atlas, view)()
write_address("atlas", {name: chosen for name, chosen in state["atlas"].items() if chosen != CHOICES[name][0]})
