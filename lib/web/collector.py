"""The garbage collector, out of the way of the pages.

A full collection walks every object of the process: torch's, and those of all sessions that live. So it takes longer the
larger the class is, and all wait meanwhile. Here it runs when the server rests. It sets aside ("freezes") all that has
stayed, so that while the server is busy only what is new is walked. Young objects are collected by Python itself, as ever.
"""

from __future__ import annotations

import gc
import time
from threading import Event, Thread

import pyarrow

from lib.heap import give_back

LOOK = 1.0
"""Seconds from one look at the process to the next."""
RESTING = 0.1
"""A process that uses less of a core than this rests."""
WORK = 0.5
"""Seconds of work after which there may be something to collect."""
NEW, ALL = 15.0, 150.0
"""Seconds after which a server that never rests collects what is new, and everything: sessions that have ended leave garbage
among what was set aside."""
NEVER = 1_000_000
"""Of its own accord Python collects among the old after so many collections among the young."""

resting = Event()
"""Set while the process rests."""


def start() -> None:
    """Begin, in a thread of its own."""
    gc.set_threshold(*gc.get_threshold()[:2], NEVER)
    Thread(target=_keep_tidy, daemon=True, name="garbage collector").start()


def _keep_tidy() -> None:
    tidy()
    collected = tidied = time.monotonic()
    done = time.process_time()
    while True:
        before = time.process_time()
        time.sleep(LOOK)
        now = time.process_time()
        (resting.set if now - before < RESTING * LOOK else resting.clear)()
        if now - done < WORK:
            continue
        if resting.is_set() or time.monotonic() - tidied > ALL:
            tidy()
            collected = tidied = time.monotonic()
            done = time.process_time()
        elif time.monotonic() - collected > NEW:
            set_aside()
            collected = time.monotonic()


def set_aside() -> None:
    """Collect what is new, set aside what stays, and give memory that nobody uses back to the system."""
    gc.collect()
    gc.freeze()
    pyarrow.default_memory_pool().release_unused()
    give_back()


def tidy() -> None:
    """The same for everything."""
    gc.unfreeze()
    set_aside()
