"""A network as its paper's table: network > stage > block > layer, each with the sums of what lies in it.

Ids are the app's one language for selecting a part: `stage:conv2_x`, `block:layer1.0`, `op:layer1.0.conv1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from lib.analysis import Analysis, Layer
from lib.once import once

NETWORK = "network"


@dataclass(frozen=True, eq=False)
class Part:
    """The whole network, a stage, a block or a layer. A layer has no `children`."""

    id: str
    level: str
    name: str
    ops: tuple[Layer, ...]
    children: tuple[Part, ...] = ()

    @cached_property
    def params(self) -> int:
        """Parameters of all its ops."""
        return sum(op.params for op in self.ops)

    @cached_property
    def macs(self) -> int | None:
        """Multiply-adds of all its ops; None if one has no rule."""
        return None if any(op.macs is None for op in self.ops) else sum(op.macs for op in self.ops)

    @cached_property
    def activation_bytes(self) -> int:
        """Bytes that its ops write."""
        return sum(op.activation_bytes for op in self.ops)

    @property
    def last(self) -> Layer:
        """The op that gives its output."""
        return self.ops[-1]

    def walk(self) -> Iterator[Part]:
        """Itself and all parts below, in the order of the forward pass."""
        yield self
        for child in self.children:
            yield from child.walk()


@once
def outline(analysis: Analysis) -> Part:
    """The network's parts. Stages come in the order in which they run."""
    stages = tuple(_stage(name, tuple(ops)) for name, ops in groupby(analysis.ops, lambda op: op.stage))
    return Part(NETWORK, "network", analysis.preset, analysis.ops, stages)


def find(root: Part, id: str | None) -> Part | None:
    """The part with this id, or None."""
    return next((part for part in root.walk() if part.id == id), None)


def _stage(name: str, ops: tuple[Layer, ...]) -> Part:
    children: list[Part] = []
    for block, members in groupby(ops, lambda op: op.block):
        members = tuple(members)
        layers = tuple(Part(f"op:{op.name}", "layer", op.label, (op,)) for op in members)
        children += [Part(f"block:{block}", "block", block, members, layers)] if block else layers
    return Part(f"stage:{name}", "stage", name, ops, tuple(children))
