"""Why a network cannot take an image of some size, and which sizes it can take."""

from lib.architecture import Architecture, Impossible, NetworkKnobs, bounds
from lib.meta import on_meta
from lib.trace import ImpossibleShape, Op, Shape, numel, output_size, record, shape_text


def image_shape(architecture: Architecture, knobs: NetworkKnobs) -> Shape:
    """(N, C, H, W) of one image for this network."""
    return (1, architecture.in_channels, knobs.input_size, knobs.input_size)


def refusal(architecture: Architecture, knobs: NetworkKnobs, error: ImpossibleShape) -> Impossible:
    """The error of a trace as one sentence: the layer, its arithmetic, and the nearest input sizes that work."""
    size, sizes = knobs.input_size, working_sizes(architecture, knobs)
    nearest = " and ".join(map(str, sizes)) or "none"
    return Impossible(
        f"{error.op.name} cannot take what a {size}×{size} image leaves for it: {_arithmetic(error.op, str(error))}. "
        f"Nearest input sizes that work: {nearest}.", {"input_size": sizes})


def working_sizes(architecture: Architecture, knobs: NetworkKnobs) -> tuple[int, ...]:
    """The nearest input sizes, below and above the present one, that the network can take."""
    limits = bounds(type(knobs), "input_size")
    below = range(knobs.input_size - 1, limits.low - 1, -1)
    above = range(knobs.input_size + 1, limits.high + 1)
    found = (next((size for size in side if _takes(architecture, knobs, size)), None) for side in (below, above))
    return tuple(size for size in found if size)


def _takes(architecture: Architecture, knobs: NetworkKnobs, size: int) -> bool:
    with on_meta():
        model = architecture.build(knobs)
    try:
        record(model, (1, architecture.in_channels, size, size))
    except ImpossibleShape:
        return False
    return True


def _arithmetic(op: Op, reason: str) -> str:
    """The sizes that do not go together, with this op's own numbers."""
    shape = op.in_shapes[0]
    if op.window:
        axis = (shape[-1], op.window.kernel[-1], op.window.stride[-1], op.window.padding[-1], op.window.dilation[-1])
        size, kernel, stride, padding, dilation = axis
        return (f"its input is {shape_text(shape)}, so the output would be ⌊({size} + 2·{padding} − {dilation}·({kernel} − 1)"
                f" − 1) / {stride}⌋ + 1 = {output_size(*axis)} cells wide")
    if op.kind == "linear":
        return f"its weights expect {op.weights[0][1][1]:,} numbers and {numel(shape[1:]):,} arrive"
    return reason
