"""In whose turn: one measurement at a time per device, the others wait in a line and see their place.

A `Ticket` is one person's wish. Whoever leaves is left out: `wanted` is asked again and again, also while it runs.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Literal

from lib.architecture import Impossible
from lib.lab.jobs import Job
from lib.lab.limits import limits
from lib.lab.worker import Worker, WorkerLost
from lib.timing import Step

State = Literal["waiting", "running", "done", "failed", "lost", "stopped"]
_numbers = itertools.count(1)


@dataclass(eq=False)
class Ticket:
    """A job in a line, and what has become of it. `found` grows while it runs; `message` says why it ended early.

    `lost` means that the worker died: the job may be asked for again as it is.
    """

    job: Job
    wanted: Callable[[], bool] = lambda: True
    ended: Callable[[Ticket], None] = lambda ticket: None
    number: int = field(default_factory=lambda: next(_numbers))
    state: State = "waiting"
    step: Step = Step(0.0, "Starting")
    found: list[Any] = field(default_factory=list)
    message: str = ""
    started: float | None = None
    stopping: bool = False

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


class Line:
    """The line before one device, and the thread that serves it."""

    def __init__(self, worker: Worker):
        self.worker = worker
        self.tickets: list[Ticket] = []
        self.changed = Condition()
        self.thread: Thread | None = None

    def join(self, ticket: Ticket) -> Ticket:
        """Take a place. Raises `Impossible` if the line is full."""
        with self.changed:
            self._leave_out()
            if len(self.tickets) >= limits().longest_queue:
                raise Impossible(f"{len(self.tickets)} runs already wait for {self.worker.device.name}; try again in a while.")
            self.tickets.append(ticket)
            if self.thread is None:
                self.thread = Thread(target=self._serve, daemon=True, name=f"line of {self.worker.device.key}")
                self.thread.start()
            self.changed.notify()
        return ticket

    def place(self, ticket: Ticket) -> int:
        """How many are served before this one; 0 while it runs or is over."""
        with self.changed:
            return self._order().index(ticket) if ticket in self.tickets else 0

    def length(self) -> int:
        """Runs that wait or run."""
        with self.changed:
            return len(self.tickets)

    def _order(self) -> list[Ticket]:
        """What runs, then people in the order they came, then the background."""
        return sorted(self.tickets, key=lambda t: (t.state != "running", t.job.background, t.number))

    def _leave_out(self) -> None:
        """Free the places of those who have left."""
        for ticket in [t for t in self.tickets if t.state == "waiting" and (t.stopping or not t.wanted())]:
            ticket.state, ticket.message = "stopped", "Stopped."
            self.tickets.remove(ticket)

    def _serve(self) -> None:
        while True:
            with self.changed:
                self._leave_out()
                if not self.tickets:
                    self.changed.wait()
                    continue
                ticket = self._order()[0]
                ticket.state, ticket.started = "running", time.monotonic()
            self._run(ticket)
            with self.changed:
                self.tickets.remove(ticket)
            try:
                ticket.ended(ticket)
            except Exception:  # whatever it was: the next in the line must not suffer
                logging.exception("what should follow a run failed")

    def _run(self, ticket: Ticket) -> None:
        """Serve one ticket to its end, whatever that is."""
        steps = self.worker.steps(ticket.job)
        state: State = "done"
        try:
            for step in steps:
                if step is not None:
                    ticket.step = step
                    if step.found is not None:
                        ticket.found.append(step.found)
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
        if time.monotonic() - ticket.started > limits().seconds_per_run:
            return (f"Stopped after {limits().seconds_per_run:g} seconds, the limit of this server. "
                    "Lower the batch or the input size, or choose fewer networks.")
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
