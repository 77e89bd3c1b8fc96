"""Races as they are watched: each is run once for all who ask for the same, goes on from what is kept, and is kept itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from lib.architecture import Impossible
from lib.lab import curves
from lib.lab.jobs import Job, pictures_of
from lib.limits import limits
from lib.lab.queue import Line, Ticket
from lib.records import Setting
from lib.training.race import Begun, Finished, Glimpse, fitting
from lib.training.records import Curve, Entrant
from lib.training.shipped import curve_of

MOST_REMEMBERED = 50
"""Races of which what was said last is remembered."""


@dataclass(frozen=True)
class Shown:
    """A curve and where it comes from: trained just now, kept by this server, or shipped with the app. `glimpse` is how it
    stands in the epoch that runs."""

    curve: Curve
    origin: Literal["run", "kept", "shipped"]
    glimpse: Glimpse | None = None


class Race:
    """Some entrants on the device of a line. It is shared by all who look at them; `owner` is the visitor who started it."""

    def __init__(self, line: Line, entrants: Sequence[Entrant]):
        self.line, self.entrants = line, tuple(entrants)
        self.ticket: Ticket | None = None
        self.owner, self.message, self.paused = "", "", False
        self.unkept = ""
        self.running: list[Entrant] = []
        self.states: dict[Entrant, bytes] = {}  # of curves that could not be kept, to go on from
        self.found: dict[Entrant, Curve] = {}
        self.glimpses: dict[Entrant, Glimpse] = {}
        self.whole: dict[Entrant, Shown] = {}
        self.watchers: dict[str, Callable[[], bool]] = {}
        self.lock = Lock()

    # Looking

    @property
    def runs(self) -> bool:
        """Whether it runs or waits in the line."""
        return self.ticket is not None and not self.ticket.settled.is_set()

    def shown(self) -> dict[Entrant, Shown]:
        """What there is of each entrant: what runs or has just run before what is kept, that before what is shipped. Whole
        curves are asked for once, however many look on."""
        with self.lock:
            found = {entrant: Shown(curve, "run", self.glimpses.get(entrant)) for entrant, curve in self.found.items()}
        others = [entrant for entrant in self.entrants if entrant not in found]
        if self.runs:  # nothing but what this run makes, and what it did not have to make
            others = [entrant for entrant in others if entrant not in self.running]
        found |= {entrant: self.whole[entrant] for entrant in others if entrant in self.whole}
        found |= known([entrant for entrant in others if entrant not in found], self.device_name)
        self.whole |= {entrant: shown for entrant, shown in found.items() if shown.origin != "run" and shown.curve.over}
        return {entrant: found[entrant] for entrant in self.entrants if entrant in found}

    @property
    def device_name(self) -> str:
        return self.line.worker.device.name

    def watch(self, session: str, present: Callable[[], bool]) -> None:
        """Note that somebody looks on: while one does, it runs."""
        self.watchers[session] = present

    def is_watched(self) -> bool:
        """Whether anybody looks on; whoever has left is forgotten."""
        for session, present in list(self.watchers.items()):
            if not present():
                self.watchers.pop(session, None)
        return bool(self.watchers)

    # Running

    def start(self, visitor: str, anew: bool = False) -> None:
        """Train what is missing, or with `anew` everything from the beginning. Raises `Impossible` where limits, pictures,
        networks or the line do not allow it."""
        refuse_beyond_limits(self.entrants)
        with self.lock:  # so that nothing is heard before all is ready for it
            if self.runs:
                return
            done = {} if anew else self._done()
            running = [entrant for entrant in self.entrants if entrant not in done or not done[entrant].over]
            states = {entrant: state for entrant in running if entrant in done and (state := self._state(entrant, done[entrant]))}
            if running:
                ticket = Ticket(self._job(running, states), visitor, wanted=self.is_watched, ended=self._ended, hear=self._hear,
                                seconds=limits().race_seconds, shorter="It can go on from there.")
                self.ticket = self.line.join(ticket)
            self.found = {entrant: curve for entrant, curve in self.found.items() if entrant not in running and curve.over}
            self.found |= {entrant: done[entrant] for entrant in states}
            self.running, self.states = running, {}
            self.glimpses, self.message, self.unkept, self.paused, self.owner = {}, "", "", False, visitor

    def _done(self) -> dict[Entrant, Curve]:
        """How far each entrant has come: what was run here last counts before what is kept or shipped."""
        kept = {entrant: shown.curve for entrant, shown in known(self.entrants, self.device_name).items()}
        return kept | {entrant: curve for entrant, curve in self.found.items() if curve.epochs}

    def _state(self, entrant: Entrant, curve: Curve) -> bytes | None:
        """The weights after the last epoch of its curve; None where they are gone."""
        if entrant in self.states:
            return self.states[entrant]
        found = curves.state(entrant, self.device_name)
        return found[1] if found and found[0] == len(curve.epochs) else None

    def _job(self, running: Sequence[Entrant], states: Mapping[Entrant, bytes]) -> Job:
        device = self.line.worker.device
        return Job(kind="race", networks=tuple(dict.fromkeys(entrant.network for entrant in self.entrants)),
                   setting=Setting(device=device.id, threads=device.cores if device.id == "cpu" else 0),
                   entrants=tuple(running), states={running.index(entrant): state for entrant, state in states.items()})

    def _hear(self, found: Any) -> None:
        """Take what the worker has found; keep each epoch with its weights."""
        entrant = self.running[found.entrant]
        with self.lock:
            if isinstance(found, Begun):
                self.found.setdefault(entrant, found.curve)
                return
            if isinstance(found, Glimpse):
                self.glimpses[entrant] = found
                return
            curve = self.found[entrant]
            curve = curve.model_copy(update={"epochs": (*curve.epochs, found.epoch)})
            self.found[entrant] = curve
            self.glimpses.pop(entrant, None)
        try:
            kept = curves.keep(entrant, self.device_name, curve, found.state)
        except Impossible as error:
            kept, self.unkept = False, str(error)
        if kept or curve.over:
            self.states.pop(entrant, None)
        else:
            self.states[entrant] = found.state

    def _ended(self, ticket: Ticket) -> None:
        self.message = "" if self.paused and ticket.message == "Stopped." else ticket.message
        self.glimpses = {}
        ticket.job = ticket.job.model_copy(update={"states": {}})

    def pause(self) -> None:
        """Free the device; it goes on from the last whole epoch."""
        self.paused = True
        self.stop()

    def stop(self) -> None:
        if self.ticket:
            self.ticket.stop()


def known(entrants: Iterable[Entrant], device_name: str) -> dict[Entrant, Shown]:
    """What is kept of entrants or shipped, the longer curve first. Without a database, what is shipped."""
    entrants = list(entrants)
    found = {entrant: Shown(curve, "shipped") for entrant in entrants if (curve := curve_of(entrant))}
    try:
        kept = curves.find(entrants, device_name) if entrants else {}
    except Impossible:
        return found
    return found | {entrant: Shown(curve, "kept") for entrant, curve in kept.items() if curve.over or entrant not in found}


def refuse_beyond_limits(entrants: Sequence[Entrant]) -> None:
    """Raises `Impossible`, in one sentence, for the first limit of this server that a race does not keep to."""
    networks = list(dict.fromkeys(entrant.network for entrant in entrants))
    seeds, epochs = {entrant.seed for entrant in entrants}, max(entrant.recipe.epochs for entrant in entrants)
    for what, asked, most in (("networks in one race", len(networks), limits().race_networks),
                              ("seeds", len(seeds), limits().race_seeds), ("epochs", epochs, limits().race_epochs)):
        if asked > most:
            raise Impossible(f"This server runs at most {most} {what}; here are {asked}.")
    for network in networks:
        analysis = fitting(network, pictures_of(next(entrant for entrant in entrants if entrant.network == network)))
        for what, asked, most in (("weight layers", analysis.weight_layers, limits().race_layers),
                                  ("parameters", analysis.params, limits().race_parameters)):
            if asked > most:
                raise Impossible(f"{network.label} has {asked:,} {what}; in a race of this server a network has at most {most:,}.")


_races: OrderedDict[tuple, Race] = OrderedDict()
_finding = Lock()


def race_of(line: Line, entrants: Sequence[Entrant]) -> Race:
    """The race of these entrants on this line's device: that of all others who look at the same."""
    key = line.worker.device.key, tuple(entrants)
    with _finding:
        race = _races.setdefault(key, Race(line, entrants))
        _races.move_to_end(key)
        for other in [other for other, each in _races.items() if not each.runs][:max(0, len(_races) - MOST_REMEMBERED)]:
            del _races[other]
        return race
