"""Why a network cannot take an image of some size, and which sizes it can take."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from torch import nn

from lib.architecture import Architecture, Impossible, NetworkKnobs, bounds, written_size
from lib.meta import on_meta
from lib.once import once
from lib.trace import ImpossibleShape, Op, Shape, output_size, record, shape_text


def image_shape(knobs: NetworkKnobs) -> Shape:
    """(N, C, H, W) of one image for this network."""
    return (1, knobs.in_channels, *knobs.sides)


def refusal(architecture: Architecture, knobs: NetworkKnobs, op: Op, reason: str) -> Impossible:
    """The error of a trace as one sentence: the layer that cannot take its input, the arithmetic, and what works."""
    height, width = knobs.sides
    squares = input_sizes(architecture, knobs)
    works = [f"squares of {_written(squares)}"] if squares else []
    nearest = [written_size(side, side) for side in _nearest(squares, max(height, width))]
    if op.kind == "linear" or height != width:
        widths, heights = widths_at(architecture, knobs, height), heights_at(architecture, knobs, width)
        works += [f"{height} high and {_written(widths)} wide" if widths else f"none that is {height} high",
                  f"{_written(heights)} high and {width} wide" if heights else f"none that is {width} wide"]
        nearest += [written_size(height, side) for side in _nearest(widths, width)]
        nearest += [written_size(side, width) for side in _nearest(heights, height)]
    elif squares:
        works = [_written(squares)]
    possible = f"Input sizes that work: {'; '.join(works)}" if nearest else "No input size works with these knobs"
    return Impossible(f"{op.name} cannot take what a {height}×{width} image leaves for it: {arithmetic(op, reason)}. {possible}.",
                      {"input_size": tuple(dict.fromkeys(nearest))})


def _nearest(sizes: Sizes, wanted: int) -> tuple[int, ...]:
    return (nearest(sizes, wanted),) if sizes else ()


def nearest(sizes: Sizes, wanted: int) -> int:
    """The size that is closest to what is wanted. Raises ValueError where there is none."""
    return min(sizes, key=lambda size: abs(size - wanted))


def _written(sizes: Sizes) -> str:
    if len(sizes) == 1 or len(sizes) < 4 and not isinstance(sizes, range):
        return ", ".join(map(str, sizes))
    ends = f"{sizes[0]} to {sizes[-1]:,}"
    if isinstance(sizes, range):
        return ends if sizes.step == 1 else f"{ends} in steps of {sizes.step}"
    return f"{len(sizes):,} sizes from {ends}, the first of them {', '.join(map(str, sizes[:3]))}"


Sizes = range | tuple[int, ...]
"""Sides of images, the smallest first; a `range` where all are equally far apart."""


def _evenly(sizes: tuple[int, ...]) -> Sizes:
    """The sizes, as a `range` if they are one."""
    step = sizes[1] - sizes[0] if len(sizes) > 1 else 1
    even = range(sizes[0], sizes[-1] + 1, step) if sizes else range(0)
    return even if tuple(even) == sizes and (step == 1 or len(sizes) > 2) else sizes


def input_sizes(architecture: Architecture, knobs: NetworkKnobs) -> Sizes:
    """The sides of all squares that this network takes, whatever the size in `knobs` is; empty if there are none.

    A larger image leaves larger maps everywhere. So below some size a window finds too few cells, above some other a
    linear layer too many numbers, and both ends are found by bisection, with a real pass for each try. Where maps meet that
    agree for some images only, as they may in a network of one's own, it is done among these.
    """
    return _found_sizes(architecture, _unsized(knobs))


def widths_at(architecture: Architecture, knobs: NetworkKnobs, height: int) -> Sizes:
    """As `input_sizes`: the widths of the images of this height that the network takes."""
    return _found_sizes(architecture, _unsized(knobs), height=height)


def heights_at(architecture: Architecture, knobs: NetworkKnobs, width: int) -> Sizes:
    """As `input_sizes`: the heights of the images of this width that the network takes."""
    return _found_sizes(architecture, _unsized(knobs), width=width)


def _unsized(knobs: NetworkKnobs) -> NetworkKnobs:
    return knobs.model_copy(update={"input_size": 1})


@dataclass(frozen=True)
class Smallest:
    """The side of the smallest square that a network takes, in pixels. `why` says what one pixel less would leave: it is
    empty where a single pixel is enough."""

    side: int
    why: str


@once
def smallest_image(architecture: Architecture, knobs: NetworkKnobs) -> Smallest | None:
    """The smallest square that this network takes, and why; None if it takes none. Call it with any size in `knobs`."""
    sizes = input_sizes(architecture, knobs)
    if not sizes:
        return None
    less = sizes[0] - 1
    error = less and _refused(architecture, knobs.model_copy(update={"input_size": less}))
    if not error:
        return Smallest(sizes[0], "")
    lacks = "cannot take what arrives" if error.op.kind in ("add", "concat") else "has too little"
    return Smallest(sizes[0], f"With {less} × {less} pixels, {error.op.name} {lacks}: {arithmetic(error.op, str(error))}.")


@once
def _found_sizes(architecture: Architecture, knobs: NetworkKnobs, height: int | None = None, width: int | None = None) -> Sizes:
    """The sides that fit for what is not given: the height, the width, or both."""
    limits, misfit = bounds(type(knobs), "input_size"), _misfit(architecture, knobs)
    every = range(limits.low, limits.high + 1)
    if architecture.agrees:
        sides = np.array(every)
        heights, widths = (np.full_like(sides, side) if side else sides for side in (height, width))
        every = _evenly(tuple(sides[architecture.agrees(knobs, heights, widths)].tolist()))
    if not every:
        return every

    def is_off(side: int) -> int:
        return misfit(height or side, width or side)
    first = 0 if is_off(every[0]) == 0 else bisect_left(every, 0, key=is_off)
    end = len(every) if is_off(every[-1]) == 0 else bisect_right(every, 0, first, key=is_off)
    return every[first:end]


def _misfit(architecture: Architecture, knobs: NetworkKnobs) -> Callable[[int, int], int]:
    """A function that says of a height and a width whether they are too small (-1), fit (0), or are too large (1)."""
    @cache
    def misfit(height: int, width: int) -> int:
        error = _refused(architecture, knobs.model_copy(update={"input_size": written_size(height, width)}), build)
        if error is None:
            return 0
        return 1 if error.too_large or error.op.kind == "linear" and _arriving(error.op) > _expected(error.op) else -1

    build = _build if architecture.built_for_size else cache(lambda *_: _build(architecture, knobs))
    return misfit


def _build(architecture: Architecture, knobs: NetworkKnobs) -> nn.Module:
    with on_meta():
        return architecture.build(knobs)


def _refused(architecture: Architecture, knobs: NetworkKnobs, build: Callable[..., nn.Module] = _build) -> ImpossibleShape | None:
    """Why a pass on an image of this size does not come to its end; None if it does."""
    try:
        record(build(architecture, knobs), image_shape(knobs))
    except ImpossibleShape as error:
        return error.with_traceback(None)  # which would hold the model
    return None


def _arriving(op: Op) -> int:
    """Numbers that a linear layer is given."""
    return op.in_shapes[0][-1]


def _expected(op: Op) -> int:
    """Numbers that the weights of a linear layer are made for."""
    return op.weights[0][1][1]


def arithmetic(op: Op, reason: str) -> str:
    """The sizes that do not go together, with this op's own numbers."""
    shape = op.in_shapes[0]
    if op.window:
        window = op.window
        axes = dict(zip(("wide", "high"), list(zip(shape[2:], window.kernel, window.stride, window.padding, window.dilation))[::-1]))
        cells = {way: output_size(*axis, window.ceil_mode) for way, axis in axes.items()}
        way = min(cells, key=cells.get)
        size, kernel, stride, padding, dilation = axes[way]
        left, right = ("⌈", "⌉") if window.ceil_mode else ("⌊", "⌋")
        return (f"its input is {shape_text(shape)}, so the output would be {left}({size} + 2·{padding} − {dilation}·({kernel} − 1)"
                f" − 1) / {stride}{right} + 1 = {cells[way]} cells {way}")
    if op.kind == "linear":
        return f"its weights expect {_expected(op):,} numbers and {_arriving(op):,} arrive"
    return reason
