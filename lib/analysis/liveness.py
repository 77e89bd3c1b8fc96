"""How much lies in memory at once during a forward pass: an activation lives until its last reader is done."""

from collections.abc import Sequence

from lib.trace import Op, numel


def peak_activation_bytes(ops: Sequence[Op], bytes_per_number: int = 4) -> int:
    """The most bytes of activations that must exist at one moment of inference on one image, the image itself apart:
    a lower bound, as Python's variables may keep one a little longer.

    An op's output exists beside its inputs. Outputs in place or in a view take no memory of their own: they keep the
    tensor alive that they lie in. torch's max pooling notes where each maximum was, and forgets it again.
    """
    owner = list(range(len(ops)))  # the op whose memory an output lies in; -1 is the image
    for index, op in enumerate(ops):
        if op.in_place and op.inputs:
            owner[index] = -1 if op.inputs[0] < 0 else owner[op.inputs[0]]
    last_reader = {owner[i]: index for index, op in enumerate(ops) for i in op.inputs if i >= 0}
    last_reader |= {owner[-1]: len(ops)}
    sizes = [bytes_per_number * sum(map(numel, op.out_shapes)) if owner[i] == i else 0 for i, op in enumerate(ops)]
    alive: dict[int, int] = {}
    peak = 0
    for index in range(len(ops)):
        alive[index] = sizes[index]
        peak = max(peak, sum(alive.values()) + _beside(ops[index]))
        alive = {op: size for op, size in alive.items() if last_reader.get(op, op) > index}
    return peak


def _beside(op: Op) -> int:
    """Bytes that an op takes beside its output and gives back: the places of the maxima, as 8-byte integers."""
    return 8 * numel(op.out_shapes[0]) if op.kind == "max_pool2d" else 0
