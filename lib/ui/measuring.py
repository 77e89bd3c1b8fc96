"""A page that waits for a measurement on real networks, and shows how far it is.

A person who moves on meanwhile frees the place: Streamlit ends the page's run at its next sign of progress.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from lib.lab.lessons import Asked, lessons, result
from lib.lab.queue import Ticket
from lib.ui import _
from lib.ui.address import plain
from lib.ui.visitor import visitor

Result = TypeVar("Result")

LOOK = 0.5
"""Seconds from one sign of progress to the next."""


def measured(label: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """`function(*arguments, progress=...)`, one of the lesson's `MEASUREMENTS`, made once for all who ask.

    The arguments are hashable, a seed among them. While it runs, a bar with `label` shows how far it is, or how many are
    before it. If it fails, the page says why and ends there.
    """
    asked, slot = Asked(f"{function.__module__.rpartition('.')[2]}.{function.__name__}", arguments), st.empty()
    while True:
        try:
            found = result(asked)
        except LookupError:
            _wait(slot, label, asked)
        else:
            slot.empty()
            return found


def _wait(slot, label: str, asked: Asked) -> None:
    with lessons().ticket(asked, visitor()) as ticket:
        while not ticket.settled.is_set():
            slot.progress(ticket.step.share, text=f"{label}{_place(ticket)}")
            ticket.settled.wait(LOOK)
    if ticket.state in {"failed", "lost"}:
        slot.error(plain(ticket.message))
        st.stop()


def _place(ticket: Ticket) -> str:
    """How many are before it, while it waits."""
    if ticket.state != "waiting":
        return ""
    return ": " + _("{before} before you").format(before=lessons().line.place(ticket))
