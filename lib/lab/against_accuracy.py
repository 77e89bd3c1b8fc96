"""Published accuracy for measured time: which networks no other beats, and which is the best within a time.

Nothing here measures. A result joins a time only where both are of the same network, its image included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10

from lib import catalog
from lib.analysis import published
from lib.architecture import Architecture, NetworkKnobs, Result
from lib.records import Latency

DIGITS = (1, 1.5, 2, 3, 5, 7)
"""Times to choose from begin with these."""


@dataclass(frozen=True)
class Trade:
    """A published accuracy, and the time that the same network takes. `best` tells that no other whose time is sound is
    faster and at least as accurate, or as fast and more accurate."""

    latency: Latency
    family: Architecture
    result: Result
    best: bool = False

    @property
    def ms(self) -> float:
        """Milliseconds for one image: those of a pass, divided among the images of its batch."""
        return self.latency.latency_ms.median / self.latency.batch

    @property
    def top1(self) -> float:
        """Images whose first guess was right, in percent."""
        return self.result.top1_accuracy


def trades(latencies: Sequence[Latency], protocol: str) -> list[Trade]:
    """The networks that have a time and a result of this protocol, the fastest first. The times should be of one device,
    batch and way to run, one of each network."""
    found = [(latency, catalog.get(latency.preset), result) for latency in latencies
             for result in _own_results(latency) if result.protocol == protocol]
    timed = sorted((Trade(*each) for each in found), key=lambda trade: (trade.ms, -trade.top1))
    sound = [trade for trade in timed if trade.latency.sound]
    return [replace(trade, best=trade.latency.sound and not any(_beats(other, trade) for other in sound)) for trade in timed]


def _own_results(latency: Latency) -> tuple[Result, ...]:
    """What is published of exactly the network that was timed."""
    knobs = _knobs(latency)
    return published.results(catalog.get(latency.preset), knobs) if latency.input_size == knobs.input_size else ()


def _knobs(latency: Latency) -> NetworkKnobs:
    return catalog.configure(latency.preset, latency.changed)


def _beats(other: Trade, trade: Trade) -> bool:
    """Whether another is at least as good in both, and better in one."""
    return other.ms <= trade.ms and other.top1 >= trade.top1 and (other.ms, other.top1) != (trade.ms, trade.top1)


def variants(latencies: Sequence[Latency], protocol: str) -> list[Result]:
    """Results of this protocol that are printed of timed networks, but of variants of them, which were not timed."""
    joined = [trade.result for trade in trades(latencies, protocol)]
    return [result for latency in latencies for result in published.variants(catalog.get(latency.preset), _knobs(latency))
            if result.protocol == protocol and result not in joined]


def best(found: Sequence[Trade]) -> list[Trade]:
    """Those that no other beats, from the fastest to the most accurate."""
    return [trade for trade in found if trade.best]


def most_accurate(found: Sequence[Trade], within: float) -> Trade | None:
    """The most accurate network of those that take at most so many milliseconds an image, and whose times are sound; None
    if all are slower."""
    return max((trade for trade in best(found) if trade.ms <= within), key=lambda trade: trade.top1, default=None)


def round_times(found: Sequence[Trade]) -> tuple[float, ...]:
    """Milliseconds to choose from: round numbers, from one that only few networks keep to one that all keep."""
    times = [trade.ms for trade in found]
    powers = range(floor(log10(min(times))), ceil(log10(max(times))) + 1)
    numbers = [float(f"{digit}e{power}") for power in powers for digit in DIGITS]
    first = next(place for place, number in enumerate(numbers) if number >= min(times))
    last = next(place for place, number in enumerate(numbers) if number >= max(times))
    return tuple(numbers[first:last + 1])
