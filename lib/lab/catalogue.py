"""Timing every network of the catalogue, between other people's runs: one sweep per device, for all visitors at once."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from threading import Lock, Thread, Timer
from typing import Literal

from lib import catalog
from lib.analysis.atlas import totals
from lib.architecture import Impossible
from lib.lab.jobs import Job
from lib.limits import limits
from lib.lab.queue import Line, Ticket
from lib.lab.store import Run, keep
from lib.records import Latency, Network, Setting

Scope = Literal["families", "catalogue"]
"""The first network of every family, or all."""

AGAIN = 5.0
"""Seconds until a sweep that found the line full asks again."""


def presets(scope: Scope) -> tuple[str, ...]:
    """The networks of a scope, those with the fewest MACs first: they are the soonest to show something."""
    firsts = [next(iter(family.presets)) for family in catalog.families().values() if family.paper]
    names = catalog.published() if scope == "catalogue" else firsts
    return tuple(sorted(names, key=lambda preset: totals(preset).macs))


class Sweep:
    """Times networks one after another, each with a ticket of its own in the background of a line.

    It goes on when its page is left, until its end or `stop`; `owner` is the visitor who began it, and `began` the moment.
    `found` grows; `failures` holds a sentence for each network that could not be timed.
    """

    def __init__(self, line: Line, setting: Setting, scope: Scope, owner: str = ""):
        self.line, self.setting, self.scope, self.owner = line, setting, scope, owner
        self.began = datetime.now(timezone.utc)
        self.presets: tuple[str, ...] = ()
        self.found: list[Latency] = []
        self.failures: dict[str, str] = {}
        self.ticket: Ticket | None = None
        self.stopped = False

    def start(self) -> Sweep:
        """Begin, without waiting: to sort the networks they must be counted, which takes a while the first time."""
        Thread(target=self._begin, daemon=True, name=f"sweep of {self.line.worker.device.key}").start()
        return self

    def stop(self) -> None:
        """End within one repetition; what was found stays."""
        self.stopped = True
        if self.ticket:
            self.ticket.stop()

    @property
    def done(self) -> int:
        """Networks that were timed or failed."""
        return len(self.found) + len(self.failures)

    @property
    def share(self) -> float:
        """The share of the networks that is done, 0 to 1."""
        return self.done / len(self.presets) if self.presets else 0.0

    @property
    def running(self) -> bool:
        return not self.stopped and (not self.presets or self.done < len(self.presets))

    @property
    def doing(self) -> str:
        """What happens just now, in a few words."""
        if not self.ticket:
            return "Counting the networks' MACs"
        name = self.ticket.job.networks[0].label
        return f"{name} waits until nobody else measures" if self.ticket.state == "waiting" else self.ticket.step.doing

    def _begin(self) -> None:
        self.presets = presets(self.scope)
        self._next()

    def _next(self) -> None:
        """Ask for the next network, or store the whole. Runs in the line's own thread, so nothing may be raised here."""
        if not self.running:
            self._keep()
            return
        job = Job(kind="latency", networks=(Network(preset=self.presets[self.done]),), setting=self.setting, background=True)
        self.ticket = Ticket(job, wanted=lambda: not self.stopped, ended=self._ended)
        try:
            self.line.join(self.ticket)
        except Impossible:  # the line is full: people first
            again = Timer(AGAIN, self._next)
            again.daemon = True
            again.start()

    def _ended(self, ticket: Ticket) -> None:
        """Keep what a network's run has found, or why it has found nothing, and go on to the next."""
        if ticket.found:
            self.found += ticket.found
        elif not self.stopped:
            self.failures[ticket.job.networks[0].label] = ticket.message or "The run found nothing."
        self._next()

    def _keep(self) -> None:
        """Store what was found as one run; without a database it stays on the page alone."""
        if not self.found:
            return
        networks = tuple(Network(preset=latency.preset, changed=latency.changed) for latency in self.found)
        job = Job(kind="latency", networks=networks, setting=self.setting, background=True)
        try:
            keep(Run.of(job, self.line.worker.device, self.found, "Stopped." if self.stopped else ""), self.owner)
        except Impossible as error:
            logging.warning("the sweep was not stored: %s", error)


_sweeps: dict[str, Sweep] = {}
_one_at_a_time = Lock()


def sweep_of(line: Line) -> Sweep | None:
    """The sweep that runs on a line's device, or the last that did."""
    return _sweeps.get(line.worker.device.key)


def start(line: Line, setting: Setting, scope: Scope, owner: str = "") -> Sweep:
    """Begin a sweep on a line's device for its `owner`, or join the one that runs. Raises `Impossible` if this server allows
    none."""
    if not limits().catalogue_sweep:
        raise Impossible("This server does not time the whole catalogue (catalogue_sweep in timing.toml).")
    with _one_at_a_time:
        running = sweep_of(line)
        if running is None or not running.running:
            _sweeps[line.worker.device.key] = running = Sweep(line, setting, scope, owner).start()
    return running
