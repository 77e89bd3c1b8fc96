"""The garbage collector, out of the way of the pages.

A full collection walks every object of the process: torch's, and those of all sessions that live. So it takes longer the
larger the class is, and all wait meanwhile. Here it runs when the server rests, and sets aside ("freezes") all that has
stayed; while the server is busy, only what is new since then is walked, and that seldom. Young objects are collected by
Python itself, as ever.
"""

from __future__ import annotations

import ctypes
import gc
import time
from contextlib import suppress
from threading import Event, Thread

import pyarrow

LOOK = 1.0
"""Seconds from one look at the process to the next."""
RESTING = 0.1
"""A process that uses less of a core than this rests."""
LONGEST = 60.0
"""Seconds after which a server that never rests collects what is new."""
WORK = 0.5
"""Seconds of work after which there may be something to collect."""


resting = Event()
"""Set while the process rests."""


def start() -> None:
    """Begin, in a thread of its own."""
    Thread(target=_keep_tidy, daemon=True, name="garbage collector").start()


def _keep_tidy() -> None:
    tidy()
    last, done = time.monotonic(), time.process_time()
    while True:
        before = time.process_time()
        time.sleep(LOOK)
        now = time.process_time()
        (resting.set if now - before < RESTING * LOOK else resting.clear)()
        if now - done < WORK:
            continue
        if resting.is_set():
            tidy()
        elif time.monotonic() - last > LONGEST:
            gc.collect()
        else:
            continue
        last, done = time.monotonic(), time.process_time()


def tidy() -> None:
    """Collect everything, set aside what stays, and give memory that nobody uses back to the system."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    pyarrow.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # GNU's C library alone has it
        ctypes.CDLL(None).malloc_trim(0)
