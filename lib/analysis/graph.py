"""The graph of a network, folded: stages, blocks that repeat, operations. A pure function of the ops.

Every op stands in exactly one node: that of its stage, of its block or of its own chain, whatever is open. Equal blocks
in a row are one node, and what such a node shows when open is its first block. A convolution and the normalisation and
activation that only it feeds are one node of several rows; additions, concats and splits are nodes of their own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from msgspec import Struct

from lib.analysis import Layer
from lib.once import once
from lib.trace import shape_text

IMAGE = "image"
FOLLOWERS = frozenset({"batch_norm", "relu", "hardtanh", "sigmoid", "tanh", "softmax", "local_response_norm", "dropout", "flatten",
                       "view", "transpose", "permute", "contiguous", "squeeze", "unsqueeze"})
"""Kinds that join the node of the op before them."""
JUNCTIONS = frozenset({"add", "mul", "cat", "stack", "chunk", "split", "unbind"})
"""Kinds at which tensors meet or part; no other op joins their node."""
MOST_LOOSE_NODES = 2
"""A stage without blocks that has no more nodes than this is always open; so are ops that belong to no stage, as those of
a block on its own."""


class Row(Struct, frozen=True):
    """A line of a node: what a click on it selects, its text, the kind of its op (empty for a fold or a caption)."""

    id: str
    text: str
    kind: str = ""


class Node(Struct, frozen=True):
    """A box. `frames` are the ids of the open stage and block around it; `opens` is what a fold opens, else empty;
    `shortcuts` counts the additions hidden in it."""

    id: str
    rows: tuple[Row, ...]
    frames: tuple[str, ...] = ()
    opens: str = ""
    shortcuts: int = 0

    @property
    def junction(self) -> str:
        """The kind of a node at which tensors meet or part, else empty."""
        kind = self.rows[0].kind
        return kind if kind in JUNCTIONS else ""


class Edge(Struct, frozen=True):
    """Tensors on their way, their shapes as `256×56×56`. `skip` marks a way past other nodes."""

    source: str
    target: str
    shape: str
    skip: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of the forward pass, edges, the titles of the open frames by their ids, and for each op's name
    its stage, its block and the id of the row it stands in."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    frames: dict[str, str]
    places: dict[str, tuple[str, str, str]]

    def row_of(self, id: str | None) -> str:
        """The id of the row, fold or frame that shows a part: its own, or the fold or the equal block that stands for
        it. Empty for what is no part of this network."""
        level, _, name = (id or "").partition(":")
        if level not in LEVELS or not name:
            return ""
        if id in self.frames or any(row.id == id for node in self.nodes for row in node.rows):
            return id
        place = LEVELS[level]
        return next((row for op, (stage, block, row) in self.places.items() if (op, stage, block)[place] == name), "")


LEVELS = {"op": 0, "stage": 1, "block": 2}


@once
def fold(ops: tuple[Layer, ...], opened: frozenset[str] = frozenset()) -> Graph:
    """The graph with the stages and blocks in `opened` (`stage:conv2_x`, `block:layer1.0`) open.

    Ids that name nothing here, or a block of a closed stage, change nothing.
    """
    return _Folder(ops, opened).graph()


class _Folder:
    """Gathers nodes stage by stage; `node_of` and `row_of` remember where each op went, `like` which op of a run's
    first block shows it."""

    def __init__(self, ops: tuple[Layer, ...], opened: frozenset[str]):
        self.ops, self.opened = ops, opened
        self.uses = Counter(i for op in ops for i in op.inputs)
        self.nodes = [Node(IMAGE, (Row("network", f"input {shape_text(ops[0].in_shapes[0])}"),))]
        self.frames: dict[str, str] = {}
        self.node_of: dict[int, str] = {-1: IMAGE}
        self.row_of: dict[int, str] = {}
        self.like: dict[int, int] = {}

    def graph(self) -> Graph:
        for name, members in _grouped(self.ops, lambda op: op.stage).items():
            self.stage(name, members)
        places = {op.name: (op.stage, op.block, self.row_of[op.index]) for op in self.ops}
        return Graph(tuple(self.nodes), self.edges(), self.frames, places)

    def stage(self, name: str, ops: list[Layer]) -> None:
        id = f"stage:{name}"
        runs = _runs(ops)
        blocks = sum(len(run) for run in runs if run[0][0].block)
        if not name:
            self.operations(ops, ())
        elif not blocks and len(self.chains(ops)) <= MOST_LOOSE_NODES:
            self.operations(ops, (), (Row(id, name),))
        elif id in self.opened:
            self.frames[id] = name
            for run in runs:
                self.run(run, (id,))
        else:
            layers = sum(op.kind in WEIGHTED for op in ops)
            count = _count(blocks, "block") if blocks else _count(layers, "layer")
            unit = next((run[0] for run in reversed(runs) if run[0][0].block), ops)
            self.fold(id, f"{name} {count}", ops, unit)

    def run(self, run: list[list[Layer]], frames: tuple[str, ...]) -> None:
        """Equal blocks, as one fold or open; loose layers, and a block of a single node, as they are."""
        first = run[0]
        id = f"block:{first[0].block}"
        if not first[0].block or len(run) == 1 and len(self.chains(first)) == 1:
            self.operations(first, frames)
        elif id not in self.opened:
            self.fold(id, _title(run), [op for block in run for op in block], first, frames)
        else:
            self.frames[id] = _title(run)
            self.operations(first, (*frames, id))
            for block in run[1:]:
                for op, shown in zip(block, first):
                    self.like[op.index] = shown.index
                    self.node_of[op.index], self.row_of[op.index] = self.node_of[shown.index], self.row_of[shown.index]

    def fold(self, id: str, title: str, ops: list[Layer], unit: list[Layer], frames: tuple[str, ...] = ()) -> None:
        """One closed node for all these ops; `unit` is what repeats in it."""
        rows = (Row(id, title), Row(id, f"{_contents(unit)} → {ops[-1].output}".lstrip()))
        self.nodes.append(Node(id, rows, frames, opens=id, shortcuts=sum(op.kind == "add" for op in ops)))
        for op in ops:
            self.node_of[op.index] = self.row_of[op.index] = id

    def operations(self, ops: list[Layer], frames: tuple[str, ...], caption: tuple[Row, ...] = ()) -> None:
        """One node for each chain of ops, the first under the caption unless it is a junction."""
        for chain in self.chains(ops):
            id = f"op:{chain[0].name}"
            rows = tuple(Row(f"op:{op.name}", describe(op), op.kind) for op in chain)
            if chain[0].kind not in JUNCTIONS:
                rows, caption = caption + rows, ()
            self.nodes.append(Node(id, rows, frames))
            for op in chain:
                self.node_of[op.index], self.row_of[op.index] = id, f"op:{op.name}"

    def chains(self, ops: list[Layer]) -> list[list[Layer]]:
        """Each op with the followers that alone read it."""
        ends: dict[int, list[Layer]] = {}
        chains: list[list[Layer]] = []
        for op in ops:
            source = op.inputs[0] if len(op.inputs) == 1 else None
            chain = ends.get(source) if op.kind in FOLLOWERS and self.uses[source] == 1 else None
            if chain is None or chain[-1].kind in JUNCTIONS:
                chains.append(chain := [])
            chain.append(op)
            ends[op.index] = chain
        return chains

    def edges(self) -> tuple[Edge, ...]:
        """Tensors between nodes. What equal blocks of an open run hand to each other is not drawn."""
        shapes: dict[tuple[str, str], dict[int, str]] = {}
        for op in self.ops:
            for source, shape in zip(op.inputs, op.in_shapes):
                ends = self.node_of[source], self.node_of[op.index]
                if ends[0] != ends[1] and not self._within_run(source, op):
                    shapes.setdefault(ends, {})[self.like.get(source, source)] = shape_text(shape)
        skips = _skips(list(shapes), {node.id for node in self.nodes if node.junction == "add"})
        return tuple(Edge(*ends, " + ".join(tensors.values()), skip=ends in skips) for ends, tensors in shapes.items())

    def _within_run(self, source: int, op: Layer) -> bool:
        """Whether an op that another stands for reads from its own run."""
        if op.index not in self.like or source < 0:
            return False
        return self.ops[self.like.get(source, source)].block == self.ops[self.like[op.index]].block


def _grouped(ops, key) -> dict[str, list[Layer]]:
    """Ops by their key, in the order in which the keys first come."""
    groups: dict[str, list[Layer]] = {}
    for op in ops:
        groups.setdefault(key(op), []).append(op)
    return groups


def _runs(ops: list[Layer]) -> list[list[list[Layer]]]:
    """Blocks, equal neighbours together; layers between blocks by themselves."""
    pieces: dict[tuple[str, int], list[Layer]] = {}
    seen = 0
    for op in ops:
        seen += bool(op.block) and (op.block, 0) not in pieces
        pieces.setdefault((op.block, 0 if op.block else seen), []).append(op)
    runs: list[list[list[Layer]]] = []
    for piece in pieces.values():
        if runs and _equal(runs[-1][0], piece):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _equal(one: list[Layer], other: list[Layer]) -> bool:
    """Whether two blocks are equal: kinds, shapes, geometry and wiring, wherever they stand."""
    def wiring(op: Layer, first: int) -> list[int]:
        return [max(i - first, -1) for i in op.inputs]
    return bool(one[0].block and other[0].block) and len(one) == len(other) and all(
        a.kind == b.kind and a.in_shapes == b.in_shapes and a.out_shapes == b.out_shapes and a.window == b.window
        and a.groups == b.groups and wiring(a, one[0].index) == wiring(b, other[0].index) for a, b in zip(one, other))


def _skips(edges: list[tuple[str, str]], additions: set[str]) -> set[tuple[str, str]]:
    """The edges, in the order of the forward pass, that pass by other nodes: those beside a longer way between the same
    two nodes, and the shorter of the ways that meet in an addition, back to where it parted (a projection)."""
    into: dict[str, list[str]] = {}
    before: dict[str, set[str]] = {IMAGE: set()}
    depth = {IMAGE: 0}
    for source, target in edges:
        into.setdefault(target, []).append(source)
        before.setdefault(target, set()).update(before.get(source, ()), (source,))
        depth[target] = max(depth.get(target, 0), depth.get(source, 0) + 1)
    leaving = Counter(source for source, _ in edges)
    skips = {(source, target) for source, target in edges
             if any(source in before.get(other, ()) for other in into[target] if other != source)}
    for target in additions & into.keys():
        deepest = max(depth.get(source, 0) for source in into[target])
        for source in into[target]:
            end = target
            while depth.get(source, 0) < deepest and (source, end) not in skips:
                skips.add((source, end))
                if leaving[source] > 1 or len(into.get(source, ())) != 1:
                    break
                source, end = into[source][0], source
    return skips


def _title(run: list[list[Layer]]) -> str:
    """`layer3.0`, or `layer3.1 to 35 ×35`."""
    first, last = run[0][0].block, run[-1][0].block.rpartition(".")[2]
    return first if len(run) == 1 else f"{first} to {last} ×{len(run)}"


def written_out(ops: list[Layer]) -> tuple[str, ...]:
    """A stage in a paper's notation, a line for each run of equal blocks: `1×1 64 · 3×3 64 · 1×1 256, ×3`."""
    lines = [(" · ".join(_weights(run[0])), len(run)) for run in _runs(ops)]
    return tuple(text + (f", ×{count}" if count > 1 else "") for text, count in lines if text)


