"""Why a network cannot take an image of some size, and which sizes it can take."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cache

from torch import nn

from lib.architecture import Architecture, Impossible, NetworkKnobs, bounds
from lib.meta import on_meta
from lib.once import once
from lib.trace import ImpossibleShape, Op, Shape, output_size, record, shape_text


def image_shape(architecture: Architecture, knobs: NetworkKnobs) -> Shape:
    """(N, C, H, W) of one image for this network."""
    return (1, architecture.in_channels, knobs.input_size, knobs.input_size)


def refusal(architecture: Architecture, knobs: NetworkKnobs, op: Op, reason: str) -> Impossible:
    """The error of a trace as one sentence: the layer that cannot take its input, the arithmetic, and what works."""
    size, sizes = knobs.input_size, input_sizes(architecture, knobs)
    nearest = () if not sizes else (sizes[0],) if size < sizes[0] else (sizes[-1],)
    works = f"Input sizes that work: {_written(sizes)}" if sizes else "No input size works with these knobs"
    return Impossible(f"{op.name} cannot take what a {size}×{size} image leaves for it: {_arithmetic(op, reason)}. {works}.",
                      {"input_size": nearest})


def _written(sizes: range) -> str:
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]:,}"


def input_sizes(architecture: Architecture, knobs: NetworkKnobs) -> range:
    """All sizes of image that this network takes, whatever the one in `knobs` is; empty if there is none.

    A larger image leaves larger maps everywhere. So below some size a window finds too few cells, above some other a
    linear layer too many numbers, and both ends are found by bisection, with a real pass for each try.
    """
    return _found_sizes(architecture, knobs.model_copy(update={"input_size": bounds(type(knobs), "input_size").low}))


@once
def _found_sizes(architecture: Architecture, knobs: NetworkKnobs) -> range:
    limits, misfit = bounds(type(knobs), "input_size"), _misfit(architecture, knobs)
    every = range(limits.low, limits.high + 1)
    first = 0 if misfit(every[0]) == 0 else bisect_left(every, 0, key=misfit)
    end = len(every) if misfit(every[-1]) == 0 else bisect_right(every, 0, first, key=misfit)
    return every[first:end]


def _misfit(architecture: Architecture, knobs: NetworkKnobs) -> Callable[[int], int]:
    """A function that says of an input size whether it is too small (-1), fits (0), or is too large (1)."""
    @cache
    def build(size: int) -> nn.Module:
        with on_meta():
            return architecture.build(knobs.model_copy(update={"input_size": size}))

    @cache
    def misfit(size: int) -> int:
        model = build(size if architecture.built_for_size else knobs.input_size)
        try:
            record(model, (1, architecture.in_channels, size, size))
        except ImpossibleShape as error:
            return 1 if error.op.kind == "linear" and _arriving(error.op) > _expected(error.op) else -1
        return 0
    return misfit


def _arriving(op: Op) -> int:
    """Numbers that a linear layer is given."""
    return op.in_shapes[0][-1]


def _expected(op: Op) -> int:
    """Numbers that the weights of a linear layer are made for."""
    return op.weights[0][1][1]


def _arithmetic(op: Op, reason: str) -> str:
    """The sizes that do not go together, with this op's own numbers."""
    shape = op.in_shapes[0]
    if op.window:
        axis = (shape[-1], op.window.kernel[-1], op.window.stride[-1], op.window.padding[-1], op.window.dilation[-1])
        size, kernel, stride, padding, dilation = axis
        return (f"its input is {shape_text(shape)}, so the output would be ⌊({size} + 2·{padding} − {dilation}·({kernel} − 1)"
                f" − 1) / {stride}⌋ + 1 = {output_size(*axis)} cells wide")
    if op.kind == "linear":
        return f"its weights expect {_expected(op):,} numbers and {_arriving(op):,} arrive"
    return reason
