"""What a training step costs in multiply-adds: the forward pass, the gradients of the inputs, those of the weights.

Each product of a weight and a number comes up three times: for the output, for the gradient of the number (that of the
output times the weight) and for the gradient of the weight (that of the output times the number). So each gradient of a
convolution or a linear layer takes as many multiply-adds as its output. What no weight lies before, such as the image, needs
no gradient. As forward, only convolutions and linear layers count; the update of the weights is apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lib.analysis import Layer

WEIGHTED = frozenset({"conv2d", "linear"})


class Macs(NamedTuple):
    """Multiply-adds of a training step: of the output, the gradient of the input, the gradient of the weights; None if
    unknown, 0 for a gradient that nobody needs."""

    forward: int | None
    input_gradient: int | None
    weight_gradient: int | None

    @property
    def total(self) -> int | None:
        """Forward and backward; None if one of them is unknown."""
        return None if None in self else sum(self)

    @property
    def ratio(self) -> float | None:
        """How many times the forward pass; None where that has no multiply-adds, or one is unknown."""
        return self.total / self.forward if self.forward and self.total is not None else None


def training_step(ops: Sequence[Layer]) -> tuple[Macs, ...]:
    """What each op of a network takes for one image.

    Weights count at their first use in `Op.weights`; a later use of the same module needs their gradient too. Whether the
    kernel of any other convolution without weights of its own is trained is unknown.
    """
    trained: set[tuple[str, str]] = set()
    behind_weights: set[int] = set()
    found = []
    for index, op in enumerate(ops):
        if op.weights:
            trained.add((op.path, op.kind))
        has_weights = (op.path, op.kind) in trained
        needed = any(place in behind_weights for place in op.inputs)
        if has_weights or needed:
            behind_weights.add(index)
        found.append(Macs(op.macs, op.macs if needed else 0, _of_weights(op, has_weights)))
    return tuple(found)


def _of_weights(op: Layer, has_weights: bool) -> int | None:
    if has_weights:
        return op.macs
    return None if op.kind in WEIGHTED and op.macs else 0


def in_sum(each: Iterable[Macs]) -> Macs:
    """The multiply-adds of several ops together, each kind of them unknown if one of its terms is."""
    return Macs(*(None if None in terms else sum(terms) for terms in zip(*each)))


def first_layers(ops: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers with multiply-adds whose input needs no gradient. Where all weights are trained they alone make a step
    cheaper than three forward passes: by their share of the multiply-adds of one."""
    return tuple(op for op, macs in zip(ops, training_step(ops)) if op.macs and macs.input_gradient == 0)


def torch_surplus(ops: Sequence[Layer]) -> int | None:
    """Multiply-adds that torch's `FlopCounterMode` (2.14) counts above `training_step`: it counts the gradient of the
    weights of a convolution as if it had no groups, so `groups` times. None if unknown."""
    grouped = [(op.groups, macs.weight_gradient) for op, macs in zip(ops, training_step(ops)) if op.groups > 1]
    return None if any(count is None for _, count in grouped) else sum((groups - 1) * count for groups, count in grouped)
