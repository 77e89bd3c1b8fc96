"""What stands of a plan: its numbers after every row, up to its end or to the row that cannot be."""

from __future__ import annotations

from dataclasses import dataclass

from lib.analysis import Analysis, Layer, measure
from lib.analysis.fitting import image_shape
from lib.meta import on_meta
from lib.once import once
from lib.plan.growing import Grown, Refused, grow, line_of
from lib.plan.language import Place, Plan, read, write_on_one_line
from lib.plan.own import ARCHITECTURE, OwnKnobs
from lib.plan.word import Shape
from lib.trace import record


@dataclass(frozen=True)
class Numbers:
    """A row with the rows within, all repetitions together: what it gives, what it costs, and the layer that gives it. `copies`
    is how often it is run."""

    shape: Shape
    params: int
    macs: int | None
    last: Layer | None
    copies: int


@dataclass(frozen=True, eq=False)
class Standing:
    """The plan as it stands. `analysis` is None while nothing is computed."""

    plan: Plan
    rows: dict[Place, Numbers]
    paths: dict[str, Place]
    analysis: Analysis | None
    refused: Refused | None

    def place_of(self, path: str) -> Place | None:
        """The row that a module belongs to; None if it belongs to none."""
        return _place_of(path, self.paths)

    @property
    def ops(self) -> tuple[Layer, ...]:
        """The operations of the rows that stand."""
        return self.analysis.ops if self.analysis else ()

    @property
    def why(self) -> str:
        """Why it is no network yet, as a clause; empty where it is one."""
        if self.refused:
            return f"{line_of(self.plan, self.refused.place)} cannot be built"
        return "" if self.analysis else "the plan computes nothing yet"


@once
def standing(text: str) -> Standing:
    """What stands of the plan of this text. Raises `Impossible` if the text cannot be read."""
    knobs = OwnKnobs.read({"plan": text})
    plan = read(knobs.plan)
    with on_meta():
        grown = grow(plan)
    ops = record(grown.model, image_shape(knobs)) if grown.operations else ()
    layers = measure(ops, ARCHITECTURE.stages(knobs)) if ops else ()
    analysis = Analysis("own", ARCHITECTURE, knobs, layers) if layers else None
    return Standing(plan, _numbers(grown, layers), grown.paths, analysis, grown.refused)


def whole(text: str) -> Analysis | None:
    """The analysis of a plan that builds a network; None of one that does not."""
    stands = standing(text)
    return None if stands.why else stands.analysis


def _numbers(grown: Grown, layers: tuple[Layer, ...]) -> dict[Place, Numbers]:
    """The numbers of every row that was built."""
    within: dict[Place, list[Layer]] = {place: [] for place in grown.shapes}
    for op in layers:
        place = _place_of(op.path, grown.paths)
        for length in range(1, len(place) + 1):
            within.setdefault(place[:length], []).append(op)
    copies: dict[Place, int] = {}
    for place in grown.paths.values():
        copies[place] = copies.get(place, 0) + 1
    return {place: Numbers(shape, sum(op.params for op in within[place]),
                           None if any(op.macs is None for op in within[place]) else sum(op.macs for op in within[place]),
                           within[place][-1] if within[place] else None, copies.get(place, 1))
            for place, shape in grown.shapes.items()}


def _place_of(path: str, paths: dict[str, Place]) -> Place | None:
    while path and path not in paths:
        path = path.rpartition(".")[0]
    return paths.get(path)
