"""Measurements on real networks for a page: one at a time per process, kept, with progress.

A person who moves a control meanwhile stops the measurement: Streamlit ends the run at its next sign of progress.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar

import streamlit as st

from lib.measuring import Progress, quiet

Result = TypeVar("Result")
_turn = Lock()
_progress: ContextVar[Progress] = ContextVar("progress", default=quiet)


def measured(label: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """`function(*arguments, progress=...)`, measured once for each set of arguments and then kept for all sessions.

    The arguments are hashable, a seed among them. While it runs, a bar with `label` shows how far it is.
    """
    slot = st.empty()
    token = _progress.set(lambda share: slot.progress(min(share, 1.0), text=label))
    try:
        result = _kept(function, arguments)
    finally:
        _progress.reset(token)
    slot.empty()
    return result


@lru_cache(maxsize=256)
def _kept(function: Callable[..., Result], arguments: tuple) -> Result:
    progress = _progress.get()
    progress(0.0)
    with _turn:
        return function(*arguments, progress=progress)
