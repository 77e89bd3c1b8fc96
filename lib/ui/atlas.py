"""The views of the Atlas: each a picture and a table with the same content; clicks lead to Explore."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import pyarrow as pa
import streamlit as st

from lib import catalog
from lib.analysis import atlas
from lib.digits import change
from lib.figures import atlas as figures
from lib.lessons import find, names, textbook
from lib.once import once
from lib.plan.challenges import challenges
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import moved
from lib.ui.contents import TITLES, path
from lib.ui.graph_view import graph_view
from lib.ui.network import Choice
from lib.ui.provenance import mark

PRINTED = {"paper": _("as papers and research repositories print them (sources in the table)"),
           "torchvision": _("torchvision's first weights (IMAGENET1K_V1)")}
"""Who measured, by the first word of a protocol."""

SHORT = _("In percent, or as a factor where the number is doubled or halved: × 3 is three times, ÷ 3 a third.")

number, web = st.column_config.NumberColumn, st.column_config.LinkColumn
count = partial(number, format="localized")
right = partial(st.column_config.TextColumn, alignment="right")
to_explore = partial(web, display_text=r"preset=([^&]*)", help=_("Opens in Explore."))


def link(preset: str, knobs: Mapping[str, Any] = {}) -> str:
    """The address of a network in Explore; empty for none."""
    return preset and f"/explore?{urlencode(Choice(preset, dict(knobs)).parameters())}"


def explore(preset: str, knobs: Mapping[str, Any] = {}) -> None:
    """Go to Explore with this network."""
    st.switch_page("../../pages/explore.py", query_params=Choice(preset, dict(knobs)).parameters())


@once
def topics() -> list[dict[str, Any]]:
    """What can be done here, for the progress: each lesson with its steps and their questions, the challenges of Build, and
    the textbook's cards."""
    found = []
    for name in names():
        steps = [f"{name}.{step.id}" for step in find(name).steps]
        found.append({"title": TITLES[name], "path": f"/{path(name)}", "steps": steps, "questions": steps})
    found.sort(key=lambda topic: list(TITLES.values()).index(topic["title"]))
    cards = [f"textbook.{card.id}" for card in textbook.cards()]
    found.append({"title": _("Challenges"), "path": "/build?beside=challenge", "steps": [],
                  "questions": [f"build.{each.id}" for each in challenges()]})
    return [*found, {"title": TITLES["textbook"], "path": "/textbook?view=quiz", "steps": [], "questions": cards}]


def timeline() -> None:
    """The families by year."""
    families = {id: family for id, family in catalog.families().items() if family.paper}
    st.markdown(prose("atlas", "Timeline"))
    picked = _picked(figures.timeline(list(families.values()), current_palette()), "timeline",
                     _("The families by year; the table below holds the same."))
    mark("published", _("years, by the papers in the table"))
    if picked is not None:
        explore(next(iter(families[picked].presets)))
    _table("families", [
        (family.paper.year, family.name, link(next(iter(family.presets))), len(family.presets), family.summary,
         family.paper.title, family.paper.authors, family.paper.url or None) for family in families.values()],
        year=number(_("Year"), format="%d"), family=_("Family"), preset=to_explore(_("Opens with")),
        networks=_("Networks"), summary=_("What it is"), paper=_("Paper"), authors=_("Authors"),
        arxiv=web("arXiv", display_text=r"abs/(.*)"))
    mark("published", _("years, titles and authors, by the paper in each row"))


def lineage() -> None:
    """What each network changed against its parent."""
    if preset := st.session_state.pop("atlas_picked", None):
        explore(preset)
    st.markdown(prose("atlas", "Lineage"))
    edges = atlas.lineage()
    graph_view(figures.lineage(edges, list(catalog.families().values()), current_palette()), "lineage", "", "lineage",
               lambda preset: st.session_state.update(atlas_picked=preset), lambda fold: None, height=460, least=1,
               alt=_("What each network changed against its parent; the table below holds the same."))
    mark("computed", _("parameters and MACs; what changed is told by the papers"))
    _table("changes", [
        (link(edge.change.parent), link(edge.change.child), edge.change.change,
         f"{edge.params:+,}", change(edge.before.params, edge.after.params),
         f"{edge.macs:+,}", change(edge.before.macs, edge.after.macs),
         f"{edge.before.input_size} → {edge.after.input_size}") for edge in edges],
        parent=to_explore(_("Parent")), child=to_explore(_("Child")), change=_("Change"),
        params=right(_("Parameters")), params_change=right(_("in short"), help=SHORT),
        macs=right(_("MACs")), macs_change=right(_("in short"), help=SHORT),
        input=right(_("Input, px"), help=_("The sizes at which the two are counted.")))
    mark("computed", _("as above"))


