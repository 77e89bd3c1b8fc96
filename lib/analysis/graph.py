"""The graph of a network, folded: stages, blocks that repeat, operations. A pure function of the ops.

An op stands in the node of its stage, of its block or of its own, whatever is open. Consecutive blocks of the same
structure are one node, and what such a node shows when open is its first block. A convolution and the normalisation
and activation that only it feeds are one node of several rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from lib.analysis import Layer
from lib.trace import shape_text

IMAGE = "image"
FOLLOWERS = frozenset({"batch_norm", "relu", "local_response_norm", "dropout", "flatten"})
"""Kinds that join the node of the op before them."""
MOST_LOOSE_NODES = 2
"""A stage without blocks that has no more nodes than this is always open."""


@dataclass(frozen=True)
class Row:
    """A line of a node: what a click on it selects, its text, the kind of its op (empty for a fold)."""

    id: str
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Node:
    """A box. `frames` are the ids of the open stage and block around it; `opens` is what a fold opens, else empty;
    `shortcuts` counts the additions hidden in it."""

    id: str
    rows: tuple[Row, ...]
    frames: tuple[str, ...] = ()
    opens: str = ""
    shortcuts: int = 0


@dataclass(frozen=True)
class Edge:
    """A tensor on its way. `skip` marks one that passes by other nodes."""

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
        """The id of the row that shows a part: its own, or the fold or the equal block that stands for it."""
        level, _, name = (id or "").partition(":")
        if level not in LEVELS:
            return ""
        if id in self.frames or any(node.id == id for node in self.nodes):
            return id
        place = LEVELS[level]
        return next((row for op, (stage, block, row) in self.places.items() if (op, stage, block)[place] == name), "")


LEVELS = {"op": 0, "stage": 1, "block": 2}


def fold(ops: tuple[Layer, ...], opened: frozenset[str] = frozenset()) -> Graph:
    """The graph with the stages and blocks in `opened` (`stage:conv2_x`, `block:layer1.0`) open."""
    folder = _Folder(ops, opened)
    return folder.graph()


class _Folder:
    """Gathers nodes stage by stage; `node_of` and `row_of` remember where each op went."""

    def __init__(self, ops: tuple[Layer, ...], opened: frozenset[str]):
        self.ops, self.opened = ops, opened
        self.uses = Counter(i for op in ops for i in op.inputs)
        self.nodes: list[Node] = [Node(IMAGE, (Row("network", f"image {shape_text(ops[0].in_shapes[0])}"),))]
        self.frames: dict[str, str] = {}
        self.node_of: dict[int, str] = {-1: IMAGE}
        self.row_of: dict[int, str] = {}

    def graph(self) -> Graph:
        for name, members in groupby(self.ops, lambda op: op.stage):
            self.stage(name, tuple(members))
        places = {op.name: (op.stage, op.block, self.row_of[op.index]) for op in self.ops}
        return Graph(tuple(self.nodes), self.edges(), self.frames, places)

    def stage(self, name: str, ops: tuple[Layer, ...]) -> None:
        id = f"stage:{name}"
        blocks = list(dict.fromkeys(op.block for op in ops if op.block))
        if not blocks and len(self.chains(ops)) <= MOST_LOOSE_NODES:
            self.operations(ops, ())
        elif id in self.opened:
            self.frames[id] = name
            for run in self.runs(ops):
                self.run(run, (id,))
        else:
            convolutions = sum(op.kind in {"conv2d", "linear"} for op in ops)
            count = f"×{len(blocks)}" if blocks else f"×{convolutions}"
            self.fold(id, f"{name} {count}", ops)

    def runs(self, ops: tuple[Layer, ...]) -> list[list[tuple[Layer, ...]]]:
        """Blocks, equal neighbours together; layers outside blocks by themselves."""
        blocks = [tuple(members) for _, members in groupby(ops, lambda op: op.block)]
        return [list(run) for _, run in groupby(blocks, _structure)]

    def run(self, run: list[tuple[Layer, ...]], frames: tuple[str, ...]) -> None:
        first = run[0]
        if not first[0].block:
            self.operations(tuple(op for block in run for op in block), frames)
            return
        id = f"block:{first[0].block}"
        title = first[0].block if len(run) == 1 else f"{first[0].block} to {run[-1][0].block.rpartition('.')[2]}  ×{len(run)}"
        if id not in self.opened:
            self.fold(id, title, tuple(op for block in run for op in block), frames)
            return
        self.frames[id] = title
        self.operations(first, (*frames, id))
        for block in run[1:]:
            for op, like in zip(block, first):
                self.node_of[op.index], self.row_of[op.index] = self.node_of[like.index], self.row_of[like.index]

    def fold(self, id: str, title: str, ops: tuple[Layer, ...], frames: tuple[str, ...] = ()) -> None:
        """One closed node for all these ops."""
        shortcuts = sum(op.kind == "add" for op in ops)
        rows = (Row(id, title), Row(id, f"→ {ops[-1].output}"))
        self.nodes.append(Node(id, rows, frames, opens=id, shortcuts=shortcuts))
        for op in ops:
            self.node_of[op.index], self.row_of[op.index] = id, id

    def operations(self, ops: tuple[Layer, ...], frames: tuple[str, ...]) -> None:
        """One node for each chain of ops."""
        for chain in self.chains(ops):
            id = f"op:{chain[0].name}"
            self.nodes.append(Node(id, tuple(Row(f"op:{op.name}", describe(op), op.kind) for op in chain), frames))
            for op in chain:
                self.node_of[op.index], self.row_of[op.index] = id, f"op:{op.name}"

    def chains(self, ops: tuple[Layer, ...]) -> list[list[Layer]]:
        chains: list[list[Layer]] = []
        for op in ops:
            last = chains[-1][-1] if chains else None
            if last and op.kind in FOLLOWERS and op.inputs == (last.index,) and self.uses[last.index] == 1:
                chains[-1].append(op)
            else:
                chains.append([op])
        return chains

    def edges(self) -> tuple[Edge, ...]:
        """Tensors between nodes. What equal blocks hand to each other runs backwards or in a circle, and is left out."""
        order = {node.id: place for place, node in enumerate(self.nodes)}
        found: dict[tuple[str, str], str] = {}
        for op in self.ops:
            for source, shape in zip(op.inputs, op.in_shapes):
                ends = self.node_of[source], self.node_of[op.index]
                if order[ends[0]] < order[ends[1]]:
                    found.setdefault(ends, shape_text(shape))
        depth = {IMAGE: 0}
        for node in self.nodes[1:]:
            depth[node.id] = 1 + max((depth[source] for source, target in found if target == node.id), default=0)
        return tuple(Edge(source, target, shape, skip=depth[target] - depth[source] > 1)
                     for (source, target), shape in found.items())


def _structure(block: tuple[Layer, ...]) -> tuple:
    """What makes two blocks equal: kinds, shapes, geometry and wiring, wherever they stand."""
    first = block[0].index
    return tuple((bool(op.block), op.kind, op.in_shapes, op.out_shapes, op.window, op.groups,
                  tuple(max(i - first, -1) for i in op.inputs)) for op in block)


def describe(op: Layer) -> str:
    """An op in a few words: `conv 3×3, 64 → 128, stride 2`."""
    if op.kind == "conv2d":
        text = f"conv {_kernel(op)}, {op.in_shapes[0][1]} → {op.out_shapes[0][1]}"
        return text + (f", stride {op.window.stride[0]}" if op.window.stride[0] > 1 else "") + (
            f", {op.groups} groups" if op.groups > 1 else "")
    if op.kind == "linear":
        return f"linear, {op.in_shapes[0][-1]} → {op.out_shapes[0][-1]}"
    if op.window:
        return f"{NAMES[op.kind]} {_kernel(op)}, stride {op.window.stride[0]}"
    return NAMES.get(op.kind, op.kind.replace("_", " "))


def _kernel(op: Layer) -> str:
    return "×".join(map(str, op.window.kernel))


NAMES = {"batch_norm": "batch norm", "relu": "ReLU", "local_response_norm": "response norm", "max_pool2d": "max pool",
         "avg_pool2d": "average pool", "adaptive_avg_pool2d": "average pool", "add": "+", "mul": "×", "cat": "concat"}


def description(graph: Graph) -> str:
    """The graph in words, for those who do not see it."""
    names = {node.id: ", ".join(row.text for row in node.rows) for node in graph.nodes}
    return "\n".join(f"{names[edge.source]} to {names[edge.target]} ({edge.shape}{', skip' if edge.skip else ''})"
                     for edge in graph.edges)
