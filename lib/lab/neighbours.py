"""Processes of the app beside each other on one machine: on a device, one of them measures at a time.

Each process has a line of its own before a device (`lib.lab.queue`). Where TURNS_FOLDER names a folder that they share,
whoever measures holds a lock in it. The system frees a lock when the process that holds it ends, however that ends.
"""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from lib.timing import Step, Steps

WAITING = Step(0.0, "Waiting, as another process of this server measures on this device")
LOOK = 0.2
"""Seconds after which one who waits says so again."""


def in_turn(device: str, steps: Steps) -> Steps:
    """`steps`, begun when no other process measures on the device; until then steps that say so.

    One of those who wait holds the next turn. So a process with a long line does not come again before the others.
    """
    folder = os.environ.get("TURNS_FOLDER")
    if not folder:
        yield from steps
        return
    following, measuring = (FileLock(Path(folder, f"{device.replace(':', '-')}.{name}")) for name in ("next", "now"))
    try:
        yield from _hold(following)
        yield from _hold(measuring)
        following.release()
        yield from steps
    finally:
        following.release()
        measuring.release()


def _hold(lock: FileLock) -> Steps:
    while not lock.is_locked:
        try:
            lock.acquire(timeout=LOOK)
        except Timeout:
            yield WAITING