def _count(number: int, noun: str) -> str:
    return f"×{number} {noun}" + "s" * (number != 1)


WEIGHTED = frozenset({"conv2d", "linear"})
MOST_CONTENTS = 4


def _contents(ops: list[Layer]) -> str:
    """The first weight layers on the longest path, as in a paper's table: `1×1 64 · 3×3 64 · 1×1 256`."""
    texts = _weights(ops)
    return " · ".join(texts[:MOST_CONTENTS] + ["…"] * (len(texts) > MOST_CONTENTS))


def _weights(ops: list[Layer]) -> list[str]:
    """All weight layers on the longest path, equal neighbours together: `3×3 64 ×2`."""
    longest: dict[int, list[Layer]] = {}
    for op in ops:
        before = max((longest.get(i, []) for i in op.way), key=len, default=[])
        longest[op.index] = before + [op] * (op.kind in WEIGHTED)
    names = [_short(op) for op in longest[ops[-1].index]]
    counted = [(name, len(list(same))) for name, same in groupby(names)]
    return [name + (f" ×{count}" if count > 1 else "") for name, count in counted]


def _short(op: Layer) -> str:
    """`3×3 64`, or `3×3 128 in 32 groups`."""
    if not op.window:
        return f"linear {op.out_shapes[0][-1]}"
    return f"{_kernel(op)} {op.out_shapes[0][1]}" + (f" in {op.groups} groups" if op.groups > 1 else "")


