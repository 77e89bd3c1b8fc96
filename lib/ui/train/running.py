"""A race on the page: started, watched, paused, gone on with, stopped, trained longer, replayed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lib.architecture import Impossible
from lib.lab import curves
from lib.limits import limits
from lib.lab.races import Race, Shown
from lib.training.records import Entrant
from lib.ui import _
from lib.ui.address import moved, plain
from lib.ui.lab.running import presence, why_it_waits
from lib.ui.train.state import Asked
from lib.ui.visitor import visitor

POLL = 1.0
"""Seconds between two looks at a race that runs."""
REPLAY = 6.0
"""Seconds that a replay takes."""


@dataclass
class View:
    """How this tab looks at a race: since when it is replayed, and why it could not be started."""

    replayed_since: float | None = None
    replayed: bool = False
    refused: str = ""

    def replay(self) -> None:
        self.replayed_since, self.replayed = time.monotonic(), False

    @property
    def replays(self) -> bool:
        """Whether a replay is going on."""
        if self.replayed_since is not None and time.monotonic() - self.replayed_since >= REPLAY:
            self.end()
        return self.replayed_since is not None

    def end(self) -> None:
        self.replayed_since, self.replayed = None, True

    def at(self, epochs: int) -> float:
        """How many epochs a replay has come to."""
        return epochs * (time.monotonic() - self.replayed_since) / REPLAY if self.replays else epochs


def key_of(race: Race) -> str:
    """A name for a race in this tab."""
    return blake2b("".join(entrant.key() for entrant in race.entrants).encode(), digest_size=6).hexdigest()


def view_of(race: Race) -> View:
    return st.session_state.setdefault("train_views", {}).setdefault(key_of(race), View())


def attend(race: Race) -> None:
    """Look on: a race runs while somebody does."""
    race.watch(get_script_run_ctx().session_id, presence())
    if race.runs:
        st.session_state["train_last"] = race
    last: Race | None = st.session_state.get("train_last")
    if last and last is not race and last.runs and last.owner == visitor():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(_("Your race of {networks} still runs.").format(networks=plain(_names(last))))
            st.button(_("Stop that one"), key="train_stop_last", icon=":material/stop:", on_click=_act, args=(last.stop,))


def _names(race: Race) -> str:
    return ", ".join(dict.fromkeys(entrant.network.label for entrant in race.entrants))


def buttons(race: Race, asked: Asked, found: dict[Entrant, Shown]) -> None:
    """What can be done with the race as it stands."""
    view, complete = view_of(race), is_complete(race, found)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_buttons"):
        if race.runs:
            _while_it_runs(race)
        elif complete:
            if view.replays:
                st.button(_("Skip to the end"), key="train_skip", icon=":material/skip_next:", on_click=_act, args=(view.end,))
            else:
                st.button(_("Replay"), key="train_replay", icon=":material/replay:", on_click=_act, args=(view.replay,),
                          help=_("Shows the curves once more as if they were running."))
            _longer(race, asked)
            st.button(_("Run it here, live"), key="train_anew", icon=":material/play_arrow:", on_click=_start,
                      args=(race, view, True), help=_("Trains all of them anew on this server."))
        else:
            some = any(shown.curve.epochs for shown in found.values())
            st.button(_("Go on") if some else _("Run"), key="train_run", type="primary", icon=":material/play_arrow:",
                      on_click=_start, args=(race, view, False),
                      help=_("Trains what is missing, from the last whole epoch on.") if some else
                      _("Trains the networks side by side, on the same pictures in the same order."))
    for words in filter(None, (view.refused, race.message, race.unkept)):
        (st.error if words == view.refused else st.warning)(plain(words))


def _while_it_runs(race: Race) -> None:
    if race.owner not in ("", visitor()):
        st.caption(_(":material/group: Somebody else has started this race; you are looking on."))
        return
    st.button(_("Pause"), key="train_pause", icon=":material/pause:", on_click=_act, args=(race.pause,),
              help=_("Frees the device. The race goes on later from the last whole epoch."))
    st.button(_("Stop"), key="train_stop", icon=":material/stop:", on_click=_act, args=(race.stop,),
              help=_("Ends the race; what was found is kept."))


def _longer(race: Race, asked: Asked) -> None:
    epochs = asked.settings.epochs
    doubled = min(2 * epochs, limits().race_epochs)

    def longer() -> None:
        moved()
        asked.recipe["epochs"] = doubled
        st.session_state["train_wants_more"] = True
    st.button(_("Train longer"), key="train_longer", icon=":material/more_time:", on_click=longer, disabled=doubled == epochs,
              help=_("To {epochs} epochs. With a constant rate it goes on from here; with another schedule the rates differ "
                     "from the first epoch on, so that it begins anew.").format(epochs=doubled))


def start_if_asked(race: Race) -> None:
    """Begin the longer race that a click has asked for."""
    if st.session_state.pop("train_wants_more", False):
        _start(race, view_of(race), False)


def is_complete(race: Race, found: dict[Entrant, Shown]) -> bool:
    """Whether every entrant has come to its end."""
    return not race.runs and all(entrant in found and found[entrant].curve.over for entrant in race.entrants)


def _act(action) -> None:
    moved()
    action()


def _start(race: Race, view: View, anew: bool) -> None:
    moved()
    view.refused, view.replayed, view.replayed_since = "", True, None
    race.watch(get_script_run_ctx().session_id, presence())
    try:
        race.start(visitor(), anew)
    except Impossible as error:
        view.refused = str(error)


def grows_elsewhere(race: Race, found: dict[Entrant, Shown]) -> bool:
    """Whether another process of this server trains these networks just now."""
    if race.runs or not any(shown.origin == "kept" and not shown.curve.over for shown in found.values()):
        return False
    try:
        return curves.grows(race.entrants, race.device_name)
    except Impossible:
        return False


def say_progress(race: Race) -> None:
    """How far a race is that runs or waits."""
    ticket = race.ticket
    if ticket.stopping:
        st.progress(ticket.step.share, text=_("Pausing") if race.paused else _("Stopping"))
    elif ticket.state == "waiting":
        st.progress(0.0, text=why_it_waits(race.line, ticket))
    else:
        left = ticket.seconds_left()
        text = plain(ticket.step.doing)
        st.progress(min(ticket.step.share, 1.0), text=text if left is None else _("{doing}, about {left} s left").format(
            doing=text, left=ceil(left)))
