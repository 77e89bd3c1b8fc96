"""The layer, its maps, and the cell that is chosen in them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from lib.inside import looking
from lib.inside.links import Asked, cell_of, layer_of
from lib.inside.networks import SIDES, Side
from lib.inside.running import maps_shape
from lib.inside.sums import Made
from lib.inside.written import exact, short
from lib.ui import _, current_palette
from lib.ui.address import moved
from lib.ui.inside.choosing import number, origin, put, tied
from lib.ui.inside.maps import maps_view
from lib.ui.provenance import mark


def where(asked: Asked) -> None:
    """The layer, and the cell in it."""
    ops = {op.name: f"{op.name} · {op.kind} · {op.output}" for op in asked.subject().analysis().ops}
    op, cell = layer_of(asked), cell_of(asked)
    layer, place = st.columns(2, gap="small")
    with layer:
        st.selectbox(_("Layer"), ops, format_func=ops.get, filter_mode="contains",
                     help=_("One operation of the network, with what it gives."), **tied("inside_layer", op.name, asked.go))
    labels = (("map", _("Map"), _("Each kernel gives one.")), ("row", _("Row"), _("Counted from the top.")),
              ("column", _("Column"), _("Counted from the left.")))
    with place, st.container(horizontal=True, gap="xsmall"):
        for (name, label, help), at, limit in zip(labels, cell, maps_shape(op.out_shapes)):
            number(label, at, limit, f"inside_{name}", put(asked, name, "channel"), help, NARROW)


NARROW = 112
"""Pixels of a field, of which three stand side by side on a phone."""


def maps(asked: Asked, found: Mapping[Side, Made | None]) -> None:
    """The layer's maps, untrained and trained, and the value of the chosen cell in each."""
    subject, op, cell = asked.subject(), layer_of(asked), cell_of(asked)
    count, at_a_time = maps_shape(op.out_shapes)[0], looking.at_a_time(maps_shape(op.out_shapes))
    first = cell[0] // at_a_time * at_a_time
    for column, (side, made) in zip(st.columns(len(found), gap="medium"), found.items()):
        with column:
            shown = looking.maps(subject, side, asked.shown(), op.index, first)
            value = _(" · this cell **{value}**").format(value=exact(made.value)) if made else ""
            full = _(" · :small[full colour is ±{largest}]").format(largest=short(shown.largest))
            st.markdown(f"**{SIDES[side]}**{value}{full}")
            maps_view(shown, _("Maps of {layer}, {side}").format(layer=op.name, side=SIDES[side]), cell,
                      f"inside_maps_{side}", current_palette(), asked.pick)
    with st.container(horizontal=True, vertical_alignment="center"):
        mark("measured", origin(asked))
        if count > at_a_time:
            _pages(asked, first, at_a_time, count)


def _pages(asked: Asked, first: int, at_a_time: int, count: int) -> None:
    """To the maps before and after these."""
    pages = ((_("Maps before"), "chevron_left", first - at_a_time), (_("Maps after"), "chevron_right", first + at_a_time))
    for name, icon, start in pages:
        st.button(name, key=f"inside_page_{icon}", icon=f":material/{icon}:", disabled=not 0 <= start < count,
                  on_click=_turn, args=(asked, start))


def _turn(asked: Asked, start: int) -> None:
    moved()
    asked.pick((start, *cell_of(asked)[1:]))


def numbers(asked: Asked) -> None:
    """All numbers of the chosen map, for those who read rather than look."""
    subject, op, cell = asked.subject(), layer_of(asked), cell_of(asked)
    with st.popover(_("This map as a table"), icon=":material/table:", key="inside_numbers", on_change="rerun") as opened:
        if opened.open:
            for side in subject.sides:
                st.markdown(f"**{SIDES[side]}**")
                found = looking.numbers(subject, side, asked.shown(), op.index, cell[0])
                st.dataframe(pd.DataFrame(found), key=f"inside_numbers_{side}")
            mark("measured", origin(asked))
