"""The lessons' measurements, beside the pages: each is made once for all who ask, in a process of its own.

A page waits for a measurement without holding up other pages; those that many ask for are made while the server rests. What
follows from the arguments alone is kept on disk, for all processes of this machine and the next start.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import blake2b
from math import inf
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

import torch
from filelock import FileLock
from joblib import Memory

from lib.heap import give_back
from lib.lab.queue import Line, Ticket
from lib.lab.worker import ProcessWorker
from lib import lessons as declared
from lib.lessons import measurements
from lib.once import forget, once
from lib.timing import Step, Steps

LIB = Path(__file__).parent.parent
FOLDER = LIB.parent / ".measured"
MOST_BYTES = 500_000_000
"""Of the results on disk; what nobody has asked for longest goes first."""
LOOK = 5.0
"""Seconds from one look at whether another web server has prepared everything to the next."""
POLITE = 5
"""How far the process gives way to the pages, as `nice` counts."""


@dataclass(frozen=True)
class Asked:
    """A measurement by its name, such as `residual.at_initialisation`, with its arguments. `background` ones let others go
    first."""

    name: str
    arguments: tuple[Any, ...]
    background: bool = field(default=False, compare=False)

    @property
    def lasting(self) -> bool:
        """Whether its result may be kept on disk: it lasts, and nothing that a visitor has brought along is part of it."""
        return measurements()[self.name].lasting and not any(isinstance(each, bytes) for each in self.arguments)


# On disk

@cache
def disk() -> Memory:
    """Results by the code that gave them: of another version of the app, or of torch, nothing is read."""
    parent = Path(os.environ.get("MEASURED_FOLDER") or FOLDER)
    own = parent / _version()
    for other in parent.glob("*"):
        if other != own:
            shutil.rmtree(other, ignore_errors=True)
    try:
        memory = Memory(own, verbose=0)
        memory.reduce_size(MOST_BYTES)
    except OSError as error:
        logging.warning("measurements of the lessons are kept until this server stops: %s", error)
        return Memory(None, verbose=0)
    return memory


def _version() -> str:
    digest = blake2b(torch.__version__.encode(), digest_size=8)
    for file in sorted(LIB.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _on_disk(name: str):
    """The function of a measurement, as joblib calls it: it reads a result that is there."""
    return disk().cache(measurements()[name].function, ignore=["progress"])


# In the process that measures

def measure(asked: Asked) -> Steps:
    """The steps of a measurement; the last one bears its result."""
    _give_way()
    told, stopped = SimpleQueue(), Event()
    Thread(target=_work, args=(asked, told, stopped), daemon=True).start()
    try:
        while not isinstance(news := told.get(), BaseException):
            yield news
            if news.share >= 1 and news.found is not None:
                return
        raise news
    finally:
        stopped.set()
        forget()
        give_back()


class Left(Exception):
    """Nobody waits any more."""


def _work(asked: Asked, told: SimpleQueue, stopped: Event) -> None:
    def progress(share: float) -> None:
        if stopped.is_set():
            raise Left
        told.put(Step(min(share, 1.0), ""))
    function = _on_disk(asked.name) if asked.lasting else measurements()[asked.name].function
    try:
        progress(0.0)
        told.put(Step(1.0, "", (function(*asked.arguments, progress=progress),)))
    except BaseException as error:  # whatever it was, whoever waits must hear of it
        told.put(error)


@cache
def _give_way() -> None:
    """Pages first: this process takes what they leave, and one core. So a result does not depend on how many there are."""
    with suppress(AttributeError):  # Windows has no such thing
        os.nice(POLITE)
    torch.set_num_threads(1)


# In the web server

class Rules:
    """What the line of the lessons allows. Each page that waits has one place; a class whose browsers send no cookie is one
    visitor. A measurement takes seconds and ends by itself."""

    longest_queue, places_per_visitor, seconds_per_run = 1000, 200, inf


class Lessons:
    """The line before the process that measures, and who waits for what."""

    def __init__(self):
        self.line = Line(ProcessWorker("the web server", measure), Rules())
        self.lock = Lock()
        self.tickets: dict[Asked, Ticket] = {}
        self.waiting: Counter[Asked] = Counter()

    @contextmanager
    def ticket(self, asked: Asked, visitor: str = "") -> Iterator[Ticket]:
        """The ticket of a measurement: that of others who wait for the same, else a new one. Whoever leaves takes nothing
        away from the others; when all have left, it ends. Raises `Impossible` if too many wait."""
        with self.lock:
            self.waiting[asked] += 1
        try:
            yield self._join(asked, visitor)
        finally:
            with self.lock:
                self.waiting[asked] -= 1
                if not self.waiting[asked]:
                    del self.waiting[asked]
                    self.tickets.pop(asked, None)

    def _join(self, asked: Asked, visitor: str) -> Ticket:
        with self.lock:
            if asked not in self.tickets or self.tickets[asked].settled.is_set():
                wanted = partial(self.waiting.__contains__, asked)
                self.tickets[asked] = self.line.join(Ticket(asked, visitor, wanted=wanted, ended=_keep))
            return self.tickets[asked]


def found(ticket: Ticket) -> Any:
    """What the measurement of a ticket has found. Raises LookupError if it has found nothing."""
    return ticket.found[-1][0]


def _keep(ticket: Ticket) -> None:
    if ticket.found:
        result.keep(found(ticket), ticket.job)


@cache
def lessons() -> Lessons:
    """The one of this web server."""
    return Lessons()


@once
def result(asked: Asked) -> Any:
    """What a measurement has found, without measuring. Raises LookupError if it is not known."""
    if asked.lasting and (kept := _on_disk(asked.name)).check_call_in_cache(*asked.arguments):
        return kept(*asked.arguments)
    raise LookupError(asked.name)


def first_asked() -> list[Asked]:
    """What classes ask for first and can be kept: of all lessons as they open, then with one control moved."""
    lasting = declared.first_asked()
    longest = max(map(len, lasting.values()))
    return [Asked(name, arguments[place], background=True) for place in range(longest) for name, arguments in lasting.items()
            if place < len(arguments)]


def preparing() -> AbstractContextManager:
    """The lock that the one of several web servers holds which prepares for all."""
    folder = disk().location
    return FileLock(Path(folder, "prepare.lock"), poll_interval=LOOK) if folder else nullcontext()


def prepare(rest: Callable[[], None]) -> None:
    """Measure what classes ask for first; `rest()` returns when the server has nothing else to do. The very first is asked
    for at once, as the process takes seconds to start. Of several web servers of one folder, one does the others."""
    first, *others = first_asked()
    _make(first)
    with preparing():
        for asked in others:
            if not _on_disk(asked.name).check_call_in_cache(*asked.arguments):
                rest()
                _make(asked)


def _make(asked: Asked) -> None:
    with lessons().ticket(asked) as ticket:
        ticket.settled.wait()
