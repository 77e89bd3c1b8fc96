"""Receptive fields: which pixels of the image an output can depend on. Pure functions of a trace.

A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019. Along each
axis output 0 of an op sees pixels `start` to `start + size - 1`, and each next output the same moved on by `jump`.
Where branches meet, the field is the union, and `smallest` the size of the smallest branch.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lib.trace import Op, Pair, Shape


class Axis(Struct, frozen=True, gc=False):
    """The field along one axis of a map of `cells` outputs, in pixels of the image. `start` is negative where it begins
    in the padding.

    Where neighbours are not the same moved on (after an upsampling, or a pooling into unequal bins), `spans` holds the
    (first, last) pixel of every output, `size` is the largest of them, and `jump` what neighbours are apart on average.
    """

    cells: int = 1
    size: int = 1
    jump: int = 1
    start: int = 0
    smallest: int = 1
    spans: tuple[Pair, ...] = ()

    def span(self, position: int) -> Pair:
        """First and last pixel that output `position` sees."""
        if self.spans:
            return self.spans[position]
        first = self.start + position * self.jump
        return first, first + self.size - 1

    def middle(self) -> Pair:
        """First and last pixel that the output in the middle sees."""
        return self.span(self.cells // 2)


class Field(Struct, frozen=True, gc=False):
    """The receptive field of an op's output.

    `whole_image` tells that a global operation lies before it, so that every pixel counts; `vertical` and
    `horizontal` are then still those of the convolutions and poolings on the way. `is_map` tells whether the output has
    an element for each of their cells. A global pooling, a gate and a linear layer give numbers without a place: their
    axes are those of the map before them.
    """

    vertical: Axis
    horizontal: Axis
    whole_image: bool = False
    is_map: bool = True

    @property
    def size(self) -> Pair:
        """Height and width, in pixels."""
        return self.vertical.size, self.horizontal.size

    @property
    def smallest(self) -> Pair:
        """Height and width of the smallest branch, in pixels."""
        return self.vertical.smallest, self.horizontal.smallest

    @property
    def jump(self) -> Pair:
        """Pixels between the fields of neighbouring outputs, vertically and horizontally."""
        return self.vertical.jump, self.horizontal.jump

    @property
    def side(self) -> int:
        """The longer side, in pixels."""
        return max(self.size)

    @property
    def is_regular(self) -> bool:
        """Whether every output sees as much as its neighbour, moved on by the jump."""
        return not self.vertical.spans and not self.horizontal.spans

    def covers(self, image: Pair) -> bool:
        """Whether the output in the middle of the map sees every pixel of a (height, width) image."""
        return self.whole_image or all(
            first <= 0 and last >= size - 1 for (first, last), size in zip(self.middle(), image))

    def middle(self) -> tuple[Pair, Pair]:
        """(first, last) pixel seen by the output in the middle of the map, vertically and horizontally."""
        return self.vertical.middle(), self.horizontal.middle()

    def in_padding(self, image: Pair) -> float:
        """The share of the middle output's field that lies outside a (height, width) image: 0 to 1."""
        inside = seen = 1
        for (first, last), size in zip(self.middle(), image):
            inside *= max(0, min(size - 1, last) - max(0, first) + 1)
            seen *= last - first + 1
        return 1 - inside / seen


def sides_text(sides: Pair) -> str:
    """Height and width as `7`, where they are equal, or as `7×1`."""
    height, width = sides
    return f"{height}" if height == width else f"{height}×{width}"


def image_field(shape: Shape) -> Field:
    """The field of an image of this shape: each of its pixels sees itself."""
    return Field(*(Axis(cells) for cells in shape[-2:]))


# Ops whose output at a place depends on their inputs at the same place alone.
POINTWISE = frozenset({
    "batch_norm", "local_response_norm", "relu", "hardtanh", "sigmoid", "tanh", "softmax", "dropout", "add", "sub", "mul", "square", "cat",
    "stack", "chunk", "split", "unbind", "flatten", "view", "transpose", "permute", "squeeze", "unsqueeze", "contiguous"})

