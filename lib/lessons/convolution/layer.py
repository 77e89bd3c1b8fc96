"""One layer of any numbers, built by torch on the meta device: what comes out, what it holds, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.architecture import Impossible
from lib.lessons.convolution.grid import no_room
from lib.lessons.convolution.written import Described, Pair, layer
from lib.meta import on_meta
from lib.once import once
from lib.text import _
from lib.trace import output_size, record

Shape = tuple[int, ...]


class Unshared(nn.Module):
    """A convolution whose weights are not shared: every place of the output has filters and biases of its own.

    (N, C_in, H, W) to (N, C_out, H_out, W_out), `places` being H_out and W_out.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair,
                 places: Pair, bias: bool = True):
        super().__init__()
        self.window = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        self.places = places
        self.weight = nn.Parameter(torch.zeros(prod(places), out_channels, in_channels * prod(kernel)))
        self.bias = nn.Parameter(torch.zeros(prod(places), out_channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        windows = F.unfold(x, **self.window)  # (N, what a window reads, places)
        outputs = torch.einsum("nip,poi->npo", windows, self.weight)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.transpose(1, 2).unflatten(2, self.places)


@dataclass(frozen=True)
class Built:
    """A layer that torch has built and run. `entered` and `output` are shapes without the batch: (C, H, W), or (N,) for
    neurons."""

    layer: Described
    entered: Shape
    output: Shape
    weights: int
    biases: int

    @property
    def params(self) -> int:
        return self.weights + self.biases

    @property
    def places(self) -> int:
        """How often each weight works: at every place of the output, of the input for a transposed convolution, or once."""
        if self.layer.kind == "convolution":
            return prod(self.output[1:])
        return prod(self.entered[1:]) if self.layer.kind == "transposed convolution" else 1

    @property
    def macs(self) -> int:
        """Multiply-adds for one image, biases apart."""
        return self.weights * self.places

    @property
    def numbers(self) -> int:
        """How many numbers come out."""
        return prod(self.output)

    def fields(self) -> dict[str, object]:
        """What the words of the lesson say about it."""
        channels, height, width = self.entered
        return {"layer": self.layer.words, "channels": channels, "height": height, "width": width,
                "output": size_text(self.output), "params": f"{self.params:,}", "macs": f"{self.macs:,}",
                "weights": f"{self.weights:,}", "places": f"{self.places:,}", "numbers": f"{self.numbers:,}"}


def size_text(shape: Shape) -> str:
    """A shape as courses write it: height × width × channels; a number of neurons alone."""
    return " × ".join(map(str, (*shape[1:], shape[0])))


@once
def built(height: int, width: int, in_channels: int, described: str) -> Built:
    """The layer that `described` writes down, on one map of these sizes. Raises `Impossible` where torch refuses it."""
    return build(layer(described), (in_channels, height, width))


def build(described: Described, entered: Shape) -> Built:
    """The same for a layer that has been read."""
    check(described, entered)
    if not described.pools:
        described = replace(described, filters=described.filters or entered[0])
    try:
        with on_meta():
            module = module_of(described, entered)
        output = _output(module, described, entered)
    except (RuntimeError, OverflowError):
        raise Impossible(_("This layer is too large to be counted. Take smaller numbers.")) from None
    shapes = {name.rpartition(".")[2]: weight.numel() for name, weight in module.named_parameters()}
    return Built(described, entered, output, shapes.get("weight", 0), shapes.get("bias", 0))


def module_of(described: Described, entered: Shape) -> nn.Module:
    """The layer as torch has it."""
    channels, filters, bias, groups = entered[0], described.filters, described.bias, described.groups
    window = described.kernel, described.stride, described.padding
    match described.kind:
        case "max pooling":
            return nn.MaxPool2d(*window, described.dilation, ceil_mode=described.ceil)
        case "average pooling":
            return nn.AvgPool2d(*window, described.ceil)
        case "global average pooling":
            return nn.AdaptiveAvgPool2d(1)
        case "transposed convolution":
            return nn.ConvTranspose2d(channels, filters, *window, 0, groups, bias, described.dilation)
        case "linear":
            return nn.Sequential(nn.Flatten(), nn.Linear(prod(entered), filters, bias))
        case "unshared convolution":
            return Unshared(channels, filters, *window, described.dilation, sizes(described, entered), bias)
    return nn.Conv2d(channels, filters, *window, described.dilation, groups, bias)


def _output(module: nn.Module, described: Described, entered: Shape) -> Shape:
    """The shape that comes out. Two kinds are not run: torch loads hundreds of modules before the first of them runs on the
    meta device, and then goes by the same formula."""
    if described.kind in {"transposed convolution", "unshared convolution"}:
        return described.filters, *sizes(described, entered)
    return record(module, (1, *entered))[-1].out_shapes[0][1:]


def sizes(described: Described, entered: Shape) -> Pair:
    """Height and width of what a window gives."""
    axes = zip(entered[1:], described.kernel, described.stride, described.padding, described.dilation)
    if described.kind == "transposed convolution":
        height, width = ((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in axes)
    else:
        height, width = (output_size(*axis, described.ceil) for axis in axes)
    return height, width


def check(described: Described, entered: Shape) -> None:
    """Raises `Impossible`, in a plain sentence, for what torch would refuse."""
    channels, filters, groups = entered[0], described.filters or entered[0], described.groups
    if described.pools and described.filters:
        raise Impossible(_("A pooling has no filters: as many channels come out as go in."))
    if channels % groups or filters % groups:
        raise Impossible(_("{groups} groups do not divide {channels} channels in and {filters} out into equal parts. "
                           "Choose a number of groups that divides both.").format(
            groups=groups, channels=channels, filters=filters))
    if groups > 1 and described.kind not in {"convolution", "transposed convolution"}:
        raise Impossible(_("Only convolutions have groups here."))
    if described.ceil and not described.pools:
        raise Impossible(_("Only a pooling can round up; a convolution rounds down."))
    if described.kind == "average pooling" and described.dilation != (1, 1):
        raise Impossible(_("An average pooling has no dilation."))
    if described.pools and any(2 * p > k for p, k in zip(described.padding, described.kernel)):
        raise Impossible(_("A pooling may be padded by at most half of its window."))
    if described.kind not in {"linear", "global average pooling"} and min(sizes(described, entered)) < 1:
        raise Impossible(_no_room(described, entered))


def _no_room(described: Described, entered: Shape) -> str:
    if described.kind == "transposed convolution":
        return _("The padding cuts off all of the output. Take less padding or a larger map.")
    reach = [d * (k - 1) + 1 for k, d in zip(described.kernel, described.dilation)]
    cells = [n + 2 * p for n, p in zip(entered[1:], described.padding)]
    axis = 0 if reach[0] > cells[0] else 1
    return no_room(reach[axis], cells[axis])


def one_transposed(kernel: int, stride: int, padding: int) -> Described:
    """A transposed convolution of one filter."""
    return Described("transposed convolution", (kernel, kernel), (stride, stride), (padding, padding), filters=1)


# Written out

def account(found: Built) -> pd.DataFrame:
    """How the output, the parameters and the multiply-adds come about: formula, numbers put in, result."""
    rows = [*_size_rows(found), (_("Output"), _("height × width × channels"), "", size_text(found.output)),
            (_("Parameters"), _formula(found), written_params(found), f"{found.params:,}"),
            (_("MACs"), _("weights · places"), f"{found.weights:,} · {found.places:,}" if found.weights else "",
             f"{found.macs:,}")]
    return pd.DataFrame(rows, columns=[_("Quantity"), _("Formula"), _("With these numbers"), _("Result")])


def _size_rows(found: Built) -> list[tuple[str, str, str, str]]:
    described = found.layer
    if described.kind in {"linear", "global average pooling"}:
        return []
    formula = written_size(*"nkspd", described)
    return [(name, formula, written_size(*axis, described) + _left_out(result, *axis, described), str(result))
            for name, result, *axis in zip((_("Rows"), _("Columns")), found.output[1:], found.entered[1:], described.kernel,
                                           described.stride, described.padding, described.dilation)]


def _left_out(result: int, size: int, kernel: int, stride: int, padding: int, dilation: int, described: Described) -> str:
    """What torch takes off where rounding up would give a window that begins behind the map."""
    rounded = -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1
    return _(" − 1, as the last window would begin behind the map") if described.ceil and result < rounded else ""


def written_size(n: object, k: object, s: object, p: object, d: object, described: Described) -> str:
    """The formula of the output's size along one axis, with these put in."""
    if described.kind == "transposed convolution":
        return f"({n} − 1)·{s} − 2·{p} + {d}·({k} − 1) + 1"
    left, right = "⌈⌉" if described.ceil else "⌊⌋"
    return f"{left}({n} + 2·{p} − {d}·({k} − 1) − 1) / {s}{right} + 1"


def _formula(found: Built) -> str:
    if not found.params:
        return _("a pooling learns nothing")
    if found.layer.kind == "linear":
        formula = "H·W·C_in·N"
    else:
        formula = "K_h·K_w·C_in/g·C_out" if found.layer.groups > 1 else "K_h·K_w·C_in·C_out"
    bias = (" + N" if found.layer.kind == "linear" else " + C_out") if found.biases else ""
    return f"H_out·W_out·({formula}{bias})" if found.layer.kind == "unshared convolution" else formula + bias


def written_params(found: Built) -> str:
    """The parameters as a product and a sum: `5·5·3·100 + 100`."""
    if not found.params:
        return ""
    described, channels = found.layer, found.entered[0]
    read = f"{channels}/{described.groups}" if described.groups > 1 else f"{channels}"
    sides = found.entered[1:] if described.kind == "linear" else described.kernel
    weights = "·".join(map(str, (*sides, read, described.filters)))
    weights += f" + {described.filters}" if found.biases else ""
    return f"{found.output[1]}·{found.output[2]}·({weights})" if described.kind == "unshared convolution" else weights


def written_output(found: Built) -> str:
    """`⌊(63 + ...) / 2⌋ + 1 = 29 rows, ... columns`, for both axes."""
    described = found.layer
    rows, columns = (f"{written_size(*axis, described)} = {result}" for result, *axis in zip(
        found.output[1:], found.entered[1:], described.kernel, described.stride, described.padding, described.dilation))
    return _("Rows: {rows}. Columns: {columns}. Channels: {channels}").format(
        rows=rows, columns=columns, channels=found.output[0])
