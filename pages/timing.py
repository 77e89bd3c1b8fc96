"""Timing: what the clock says about real networks on a real device."""

import streamlit as st

from lib import catalog
from lib.lab.lab import lab
from lib.text import prose
from lib.timing import Network
from lib.ui import _
from lib.ui.address import moved, new_address, plain, write_address
from lib.ui.comparison import SLOTS, names
from lib.ui.controls import show_value
from lib.ui.lab import latency, layers, memory, scatter, stored, sweep
from lib.ui.lab.asked import Asked, choose_setting, parameters, read
from lib.ui.network import Choice, analyzed, show_refusal, turn_knobs

PANELS = {"latency": (_("Latency"), latency.show), "sweep": (_("Batch sweep"), sweep.show),
          "layers": (_("Layer by layer"), layers.show), "macs": (_("MACs against time"), scatter.show),
          "memory": (_("Memory of training"), memory.show), "stored": (_("Stored runs"), stored.show)}

if not lab().lines:
    st.error(plain(" ".join(lab().absent.values()) or _("timing.toml allows no device of this machine.")))
    st.stop()

# The link
state = st.session_state
if (address := new_address("timing")) is not None:
    state["timing_tab"] = PANELS.get(address.pop("view", ""), PANELS["latency"])[0]
    state["timed"], state["timing_values"], state["timing_problems"] = read(address)
choices: list[Choice] = state["timed"]

st.title(_("Timing"), anchor=False)
st.markdown(prose("timing", "Title"))
for problem in state["timing_problems"]:
    st.warning(plain(problem))
if lab().absent:
    st.caption(":material/info: " + plain(" ".join(lab().absent.values())))


# The networks
def change(action, *arguments) -> None:
    moved()
    action(*arguments)


families = {preset: family.name for preset, family in catalog.presets().items()}
analyses = []
for column, slot, choice in zip(st.columns(max(2, len(choices))), SLOTS, choices):
    with column.container(border=True):
        key = f"timed_{slot}_preset"
        show_value(key, choice.preset)
        st.selectbox(_("Network {slot}").format(slot=slot), list(families), key=key,
                     format_func=lambda preset: f"{preset} ({families[preset]})", help=_("Type to search among all networks."),
                     on_change=lambda choice=choice, key=key: change(choice.start, state[key]))
        analysis, _base, refused = analyzed(choice, f"timed_{slot}_")
        analyses.append(analysis)
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.popover(_("Knobs"), icon=":material/tune:"):
                turn_knobs(choice, analysis, f"timed_{slot}_")
            st.page_link("../../pages/explore.py", label=_("Explore"), query_params=choice.parameters())
            if len(choices) > 1:
                st.button(_("Remove"), key=f"timed_{slot}_remove", type="tertiary", on_click=change,
                          args=(choices.remove, choice))
        if refused:
            show_refusal(choice, refused, f"timed_{slot}_")
st.button(_("Add a network"), key="timed_add", icon=":material/add:", disabled=len(choices) == len(SLOTS), on_click=change,
          args=(choices.append, Choice("mobilenet_v2" if len(choices) == 1 else "vgg16")))

# How and where
with st.container(border=True):
    setting, device = choose_setting(state["timing_values"], choices, analyses)
asked = Asked(choices, tuple(Network.of(analysis) for analysis in analyses), analyses, names(choices), setting, device)

# What is measured
for tab, (view, (label, show)) in zip(st.tabs([label for label, _show in PANELS.values()], key="timing_tab", on_change=moved),
                                      PANELS.items()):
    if tab.open:
        with tab:
            show(asked)
shown = next(view for view, (label, _show) in PANELS.items() if label == state["timing_tab"])
write_address("timing", parameters(choices, state["timing_values"]) | ({"view": shown} if shown != "latency" else {}))
