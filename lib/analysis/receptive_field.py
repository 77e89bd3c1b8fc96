"""Receptive fields: which pixels of the image an output can depend on. Pure functions of a trace.

A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019. Along each
axis output 0 of an op sees pixels `start` to `start + size - 1`, and each next output the same moved on by `jump`.
Where branches meet, the field is the union, and `smallest` the size of the smallest branch.
"""

from msgspec import Struct
from msgspec.structs import replace

from lib.trace import Op, Pair, Shape


class Axis(Struct, frozen=True):
    """The field along one axis, in pixels of the image. `start` is negative where it begins in the padding.

    After an upsampling neighbours are no longer the same moved on: `spans` then holds the (first, last) pixel of every
    output, and `size` is the largest of them.
    """

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


class Field(Struct, frozen=True):
    """The receptive field of an op's output.

    `whole_image` tells that a global operation lies before it, so that every pixel counts; `vertical` and
    `horizontal` are then still those of the convolutions and poolings on the way.
    """

    vertical: Axis = Axis()
    horizontal: Axis = Axis()
    whole_image: bool = False

    @property
    def size(self) -> int:
        """The larger side, in pixels."""
        return max(self.vertical.size, self.horizontal.size)

    @property
    def smallest(self) -> int:
        """The larger side of the smallest branch, in pixels."""
        return max(self.vertical.smallest, self.horizontal.smallest)

    @property
    def jump(self) -> int:
        """Pixels between the fields of neighbouring outputs."""
        return max(self.vertical.jump, self.horizontal.jump)

    def covers(self, out_shape: Shape, image: Pair) -> bool:
        """Whether the output in the middle of the map sees every pixel of a (height, width) image."""
        if self.whole_image:
            return True
        return all(first <= 0 and last >= size - 1
                   for (first, last), size in zip(self.middle(out_shape), image))

    def middle(self, out_shape: Shape) -> tuple[Pair, Pair]:
        """(first, last) pixel seen by the output in the middle of the map, vertically and horizontally."""
        height, width = out_shape[-2:] if len(out_shape) > 3 else (1, 1)
        return self.vertical.span(height // 2), self.horizontal.span(width // 2)


# Ops whose output at a place depends on their inputs at the same place alone.
POINTWISE = frozenset({
    "batch_norm", "local_response_norm", "relu", "hardtanh", "sigmoid", "tanh", "softmax", "dropout", "add", "sub", "mul", "square", "cat",
    "stack", "chunk", "split", "unbind", "flatten", "view", "transpose", "permute", "squeeze", "unsqueeze", "contiguous"})

# Ops whose output at a place depends on their inputs at the same place alone, if they leave height and width as they
# are, and else on every place.
REDUCING = frozenset({"mean", "sum", "amax", "getitem", "pad"})


def receptive_fields(ops: tuple[Op, ...]) -> tuple[Field | None, ...]:
    """The field of every op's output; None after an op without a rule."""
    fields: list[Field | None] = []
    for op in ops:
        inputs = [fields[i] if i >= 0 else Field() for i in op.inputs]
        fields.append(_step(op, _union(inputs, op.in_shapes[0])) if None not in inputs and inputs else None)
    return tuple(fields)


HEAD = frozenset({"adaptive_avg_pool2d", "adaptive_max_pool2d", "dropout"})


def convolutional_field(ops: tuple[Op, ...], fields: tuple[Field | None, ...]) -> int | None:
    """The field, in pixels, of the last feature map before the head: before pooling to a fixed size and flattening."""
    for op, field in zip(reversed(ops), reversed(fields)):
        joins = op.kind == "cat" and all(i >= 0 and ops[i].kind in HEAD for i in op.inputs)
        if len(op.out_shapes[0]) == 4 and op.kind not in HEAD and not joins:
            return field and field.size
    return None


def _union(fields: list[Field], shape: Shape) -> Field:
    """The field of what reads several inputs, the first of this shape."""
    if fields.count(fields[0]) == len(fields):
        return fields[0]
    height, width = shape[-2:] if len(shape) > 3 else (1, 1)
    return Field(_hull([f.vertical for f in fields], height), _hull([f.horizontal for f in fields], width),
                 any(f.whole_image for f in fields))


def _hull(axes: list[Axis], cells: int) -> Axis:
    """The union of branches that meet. Their jumps agree, or their shapes would not; a gate of one cell keeps 1."""
    smallest = min(axis.smallest for axis in axes)
    if any(axis.spans for axis in axes):
        return _placewise([[axis.span(i) for axis in axes] for i in range(cells)], axes[0].jump, smallest)
    start = min(axis.start for axis in axes)
    end = max(axis.start + axis.size for axis in axes)
    return Axis(end - start, max(axis.jump for axis in axes), start, smallest)


def _placewise(parts: list[list[Pair]], jump: int, smallest: int) -> Axis:
    """The axis whose output i sees all of `parts[i]`."""
    spans = tuple((min(first for first, _ in part), max(last for _, last in part)) for part in parts)
    return Axis(max(last - first + 1 for first, last in spans), jump, spans[0][0], smallest, spans)


def _step(op: Op, field: Field) -> Field | None:
    if op.kind in POINTWISE:
        return field
    if op.window:
        height, width = op.out_shapes[0][2:]
        vertical, horizontal = zip(op.window.kernel, op.window.stride, op.window.padding, op.window.dilation)
        return Field(_slide(field.vertical, height, *vertical), _slide(field.horizontal, width, *horizontal), field.whole_image)
    if op.kind == "interpolate":
        (height, width), (out_height, out_width) = op.in_shapes[0][2:], op.out_shapes[0][2:]
        return Field(_stretch(field.vertical, height, out_height), _stretch(field.horizontal, width, out_width),
                     field.whole_image)
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
        read = [range(i * stride - padding, i * stride - padding + kernel * dilation, dilation) for i in range(cells)]
        parts = [[axis.spans[place] for place in places if 0 <= place < len(axis.spans)] for places in read]
        return _placewise(parts, axis.jump * stride, axis.smallest + growth)
    return Axis(axis.size + growth, axis.jump * stride, axis.start - padding * axis.jump, axis.smallest + growth)


def _stretch(axis: Axis, before: int, after: int) -> Axis:
    """Nearest-neighbour upsampling of `before` cells to `after`."""
    return _placewise([[axis.span(i * before // after)] for i in range(after)], max(1, axis.jump * before // after),
                      axis.smallest)


def _adaptive(op: Op, field: Field) -> Field:
    """Pooling to a fixed size: the identity if the size is there already, one window over everything if it is 1."""
    (*_, height, width), (*_, out_height, out_width) = op.in_shapes[0], op.out_shapes[0]
    if (out_height, out_width) == (1, 1):
        return replace(field, whole_image=True)
    vertical, horizontal = _bins(height, out_height), _bins(width, out_width)
    return Field(_slide(field.vertical, out_height, *vertical), _slide(field.horizontal, out_width, *horizontal),
                 field.whole_image)


def _reduce(op: Op, field: Field) -> Field | None:
    """Sums and means over channels or branches keep the places; over all places they see the whole image."""
    before, after = op.in_shapes[0][-2:], op.out_shapes[0][-2:]
    if before == after or field.whole_image:
        return field
    return replace(field, whole_image=True) if op.kind in {"mean", "sum", "amax"} else None


def _bins(size: int, bins: int) -> tuple[int, int, int, int]:
    """Kernel, stride, padding and dilation of the widest of the bins that adaptive pooling cuts an axis into."""
    kernel = max(-(-(i + 1) * size // bins) - i * size // bins for i in range(bins))
    return kernel, max(1, size // bins), 0, 1
