"""Choosing a network and a picture, and what the network says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pandas as pd
import streamlit as st

from lib import weights
from lib.architecture import Impossible
from lib.inside import figures, looking
from lib.inside.drawing import Drawing
from lib.inside.fields import seen
from lib.inside.links import IMAGENET, RACE, Asked, cell_of, count_of, layer_of, networks
from lib.inside.networks import SIDES, Learnt, shipped_networks, takes_drawings
from lib.lessons import pictures
from lib.lessons.pictures import OBJECTS
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import moved, plain
from lib.ui.controls import on_choice, say_refused, show_value, whole_number
from lib.ui.inside.pad import drawing_pad
from lib.ui.provenance import mark

PLAIN_CHART = {"displayModeBar": False}
WIDE = 140
"""Pixels of a field for a number."""
PICTURES = {"digit": _("From the test"), "drawing": _("My drawing")}
PHOTOS = {"ball": _("A ball"), "boat": _("A boat"), "checkerboard": _("A checkerboard")}


def put(asked: Asked, *names: str) -> Callable[[Any], None]:
    """Takes what a person chooses as the first of these; the others go back to the usual."""
    def take(value: Any) -> None:
        usual = Asked()
        for name in names[1:]:
            setattr(asked, name, getattr(usual, name))
        setattr(asked, names[0], value)
    return take


def tied(key: str, value: Any, take: Callable[[Any], None]) -> dict[str, Any]:
    """Key and callback of a control that shows `value`."""
    show_value(key, value)
    return {"key": key, "on_change": on_choice(key, take)}


def number(label: str, value: int, limit: int, key: str, take: Callable[[int], None], help: str,
           width: int | Literal["stretch"] = "stretch") -> None:
    """A field for a whole number from 0 to below `limit`, so many pixels wide."""
    def checked(typed: int) -> None:
        if typed not in range(limit):
            raise Impossible(_("{label} goes from 0 to {high}.").format(label=label, high=limit - 1))
        take(typed)
    say_refused(key)
    whole_number(label, value, key, checked, help=_("{help} From 0 to {high}.").format(help=help, high=limit - 1), width=width)


def network(asked: Asked) -> None:
    """Which network, with which weights."""
    names = {name: f"{name} · {learnt.entrant.network.preset}" for name, learnt in shipped_networks().items()}
    names |= {RACE: _("A race's: {network}").format(network=asked.race.network.label if asked.race else ""),
              IMAGENET: _("ImageNet: torchvision's weights")}
    st.selectbox(_("Network"), networks(asked), format_func=names.get, filter_mode="contains", **tied(
        "inside_network", asked.network, put(asked, "network", "layer", "map", "row", "column", "channel", "gate")),
        help=_("Small networks that have learnt handwritten digits come with the app. The page Train makes others."))
    if asked.network == IMAGENET:
        _preset(asked)


def _preset(asked: Asked) -> None:
    st.selectbox(_("Preset"), weights.presets(), filter_mode="contains", **tied(
        "inside_preset", asked.preset, put(asked, "preset", "layer", "map", "row", "column", "channel")),
        help=_("A network of the catalogue of which torchvision publishes weights."))


def picture(asked: Asked) -> None:
    """What it is shown."""
    if asked.network == IMAGENET:
        _photo(asked)
        return
    subject = asked.subject()
    if takes_drawings(subject):
        st.segmented_control(_("Picture"), PICTURES, required=True, format_func=PICTURES.get,
                             help=_("One that it has not learnt from, or one that you draw."),
                             **tied("inside_picture", asked.picture, put(asked, "picture")))
    shown = asked.shown()
    if isinstance(shown, Drawing):
        st.caption(prose("inside", "Drawing"))
        drawing_pad(asked.drawing, "inside_pad_progress", current_palette().text, put(asked, "drawing"))
        return
    with st.container(horizontal=True, gap="small"):
        names = dict(enumerate(map(str, subject.classes)))
        st.selectbox(_("Class"), names, format_func=names.get, help=_("What the picture shows."),
                     **tied("inside_label", shown.label, put(asked, "label", "example")))
        number(_("Which"), shown.number, max(1, count_of(asked)), "inside_example", put(asked, "example"),
               _("The test pictures of this class, one after the other."), WIDE)


def _photo(asked: Asked) -> None:
    own = isinstance(asked.photo, bytes)
    st.segmented_control(_("Picture"), OBJECTS, format_func=PHOTOS.get, help=_("One that is drawn here, or your own."),
                         **tied("inside_photo", None if own else asked.photo, put(asked, "photo")))

    def brought() -> None:
        moved()
        if file := st.session_state["inside_file"]:
            try:
                asked.photo = pictures.png(pictures.read(file.getvalue(), asked.subject().analysis().knobs.input_size))
            except pictures.Unreadable as problem:
                st.session_state["refused"] = {"inside_file": str(problem)}
        elif own:
            asked.photo = Asked().photo
    say_refused("inside_file")
    with st.popover(_("Your own picture") if not own else _("Your picture is shown"), icon=":material/upload:"):
        st.file_uploader(_("Your own picture"), key="inside_file", on_change=brought,
                         help=_("It is shown to nobody else, and not kept. Take it away to return to a drawn one."))


def shown(asked: Asked) -> None:
    """The picture, with the field of the chosen cell, and the scores of each class."""
    subject, given = asked.subject(), asked.shown()
    pixels = subject.pixels(given)[0].numpy()
    field = seen(subject.analysis(), layer_of(asked), cell_of(asked)) if asked.view == "maps" else None
    st.plotly_chart(figures.picture(pixels, field, current_palette()), key="inside_shown", config=PLAIN_CHART,
                    alt=_("The picture as the network is given it, {size} pixels.").format(size=subject.analysis().image))
    found = {side: looking.scores(subject, side, given) for side in subject.sides}
    names = {SIDES[side]: values for side, values in found.items()}
    st.caption(verdict(subject.classes, found))
    st.plotly_chart(figures.bars(names, subject.classes, current_palette()), key="inside_scores", config=PLAIN_CHART,
                    alt=_("How sure the network is of each class; the table below holds the same."))
    mark("measured", origin(asked))
    with st.popover(_("Scores as a table"), icon=":material/table:"):
        st.dataframe(_table(subject.classes, names), hide_index=True, key="inside_scores_table")
        mark("measured", origin(asked))


def _table(classes: tuple[str, ...], scores: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({_("Class"): classes} | {name: values.round(4) for name, values in scores.items()})


def verdict(classes: tuple[str, ...], scores: dict[str, Any]) -> str:
    """What each side takes the picture for."""
    return "  \n".join(
        _("{side}: **{name}**, {share:.1%}").format(
            side=SIDES[side], name=plain(str(classes[values.argmax()])), share=float(values.max()))
        for side, values in scores.items())


def origin(asked: Asked) -> str:
    """Where the weights come from, and how they came to be."""
    subject = asked.subject()
    if not isinstance(subject, Learnt):
        file = weights.on_disk(subject.preset)
        return _("{file}, images of {size} pixels").format(file=file.name, size=subject.analysis().image)
    entrant = subject.entrant
    return _("{network}, seed {seed}, {epochs} epochs on {pictures}, images of {size} pixels").format(
        network=plain(entrant.network.label), seed=entrant.seed, epochs=entrant.recipe.epochs,
        pictures=plain(entrant.recipe.data), size=subject.analysis().image)
