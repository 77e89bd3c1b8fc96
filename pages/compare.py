"""Compare: two to four networks side by side, aligned by resolution."""

import pandas as pd
import streamlit as st

from lib.analysis import comparison
from lib.analysis.remarks import remarks
from lib.architecture import size_text
from lib.figures.comparison import bars, fields
from lib.figures.treemap import TITLES
from lib.provenance import images_of
from lib.text import prose
from lib.ui import _, asking, backward, current_palette, published
from lib.ui.address import new_address, plain, write_address
from lib.ui.comparison import FEWEST, MOST, cards, change, names, parameters, read, total_row
from lib.ui.controls import kept
from lib.ui.network import HIDDEN, TOTALS, Choice
from lib.ui.provenance import mark
from lib.ui.train import state as train

PLAIN_CHART = {"displayModeBar": False}

# The link
state = st.session_state
if (address := new_address("compare")) is not None:
    ask = address.pop("ask", "")
    state["networks"], problems = read(address)
    state["compare_problems"] = problems + asking.read("compare", ask, [choice.preset for choice in state["networks"]])
choices: list[Choice] = state["networks"]

st.title(_("Compare"), anchor=False)
st.markdown(prose("compare", "Title"))
for problem in state["compare_problems"]:
    st.warning(plain(problem))

# The networks
analyses = cards(choices, hidden=asking.hidden("compare"), asked=asking.parameters("compare"))
hidden = asking.hidden("compare", *analyses)
with st.container(horizontal=True, vertical_alignment="center"):
    st.button(_("Add a network"), key="add", icon=":material/add:", disabled=len(choices) == MOST, on_click=change,
              args=(choices.append, Choice("vgg16" if len(choices) == FEWEST else "mobilenet_v2")))
    st.button(_("Other way round"), key="swap", icon=":material/swap_horiz:", on_click=change, args=(choices.reverse,),
              help=_("The first network is what the others are compared with."))
    st.page_link("../../pages/timing.py", label=_("Measure their time"), icon=":material/speed:",
                 query_params=parameters(choices))
    if (learning := train.link(choices, analyses)) is not None:
        st.page_link("../../pages/train.py", label=_("Train them"), icon=":material/trending_down:", query_params=learning)
    asking.menu("compare", parameters(choices))

# Side by side
shown = names(choices)
sizes = [size_text(analysis.knobs.input_size) for analysis in analyses]
if len(set(sizes)) > 1:
    st.info(prose("compare", "Sizes differ", sizes=", ".join(f"{name} {size} px" for name, size in zip(shown, sizes))))
st.subheader(_("Totals"), anchor=False)
st.markdown(prose("compare", "Totals", first=plain(shown[0])))
asking.predict_largest("compare", analyses)
rows = []
for quantity, cells in comparison.totals(analyses).items():
    if quantity in hidden:
        rows.append([TOTALS[quantity], *[HIDDEN] * len(cells)])
    else:
        rows.append(total_row(TOTALS[quantity], cells))
    if quantity == "macs":
        rows += backward.rows(analyses, hidden)
st.table(pd.DataFrame(rows, columns=["", *shown]), hide_index=True)
mark("computed", images_of(*analyses))

for sentence in dict.fromkeys(sentence for analysis in analyses for sentence in remarks(analysis, hidden)):
    st.caption(f":material/info: {sentence}")

published.show(shown, analyses)

levels = comparison.levels(analyses)
st.subheader(_("By resolution"), anchor=False)
st.markdown(prose("compare", "Stages"))
asking.withheld(hidden, *TITLES)
if costs := asking.visible(TITLES, hidden):
    quantity = st.segmented_control(_("Bars"), costs, required=True, format_func=TITLES.get,
                                    help=_("What the height of a bar shows."), **kept("bars", asking.usual(costs), costs))
    st.plotly_chart(bars(shown, levels, quantity, current_palette()), key="bars_chart", config=PLAIN_CHART,
                    alt=_("{quantity} by resolution and network; the table below holds the same.").format(
                        quantity=TITLES[quantity]))
    mark("computed", images_of(*analyses))
aligned = asking.without(comparison.table(shown, levels), hidden)
number = st.column_config.NumberColumn
st.dataframe(aligned, hide_index=True, column_config={
    "resolution": _("Resolution"), "network": _("Network"), "stages": _("Stages"), "map": _("Map C×H×W"),
    "params": number(_("Parameters"), format="localized"), "macs": number(_("MACs"), format="localized"),
    "activation_bytes": number(_("Activation bytes"), format="localized"), "blocks": _("Blocks")})
mark("computed", images_of(*analyses))
st.download_button(_("Download CSV"), lambda: aligned.to_csv(index=False), "comparison.csv", "text/csv", on_click="ignore")

st.subheader(_("Receptive field"), anchor=False)
st.markdown(prose("compare", "Fields"))
if not asking.withheld(hidden, "receptive_field", "weight_layers"):
    st.plotly_chart(fields(shown, analyses, current_palette()), key="fields_chart", config=PLAIN_CHART,
                    alt=_("Receptive field by weight layer and network; the totals hold the last values."))
    mark("computed")

# What differs
st.subheader(_("What differs"), anchor=False)
differing = comparison.knobs(analyses)
if not differing:
    st.markdown(prose("compare", "Same"))
else:
    st.markdown(prose("compare", "Knobs"))
    st.table(pd.DataFrame([[title, *values] for title, values in differing], columns=[_("Knob"), *shown]), hide_index=True)
st.markdown(prose("compare", "Blocks"))
st.table(pd.DataFrame(
    [[level.name, *("  \n".join(share.blocks) if share else _("none") for share in level.shares),
      _("differs") if level.differs else _("the same")] for level in levels],
    columns=[_("Resolution"), *shown, ""]), hide_index=True)
mark("computed")
write_address("compare", parameters(choices) | asking.parameters("compare"))
