"""From an operation that ran to the sum behind one cell of its output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lib.inside.running import Call, as_maps, copied
from lib.inside.sums import Formula, Largest, Made, Moved, Weighted
from lib.trace import Op, Pair, tensors_in

Index = tuple[int, ...]
"""A place in a tensor, the image in the batch first."""


def explain(op: Op, call: Call, cell: tuple[int, int, int]) -> Made | None:
    """How the cell (map, row, column) of an op's output for one image came to be. None if there is no rule for the op."""
    maps = as_maps(call.given)
    flat = int(np.ravel_multi_index(cell, maps.shape))
    value = maps.flatten()[flat].item()
    if op.kind in MOVING:
        return _moved(call, value, flat)
    if op.kind not in RULES:
        return None
    place = tuple(int(each) for each in np.unravel_index(flat, call.given[0].shape))
    return RULES[op.kind](op, call, value, place)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def _window(map: Tensor, corner: Pair, size: Pair, dilation: Pair = (1, 1)) -> tuple[np.ndarray, np.ndarray]:
    """The window of a (channels, height, width) map whose first place is `corner`, with zeros outside, and which of its
    places lie on the map."""
    rows, columns = (first + step * np.arange(count) for first, step, count in zip(corner, dilation, size))
    inside = ((rows >= 0) & (rows < map.shape[1]))[:, None] & ((columns >= 0) & (columns < map.shape[2]))
    read = _array(map)[:, rows.clip(0, map.shape[1] - 1)][:, :, columns.clip(0, map.shape[2] - 1)]
    return np.where(inside, read, 0.0), inside


def _corner(op: Op, place: Index) -> Pair:
    """Where the window of an output cell begins: stride times its place, less the padding."""
    return tuple(at * stride - padding for at, stride, padding in zip(place[-2:], op.window.stride, op.window.padding))


def _convolution(op: Op, call: Call, value: float, place: Index) -> Weighted:
    weight, bias = call.argument(1, "weight"), call.argument(2, "bias")
    out_channels, read = weight.shape[:2]
    first = place[1] // (out_channels // op.groups) * read
    corner = _corner(op, place)
    window, inside = _window(call.input[0, first:first + read], corner, op.window.kernel, op.window.dilation)
    return Weighted(value, tuple(range(first, first + read)), corner, window, _array(weight[place[1]]), inside,
                    None if bias is None else bias[place[1]].item(), op.window.dilation)


def _linear(op: Op, call: Call, value: float, place: Index) -> Weighted:
    weight, bias = call.argument(1, "weight"), call.argument(2, "bias")
    features, weights = _array(call.input[place[:-1]]), _array(weight[place[-1]])
    return Weighted(value, tuple(range(len(features))), (0, 0), features[:, None, None], weights[:, None, None],
                    np.ones((1, 1), bool), None if bias is None else bias[place[-1]].item())


def _mean(value: float, map: Tensor, channel: int, corner: Pair, size: Pair, divisor: Callable[[np.ndarray], int]) -> Weighted:
    window, inside = _window(map[channel:channel + 1], corner, size)
    parts = divisor(inside)
    return Weighted(value, (channel,), corner, window, np.where(inside, 1 / parts, 0.0)[None], inside, divisor=parts)


def _average_pooling(op: Op, call: Call, value: float, place: Index) -> Weighted:
    """A mean over the window. With `count_include_pad` zeros of the padding count, but nothing beyond it."""
    corner, padding = _corner(op, place), op.window.padding
    padded = [min(first + kernel, size + pad) - first
              for first, kernel, size, pad in zip(corner, op.window.kernel, call.input.shape[-2:], padding)]
    all_count = call.argument(5, "count_include_pad", True)
    return _mean(value, call.input[0], place[1], corner, op.window.kernel,
                 lambda inside: padded[0] * padded[1] if all_count else int(inside.sum()))