def accuracy(protocol: str) -> None:
    """Published accuracy, measured in one way, against computed cost."""
    who, _space, size = protocol.partition(" ")
    st.caption(prose("atlas", "Accuracy"))
    points = atlas.points(protocol)
    picked = _picked(figures.chart(points, current_palette()), f"chart_{protocol}",
                     _("Accuracy against multiply-adds; the table below holds the same."))
    mark("published", _("accuracies, each with its source in the table; parameters and MACs are "
                        "computed for one image of {size} pixels").format(size=size))
    if picked is not None:
        explore(points[picked].result.preset, points[picked].result.knobs)
    st.caption(prose("atlas", "Protocol", protocol=protocol, size=size, who=PRINTED.get(who, who)))
    st.caption(prose("atlas", "Training"))
    _table(f"results_{protocol}", [
        (point.family.name, link(point.result.preset, point.result.knobs), point.top1, point.top5, point.totals.params,
         point.totals.macs, point.totals.input_size, point.result.source) for point in points],
        family=_("Family"), preset=to_explore(_("Network")), top1=number(_("Top-1, %"), format="%.2f"),
        top5=number(_("Top-5, %"), format="%.2f"), params=count(_("Parameters")), macs=count(_("MACs")),
        input=_("Input, px"), source=_("Source"))
    mark("published", _("as above"))


def winners() -> None:
    """The ILSVRC winners by year."""
    contest = atlas.ilsvrc()
    st.markdown(prose("atlas", "Winners"))
    st.plotly_chart(figures.winners(contest, current_palette()), key="winners", config={"displayModeBar": False},
                    alt=_("The winners' errors by year; the table below holds the same."))
    mark("published", contest.source)
    st.caption(prose("atlas", "Person", who=contest.human, source=contest.human_source))
    rows = [(entry.year, entry.team, f"{entry.error:.3f}", entry.ran, entry.extra, _depth(entry),
             f"[{entry.preset}]({link(entry.preset)})" if entry.preset else "", entry.second, entry.also)
            for entry in contest.winners]
    columns = [_("Year"), _("Winner"), _("Top-5 error, %"), _("What ran"), _("More images"), _("Depth"),
               _("Network here"), _("Second"), _("Also printed in")]
    st.table(pd.DataFrame(rows, columns=columns), hide_index=True)
    mark("published", _("as above; the last column names further places in print"))


def _depth(entry: atlas.Winner) -> str:
    if entry.depth is None:
        return ""
    return str(entry.depth) if entry.depth_verified else _("{depth} (not verified)").format(depth=entry.depth)


def networks() -> None:
    """Every network with its totals."""
    st.markdown(prose("atlas", "Networks"))
    shown = [(preset, family, atlas.totals(preset)) for preset, family in catalog.published().items()]
    _table("networks", [
        (family.paper.year, family.name, link(preset), total.params, total.macs, total.weight_layers,
         total.receptive_field, total.input_size, family.presets[preset].note) for preset, family, total in shown],
        height=640, year=number(_("Year"), format="%d"), family=_("Family"), preset=to_explore(_("Network")),
        params=count(_("Parameters")), macs=count(_("MACs")), layers=_("Weight layers"), field=_("Field, px"),
        input=_("Input, px"), note=_("What it is"))
    mark("computed")
    st.caption(prose("atlas", "Convention"))


def _picked(figure, key: str, alt: str) -> Any:
    """Show a picture; what the clicked point carries, or None."""
    event = st.plotly_chart(figure, key=key, on_select=moved, selection_mode="points", alt=alt,
                            config={"displayModeBar": False})
    return event.selection.points[0].get("customdata") if event.selection.points else None


def _table(key: str, rows: Sequence[tuple], height: int | str = "content", **columns: Any) -> None:
    """A table of rows with these columns, each a label or a column's configuration."""
    st.dataframe(_frame(rows, list(columns)), hide_index=True, key=key, column_config=columns, height=height)


@once
def _frame(rows: Sequence[tuple], names: Sequence[str]) -> pa.Table:
    """A table as it goes to the browser."""
    return pa.Table.from_pandas(pd.DataFrame(rows, columns=names), preserve_index=False)
