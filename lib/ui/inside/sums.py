"""From a cell to its numbers: what it sees, and the sum that made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from lib.inside import looking
from lib.inside.fields import Seen, seen
from lib.inside.links import Asked, cell_of, layer_of
from lib.inside.networks import SIDES, Side
from lib.inside.sums import Formula, Largest, Made, Moved, Weighted
from lib.inside.written import channels_table, exact, largest, products, short
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import moved
from lib.ui.inside.choosing import origin, put, tied
from lib.ui.provenance import mark


def found(asked: Asked) -> dict[Side, Made | None]:
    """How the chosen cell came to be, untrained and trained."""
    subject = asked.subject()
    return {side: looking.made(subject, side, asked.shown(), layer_of(asked).index, cell_of(asked)) for side in subject.sides}


def show(asked: Asked, found: Mapping[Side, Made | None]) -> None:
    """What the chosen cell sees, and the sum that made it."""
    st.markdown(_seen(seen(asked.subject().analysis(), layer_of(asked), cell_of(asked)), cell_of(asked)))
    made = found["trained"]
    if made is None:
        st.info(prose("inside", "No rule", kind=layer_of(asked).kind))
    elif isinstance(made, Weighted):
        _weighted(asked, found)
    else:
        _each(asked, found, {Formula: _formula, Largest: _largest, Moved: _moved}[type(made)])
    _inputs(asked)


def _seen(field: Seen | None, cell: tuple[int, int, int]) -> str:
    """What a cell sees, in words."""
    places = dict(zip(("map", "row", "column"), cell))
    if field is None:
        return prose("inside", "Field unknown", **places)
    if field.everything:
        return prose("inside", "Field everything", **places)
    (top, bottom), (left, right) = field.on_picture()
    text = prose("inside", "Field", top=top, bottom=bottom, left=left, right=right, **places)
    text += " " + prose("inside", "Field in the padding") if field.outside else ""
    return text + (" " + prose("inside", "Field of all") if field.whole else "")


def _each(asked: Asked, found: Mapping[Side, Made], show: Callable[[Asked, Made], None]) -> None:
    """Each side beside the other."""
    for column, (side, made) in zip(st.columns(len(found), gap="medium"), found.items()):
        with column:
            st.markdown(f"**{SIDES[side]}**")
            show(asked, made)
    mark("measured", origin(asked))


def _equals(line: str, made: Made) -> None:
    """A line that ends in the value, with torch's own beside."""
    st.code(_("{line}\n= {result}\ntorch: {value}").format(line=line, result=exact(made.result), value=exact(made.value)),
            language=None, wrap_lines=True)


def _formula(asked: Asked, made: Formula) -> None:
    _equals(f"{made.general}\n= {made.filled(short)}", made)


def _largest(asked: Asked, made: Largest) -> None:
    st.html(largest(made, current_palette()))
    if not made.inside.all():
        st.caption(prose("inside", "Padding of a maximum"))
    _equals(_("the largest of {count} numbers").format(count=int(made.inside.sum())), made)


def _moved(asked: Asked, made: Moved) -> None:
    if made.source is None:
        _equals(_("a zero that was put there"), made)
        return
    before = layer_of(asked).inputs[made.source] if made.source < len(layer_of(asked).inputs) else -1
    name = asked.subject().analysis().ops[before].name if before >= 0 else _("the picture")
    _equals(_("handed on from {name}: map {0}, row {1}, column {2}").format(*made.place, name=name), made)


def _weighted(asked: Asked, found: Mapping[Side, Weighted]) -> None:
    """Window × kernel in one channel, the sums of all channels, and what they come to."""
    made = found["trained"]
    place = made.channels.index(asked.channel) if asked.channel in made.channels else made.largest
    words, choice = st.columns([3, 1], gap="small")
    words.markdown(_what(made))
    if len(made.channels) > 1 and not made.is_linear:
        choice.selectbox(_("Channel"), made.channels, filter_mode="contains",
                     help=_("The channel of the input that is shown in full. At first the one that adds most, up or down."),
                     **tied("inside_channel", made.channels[place], put(asked, "channel")))
    for column, (side, each) in zip(st.columns(len(found), gap="medium"), found.items()):
        with column:
            st.markdown(f"**{SIDES[side]}**")
            if not each.is_linear:
                st.html(products(each, place, current_palette()))
            _equals(_total(each), each)
    if not made.inside.all():
        st.caption(prose("inside", "Padding"))
    mark("measured", origin(asked))
    if len(made.channels) > 1:
        st.markdown(prose("inside", "Inputs", count=f"{len(made.channels):,}"))
        names = {SIDES[side]: st.column_config.NumberColumn(format="%.4g") for side in found}
        st.dataframe(channels_table(found), hide_index=True, key="inside_channels", column_config=names)
        mark("measured", origin(asked))


def _what(made: Weighted) -> str:
    if made.divisor:
        return prose("inside", "Mean", count=made.divisor)
    if made.is_sum:
        return prose("inside", "Added", count=f"{len(made.channels):,}")
    if made.is_linear:
        return prose("inside", "Linear", count=f"{len(made.channels):,}")
    if len(made.channels) == 1:
        return prose("inside", "Sum of one", products=made.weights.size)
    return prose("inside", "Sum", channels=f"{len(made.channels):,}", products=f"{made.weights.size:,}")


def _total(made: Weighted) -> str:
    terms = [short(each) for each in made.by_channel[:MOST_TERMS]]
    more = [_("… ({count} channels)").format(count=f"{len(made.channels):,}")] if len(made.channels) > MOST_TERMS else []
    bias = [_("bias {bias}").format(bias=short(made.bias))] if made.bias is not None else []
    return " + ".join([f"({term})" if term.startswith("−") else term for term in terms] + more + bias)


MOST_TERMS = 4
"""Channels whose sums a line names."""


def _inputs(asked: Asked) -> None:
    """The way back: the layers that this one reads."""
    ops = asked.subject().analysis().ops
    before = list(dict.fromkeys(ops[place].name for place in layer_of(asked).inputs if place >= 0))[:MOST_TERMS]
    with st.container(horizontal=True):
        for name in before:
            st.button(_("Its input: {layer}").format(layer=name), key=f"inside_input_{name}", icon=":material/arrow_back:",
                      on_click=_go, args=(asked, name), help=_("Look at the layer that this one reads."))


def _go(asked: Asked, name: str) -> None:
    moved()
    asked.go(name)
