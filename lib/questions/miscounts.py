"""Counting a network otherwise than it should be: what the usual slips come to, and the paths that they follow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from lib.analysis import Analysis, Layer
from lib.trace import numel

WEIGHTED = frozenset({"conv2d", "linear"})
POOLINGS = frozenset({"max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"})


def total(found: Analysis, kinds: Collection[str], value: Callable[[Layer], float]) -> int:
    """The sum of a value over all operations of these kinds."""
    return round(sum(value(op) for op in found.ops if op.kind in kinds))


def weights(op: Layer) -> int:
    """Weights of a convolution or linear layer, without biases; 0 where they were counted before."""
    return numel(op.weights[0][1]) if op.weights else 0


def kernel_once(op: Layer) -> float:
    """What is left of a layer's weights with K for K·K."""
    return max(op.window.kernel) / numel(op.window.kernel) if op.kind == "conv2d" else 1


def cells(shapes: tuple[tuple[int, ...], ...]) -> int:
    """Height times width of a map."""
    return numel(shapes[0][2:])


def blocks(found: Analysis) -> set[str]:
    """The blocks of a network whose blocks follow each other; none where they lie beside each other, as branches."""
    every = {op.block for op in found.ops if op.block}
    return every if every <= {op.block for op in longest_path(found)} else set()


def one_block_a_stage(found: Analysis) -> list[Layer]:
    """The operations of a network whose stages do not repeat their block."""
    first: dict[str, str] = {}
    repeated = blocks(found)
    return [op for op in found.ops if op.block not in repeated or first.setdefault(op.stage, op.block) == op.block]


def outputs(found: Analysis) -> list[Layer]:
    """The operations whose outputs nobody reads."""
    read = {place for op in found.ops for place in op.inputs}
    return [op for op in found.ops if op.index not in read]


def longest(found: Analysis, kinds: Collection[str], gates: bool = False) -> int:
    """Operations of these kinds on the longest path to an output; it may lead through gates only if they are counted."""
    numbers: list[int] = []
    for op in found.ops:
        before = max((numbers[place] for place in (op.inputs if gates else op.way) if place >= 0), default=0)
        numbers.append(before + (op.kind in kinds))
    return max(numbers[op.index] for op in outputs(found))


def longest_path(found: Analysis) -> list[Layer]:
    """The operations on the path with the most weight layers, from the image to an output."""
    numbers = found.layer_numbers
    return back(found, max(outputs(found), key=lambda op: numbers[op.index]), lambda op: numbers[op.index])


def reached(found: Analysis) -> list[Layer]:
    """All operations on any path to an output, those of gates apart."""
    seen: dict[int, None] = {}
    waiting = [op.index for op in outputs(found)]
    while waiting:
        if (place := waiting.pop()) >= 0 and place not in seen:
            seen[place] = None
            waiting += found.ops[place].way
    return [found.ops[place] for place in seen]


def back(found: Analysis, last: Layer, rank: Callable[[Layer], int]) -> list[Layer]:
    """The operations from the image to `last`, along the inputs that rank highest."""
    way = [last]
    while before := [found.ops[place] for place in way[-1].way if place >= 0]:
        way.append(max(before, key=rank))
    return way[::-1]


def longer_axis(found: Analysis) -> int:
    """Along which axis the field of the last map is longer: 0 for the height."""
    height, width = found.last_map.field.size
    return int(width > height)


def side(windows: Iterable[Layer], axis: int, without_stride: Collection[int] = ()) -> int:
    """The field after these windows, where some have no stride."""
    side = jump = 1
    for index, op in enumerate(windows):
        side += (op.window.kernel[axis] - 1) * op.window.dilation[axis] * jump
        jump *= 1 if index in without_stride else op.window.stride[axis]
    return side
