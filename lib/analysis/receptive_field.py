"""Receptive fields: which pixels of the image an output can depend on. Pure functions of a trace.

A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019. Along each
axis output 0 of an op sees pixels `start` to `start + size - 1`, and each next output the same moved on by `jump`.
Where branches meet, the field is the union, and `smallest` the size of the smallest branch.
"""

from dataclasses import dataclass, replace

from lib.trace import Op, Pair, Shape


@dataclass(frozen=True, slots=True)
class Axis:
    """The field along one axis, in pixels of the image. `start` is negative where it begins in the padding."""

    size: int = 1
    jump: int = 1
    start: int = 0
    smallest: int = 1

    def span(self, position: int) -> tuple[int, int]:
        """First and last pixel that output `position` sees."""
        first = self.start + position * self.jump
        return first, first + self.size - 1


@dataclass(frozen=True, slots=True)
class Field:
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
    "batch_norm", "local_response_norm", "relu", "hardtanh", "sigmoid", "tanh", "softmax", "dropout", "add", "mul", "cat",
    "stack", "chunk", "split", "unbind", "flatten", "view", "transpose", "permute", "squeeze", "unsqueeze", "contiguous"})

# Ops whose output at a place depends on their inputs at the same place alone, if they leave height and width as they
# are, and else on every place.
REDUCING = frozenset({"mean", "sum", "amax", "getitem", "pad"})


def receptive_fields(ops: tuple[Op, ...]) -> tuple[Field | None, ...]:
    """The field of every op's output; None after an op without a rule."""
    fields: list[Field | None] = []
    for op in ops:
        inputs = [fields[i] if i >= 0 else Field() for i in op.inputs]
        fields.append(_step(op, _union(inputs)) if None not in inputs and inputs else None)
    return tuple(fields)


HEAD = frozenset({"adaptive_avg_pool2d", "adaptive_max_pool2d", "cat", "dropout"})


def convolutional_field(ops: tuple[Op, ...], fields: tuple[Field | None, ...]) -> int | None:
    """The field, in pixels, of the last feature map before the head: before pooling to a fixed size and flattening."""
    for op, field in zip(reversed(ops), reversed(fields)):
        if len(op.out_shapes[0]) == 4 and max(op.out_shapes[0][2:]) > 1 and op.kind not in HEAD:
            return field and field.size
    return None


def _union(fields: list[Field]) -> Field:
    first = fields[0]
    if all(field == first for field in fields):
        return first
    return Field(_hull([f.vertical for f in fields]), _hull([f.horizontal for f in fields]),
                 any(f.whole_image for f in fields))


def _hull(axes: list[Axis]) -> Axis:
    """The union of branches that meet. Their jumps agree, or their shapes would not; a gate of one cell keeps 1."""
    start = min(axis.start for axis in axes)
    end = max(axis.start + axis.size for axis in axes)
    return Axis(end - start, max(axis.jump for axis in axes), start, min(axis.smallest for axis in axes))


def _step(op: Op, field: Field) -> Field | None:
    if op.kind in POINTWISE:
        return field
    if op.window:
        vertical, horizontal = zip(op.window.kernel, op.window.stride, op.window.padding, op.window.dilation)
        return Field(_slide(field.vertical, *vertical), _slide(field.horizontal, *horizontal), field.whole_image)
    if op.kind == "linear":
        return replace(field, whole_image=True)
    if op.kind in {"adaptive_avg_pool2d", "adaptive_max_pool2d"}:
        return _adaptive(op, field)
    if op.kind in REDUCING:
        return _reduce(op, field)
    return None


def _slide(axis: Axis, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    """r += (k - 1) d j, then j *= s, with the start moved back by the padding."""
    growth = (kernel - 1) * dilation * axis.jump
    return Axis(axis.size + growth, axis.jump * stride, axis.start - padding * axis.jump, axis.smallest + growth)


def _adaptive(op: Op, field: Field) -> Field:
    """Pooling to a fixed size: the identity if the size is there already, one window over everything if it is 1."""
    (*_, height, width), (*_, out_height, out_width) = op.in_shapes[0], op.out_shapes[0]
    if (out_height, out_width) == (1, 1):
        return replace(field, whole_image=True)
    vertical, horizontal = _bins(height, out_height), _bins(width, out_width)
    return Field(_slide(field.vertical, *vertical), _slide(field.horizontal, *horizontal), field.whole_image)


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
