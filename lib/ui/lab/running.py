"""Asking for a measurement on a page: the button, the place in the line, the bar, the way to stop, and what was found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lib.architecture import Impossible
from lib.devices import Device
from lib.lab import store
from lib.lab.jobs import Job
from lib.lab.lab import lab
from lib.limits import limits
from lib.lab.queue import Line, Ticket
from lib.records import Timed
from lib.text import prose
from lib.ui import _
from lib.ui.address import moved, plain
from lib.ui.lab.asked import Asked
from lib.ui.visitor import visitor

GRACE = 10.0
"""Seconds that a browser may be away, as when its network falters, before its place is freed."""

POLL = 2.0
"""Seconds between two looks at a run or a sweep: each look takes some of the CPU that is being timed."""


@dataclass
class Outcome:
    """What a run has found. `message` says why it ended early; it is empty if it went to its end."""

    job: Job
    device: Device
    found: list
    message: str = ""
    lost: bool = False  # its worker died

    @property
    def again(self) -> bool:
        """Whether the same run should be offered again: it was lost, or nothing follows from what it found."""
        return self.lost or any(isinstance(record, Timed) and not record.sound for record in self.found)


@dataclass
class Slot:
    """One kind of run of one visitor: the ticket that waits or runs, why none could be had, and the last outcome."""

    ticket: Ticket | None = None
    device: Device | None = None
    refused: str = ""
    last: Outcome | None = None
    unkept: list[str] = field(default_factory=list)  # why the last run could not be stored


def _slots() -> dict[str, Slot]:
    return st.session_state.setdefault("timing_slots", {})


def last(slot: str) -> Outcome | None:
    """The last outcome of a slot, for panels that read what another has measured."""
    return _settled(_slots().setdefault(slot, Slot())).last


def leave() -> None:
    """Free the visitor's places: called when another page is opened."""
    for slot in _slots().values():
        if slot.ticket:
            slot.ticket.stop()


def run_panel(slot: str, asked: Asked, job: Job, button: str, help: str) -> Outcome | None:
    """Run and Stop, and how far it is; gives what the last run of this slot has found."""
    own = _settled(_slots().setdefault(slot, Slot()))
    with st.container(horizontal=True):  # outside the fragment, so that a click begins to poll, or ends it
        label = _("Run again") if own.last and own.last.again else button
        st.button(label, key=f"run_{slot}", type="primary", icon=":material/play_arrow:", help=help,
                  disabled=own.ticket is not None, on_click=_start, args=(own, asked, job))
        if own.ticket:
            st.button(_("Stop"), key=f"stop_{slot}", icon=":material/stop:", on_click=_stop, args=(own,),
                      help=_("Stops after the repetition that runs now; what was found is kept."))
    if own.ticket:
        st.fragment(_watch, run_every=POLL)(own)
    if own.refused:
        st.error(plain(own.refused))
    if own.last:
        _say(own.last, job, asked.device)
        for why in own.unkept:
            st.warning(plain(why))
    return own.last


def _settled(own: Slot) -> Slot:
    """The slot, its ticket turned into an outcome if that is over."""
    if own.ticket and own.ticket.over:
        own.last = Outcome(own.ticket.job, own.device, own.ticket.found, own.ticket.message,
                           own.ticket.state == "lost")
        own.ticket = None
    return own


def _watch(own: Slot) -> None:
    """How far the run is, again and again; at its end the page is drawn anew."""
    if own.ticket is None or own.ticket.over:
        st.rerun()
    _show_progress(own)


def _show_progress(own: Slot) -> None:
    ticket, line = own.ticket, lab().lines[own.device.key]
    if ticket.stopping:
        st.progress(ticket.step.share, text=_("Stopping after this repetition"))
    elif ticket.state == "waiting":
        st.progress(0.0, text=why_it_waits(line, ticket))
    else:
        left = ticket.seconds_left()
        text = plain(ticket.step.doing)
        st.progress(min(ticket.step.share, 1.0), text=text if left is None else _("{doing}, about {left:.0f} s left").format(
            doing=text, left=left))


def why_it_waits(line: Line, ticket: Ticket) -> str:
    """For whom a run waits, and for how long at most."""
    before = line.before(ticket)
    others = sum(each.visitor != ticket.visitor for each in before)
    return prose("timing", "Waits", place=len(before) + 1, device=plain(line.worker.device.name), others=others,
                 own=len(before) - others, longest=ceil(line.longest_wait(ticket) / 60))


def _start(own: Slot, asked: Asked, job: Job) -> None:
    moved()
    own.refused, own.unkept, own.device = "", [], asked.device
    ticket = Ticket(job, visitor(), wanted=presence(), ended=_keeper(own, asked.device, visitor()))
    try:
        _refuse_beyond_limits(job)
        own.ticket = lab().join(asked.device.key, ticket)
    except Impossible as error:
        own.refused = str(error)


def _stop(own: Slot) -> None:
    moved()
    if own.ticket:
        own.ticket.stop()


def _refuse_beyond_limits(job: Job) -> None:
    if len(job.networks) > limits().most_networks:
        raise Impossible(f"This server measures {limits().most_networks} networks in one run at most.")
    if max(setting.batch for setting in job.settings()) > limits().largest_batch:
        raise Impossible(f"The largest batch of this server is {limits().largest_batch}.")


def presence() -> Callable[[], bool]:
    """Whether the visitor who asks now is still there: a closed browser ends its session."""
    session, seen = get_script_run_ctx().session_id, [time.monotonic()]

    def present() -> bool:
        if not Runtime.exists() or Runtime.instance().is_active_session(session):  # a test has no server
            seen[0] = time.monotonic()
        return time.monotonic() - seen[0] < GRACE
    return present


def _keeper(own: Slot, device: Device, owner: str) -> Callable[[Ticket], None]:
    """Stores a visitor's run when it has ended, whether they are still there or not."""
    def keep(ticket: Ticket) -> None:
        if ticket.found and limits().keep_runs:
            try:
                store.keep(store.Run.of(ticket.job, device, ticket.found, ticket.message), owner)
            except Impossible as error:
                own.unkept.append(str(error))
    return keep


def _say(outcome: Outcome, job: Job, device: Device) -> None:
    """What the outcome belongs to, and whether it is still what the controls show."""
    if outcome.message and outcome.message != "Stopped.":
        (st.warning if outcome.found else st.error)(plain(outcome.message))
    elif outcome.message:
        st.info(_("Stopped. Below is what was found until then.") if outcome.found else _("Stopped before anything was found."))
    if outcome.found and (outcome.job, outcome.device) != (job, device):
        st.caption(_("The controls have moved since this run: {what} on {device}. Run again to measure what they show now.")
                   .format(what=plain(", ".join(network.label for network in outcome.job.networks)),
                           device=plain(outcome.device.name)))
