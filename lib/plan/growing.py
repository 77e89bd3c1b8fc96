"""From a plan to a network, row by row: each row is built for what the row before gives, and run once on the meta device.

Where a row cannot take what arrives, the network ends there: what stands before it is kept, and the reason is said of the row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod

import torch
from msgspec import structs
from torch import Tensor, nn

from lib.analysis.fitting import arithmetic
from lib.architecture import Impossible
from lib.limits import limits
from lib.meta import on_meta
from lib.plan.blocks import Block
from lib.plan.language import Add, Concat, Place, Plan, ReLU, ReLU6, Repeat, Row, Stage, lines, written_over
from lib.plan.word import Call, Shape, Unfit, text_of
from lib.trace import ImpossibleShape, Op, record

MOST_NUMBERS, MOST_CHANNELS = 10**12, 10**6
"""Of what a row gives: far more than networks have, and still counted without an overflow."""


class Sum(nn.ModuleList):
    """The sum of branches that read the same. Input (N, C, H, W), output as each branch gives it."""

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self
        total = first(x)
        for branch in others:
            total = total + branch(x)
        return total


class Joined(nn.ModuleList):
    """Branches that read the same, joined by their channels. Input (N, C, H, W), output (N, the sum of their C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], 1)


class Apart(nn.ModuleList):
    """Branches that do not meet, as the last of them has not come to its end."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [branch(x) for branch in self]


class Refused(Impossible, ImpossibleShape):
    """A plan that builds no network. `place` is the row that cannot be, `reason` what is wrong there, `standing` the network
    of the rows before it. `by_size` tells that another picture may do, `too_large` that a smaller one may. `arrives` is what
    the row was given, and `ends` what the branches of a sum or a joining gave."""

    def __init__(self, place: Place, reason: str, op: Op, standing: nn.Module | None = None, by_size: bool = False,
                 too_large: bool = False):
        ValueError.__init__(self, reason)
        self.place, self.reason, self.op, self.standing, self.fixes = place, reason, op, standing, {}
        self.by_size, self.too_large, self.arrives, self.ends = by_size, too_large, (), []

    def __str__(self) -> str:
        return self.reason


def names(rows: Iterable[Row]) -> list[str]:
    """What the modules of rows are called: `conv1`, `conv2`, as often as a word comes, and `relu6_1`; a stage has its own
    name."""
    counted: Counter[str] = Counter()
    found = []
    for row in rows:
        word = row.word.name()
        counted[word] += 1
        numbered = f"{word}_{counted[word]}" if word[-1].isdigit() else f"{word}{counted[word]}"
        found.append(row.word.label if isinstance(row.word, Stage) else numbered)
    return found


def call_of(row: Row, shape: Shape, before: Row | None) -> Call:
    """The call that makes a layer or a block where `shape` arrives from the row before. Raises `Unfit`."""
    call = row.word.call(shape)
    over = isinstance(row.word, (ReLU, ReLU6)) and before is not None and written_over(before)
    return replace(call, named={"inplace": True}) if over else call


def is_block(rows: tuple[Row, ...]) -> bool:
    """Whether rows are one block of the catalogue: a repetition of it is the block itself, `repeat1.0`."""
    return len(rows) == 1 and isinstance(rows[0].word, Block)


@dataclass
class Grower:
    """Builds the rows of a plan one after the other, and remembers what equal rows gave for equal shapes.

    `paths` leads from the modules to the rows that they came from, `shapes` holds what each row gives, `outputs` what each
    module gives; `operations`, `idle` and `params` count what is built so far: what computes, what does not, and weights.
    """

    known: dict = field(default_factory=dict)
    paths: dict[str, Place] = field(default_factory=dict)
    shapes: dict[Place, Shape] = field(default_factory=dict)
    outputs: dict[str, Shape] = field(default_factory=dict)
    operations: int = 0
    idle: int = 0
    params: int = 0

    def rows(self, rows: tuple[Row, ...], shape: Shape, place: Place, path: str) -> tuple[nn.Sequential, Shape]:
        """The rows one after the other. Raises `Refused`, with those that stand."""
        body, before = nn.Sequential(), None
        for index, (name, row) in enumerate(zip(names(rows), rows)):
            here = (*place, index)
            if name in body._modules:
                raise refused(row, shape, here, f"There is a row called {name} already; give this stage another name.", body)
            self.paths[f"{path}{name}"] = here
            try:
                module, shape = self.row(row, shape, here, f"{path}{name}.", before)
            except Refused as end:
                end.arrives = end.arrives or shape
                if end.standing is not None:
                    body.add_module(name, end.standing)
                end.standing = body
                raise
            body.add_module(name, module)
            self.shapes[here] = self.outputs[f"{path}{name}"] = shape
            before = row
        return body, shape

    def row(self, row: Row, shape: Shape, place: Place, path: str, before: Row | None) -> tuple[nn.Module, Shape]:
        match row.word:
            case Stage():
                self.count(row, shape, place)
                return self.rows(row.rows, shape, place, path)
            case Repeat():
                return self.copies(row, shape, place, path)
            case Add() | Concat():
                return self.branches(row, shape, place, path)
            case _:
                return self.layer(row, shape, place, path.rstrip("."), before)

    def copies(self, row: Row, shape: Shape, place: Place, path: str) -> tuple[nn.Sequential, Shape]:
        """The rows of a `repeat`, so many times."""
        body = nn.Sequential()
        for index in range(row.word.times):
            try:
                self.count(row, shape, place)
                copy, shape = self.copy(row.rows, shape, place, f"{path}{index}")
            except Refused as end:
                end.arrives = end.arrives or shape
                end.standing = body if end.standing is None else body.append(end.standing)
                if index:
                    end.reason = f"In repetition {index + 1}: {end.reason}"
                raise
            body.append(copy)
        return body, shape

    def copy(self, rows: tuple[Row, ...], shape: Shape, place: Place, path: str) -> tuple[nn.Module, Shape]:
        """The rows of a `repeat` once."""
        if not is_block(rows):
            return self.rows(rows, shape, place, f"{path}.")
        here = self.paths[path] = (*place, 0)
        block, given = self.layer(rows[0], shape, here, path, None)
        self.shapes[here] = self.outputs[path] = given
        return block, given

    def branches(self, row: Row, shape: Shape, place: Place, path: str) -> tuple[nn.Module, Shape]:
        """The branches of a sum or a joining. Raises `Refused` where what they give does not go together."""
        built, shapes = nn.ModuleList(), []
        for index, branch in enumerate(row.rows):
            self.paths[f"{path}{index}"] = (*place, index)
            try:
                self.count(row, shape, place)
                body, given = self.rows(branch.rows, shape, (*place, index), f"{path}{index}.")
            except Refused as end:
                end.standing = Apart(built if end.standing is None else [*built, end.standing])
                raise
            built.append(body)
            shapes.append(given)
            self.shapes[*place, index] = given
        if reason := _apart(row, shapes):
            end = refused(row, shape, place, reason, Apart(built) if shapes else None)
            end.ends, end.by_size = shapes, _can_agree(row, shapes)
            raise end
        given = shapes[0] if isinstance(row.word, Add) else (sum(each[0] for each in shapes), *shapes[0][1:])
        self.count(row, shape, place, len(built) - 1 if isinstance(row.word, Add) else 1)
        self.bound(row, shape, place, given)
        return (Sum if isinstance(row.word, Add) else Joined)(built), given

    def layer(self, row: Row, shape: Shape, place: Place, path: str, before: Row | None) -> tuple[nn.Module, Shape]:
        """The module of a row, and the shape that it gives."""
        try:
            call = call_of(row, shape, before)
        except Unfit as error:
            raise refused(row, shape, place, str(error), too_large=error.too_large) from None
        if (row, shape) not in self.known:
            self.known[row, shape] = ran(call, row, shape, place, path)
        given, operations, params = self.known[row, shape]
        self.count(row, shape, place, operations, params)
        self.bound(row, shape, place, given)
        return call.build(), given

    def count(self, row: Row, shape: Shape, place: Place, operations: int = 0, params: int = 0) -> None:
        """Raises `Refused` where the network becomes larger than the server allows."""
        self.operations += operations
        self.idle += not operations
        self.params += params
        most = limits()
        if self.idle > 2 * most.plan_operations:
            raise refused(row, shape, place, f"With this row the network has more than {2 * most.plan_operations:,} parts "
                          "that compute nothing (repetitions, branches, stages, identities), which is the most that this "
                          "server allows.")
        if self.operations > most.plan_operations:
            raise refused(row, shape, place, f"With this row the network has more than {most.plan_operations:,} operations, "
                          "which is the most that this server allows.")
        if self.params > most.plan_parameters:
            raise refused(row, shape, place, f"With this row the network has {self.params:,} parameters; this server allows "
                          f"{most.plan_parameters:,}.", too_large=True)

    def bound(self, row: Row, shape: Shape, place: Place, given: Shape) -> None:
        """Raises `Refused` where a row gives more than can be counted, whatever the server is."""
        channels = given[0] if len(given) == 3 else 0
        for what, many, most in (("numbers", prod(given), MOST_NUMBERS), ("channels", channels, MOST_CHANNELS)):
            if many > most:
                raise refused(row, shape, place, f"This row gives {many:,} {what}; {most:,} are the most that are counted "
                              "here.", too_large=what == "numbers")


def ran(call: Call, row: Row, shape: Shape, place: Place, path: str) -> tuple[Shape, int, int]:
    """What a row gives for this shape, its operations and its parameters: it is built and run on the meta device."""
    try:
        with on_meta():
            ops = record(call.build(), (1, *shape))
    except ImpossibleShape as error:
        op, reason = error.op, str(error)  # not the error itself, whose traceback holds the module
    else:
        return (ops[-1].out_shapes[0][1:] if ops else shape), len(ops), sum(op.params for op in ops)
    said = arithmetic(op, reason)
    within = f"{text_of(shape)} arrives; in the block, {op.name} cannot take what it gets: {said}"
    is_block = isinstance(row.word, Block)
    raise Refused(place, (within if is_block else said[0].upper() + said[1:]) + ".",
                  structs.replace(op, name=f"{path}.{op.name}" if is_block else path), by_size=True)


def refused(row: Row, shape: Shape, place: Place, reason: str, standing: nn.Module | None = None,
            too_large: bool = False) -> Refused:
    """The refusal of a row that was not run."""
    op = Op(row.word.name(), "", row.word.name(), (), (shape,), ())
    return Refused(place, reason, op, standing, too_large=too_large)


def _apart(row: Row, shapes: list[Shape]) -> str:
    """Why the outputs of branches cannot be added or joined; empty where they can."""
    word = row.word.name()
    if not shapes:
        return f"“{word}” has no branch; put at least one into it."
    if isinstance(row.word, Concat):
        wrong = len({shape[1:] for shape in shapes}) > 1 or len({len(shape) for shape in shapes}) > 1
        expected = "the same height and width"
    else:
        wrong, expected = len(set(shapes)) > 1, "equal shapes"
    ends = " and ".join(f"{text_of(shape)} from branch {number}" for number, shape in enumerate(shapes, 1))
    done = "added" if isinstance(row.word, Add) else "joined"
    return f"Branches that are {done} need {expected}, and these give {ends}." if wrong else ""


def _can_agree(row: Row, shapes: list[Shape]) -> bool:
    """Whether branches differ in height and width alone, which another picture may change."""
    maps = bool(shapes) and all(len(shape) == 3 for shape in shapes)
    return maps and (isinstance(row.word, Concat) or len({shape[0] for shape in shapes}) == 1)


def line_of(plan: Plan, place: Place) -> str:
    """A row for a sentence: `line 4 (maxpool 2x2)`."""
    number, line = next((number, line) for number, line in enumerate(lines(plan), 1) if line.place == place)
    return f"line {number} ({line.row.word.written()})"


@dataclass(frozen=True, eq=False)
class Grown:
    """What a plan became: the network of the rows that stand, what it gives, from which row each module came, what each row
    gives, how many operations there are, why it ends there, if it does, and what each module gives."""

    model: nn.Sequential
    shape: Shape | None
    paths: dict[str, Place]
    shapes: dict[Place, Shape]
    operations: int
    refused: Refused | None = None
    outputs: dict[str, Shape] = field(default_factory=dict)


def grow(plan: Plan) -> Grown:
    """Build a plan, as far as it goes; inside `with on_meta()` without memory."""
    grower = Grower()
    try:
        model, shape = grower.rows(plan.rows, plan.image.shape, (), "")
    except Refused as end:
        return Grown(end.standing, None, grower.paths, grower.shapes, grower.operations, end.with_traceback(None),
                     grower.outputs)
    return Grown(model, shape, grower.paths, grower.shapes, grower.operations, outputs=grower.outputs)