# Ops whose output at a place depends on their inputs at the same place alone, if they leave height and width as they
# are, and else on every place.
REDUCING = frozenset({"mean", "sum", "amax", "getitem", "pad"})

# Ops that may give neighbours unequal fields.
UNEQUAL = frozenset({"interpolate", "adaptive_avg_pool2d", "adaptive_max_pool2d"})


def receptive_fields(ops: tuple[Op, ...]) -> tuple[Field | None, ...]:
    """The field of every op's output; None after an op without a rule, and where too many are unequal."""
    fields: list[Field | None] = []
    followed = 0
    for op in ops:
        inputs = [fields[i] if i >= 0 else image_field(shape) for i, shape in zip(op.inputs, op.in_shapes)]
        field = None
        if inputs and None not in inputs:
            unequal = _unequal_cells(op, inputs)
            followed += unequal
            if not unequal or followed <= MOST_UNEQUAL:
                field = _step(op, _union(inputs))
        fields.append(field and _laid_out(field, op.out_shapes[0]))
    return tuple(fields)


MOST_UNEQUAL = 200_000
"""Rows and columns with fields of their own that are followed in one network; behind more of them fields are unknown. A pyramid
on the largest image has about 5,000."""


def _unequal_cells(op: Op, inputs: list[Field]) -> int:
    """Rows and columns of an op's output, if their fields may have to be kept one by one; else 0."""
    if len(inputs) == 1 and op.kind in POINTWISE:
        return 0
    regular = all(field.is_regular for field in inputs) and len({field.jump for field in inputs}) == 1
    return 0 if regular and op.kind not in UNEQUAL else sum(op.out_shapes[0][-2:])


def _laid_out(field: Field, shape: Shape) -> Field:
    """The field, told whether an output of this shape is a map of its cells."""
    is_map = len(shape) > 3 and shape[-2:] == (field.vertical.cells, field.horizontal.cells)
    return field if field.is_map == is_map else replace(field, is_map=is_map)


HEAD = frozenset({"adaptive_avg_pool2d", "adaptive_max_pool2d", "dropout"})


def last_map(ops: Sequence[Op], fields: Sequence[Field | None]) -> int:
    """The place of the op that gives the last feature map before the head: before pooling to a fixed size and
    flattening. It is the last op where there is no such map."""
    for index in reversed(range(len(ops))):
        op, field = ops[index], fields[index]
        joins = op.kind == "cat" and all(i >= 0 and ops[i].kind in HEAD for i in op.inputs)
        if len(op.out_shapes[0]) == 4 and (field is None or field.is_map) and op.kind not in HEAD and not joins:
            return index
    return len(ops) - 1


def _union(fields: list[Field]) -> Field:
    """The field of what reads several inputs. A gate has no places of its own: only maps say where an output looks."""
    if fields.count(fields[0]) == len(fields):
        return fields[0]
    maps = [field for field in fields if field.is_map] or fields
    return Field(_hull([f.vertical for f in maps]), _hull([f.horizontal for f in maps]),
                 any(f.whole_image for f in fields), maps[0].is_map)


def _hull(axes: list[Axis]) -> Axis:
    """The union of branches that meet. Cells of maps agree, or their shapes would not; of numbers without a place, which keep
    the axes of different maps, the widest counts."""
    cells, smallest = axes[0].cells, min(axis.smallest for axis in axes)
    if any(axis.cells != cells for axis in axes):
        return replace(max(axes, key=lambda axis: axis.size), smallest=smallest)
    if any(axis.spans or axis.jump != axes[0].jump for axis in axes):
        return _placewise([[axis.span(i) for axis in axes] for i in range(cells)], axes[0].jump, smallest)
    start = min(axis.start for axis in axes)
    end = max(axis.start + axis.size for axis in axes)
    return Axis(cells, end - start, axes[0].jump, start, smallest)


