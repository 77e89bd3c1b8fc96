"""Atlas, the start page: the families in time, what changed from one to the next, what accuracy costs, who won."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from lib import catalog
from lib.analysis import atlas
from lib.figures import atlas as figures
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import moved, new_address, plain, write_address
from lib.ui.controls import show_value
from lib.ui.graph_view import graph_view
from lib.ui.network import Choice

VIEWS = {"timeline": _("Timeline"), "lineage": _("Lineage"), "accuracy": _("Accuracy and cost"),
         "winners": _("ILSVRC winners"), "networks": _("All networks")}
PRINTED = {"paper": _("printed by the authors"), "torchvision": _("torchvision's first weights (IMAGENET1K_V1)")}
CHOICES = {"view": tuple(VIEWS), "protocol": atlas.protocols()}
EXPLORE = "../../pages/explore.py"
families, presets, state = catalog.families(), catalog.presets(), st.session_state
number, link_column, text_column = st.column_config.NumberColumn, st.column_config.LinkColumn, st.column_config.TextColumn


def link(preset: str, knobs: Mapping[str, Any] = {}) -> str:
    """The address of a network in Explore; empty for none."""
    return preset and f"/explore?{urlencode(Choice(preset, dict(knobs)).parameters())}"


def to_explore(label: str) -> Any:
    """A column of such addresses, shown by their preset."""
    return link_column(label, display_text=r"preset=([^&]*)", help=_("Opens in Explore."))


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


def choose(name: str, label: str, show) -> str:
    """A control that stays in the link."""
    def keep() -> None:
        moved()
        state["atlas"][name] = state[f"atlas_{name}"]

    show_value(f"atlas_{name}", state["atlas"][name])
    return st.segmented_control(label, CHOICES[name], key=f"atlas_{name}", required=True, format_func=show, on_change=keep,
                                label_visibility="collapsed")


def picked(figure, key: str, alt: str) -> Any:
    """Show a picture; what the clicked point carries, or None."""
    event = st.plotly_chart(figure, key=key, on_select="rerun", selection_mode="points", alt=alt,
                            config={"displayModeBar": False})
    return event.selection.points[0].get("customdata") if event.selection.points else None


def timeline() -> None:
    st.markdown(prose("atlas", "Timeline"))
    family = picked(figures.timeline(list(families.values()), current_palette()), "timeline",
                    _("The families by year; the table below holds the same."))
    if family:
        st.switch_page(EXPLORE, query_params=Choice(next(iter(families[family].presets))).parameters())
    rows = [(f.paper.year, f.name, link(next(iter(f.presets))), len(f.presets), f.summary, f.paper.title, f.paper.authors,
             f.paper.url or None) for f in families.values()]
    st.dataframe(
        pd.DataFrame(rows, columns=["year", "family", "preset", "networks", "summary", "paper", "authors", "arxiv"]),
        hide_index=True, key="families", height="content",
        column_config={"year": number(_("Year"), format="%d"), "family": _("Family"), "preset": to_explore(_("Opens with")),
                       "networks": _("Networks"), "summary": _("What it is"), "paper": _("Paper"), "authors": _("Authors"),
                       "arxiv": link_column("arXiv", display_text=r"abs/(.*)")})


def lineage() -> None:
    st.markdown(prose("atlas", "Lineage"))
    edges = atlas.lineage()
    graph_view(figures.lineage(edges, list(families.values()), current_palette()), "lineage", "", "lineage",
               lambda preset: state.update(atlas_open=preset), lambda id: None, height=640,
               alt=_("What each network changed against its parent; the table below holds the same."))
    rows = [(link(edge.change.parent), link(edge.change.child), edge.change.change, f"{edge.params:+,}", edge.params_percent,
             f"{edge.macs:+,}", edge.macs_percent, f"{edge.before.input_size} → {edge.after.input_size}") for edge in edges]
    st.dataframe(
        pd.DataFrame(rows, columns=["parent", "child", "change", "params", "params %", "macs", "macs %", "input"]),
        hide_index=True, key="changes", height="content",
        column_config={"parent": to_explore(_("Parent")), "child": to_explore(_("Child")), "change": _("Change"),
                       "params": text_column(_("Parameters"), alignment="right"), "params %": number("%", format="%+.1f"),
                       "macs": text_column(_("MACs"), alignment="right"), "macs %": number("%", format="%+.1f"),
                       "input": text_column(_("Input, px"), help=_("The size at which each is counted."))})


def accuracy() -> None:
    st.markdown(prose("atlas", "Accuracy"))
    protocol = choose("protocol", _("Protocol"), str)
    who, _space, size = protocol.partition(" ")
    st.caption(prose("atlas", "Protocol", protocol=protocol, size=size, who=PRINTED.get(who, who)))
    points = atlas.points(protocol)
    index = picked(figures.chart(points, current_palette()), f"chart_{protocol}",
                   _("Accuracy against multiply-adds; the table below holds the same."))
    if index is not None:
        result = points[index].result
        st.switch_page(EXPLORE, query_params=Choice(result.preset, dict(result.knobs)).parameters())
    st.caption(prose("atlas", "Training"))
    rows = [(point.family.name, link(point.result.preset, point.result.knobs), point.top1, point.top5, point.totals.params,
             point.totals.macs, point.totals.input_size, point.result.source) for point in points]
    st.dataframe(
        pd.DataFrame(rows, columns=["family", "preset", "top1", "top5", "params", "macs", "input", "source"]),
        hide_index=True, key=f"results_{protocol}", height="content",
        column_config={"family": _("Family"), "preset": to_explore(_("Network")), "top1": number(_("Top-1, %"), format="%.2f"),
                       "top5": number(_("Top-5, %"), format="%.2f"), "params": number(_("Parameters"), format="localized"),
                       "macs": number(_("MACs"), format="localized"), "input": _("Input, px"), "source": _("Source")})


def winners() -> None:
    st.markdown(prose("atlas", "Winners"))
    contest = atlas.ilsvrc()
    st.plotly_chart(figures.winners(contest, current_palette()), key="winners", config={"displayModeBar": False},
                    alt=_("The winners' errors by year; the table below holds the same."))
    st.caption(prose("atlas", "Person", who=contest.human, source=contest.human_source, winners=contest.source))
    rows = [(entry.year, entry.team, f"{entry.error:.3f}", entry.ran, entry.extra, _depth(entry),
             f"[{entry.preset}]({link(entry.preset)})" if entry.preset else "", entry.second, entry.also)
            for entry in contest.winners]
    st.table(pd.DataFrame(rows, columns=[_("Year"), _("Winner"), _("Top-5 error, %"), _("What ran"), _("More images"), _("Depth"),
                                         _("Network here"), _("Second"), _("Also printed in")]), hide_index=True)


def _depth(entry: atlas.Winner) -> str:
    if entry.depth is None:
        return ""
    return str(entry.depth) if entry.depth_verified else _("{depth} (not verified)").format(depth=entry.depth)


def networks() -> None:
    st.markdown(prose("atlas", "Networks"))
    rows = []
    for preset, family in presets.items():
        total = atlas.totals(preset)
        rows.append((family.paper.year, family.name, link(preset), total.params, total.macs, total.weight_layers,
                     total.receptive_field, total.input_size, family.presets[preset].note))
    st.dataframe(
        pd.DataFrame(rows, columns=["year", "family", "preset", "params", "macs", "layers", "field", "input", "note"]),
        hide_index=True, key="networks", height=640,
        column_config={"year": number(_("Year"), format="%d"), "family": _("Family"), "preset": to_explore(_("Network")),
                       "params": number(_("Parameters"), format="localized"), "macs": number(_("MACs"), format="localized"),
                       "layers": _("Weight layers"), "field": _("Field, px"), "input": _("Input, px"), "note": _("What it is")})
    st.caption(prose("atlas", "Convention"))


if (address := new_address("atlas")) is not None:
    state["atlas"], state["atlas_problems"] = read(address)
if preset := state.pop("atlas_open", None):
    st.switch_page(EXPLORE, query_params=Choice(preset).parameters())

st.title("Backbone Lab", anchor=False)
st.markdown(prose("atlas", "Welcome"))
with st.container(horizontal=True):
    st.page_link(EXPLORE, label=_("Explore"), icon=":material/tune:")
    st.page_link("../../pages/bottleneck.py", label=_("Bottleneck"), icon=":material/school:")
for problem in state["atlas_problems"]:
    st.warning(plain(problem))
view = choose("view", _("View"), VIEWS.get)
{"timeline": timeline, "lineage": lineage, "accuracy": accuracy, "winners": winners, "networks": networks}[view]()
write_address("atlas", {name: chosen for name, chosen in state["atlas"].items() if chosen != CHOICES[name][0]})