def describe(op: Layer) -> str:
    """An op in a few words: `conv 3×3, 64 → 128, stride 2`."""
    if op.kind == "conv2d":
        text = f"conv {_kernel(op)}, {op.in_shapes[0][1]} → {op.out_shapes[0][1]}"
        return text + (f", stride {op.window.stride[0]}" if op.window.stride[0] > 1 else "") + (
            f", {op.groups} groups" if op.groups > 1 else "")
    if op.kind == "linear":
        return f"linear, {op.in_shapes[0][-1]} → {op.out_shapes[0][-1]}"
    name = NAMES.get(op.kind, op.kind.replace("_", " "))
    if op.kind.startswith("adaptive") and op.out_shapes[0][2:] == (1, 1):
        return f"global {name}"
    return f"{name} {_kernel(op)}, stride {op.window.stride[0]}" if op.window else name


def _kernel(op: Layer) -> str:
    return "×".join(map(str, op.window.kernel))


NAMES = {"batch_norm": "batch norm", "relu": "ReLU", "hardtanh": "ReLU6 (clamp)", "local_response_norm": "response norm", "max_pool2d": "max pool",
         "avg_pool2d": "average pool", "adaptive_avg_pool2d": "average pool",
         "adaptive_max_pool2d": "max pool", "view": "reshape", "getitem": "pick", "interpolate": "upsample", "add": "+", "mul": "×", "cat": "concat",
         "chunk": "split", "unbind": "split"}


def description(graph: Graph) -> str:
    """The graph in words, for those who do not see it: a line for each node, then what it hands on."""
    names = {node.id: ", ".join(row.text for row in node.rows) for node in graph.nodes}
    lines = []
    for node in graph.nodes:
        inside = f" (in {' › '.join(graph.frames[id] for id in node.frames)})" if node.frames else ""
        hidden = f", {_count(node.shortcuts, 'shortcut')[1:]} inside" if node.shortcuts else ""
        lines.append(f"{names[node.id]}{hidden}{inside}")
        lines += [f"    → {names[edge.target]}: {edge.shape}{' (skip)' if edge.skip else ''}"
                  for edge in graph.edges if edge.source == node.id]
    return "\n".join(lines)