def _placewise(parts: list[list[Pair]], jump: int, smallest: int) -> Axis:
    """The axis whose output i sees all of `parts[i]`."""
    spans = tuple([(min([first for first, _ in part]), max([last for _, last in part])) for part in parts])
    return Axis(len(spans), max(last - first + 1 for first, last in spans), jump, spans[0][0], smallest, spans)


def _step(op: Op, field: Field) -> Field | None:
    if op.kind in POINTWISE or (op.window or op.kind == "interpolate") and not field.is_map:
        return field
    if op.window:
        height, width = op.out_shapes[0][2:]
        vertical, horizontal = zip(op.window.kernel, op.window.stride, op.window.padding, op.window.dilation)
        return Field(_slide(field.vertical, height, *vertical), _slide(field.horizontal, width, *horizontal), field.whole_image)
    if op.kind == "interpolate":
        height, width = op.out_shapes[0][2:]
        return Field(_stretch(field.vertical, height), _stretch(field.horizontal, width), field.whole_image)
    if op.kind == "linear":
        return replace(field, whole_image=True)
    if op.kind in {"adaptive_avg_pool2d", "adaptive_max_pool2d"}:
        return _adaptive(op, field)
    if op.kind in REDUCING:
        return _reduce(op, field)
    return None


def _slide(axis: Axis, cells: int, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    """r += (k - 1) d j, then j *= s, with the start moved back by the padding. `cells` are those of the output."""
    growth = (kernel - 1) * dilation * axis.jump
    if axis.spans:
        begins = range(-padding, cells * stride - padding, stride)
        parts = [axis.spans[begin if begin >= 0 else begin % dilation:max(0, begin + kernel * dilation):dilation]
                 or (_beside(axis, begin),) for begin in begins]
        return _placewise(parts, axis.jump * stride, axis.smallest + growth)
    return Axis(cells, axis.size + growth, axis.jump * stride, axis.start - padding * axis.jump, axis.smallest + growth)


def _beside(axis: Axis, place: int) -> Pair:
    """What a place in the padding would see, outside of the image as the place is outside of the map."""
    nearest = min(max(0, place), len(axis.spans) - 1)
    return tuple(pixel + (place - nearest) * axis.jump for pixel in axis.spans[nearest])


def _stretch(axis: Axis, cells: int) -> Axis:
    """Nearest-neighbour upsampling to so many cells."""
    return _placewise([[axis.span(i * axis.cells // cells)] for i in range(cells)], max(1, axis.jump * axis.cells // cells),
                      axis.smallest)


def _adaptive(op: Op, field: Field) -> Field:
    """Pooling to a fixed size: one window over everything if that is 1, else one bin after the other."""
    height, width = op.out_shapes[0][-2:]
    if (height, width) == (1, 1):
        return replace(field, whole_image=True)
    if not field.is_map:
        return field
    return Field(_binned(field.vertical, height), _binned(field.horizontal, width), field.whole_image)


def _binned(axis: Axis, bins: int) -> Axis:
    """Adaptive pooling: bin i reads cells ⌊i·n/b⌋ to ⌈(i + 1)·n/b⌉ - 1 of n, so that bins may overlap, and share a cell
    where there are more bins than cells. They are windows side by side only where b divides n."""
    width, rest = divmod(axis.cells, bins)
    if not rest:
        return _slide(axis, bins, width, width, 0, 1)
    read = [range(i * axis.cells // bins, -(-(i + 1) * axis.cells // bins)) for i in range(bins)]
    return _placewise([[axis.span(place) for place in places] for places in read],
                      max(1, round(axis.jump * axis.cells / bins)), axis.smallest + (max(map(len, read)) - 1) * axis.jump)


def _reduce(op: Op, field: Field) -> Field | None:
    """Sums and means over channels or branches keep the places; over all places they see the whole image."""
    before, after = op.in_shapes[0][-2:], op.out_shapes[0][-2:]
    if before == after or field.whole_image and not field.is_map:
        return field
    return replace(field, whole_image=True) if op.kind in {"mean", "sum", "amax"} else None
