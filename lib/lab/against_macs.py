"""What times say beside multiply-adds: the common rate of many networks, who is far from it, and what their traces hold.

And what a sweep over batch sizes says: from which batch on the device has all the work it can use. Nothing here measures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from lib import catalog
from lib.analysis import Analysis, Layer, analyze_knobs
from lib.analysis.cost import BYTES_PER_NUMBER
from lib.architecture import Architecture
from lib.once import once
from lib.records import Latency

FAR = 2.0
"""A family whose time is this many times what its MACs say, or one of this many, is far from them."""

NEARLY_ALL = 0.95
"""A batch is large enough if it gives this share of the best throughput."""


@dataclass(frozen=True)
class Traits:
    """What the trace of a network says about how well its MACs keep a device busy. Shares are 0 to 1, of the MACs.

    A depthwise convolution has as many groups as input channels; `grouped` are convolutions with fewer groups, but more
    than one. `gates` are products with one number a channel, as the global average gives them (SE, SK, ResNeSt).
    `activation_bytes` are written for one image and `weight_bytes` read for one pass, both as if in float32.
    """

    macs: int
    operations: int
    depthwise: float
    grouped: float
    gates: int
    activation_bytes: int
    weight_bytes: int

    @classmethod
    def of(cls, analysis: Analysis) -> Traits:
        return cls(macs=analysis.macs, operations=len(analysis.ops), depthwise=_share(analysis, _is_depthwise),
                   grouped=_share(analysis, lambda op: op.groups > 1 and not _is_depthwise(op)),
                   gates=sum(map(_is_gate, analysis.ops)), activation_bytes=analysis.activation_bytes,
                   weight_bytes=BYTES_PER_NUMBER * analysis.params)

    @property
    def group(self) -> str:
        """The first of these that is in the network: `depthwise`, `gates`, `grouped`; else `plain`."""
        return next((name for name in ("depthwise", "gates", "grouped") if getattr(self, name)), "plain")

    @property
    def macs_per_operation(self) -> float:
        """MACs of one image, divided among all operations."""
        return self.macs / self.operations

    def bytes_per_mac(self, batch: int) -> float:
        """Bytes of activations written and of weights read for one MAC; a batch reads the weights once."""
        return (self.activation_bytes + self.weight_bytes / batch) / self.macs


def _share(analysis: Analysis, has) -> float:
    return sum(op.macs or 0 for op in analysis.ops if has(op)) / analysis.macs


def _is_depthwise(op: Layer) -> bool:
    return op.kind == "conv2d" and op.groups == op.in_shapes[0][1] > 1


def _is_gate(op: Layer) -> bool:
    """A product of a map with a tensor of single cells."""
    return op.kind == "mul" and len(op.in_shapes) == 2 and op.in_shapes[1][-2:] == (1, 1) != op.in_shapes[0][-2:]


def traits(preset: str, changed: dict[str, Any]) -> Traits:
    """The traits of a preset with these knobs changed; they are kept, as a trace takes a tenth of a second."""
    return _traits(preset, catalog.configure(preset, changed))


@once
def _traits(preset: str, knobs) -> Traits:
    return Traits.of(analyze_knobs(preset, catalog.get(preset), knobs))


@dataclass(frozen=True)
class Rate:
    """A time beside its MACs. `factor` is how many times as long it takes as its MACs say at the common rate."""

    latency: Latency
    family: Architecture
    traits: Traits
    ms_per_gmac: float
    factor: float

    @property
    def gmacs(self) -> float:
        return gmacs(self.latency.macs, self.latency.batch)


def gmacs(macs: int, batch: int) -> float:
    """Multiply-adds of a pass over a batch, in units of 1e9; `macs` are those of one image."""
    return macs * batch / 1e9


def ms_per_gmac(latency: Latency) -> float:
    """Milliseconds for 1e9 multiply-adds."""
    return latency.latency_ms.median / gmacs(latency.macs, latency.batch)


def latest(latencies: Iterable[Latency]) -> list[Latency]:
    """Of a network timed several times the last alone."""
    return list({latency.label: latency for latency in latencies}.values())


def rates(latencies: Iterable[Latency]) -> list[Rate]:
    """Every network against the common rate, the median of all that are sound; the slowest for its MACs first.

    They should be of one device, batch and way to run. Of a network timed several times the last counts. Where no time is
    sound, all of them give the rate, and nothing should be concluded from it.
    """
    last = latest(latencies)
    if not last:
        return []
    middle_one = median(map(ms_per_gmac, _sound(last) or last))
    found = [Rate(latency, catalog.get(latency.preset), traits(latency.preset, latency.changed), ms_per_gmac(latency),
                  ms_per_gmac(latency) / middle_one) for latency in last]
    return sorted(found, key=lambda rate: -rate.factor)


def _sound(latencies: Iterable[Latency]) -> list[Latency]:
    return [latency for latency in latencies if latency.sound]


def sound(rates: list[Rate]) -> list[Rate]:
    """Those from whose times something follows."""
    return [rate for rate in rates if rate.latency.sound]


def common(rates: list[Rate]) -> float:
    """Milliseconds for 1e9 multiply-adds on the line of all rates."""
    return median(rate.ms_per_gmac for rate in sound(rates) or rates)


@dataclass(frozen=True)
class Typical:
    """The medians of networks, to hold one against."""

    bytes_per_mac: float
    macs_per_operation: float

    @classmethod
    def of(cls, rates: list[Rate]) -> Typical:
        return cls(median(rate.traits.bytes_per_mac(rate.latency.batch) for rate in rates),
                   median(rate.traits.macs_per_operation for rate in rates))


@dataclass(frozen=True)
class Outlier:
    """A family that is far from its MACs: the median factor of its networks, and the network in their middle."""

    family: Architecture
    networks: int
    factor: float
    middle: Rate
    reasons: tuple[str, ...]


def outliers(rates: list[Rate]) -> list[Outlier]:
    """The families far from the common rate, the slowest first. `rates` as from `rates`; those that are not sound are left
    out."""
    families: dict[str, list[Rate]] = {}
    for rate in sound(rates):
        families.setdefault(rate.family.id, []).append(rate)
    found = [_outlier(own, Typical.of(sound(rates))) for own in families.values()]
    far = [outlier for outlier in found if outlier.factor >= FAR or outlier.factor <= 1 / FAR]
    return sorted(far, key=lambda outlier: -outlier.factor)


def _outlier(own: list[Rate], typical: Typical) -> Outlier:
    factor, shown = median(rate.factor for rate in own), own[(len(own) - 1) // 2]  # of two in the middle, the slower
    return Outlier(shown.family, len(own), factor, shown, reasons(shown.traits, typical, shown.latency.batch, factor > 1))


def reasons(own: Traits, typical: Typical, batch: int, slow: bool) -> tuple[str, ...]:
    """What of a trace may be why a network is slow, or fast, for its MACs beside what is typical.

    Of a slow one: `depthwise`, `grouped`, `gates` if it has them; `bytes` if it moves `FAR` times as many for a MAC, `small`
    if its operations have so many times fewer MACs. Of a fast one `few_bytes` and `large`, the opposites of these two.
    """
    more_bytes = own.bytes_per_mac(batch) / typical.bytes_per_mac
    larger = own.macs_per_operation / typical.macs_per_operation
    if slow:
        given = {"depthwise": own.depthwise, "grouped": own.grouped, "gates": own.gates, "bytes": more_bytes >= FAR,
                 "small": larger <= 1 / FAR}
    else:
        given = {"few_bytes": more_bytes <= 1 / FAR, "large": larger >= FAR}
    return tuple(name for name, is_so in given.items() if is_so)


def curves(latencies: Iterable[Latency]) -> dict[str, list[Latency]]:
    """For every network, by its label, its times from the smallest batch to the largest."""
    found: dict[str, list[Latency]] = {}
    for latency in sorted(latencies, key=lambda latency: latency.batch):
        found.setdefault(latency.label, []).append(latency)
    return found


@dataclass(frozen=True)
class Saturation:
    """From which batch on a device has all the work it can use; None if the sweep ended before that, or if that cannot be
    told, as the times at the batches `doubtful` bear no conclusion.

    `best` is the highest throughput, in images a second, found at `best_batch`; `largest` is the largest batch tried.
    """

    batch: int | None
    best: float
    best_batch: int
    largest: int
    doubtful: tuple[int, ...] = ()


def saturation(curve: list[Latency]) -> Saturation:
    """The smallest batch that reaches `NEARLY_ALL` of the best throughput, in times sorted by batch.

    If that is the largest batch alone, a larger one might give still more: the device is not saturated yet. A time is
    doubtful if other programs disturbed it, or if it is too unsure to say on which side of that share it lies.
    """
    best = max(curve, key=lambda latency: latency.throughput)
    enough = next(latency for latency in curve if latency.throughput >= NEARLY_ALL * best.throughput)
    largest = curve[-1].batch
    doubtful = tuple(latency.batch for latency in curve if latency.busy or _undecided(latency, best))
    return Saturation(None if doubtful or enough.batch == largest else enough.batch, best.throughput, best.batch, largest,
                      doubtful)


def _undecided(latency: Latency, best: Latency) -> bool:
    """Whether a time that scatters might as well give nearly all of the best throughput as not."""
    spread, share = latency.latency_ms, NEARLY_ALL * best.throughput
    unsure = spread.scattered or spread.unsure > 1 - NEARLY_ALL
    slow, fast = (1e3 * latency.batch / each for each in (spread.p90, spread.p10))
    return unsure and (latency is best or slow <= share <= fast)


def batches(largest: int) -> tuple[int, ...]:
    """The powers of two up to `largest`, and `largest` itself."""
    return tuple(sorted({2**power for power in range(largest.bit_length())} | {largest}))
