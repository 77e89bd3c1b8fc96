"""One block of a network on its own: its convolutions' weights, its norms, its multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from lib.analysis import Layer, measure
from lib.analysis.derivation import derive
from lib.analysis.outline import Part
from lib.architecture import Stage
from lib.meta import on_meta
from lib.trace import numel, record


@dataclass(frozen=True, eq=False)
class Block:
    """A block that ran once on a (1, channels, size, size) map."""

    ops: tuple[Layer, ...]

    @property
    def convolutions(self) -> tuple[Layer, ...]:
        return tuple(op for op in self.ops if op.kind == "conv2d")

    @property
    def weights(self) -> int:
        """Weights of its convolutions, without biases and normalisation."""
        return sum(numel(op.weights[0][1]) for op in self.convolutions if op.weights)

    @property
    def params(self) -> int:
        """All parameters, those of batch normalisation included."""
        return sum(op.params for op in self.ops)

    @property
    def macs(self) -> int:
        """Multiply-adds of its convolutions."""
        return sum(op.macs or 0 for op in self.ops)

    @property
    def other_operations(self) -> int:
        """Operations of batch normalisation, activation and addition."""
        return sum(op.other_operations or 0 for op in self.ops)

    @property
    def input(self) -> str:
        """Channels, height and width of what it ran on: `64 × 56 × 56`."""
        return " × ".join(map(str, self.ops[0].in_shapes[0][1:]))

    @property
    def written_out(self) -> str:
        """Its weights as a sum: `1·1·256·64 + 3·3·64·64 + 1·1·64·256 = 69,632`."""
        weights = derive(Part("", "block", "", self.ops), self.ops)[0]
        return f"{weights.numbers} = {weights.result}"


def run_block(build: Callable[[], nn.Module], channels: int, size: int) -> Block:
    """Build a block on the meta device and run it on a map of `channels` channels, `size` high and wide."""
    with on_meta():
        block = build()
    return Block(measure(record(block, (1, channels, size, size)), (Stage("", {}),)))
