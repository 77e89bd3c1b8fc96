"""In whose turn: one measurement at a time per device, the others wait in a line and see their place.

A `Ticket` is one wish of a visitor, who may have a few in a line. Places are dealt in turns: in each turn every visitor who
waits is served once, so that a second run of one waits for the first run of another. Whoever leaves is left out: `wanted` is
asked again and again, also while it runs.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from typing import Any, Literal, Protocol

from lib.architecture import Impossible
from lib.lab.jobs import Job
from lib.limits import limits
from lib.lab.neighbours import WAITING
from lib.lab.worker import Worker, WorkerLost
from lib.records import Setting
from lib.timing import Step

State = Literal["waiting", "running", "done", "failed", "lost", "stopped"]
_numbers = itertools.count(1)


@dataclass(eq=False)
class Ticket:
    """A job in a line, and what has become of it. `found` grows while it runs; `message` says why it ended early.

    `lost` means that the worker died: the job may be asked for again as it is. `since` is the turn that the line was at when
    the ticket came. `seconds` is how long it may run, where that is not what the line's rules say, and `shorter` how it could
    be quicker. `hear` takes what is found, which is put to `found` unless it is given.
    """

    job: Job
    visitor: str = ""
    wanted: Callable[[], bool] = lambda: True
    ended: Callable[[Ticket], None] = lambda ticket: None
    hear: Callable[[Any], None] | None = None
    seconds: float | None = None
    shorter: str = "Lower the batch or the input size, or choose fewer networks."
    number: int = field(default_factory=lambda: next(_numbers))
    state: State = "waiting"
    step: Step = Step(0.0, "Starting")
    found: list[Any] = field(default_factory=list)
    message: str = ""
    started: float | None = None
    stopping: bool = False
    since: int = 0
    settled: Event = field(default_factory=Event)  # set when it is over, and what should follow has been done

    def stop(self) -> None:
        """Leave the line, or stop within one repetition."""
        self.stopping = True

    @property
    def over(self) -> bool:
        return self.state not in ("waiting", "running")

    def seconds_left(self) -> float | None:
        """From the share that is done and the time it took; None before there is anything to go by."""
        if self.started is None or self.step.share < 0.02:
            return None
        return (time.monotonic() - self.started) * (1 - self.step.share) / self.step.share


def turns(tickets: Iterable[Ticket], served: Mapping[str, int]) -> dict[Ticket, int]:
    """The turn of each ticket that waits, the background apart. `served` is the last turn of every visitor who has had one.

    It is the turn in which the ticket came or, if its visitor has been served in that or has another ticket before it, the
    next one that is free.
    """
    last, found = dict(served), {}
    for ticket in sorted(tickets, key=lambda ticket: ticket.number):
        if ticket.state == "waiting" and not ticket.job.background:
            found[ticket] = last[ticket.visitor] = max(ticket.since, last.get(ticket.visitor, -1) + 1)
    return found


def in_turn(tickets: Iterable[Ticket], served: Mapping[str, int]) -> list[Ticket]:
    """Tickets in the order in which they are served: what runs, then people in turns, in each in the order in which they
    came, then the background. `served` is as in `turns`."""
    tickets = list(tickets)
    turn = turns(tickets, served)
    return sorted(tickets, key=lambda t: (t.state != "running", t.job.background, turn.get(t, 0), t.number))


class Rules(Protocol):
    """What a line allows: tickets in it, tickets of one visitor in it, seconds that one may run."""

    longest_queue: int
    places_per_visitor: int
    seconds_per_run: float


class Line:
    """The line before one device, and the thread that serves it. Without rules of its own it keeps to timing.toml's."""

    def __init__(self, worker: Worker, rules: Rules | None = None):
        self.worker = worker
        self.rules = rules or limits()
        self.tickets: list[Ticket] = []
        self.turn = 0
        self.served: dict[str, int] = {}
        self.changed = Condition()
        self.thread: Thread | None = None

    def join(self, ticket: Ticket) -> Ticket:
        """Take a place. Raises `Impossible` if the line is full, or its visitor has all the places that one may have."""
        with self.changed:
            self._leave_out()
            self._refuse_too_many(ticket.visitor)
            if all(each.job.background for each in self.tickets):
                self.served.clear()  # nobody waits for anybody: what was before is forgotten
            ticket.since = self.turn
            self.tickets.append(ticket)
            if self.thread is None:
                self.thread = Thread(target=self._serve, daemon=True, name=f"line of {self.worker.name}")
                self.thread.start()
            self.changed.notify()
        return ticket

    def warm(self) -> None:
        """Let the worker's process begin, if it has not, so that the next job need not wait for that; asks for no place."""
        with self.changed:
            if self.tickets or not self.worker.cold:
                return
            self.join(Ticket(Job(kind="warm", networks=(), setting=Setting(device=self.worker.device.id), background=True)))

    def _refuse_too_many(self, visitor: str) -> None:
        name, own = self.worker.name, sum(ticket.visitor == visitor for ticket in self.tickets)
        if own >= self.rules.places_per_visitor:
            runs = "1 run" if own == 1 else f"{own} runs"
            raise Impossible(f"You have {runs} in the line for {name}, all your tabs together, and no visitor may have more. "
                             "Wait until one has ended, or stop one.")
        if len(self.tickets) >= self.rules.longest_queue:
            raise Impossible(f"{len(self.tickets)} runs already wait for {name}; try again in a while.")

    def before(self, ticket: Ticket) -> list[Ticket]:
        """Those that are served before this one, in their order; none while it runs or is over."""
        with self.changed:
            order = self._order()
            return order[:order.index(ticket)] if ticket in order else []

    def place(self, ticket: Ticket) -> int:
        """How many are served before this one; 0 while it runs or is over."""
        return len(self.before(ticket))

    def longest_wait(self, ticket: Ticket) -> float:
        """Seconds after which this one is served if all before it take as long as they may."""
        before = self.before(ticket)
        spent = sum(time.monotonic() - each.started for each in before if each.started is not None)
        return max(0.0, sum(map(self.most_seconds, before)) - spent)

    def most_seconds(self, ticket: Ticket) -> float:
        """Seconds that a ticket may run."""
        return self.rules.seconds_per_run if ticket.seconds is None else ticket.seconds

    def length(self) -> int:
        """Runs that wait or run."""
        with self.changed:
            return len(self.tickets)

    def _order(self) -> list[Ticket]:
        return in_turn(self.tickets, self.served)

    def _leave_out(self) -> None:
        """Free the places of those who have left."""
        for ticket in [t for t in self.tickets if t.state == "waiting" and (t.stopping or not t.wanted())]:
            ticket.state, ticket.message = "stopped", "Stopped."
            self.tickets.remove(ticket)
            ticket.settled.set()

    def _serve(self) -> None:
        while True:
            with self.changed:
                self._leave_out()
                if not self.tickets:
                    self.changed.wait()
                    continue
                ticket = self._order()[0]
                self._note_turn(ticket)
                ticket.state, ticket.started = "running", time.monotonic()
            self._run(ticket)
            with self.changed:
                self.tickets.remove(ticket)
            try:
                ticket.ended(ticket)
            except Exception:  # whatever it was: the next in the line must not suffer
                logging.exception("what should follow a run failed")
            ticket.settled.set()

    def _note_turn(self, ticket: Ticket) -> None:
        """Remember in which turn its visitor is served; what lies too far back to delay anyone is forgotten."""
        own = turns(self.tickets, self.served).get(ticket)
        if own is None:
            return
        self.turn = max(self.turn, own)
        self.served[ticket.visitor] = own
        self.served = {visitor: turn for visitor, turn in self.served.items() if turn >= self.turn - 1}

    def _run(self, ticket: Ticket) -> None:
        """Serve one ticket to its end, whatever that is."""
        steps = self.worker.steps(ticket.job)
        state: State = "done"
        try:
            for step in steps:
                if step is not None:
                    ticket.step = step
                    if step == WAITING:
                        ticket.started = time.monotonic()  # another process has its turn: that is no time of this run
                    if step.found is not None:
                        (ticket.hear or ticket.found.append)(step.found)
                if end := self._early_end(ticket):
                    state, ticket.message = "stopped", end
                    break
        except Impossible as refused:
            state, ticket.message = "failed", str(refused)
        except WorkerLost as lost:
            state, ticket.message = "lost", f"The run was lost: {lost}. It can be run again."
        except Exception as error:
            state, ticket.message = "failed", f"The run failed: {str(error)[:200]}."
        finally:
            steps.close()
            ticket.state = state

    def _early_end(self, ticket: Ticket) -> str:
        """Why a running ticket should end now; empty if it should not. Those who wait are looked after as well."""
        with self.changed:
            self._leave_out()
        if ticket.stopping:
            return "Stopped."
        if not ticket.wanted():
            return "Stopped, as its page was left."
        if time.monotonic() - ticket.started > self.most_seconds(ticket):
            return f"Stopped after {self.most_seconds(ticket):g} seconds, the limit of this server. {ticket.shorter}"
        return ""


class Lab:
    """All lines of one web server. There is one for the process: `lab()`."""

    def __init__(self, workers: list[Worker], absent: dict[str, str] | None = None):
        self.lines = {worker.device.key: Line(worker) for worker in workers if limits().allows(worker.device.id)}
        self.absent = absent or {}

    def join(self, device: str, ticket: Ticket) -> Ticket:
        """Take a place before a device, by its key. Raises `Impossible` if it is unknown here or its line is full."""
        if device not in self.lines:
            raise Impossible(f"There is no device “{device[:40]}” here; the devices are {', '.join(self.lines)}.")
        return self.lines[device].join(ticket)

    def close(self) -> None:
        for line in self.lines.values():
            line.worker.close()
