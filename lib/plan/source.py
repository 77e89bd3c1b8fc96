"""A plan as one file of PyTorch that runs alone, written as a person would write it.

The modules have the names that `grow` gives them, so that the weights of either network fit the other. Nothing of a plan
gets into the file but words of the language, numbers and names of stages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby, pairwise
from textwrap import shorten
from typing import Any, NamedTuple

from lib.meta import on_meta
from lib.once import once
from lib.plan import blocks, language
from lib.plan.borrowed import Borrowed
from lib.plan.folding import fold
from lib.plan.growing import Grown, call_of, grow, is_block, names
from lib.plan.language import Add, Concat, Plan, Repeat, Row, Stage
from lib.plan.word import Call, Shape, Word

SMALL = (*language.FOLLOWERS, language.Pool, language.AdaptivePool, language.GlobalPool, language.Upsample)
"""Words that stand in one line of `forward` with the row before them, or after them."""

LARGE = (blocks.Block, Repeat, Stage)
"""Words that stand in one line of `forward` with each other."""

KEEPERS = (*SMALL, blocks.SqueezeExcite, blocks.SplitAttention, blocks.ShuffleUnitV2, blocks.Subsampling)
"""Words that can hand on as many channels as arrive, whatever their number is."""

SINGLY, CALLS, LINE = 4, 4, 80
"""Branches that are written one by one, where more are a loop; calls within calls, and their characters."""


@once
def source(plan: Plan) -> str:
    """The file. Raises `Impossible` for a plan that is refused."""
    with on_meta():
        grown = grow(plan)
    if grown.refused:
        raise grown.refused
    writer = Writer(grown)
    network = writer.network(plan)
    rows = shorten(language.write_on_one_line(plan).replace(";", "; "), 68, placeholder=" ...")
    definitions = "\n\n\n".join([*writer.borrowed.definitions(), *writer.classes(), network, _main(plan, grown)])
    return "\n".join([f'"""A network, from the plan: {rows}"""\n', *writer.borrowed.import_lines(), "", definitions, ""])


def _main(plan: Plan, grown: Grown) -> str:
    """What runs where the file is run: a picture goes through the network; what comes out and the parameters are checked."""
    params = sum(each.numel() for each in grown.model.parameters())
    return "\n    ".join([
        'if __name__ == "__main__":',
        "model = Network().eval()",
        "with torch.inference_mode():",
        f"    output = model(torch.randn{(1, *plan.image.shape)})",
        "parameters = sum(parameter.numel() for parameter in model.parameters())",
        f"assert output.shape == {(1, *grown.shape)}",
        f"assert parameters == {params:_}",
        'print(f"{parameters:,} parameters, output {tuple(output.shape)}")'])


class Given(int):
    """A number that code has by a name: the channels that a class is given, or so many more."""

    def __new__(cls, number: int, name: str, more: int = 0):
        self = super().__new__(cls, number)
        self.name, self.more = name, more
        return self

    def __repr__(self) -> str:
        return f"{self.name} + {self.more}" if self.more else self.name

    def __add__(self, more: int) -> int:
        total = int(self) + int(more)
        return total if isinstance(more, Given) else Given(total, self.name, self.more + more)

    __radd__ = __add__


def _enter(shape: Shape, kind: str = "") -> tuple[str, Shape]:
    """What code within calls the channels that arrive there, or the features: `in_channels`; and the shape with it."""
    name = f"{kind}channels" if len(shape) == 3 else f"{kind}features"
    return name, (Given(shape[0], name), *shape[1:])


def _leave(shape: Shape, arriving: int) -> Shape:
    """A shape in the code outside, from that in the code within."""
    return (arriving + shape[0].more, *shape[1:]) if isinstance(shape[0], Given) else shape


class Group(NamedTuple):
    """Rows as code: what makes each module, the steps of `forward` with their rows, and the shape in the end."""

    members: dict[str, str]
    steps: list[tuple[Row, str]]
    shape: Shape


class Writer:
    """Writes the modules of a grown plan as code. `borrowed` holds what is the catalogue's, `own` the names and docstrings
    of the classes that are made here, by what stands in them."""

    def __init__(self, grown: Grown):
        self.outputs = grown.outputs
        self.borrowed = Borrowed([("", "torch"), ("torch", "Tensor"), ("torch", "nn")], ["Network"])
        self.own: dict[str, tuple[str, str]] = {}

    def classes(self) -> list[str]:
        return [_class(name, doc, body) for body, (name, doc) in self.own.items()]

    def network(self, plan: Plan) -> str:
        group = self.group(plan.rows, plan.image.shape, "")
        arrive, leave = (", ".join(map(repr, shape)) for shape in (plan.image.shape, group.shape))
        return _class("Network", f"Input (N, {arrive}), output (N, {leave}).", _body(group))

    def group(self, rows: tuple[Row, ...], shape: Shape, path: str) -> Group:
        members, steps, before = {}, [], None
        for name, row in zip(names(rows), rows):
            made, step, shape = self.row(row, name, shape, path, before)
            members |= {name: made} if made else {}
            steps.append((row, step))
            before = row
        return Group(members, steps, shape)

    def row(self, row: Row, name: str, shape: Shape, path: str, before: Row | None) -> tuple[str, str, Shape]:
        """What makes the module of a row, its step in `forward`, and what it gives."""
        here = f"{path}{name}"
        match row.word:
            case Add() | Concat():
                return self.branches(row, name, shape, f"{here}.")
            case Stage():
                made, shape = self.chain(row.rows, shape, f"{here}.", _title(row.word.label))
            case Repeat():
                made, shape = self.copies(row, shape, f"{here}.")
            case _:
                made, shape = self.layer(row, shape, here, before)
        return made, f"self.{name}(x)", shape

    def layer(self, row: Row, shape: Shape, path: str, before: Row | None) -> tuple[str, Shape]:
        channels, *sides = self.outputs[path]
        keeps = isinstance(row.word, KEEPERS) and channels == shape[0]
        return self.call(call_of(row, shape, before)), (shape[0] if keeps else channels, *sides)

    def chain(self, rows: tuple[Row, ...], shape: Shape, path: str, title: str) -> tuple[str, Shape]:
        """Rows as an `nn.Sequential`; as a class where there are sums or joinings among them."""
        if not rows:
            return "nn.Identity()", shape
        if any(isinstance(row.word, (Add, Concat)) for row in rows):
            return self.instance(title, rows, shape, path)
        self.borrowed.imports.add(("collections", "OrderedDict"))
        members, _steps, shape = self.group(rows, shape, path)
        listed = ", ".join(f"{name}={made}" for name, made in members.items())
        return f"nn.Sequential(OrderedDict({listed}{',' if len(members) > 1 else ''}))", shape

    def instance(self, title: str, rows: tuple[Row, ...], shape: Shape, path: str) -> tuple[str, Shape]:
        """Rows as an instance of a class of their own, which is given the channels that arrive, if it needs them."""
        name, within = _enter(shape, "in_")
        group = self.group(rows, within, path)
        takes = name if any(re.search(rf"\b{name}\b", made) for made in group.members.values()) else ""
        body = _body(group, takes)
        if body not in self.own:
            self.own[body] = self.borrowed.free(title), _in_and_out(within, group.shape).replace(name, takes or "C")
        return f"{self.own[body][0]}({repr(shape[0]) if takes else ''})", _leave(group.shape, shape[0])

    def copies(self, row: Row, shape: Shape, path: str) -> tuple[str, Shape]:
        """The copies of a `repeat`: instances of one class, or of several where one does not do."""
        made: list[tuple[str, int]] = []
        for index in range(row.word.times):
            (name, within), here = _enter(shape), f"{path}{index}"
            if is_block(row.rows):
                code, given = self.layer(row.rows[0], within, here, None)
            else:
                code, given = self.instance("Block", row.rows, within, f"{here}.") if row.rows else ("nn.Identity()", within)
            made.append((code, shape[0]))
            shape = _leave(given, shape[0])
        return f"nn.Sequential({', '.join(_runs(made, name))})", shape

    def branches(self, row: Row, name: str, shape: Shape, path: str) -> tuple[str, str, Shape]:
        """A sum or a joining: a list of what is not empty, and a step that reads it."""
        written = (self.chain(branch.rows, shape, f"{path}{index}.", "Branch") for index, branch in enumerate(row.rows))
        made, shapes = zip(*written)
        steps = [f"self.{name}[{index}](x)" if branch.rows else "x" for index, branch in enumerate(row.rows)]
        loop = f"branch(x) for branch in self.{name}" if len(steps) > SINGLY else ""
        last = len(steps) if loop else max((number for number, step in enumerate(steps, 1) if step != "x"), default=0)
        listed = f"nn.ModuleList([{', '.join(made[:last])}])" if last else ""
        if isinstance(row.word, Concat):
            step = f"torch.cat([{loop or ', '.join(steps)}], 1)"
            return listed, step, (sum(given[0] for given in shapes), *shapes[0][1:])
        step = f"sum({loop})" if loop else " + ".join(steps)
        return listed, step, min(shapes, key=lambda given: isinstance(given[0], Given))

    def call(self, call: Call) -> str:
        named = [f"{name}={self.value(value)}" for name, value in call.told.items()]
        return f"{self.value(call.makes)}({', '.join([*map(self.value, call.given), *named])})"

    def value(self, value: Any) -> str:
        """An argument as code: a call that makes it, what it is called in the file, or a number."""
        if isinstance(value, partial):
            return self.call(Call(partial, (value.func, *value.args), value.keywords))
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            usual, fields = value._field_defaults, value._asdict()
            named = {name: given for name, given in fields.items() if name in usual and given != usual[name]}
            return self.call(Call(type(value), tuple(given for name, given in fields.items() if name not in usual), named))
        return self.name(value) if hasattr(value, "__name__") else repr(value)

    def name(self, value: Callable) -> str:
        """What a class or a function is called in the file, into which it is taken."""
        if value is partial:
            self.borrowed.imports.add(("functools", "partial"))
            return "partial"
        if value.__module__.startswith("torch.nn"):
            return f"nn.{value.__name__}"
        return self.borrowed.name(value.__module__, value.__name__)


def _title(label: str) -> str:
    """The class of a stage: `EntryStage` of `entry`, `Stage2` of `stage2`."""
    title = "".join(part[:1].upper() + part[1:] for part in label.split("_"))
    return title if "Stage" in title else f"{title}Stage"


def _runs(made: list[tuple[str, int]], name: str) -> Iterator[str]:
    """Copies as arguments, from the code of each and the number of its `channels`. Many equal ones are a loop, and so
    are those whose channels grow by equal steps."""
    codes, numbers = zip(*made)
    steps = {after - before for before, after in pairwise(numbers)}
    if len(set(codes)) == len(steps) == 1 and len(made) > 2 and (step := steps.pop()):
        yield f"*({codes[0]} for {name} in range({numbers[0]!r}, {numbers[0] + len(made) * step!r}, {step}))"
        return
    for code, run in groupby(re.sub(rf"\b{name}\b", repr(number), code) for code, number in made):
        count = len(list(run))
        yield from [f"*({code} for _ in range({count}))"] if count > 2 else [code] * count


def _forward(steps: list[tuple[Row, str]]) -> Iterator[str]:
    """The lines of `forward`: what goes together is one call within the other."""
    lines: list[str] = []
    words: list[Word] = []  # of the last line
    for row, step in steps:
        together = step.replace("(x)", f"({lines[-1]})") if lines else step
        if 0 < len(words) < CALLS and len(together) <= LINE and _go_together(words, row.word):
            lines[-1], words = together, [*words, row.word]
        else:
            lines, words = [*lines, step], [row.word]
    *first, last = lines or ["x"]
    yield from (f"x = {line}" for line in first)
    yield f"return {last}"


def _go_together(words: list[Word], word: Word) -> bool:
    """Whether a word stands in the line of others: it is small, or they all are, or it is a block after a block."""
    if isinstance(word, (Add, Concat)):
        return False
    is_small, are_small = isinstance(word, SMALL), all(isinstance(each, SMALL) for each in words)
    return is_small or are_small or isinstance(word, LARGE) and isinstance(words[-1], LARGE)


def _body(group: Group, takes: str = "") -> str:
    """What stands in a class: its constructor, which `takes` a number, and `forward`."""
    members = (fold(f"self.{name} = {made}", 8) for name, made in group.members.items())
    lines = (fold(line, 8) for line in _forward(group.steps))
    return "\n".join([
        f"    def __init__(self{f', {takes}: int' if takes else ''}):", "        super().__init__()", *members, "",
        "    def forward(self, x: Tensor) -> Tensor:", *lines])


def _class(name: str, doc: str, body: str) -> str:
    return f'class {name}(nn.Module):\n    """{doc}"""\n\n{body}'


def _in_and_out(arrives: Shape, leaves: Shape) -> str:
    """The shapes of a class, for any height and width."""
    after = "H, W" if arrives[1:] == leaves[1:] else "H', W'"
    sides = (", H, W" if len(arrives) == 3 else "", f", {after}" if len(leaves) == 3 else "")
    return f"Input (N, {arrives[0]!r}{sides[0]}), output (N, {leaves[0]!r}{sides[1]})."