def _bin(call: Call, place: Index) -> tuple[Pair, Pair]:
    """The corner and the size of the bin that a cell of an adaptive pooling reads."""
    ends = [(at * size // bins, -(-(at + 1) * size // bins))
            for at, size, bins in zip(place[-2:], call.input.shape[-2:], call.given[0].shape[-2:])]
    return tuple(first for first, _ in ends), tuple(last - first for first, last in ends)


def _adaptive_average(op: Op, call: Call, value: float, place: Index) -> Weighted:
    return _mean(value, call.input[0], place[1], *_bin(call, place), lambda inside: inside.size)


def _max_pooling(op: Op, call: Call, value: float, place: Index) -> Largest:
    corner = _corner(op, place)
    window, inside = _window(call.input[0, place[1]:place[1] + 1], corner, op.window.kernel, op.window.dilation)
    return Largest(value, place[1], corner, window[0], inside)


def _adaptive_max(op: Op, call: Call, value: float, place: Index) -> Largest:
    corner, size = _bin(call, place)
    window, inside = _window(call.input[0, place[1]:place[1] + 1], corner, size)
    return Largest(value, place[1], corner, window[0], inside)


def _sum(op: Op, call: Call, value: float, place: Index) -> Weighted:
    """A sum over one axis: over branches, or over features."""
    axis = call.argument(1, "dim")
    terms = _array(call.input.movedim(axis, 0)[(slice(None), *place)])
    return Weighted(value, tuple(range(len(terms))), (0, 0), terms[:, None, None], np.ones((len(terms), 1, 1)),
                    np.ones((1, 1), bool))


def _batch_norm(op: Op, call: Call, value: float, place: Index) -> Formula:
    mean, variance, scale, shift = (call.argument(*each) for each in (
        (1, "running_mean"), (2, "running_var"), (3, "weight"), (4, "bias")))
    channel = place[1]
    return Formula(value, op.kind, {
        "x": call.input[place].item(), "μ": mean[channel].item(), "σ²": variance[channel].item(),
        "ε": call.argument(7, "eps", 1e-5), "γ": scale[channel].item(), "β": shift[channel].item()})


def _of_one(op: Op, call: Call, value: float, place: Index) -> Formula:
    """ReLU and the like."""
    return Formula(value, op.kind, {"x": call.input[place].item()})


def _hardtanh(op: Op, call: Call, value: float, place: Index) -> Formula:
    low, high = call.argument(1, "min_val", -1.0), call.argument(2, "max_val", 1.0)
    return Formula(value, op.kind, {"x": call.input[place].item(), "bottom": float(low), "top": float(high)})


def _of_two(op: Op, call: Call, value: float, place: Index) -> Formula:
    """A sum, a difference or a product; what is smaller is spread over the other, and may be a mere number."""
    shape = call.given[0].shape
    first, second = (torch.as_tensor(each, dtype=torch.float64).expand(shape)[place].item() for each in call.arguments[:2])
    return Formula(value, op.kind, {"a": first, "b": second})


def _softmax(op: Op, call: Call, value: float, place: Index) -> Formula:
    axis = call.argument(1, "dim")
    total = call.input.double().exp().sum(axis, keepdim=True).expand(call.input.shape)
    return Formula(value, op.kind, {"x": call.input[place].item(), "sum": total[place].item()})


def _local_response(op: Op, call: Call, value: float, place: Index) -> Formula:
    """The mean of the squares is over `size` channels around this one, and zeros beyond the last."""
    size, alpha, beta, k = (call.argument(*each) for each in (
        (1, "size"), (2, "alpha", 1e-4), (3, "beta", 0.75), (4, "k", 1.0)))
    first = place[1] - size // 2
    near = call.input[0, max(0, first):first + size, place[2], place[3]].double()
    return Formula(value, op.kind, {"x": call.input[place].item(), "k": float(k), "α": float(alpha),
                                    "mean": near.square().sum().item() / size, "β": float(beta)})


RULES: dict[str, Callable[[Op, Call, float, Index], Made]] = {
    "conv2d": _convolution, "linear": _linear, "avg_pool2d": _average_pooling, "adaptive_avg_pool2d": _adaptive_average,
    "max_pool2d": _max_pooling, "adaptive_max_pool2d": _adaptive_max, "sum": _sum, "batch_norm": _batch_norm,
    "relu": _of_one, "sigmoid": _of_one, "tanh": _of_one, "square": _of_one, "hardtanh": _hardtanh,
    "add": _of_two, "sub": _of_two, "mul": _of_two, "softmax": _softmax, "local_response_norm": _local_response}

MOVING = frozenset({
    "cat", "stack", "chunk", "split", "unbind", "getitem", "view", "flatten", "transpose", "permute", "squeeze", "unsqueeze",
    "contiguous", "narrow", "pad", "dropout", "interpolate"})
"""Operations that only hand numbers on: in eval mode dropout is one of them."""


def _moved(call: Call, value: float, flat: int) -> Moved:
    """Where a number comes from: the operation is run on the numbers 1, 2, 3, ... instead."""
    tensors = tensors_in((*call.arguments, *call.named.values()))
    ends = np.cumsum([0, *(tensor.numel() for tensor in tensors)])
    starts = iter(ends[:-1])

    def numbered(tensor: Tensor) -> Tensor:
        return torch.arange(1, tensor.numel() + 1, dtype=torch.float64).reshape(tensor.shape) + int(next(starts))
    arguments, named = copied((call.arguments, call.named), numbered)
    at = int(as_maps(tuple(tensors_in((call.function(*arguments, **named),)))).flatten()[flat]) - 1
    if at < 0:
        return Moved(value, None)
    source = int(np.searchsorted(ends, at, "right")) - 1
    shape = as_maps((tensors[source],)).shape
    return Moved(value, source, tuple(int(each) for each in np.unravel_index(at - int(ends[source]), shape)))
