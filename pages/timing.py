"""Timing: what the clock says about real networks on a real device."""

import streamlit as st

from lib.lab.lab import lab
from lib.records import Network
from lib.text import prose
from lib.ui import _
from lib.ui.address import new_address, plain, write_address
from lib.ui.comparison import MOST, cards, change, names
from lib.ui.controls import tied
from lib.ui.lab import accuracy, latency, layers, memory, scatter, stored, sweep
from lib.ui.lab.asked import Asked, choose_setting, parameters, read
from lib.ui.network import Choice

PANELS = {"latency": (_("Latency"), latency.show), "sweep": (_("Batch sweep"), sweep.show),
          "layers": (_("Layer by layer"), layers.show), "macs": (_("MACs against time"), scatter.show),
          "accuracy": (_("Accuracy for time"), accuracy.show),
          "memory": (_("Memory of training"), memory.show), "stored": (_("Stored runs"), stored.show)}

if not lab().lines:
    st.error(plain(" ".join(lab().absent.values()) or _("timing.toml allows no device of this machine.")))
    st.stop()

# The link
state = st.session_state
if (address := new_address("timing")) is not None:
    state["timing"] = {"tab": PANELS.get(address.pop("view", ""), PANELS["latency"])[0]}
    state["timed"], state["timing_values"], state["timing_problems"] = read(address)
choices: list[Choice] = state["timed"]

st.title(_("Timing"), anchor=False)
st.markdown(prose("timing", "Title"))
for problem in state["timing_problems"]:
    st.warning(plain(problem))
if lab().absent:
    st.caption(":material/info: " + plain(" ".join(lab().absent.values())))

# The networks
analyses = cards(choices, "timed_", fewest=1)
st.button(_("Add a network"), key="timed_add", icon=":material/add:", disabled=len(choices) == MOST, on_click=change,
          args=(choices.append, Choice("mobilenet_v2" if len(choices) == 1 else "vgg16")))

# How and where
with st.container(border=True):
    setting, device = choose_setting(state["timing_values"], choices, analyses)
asked = Asked(choices, tuple(Network.of(analysis) for analysis in analyses), analyses, names(choices), setting, device)

# What is measured
tabs = st.tabs([label for label, _show in PANELS.values()], **tied(state["timing"], "tab", "timing_tab"))
for tab, (label, show) in zip(tabs, PANELS.values()):
    if tab.open:
        with tab:
            show(asked)
shown = next(view for view, (label, _show) in PANELS.items() if label == state["timing"]["tab"])
write_address("timing", parameters(choices, state["timing_values"]) | ({"view": shown} if shown != "latency" else {}))
