"""What an operation costs: multiply-adds, other arithmetic, activation memory. Pure functions of one `Op`.

Convention: one MAC is one multiply-add of a convolution or a linear layer, biases apart, as torchvision publishes it.
Everything else (normalisation, activation, pooling, addition) is counted in a column of its own. An operation without
a rule is unknown (None), never zero.
"""

from collections.abc import Callable

from lib.trace import Op, numel

BYTES_PER_NUMBER = 4
"""Activations are counted in float32."""


def macs(op: Op) -> int | None:
    """Multiply-adds of one op; 0 for an op that has none, None for an op without a rule."""
    if op.kind == "conv2d":
        return numel(op.out_shapes[0]) * (op.in_shapes[0][1] // op.groups) * numel(op.window.kernel)
    if op.kind == "linear":
        return numel(op.out_shapes[0]) * op.in_shapes[0][-1]
    return 0 if op.kind in OTHER_OPERATIONS else None


def other_operations(op: Op) -> int | None:
    """Additions, comparisons, divisions that are no MACs; None for an op without a rule."""
    rule = OTHER_OPERATIONS.get(op.kind)
    return rule(op) if rule else None


def activation_bytes(op: Op) -> int:
    """Bytes of the op's output, in float32; 0 where it lies in the input's memory.

    An op counts once. What a library writes on the way to the output is not counted: the places of a pooling's maxima,
    the squares, sums and powers of a response normalisation.
    """
    return 0 if op.in_place else BYTES_PER_NUMBER * sum(map(numel, op.out_shapes))


def _per_output(operations: int) -> Callable[[Op], int]:
    return lambda op: operations * numel(op.out_shapes[0])


def _bias(op: Op) -> int:
    return numel(op.out_shapes[0]) if len(op.weights) > 1 else 0


def _per_window(op: Op) -> int:
    return numel(op.out_shapes[0]) * numel(op.window.kernel)


def _per_input(op: Op) -> int:
    return numel(op.in_shapes[0])


def _nothing(op: Op) -> int:
    return 0


OTHER_OPERATIONS: dict[str, Callable[[Op], int]] = {
    "conv2d": _bias,
    "linear": _bias,
    "batch_norm": _per_output(2),  # in eval mode a scale and a shift
    "relu": _per_output(1),
    "hardtanh": _per_output(2),  # two comparisons
    "sigmoid": _per_output(3),  # exponential, addition, division
    "tanh": _per_output(1),
    "softmax": _per_output(3),  # exponential, sum, division
    "local_response_norm": lambda op: 4 * numel(op.out_shapes[0]),  # square, sum, power, divide
    "max_pool2d": _per_window,
    "avg_pool2d": _per_window,
    "adaptive_avg_pool2d": _per_input,
    "adaptive_max_pool2d": _per_input,
    "mean": _per_input,
    "sum": _per_input,
    "add": _per_output(1),
    "sub": _per_output(1),
    "mul": _per_output(1),
    "square": _per_output(1),
} | dict.fromkeys((  # these move or pick numbers
    "cat", "stack", "flatten", "view", "chunk", "split", "unbind", "getitem", "transpose", "permute", "squeeze",
    "unsqueeze", "contiguous", "pad", "interpolate", "dropout"), _nothing)
