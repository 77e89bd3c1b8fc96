"""A page that waits for a measurement on real networks, and shows how far it is.

A person who moves on meanwhile frees the place: Streamlit ends the page's run at its next sign of progress.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from lib.architecture import Impossible
from lib.lab.lessons import Asked, found, lessons, result
from lib.lab.queue import Ticket
from lib.measuring import name_of
from lib.ui import _
from lib.ui.visitor import visitor

Result = TypeVar("Result")

LOOK = 0.5
"""Seconds from one sign of progress to the next."""


def measured(label: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """`function(*arguments, progress=...)`, one of the lesson's `MEASUREMENTS`, made once for all who ask.

    The arguments are hashable, a seed among them. While it runs, a bar with `label` shows how far it is, or how many are
    before it. Raises `Impossible`, with the reason, if it fails or too many wait.
    """
    asked, slot = Asked(name_of(function), arguments), st.empty()
    try:
        return result(asked)
    except LookupError:
        pass
    try:
        while not (ticket := _wait(slot, label, asked)).found:
            if ticket.state in {"failed", "lost"}:
                raise Impossible(ticket.message)
    finally:
        slot.empty()
    return found(ticket)


def _wait(slot, label: str, asked: Asked) -> Ticket:
    """The ticket of a measurement, once it is over: of one that all others have just left it has found nothing."""
    with lessons().ticket(asked, visitor()) as ticket:
        while not ticket.settled.is_set():
            slot.progress(ticket.step.share, text=f"{label}{_place(ticket)}")
            ticket.settled.wait(LOOK)
    return ticket


def _place(ticket: Ticket) -> str:
    """How many are before it, while it waits."""
    if ticket.state != "waiting":
        return ""
    return ": " + _("{before} before you").format(before=lessons().line.place(ticket))
