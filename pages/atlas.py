"""Atlas, the start page: what the app is and where to begin; what accuracy costs, what changed from one network to the
next, the families in time, who won."""

from collections.abc import Callable, Mapping

import streamlit as st

from lib.analysis.atlas import protocols
from lib.text import prose
from lib.ui import _, atlas, progress
from lib.ui.address import new_address, plain, write_address
from lib.ui.controls import tied

VIEWS = {"accuracy": _("Accuracy and cost"), "lineage": _("Lineage"), "timeline": _("Timeline"),
         "winners": _("ILSVRC winners"), "networks": _("All networks")}
BEGIN = (("explore", _("Open a first network"), ":material/tune:"),
         ("convolution", _("Read a first lesson"), ":material/school:"),
         ("compare", _("Compare two networks"), ":material/compare_arrows:"),
         ("timing", _("Time networks"), ":material/speed:"))
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
with st.container(horizontal=True, key="begin"):
    for page, label, icon in BEGIN:
        st.page_link(f"../../pages/{page}.py", label=label, icon=icon)
progress.panel(atlas.topics())
for problem in state["atlas_problems"]:
    st.warning(plain(problem))

views, protocols_beside = st.columns([5, 4])
with views:
    view = choose("view", _("View"), VIEWS.get)
if view == "accuracy":
    with protocols_beside:
        protocol = choose("protocol", _("Protocol"), str)
    atlas.accuracy(protocol)
else:
    getattr(atlas, view)()
write_address("atlas", {name: chosen for name, chosen in state["atlas"].items() if chosen != CHOICES[name][0]})
