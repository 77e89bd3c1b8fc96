"""Which pictures the sums and joinings of a plan can take: the height and width of every map, for many pictures at once.

One trace of each row says how its windows turn the sides of a map into others. That is then done with all sides together, so
that it takes a moment to know of every picture whether all branches that meet agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lib.limits import limits
from lib.meta import on_meta
from lib.plan.blocks import RadialBasis
from lib.plan.growing import MOST_NUMBERS
from lib.plan.language import Add, Concat, Flatten, Holder, Linear, Plan, Repeat, Row, Stage
from lib.plan.word import Unfit, Word
from lib.trace import Op, Pair, output_size, record

PROBE = 4096
"""Cells of a side on which rows are traced: more than the widest window, 64 cells 64 apart."""


@dataclass(frozen=True)
class Given:
    """What a row gives for each of many pictures: maps of so many channels with their `sides` (2, pictures), or, where
    `channels` is None, rows of numbers, of which `sides` (1, pictures) holds how many."""

    channels: int | None
    sides: np.ndarray


def agreeing(plan: Plan, heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Whether all branches that meet agree, for pictures of these heights and widths. Limits of a server are left out; a plan
    without any branches takes all."""
    walker = Walker(np.ones(len(heights), bool))
    if joins(plan.rows):
        try:
            walker.rows(plan.rows, Given(plan.image.channels, np.stack([heights, widths])))
        except Unfit:  # for channels that do not go together: no picture helps
            walker.fits[:] = False
    return walker.fits


def joins(rows: tuple[Row, ...]) -> bool:
    """Whether branches meet somewhere in these rows."""
    return any(isinstance(row.word, (Add, Concat)) or joins(row.rows) for row in rows)


@dataclass
class Walker:
    """Goes through the rows of a plan. `fits` says of each picture whether it came so far."""

    fits: np.ndarray
    traces: dict[tuple[Word, int | None], tuple[Op, ...]] = field(default_factory=dict)
    steps: int = 0

    def rows(self, rows: tuple[Row, ...], given: Given) -> Given:
        for row in rows:
            given = self.row(row, given)
        return given

    def row(self, row: Row, given: Given) -> Given:
        match row.word:
            case Repeat():
                for _ in range(row.word.times):
                    self.count(1)
                    given = self.rows(row.rows, given)
                return given
            case Add() | Concat():
                return self.joined(row, [self.rows(branch.rows, given) for branch in row.rows])
            case Stage() | Holder():
                return self.rows(row.rows, given)
            case Linear() | RadialBasis():
                row.word.call((PROBE, 1, 1) if given.channels else (1,))  # refuses a map
                return Given(None, np.full_like(given.sides, getattr(row.word, row.word.positional()[0])))
            case _:
                return self.layer(row.word, given)

    def joined(self, row: Row, ends: list[Given]) -> Given:
        """The sum or the joining of branches, where they agree."""
        self.count(1 + len(ends))
        is_sum, channels = isinstance(row.word, Add), [end.channels for end in ends]
        if len({each if is_sum else each is None for each in channels}) != 1:
            raise Unfit("These branches agree for no picture.")
        first, *others = [end.sides for end in ends]
        if is_sum or None not in channels:
            for other in others:
                self.fits &= (first == other).all(0)
            return Given(channels[0] if is_sum else sum(channels), first)
        return Given(None, sum(others, first))

    def layer(self, word: Word, given: Given) -> Given:
        """A row of one layer or block."""
        ops = self.traced(word, given.channels)
        self.count(len(ops))
        if given.channels is None or not ops:
            return given
        if isinstance(word, Flatten):
            return Given(None, given.channels * given.sides.prod(0, keepdims=True))
        sides = {-1: given.sides}
        for index, op in enumerate(ops):
            before, read = max((_last_two(shape), source) for shape, source in zip(op.in_shapes, op.inputs))
            sides[index] = _through(op, before, sides[read])
            self.fits &= (sides[index] >= 1).all(0)
        channels = ops[-1].out_shapes[0][1]
        self.fits &= channels * sides[index].astype(float).prod(0) <= MOST_NUMBERS
        return Given(channels, np.where(self.fits, sides[index], 1))

    def traced(self, word: Word, channels: int | None) -> tuple[Op, ...]:
        if (word, channels) not in self.traces:
            shape = (1,) if channels is None else (channels, PROBE, PROBE)
            call = word.call(shape)
            with on_meta():
                self.traces[word, channels] = record(call.build(), (1, *shape))
        return self.traces[word, channels]

    def count(self, steps: int) -> None:
        """Raises `Unfit` for a plan so long that it is refused anyway."""
        self.steps += steps
        if self.steps > 4 * limits().plan_operations:
            raise Unfit("This network is too long for any picture.")


def _last_two(shape: tuple[int, ...]) -> Pair:
    """Height and width of a map; zeros of anything else, such as the numbers of a gate."""
    return shape[-2:] if len(shape) > 3 else (0, 0)


def _through(op: Op, before: Pair, sides: np.ndarray) -> np.ndarray:
    """The sides that an operation makes of others, as it did in the trace."""
    after = _last_two(op.out_shapes[0])
    if op.window:
        window = op.window
        return np.stack([output_size(*axis, window.ceil_mode) for axis in zip(
            sides, window.kernel, window.stride, window.padding, window.dilation)])
    if op.kind == "interpolate":
        return sides * np.array([[after[0] // before[0]], [after[1] // before[1]]])
    return sides if before == after else np.broadcast_to(np.array(after)[:, None], sides.shape)
