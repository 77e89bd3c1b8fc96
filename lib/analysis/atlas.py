"""What the Atlas shows: every network with its totals, what changed from parent to child, published accuracy against
cost, and the winners of ILSVRC."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib import catalog
from lib.analysis import analyze_knobs
from lib.architecture import Architecture, Change, Result
from lib.once import once

ILSVRC = Path(__file__).parent.parent / "data" / "ilsvrc.json"


@dataclass(frozen=True)
class Totals:
    """What a network costs for one image of its own input size."""

    params: int
    macs: int
    training_macs: int | None
    weight_layers: int
    receptive_field: int | None
    input_size: int | str


@once
def totals(preset: str, knobs: Mapping[str, Any] = {}) -> Totals:
    """The totals of a preset, with some of its knobs changed. They are kept, not the Analysis: that is a thousand times as
    large."""
    configured = catalog.configure(preset, knobs)
    analysis = analyze_knobs(preset, catalog.get(preset), configured)
    return Totals(analysis.params, analysis.macs, analysis.training_macs, analysis.weight_layers, analysis.receptive_field,
                  configured.input_size)


def compute_all() -> None:
    """Compute all that the Atlas shows, so that it opens at once afterwards."""
    for protocol in protocols():
        points(protocol)
    lineage()
    for preset in catalog.published():
        totals(preset)


@dataclass(frozen=True)
class Edge:
    """A change from a parent to a child, with both networks' totals."""

    change: Change
    before: Totals
    after: Totals

    @property
    def params(self) -> int:
        """Parameters that the change adds, or takes away if negative."""
        return self.after.params - self.before.params

    @property
    def macs(self) -> int:
        """Multiply-adds that the change adds, or takes away if negative."""
        return self.after.macs - self.before.macs


@once
def lineage() -> tuple[Edge, ...]:
    """Every change whose two networks are in the catalogue, in the order of the families."""
    return tuple(Edge(change, totals(change.parent), totals(change.child)) for change in _changes()
                 if change not in dangling())


def dangling() -> tuple[Change, ...]:
    """Changes that name a network which the catalogue does not have."""
    return tuple(change for change in _changes() if not {change.parent, change.child} <= catalog.presets().keys())


def _changes() -> Iterator[Change]:
    return (change for family in catalog.families().values() for change in family.changes)


@dataclass(frozen=True)
class Point:
    """A published accuracy, in percent of the validation images, beside what the network costs."""

    family: Architecture
    result: Result
    totals: Totals

    @property
    def leads(self) -> bool:
        """Whether this is its family's first network."""
        return self.result.preset == next(iter(self.family.presets))

    @property
    def top1(self) -> float:
        """Images whose first guess was right."""
        return self.result.top1_accuracy

    @property
    def top5(self) -> float | None:
        """Images with the right class among five guesses; None where nobody printed it."""
        return self.result.top5_accuracy


@once
def protocols() -> tuple[str, ...]:
    """The ways of measuring that published results were measured in, the commonest first."""
    found = [result.protocol for family in catalog.families().values() for result in family.results]
    return tuple(sorted(dict.fromkeys(found), key=found.count, reverse=True))


@once
def points(protocol: str) -> tuple[Point, ...]:
    """Every result of one protocol, and of that alone: errors measured differently are not compared."""
    return tuple(Point(family, result, totals(result.preset, result.knobs)) for family in catalog.families().values()
                 for result in family.results if result.protocol == protocol)


@dataclass(frozen=True)
class Winner:
    """The winning entry of a year: `error` is top-5 on the test set, in percent, with the given training images alone.

    `kind` is `ensemble`, or `shallow` without a convolutional network; `ran` says more. `extra` is the error with more
    training images, `second` the runner-up, `also` further places in print, `preset` a network of the entry or empty.
    """

    year: int
    team: str
    error: float
    preset: str
    depth: int | None
    depth_verified: bool
    kind: str
    ran: str
    extra: str
    second: str
    also: str


@dataclass(frozen=True)
class Ilsvrc:
    """The contest: its winners by year, a person's error, and where they were read."""

    winners: tuple[Winner, ...]
    source: str
    human_error: float
    human: str
    human_source: str


@once
def ilsvrc() -> Ilsvrc:
    """The ILSVRC classification contest, 2010 to 2017. A network that the catalogue does not have is not named."""
    read = json.loads(ILSVRC.read_text(encoding="utf-8"))
    winners = tuple(Winner(**entry | {"preset": entry["preset"] if entry["preset"] in catalog.presets() else ""})
                    for entry in read["entries"])
    human = read["human"]
    return Ilsvrc(winners, read["source"], human["error"], human["who"], human["source"])
