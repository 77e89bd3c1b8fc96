"""The AlexNets of 2012 and 2014, and ZFNet: one layer counted, the maps that an image leaves, what a finer start costs."""

from typing import NamedTuple

import pandas as pd
from torch import nn

from lib.analysis import Layer
from lib.analysis.block import run_block
from lib.lessons.vgg.networks import QUANTITIES, analysis, name, weight_layers
from lib.models.alexnet import AlexNet, AlexNet2012
from lib.once import once
from lib.text import _
from lib.trace import numel, shape_text

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
AS_IN_LECTURE = 227
"""Pixels of AlexNet's image in the lecture."""


class Count(NamedTuple):
    """A layer with weights. Units are the numbers that it puts out, connections the multiply-adds; biases apart."""

    op: Layer

    @property
    def units(self) -> int:
        return numel(self.op.out_shapes[0])

    @property
    def weights(self) -> int:
        return numel(self.op.weights[0][1])

    @property
    def connections(self) -> int:
        return self.op.macs

    @property
    def places(self) -> tuple[int, ...]:
        """Height and width of its output; nothing for a linear layer."""
        return self.op.out_shapes[0][2:]

    @property
    def description(self) -> str:
        """What one has to know to count: window, filters, input."""
        op = self.op
        if op.kind == "linear":
            return _("a linear layer that reads {read} numbers and puts out {given}").format(
                read=op.in_shapes[0][-1], given=op.out_shapes[0][-1])
        return _("{filters} filters of {kernel} × {kernel}, groups: {groups}; input {read}, output {given}").format(
            filters=op.out_shapes[0][1], kernel=op.window.kernel[0], groups=op.groups, given=op.output,
            read=shape_text(op.in_shapes[0]))

    def written_out(self) -> str:
        """The three counts as products, a line each."""
        op, weights = self.op, self._weights()
        products = {"units": " · ".join(map(str, op.out_shapes[0][1:])), "weights": weights,
                    "connections": " · ".join([weights, *map(str, self.places)])}
        results = (self.units, self.weights, self.connections)
        return "\n".join(f"{what:<12} {product}\n{'':<12} = {result:,}"
                         for (what, product), result in zip(products.items(), results))

    def _weights(self) -> str:
        op = self.op
        if op.kind == "linear":
            return f"{op.in_shapes[0][-1]} · {op.out_shapes[0][-1]}"
        read = f"({op.in_shapes[0][1]}/{op.groups})" if op.groups > 1 else f"{op.in_shapes[0][1]}"
        return f"{op.window.kernel[0]} · {op.window.kernel[1]} · {read} · {op.out_shapes[0][1]}"


def count(layer: str) -> Count:
    """A layer of the AlexNet of 2012, at its own 227 pixels."""
    return Count(next(op for op in weight_layers("alexnet_2012") if name(op) == layer))


@once
def count_table() -> pd.DataFrame:
    """Units, weights and connections of all layers of the AlexNet of 2012, and how often a weight works."""
    counts = {layer: count(layer) for layer in LAYERS}
    table = [(layer, each.units, each.weights, each.connections, each.connections // each.weights)
             for layer, each in counts.items()]
    table.append(("all", *(sum(row[column] for row in table) for column in (1, 2, 3)), None))
    frame = pd.DataFrame(table, columns=["Layer", "Units", "Weights", "Connections (MACs)", "Connections of a weight"])
    return frame.astype({"Connections of a weight": "Int64"})


class Maps(NamedTuple):
    """What an image leaves in an AlexNet: the side of the map after each layer, and the numbers that fc6 gets and takes."""

    sides: dict[str, int]
    arriving: int
    expected: int


@once
def maps(version: int, size: int) -> Maps:
    """The maps of the AlexNet of 2012 or 2014 for an image of size x size; adaptive pooling belongs to the latter alone."""
    def layers() -> nn.Sequential:
        if version == 2012:
            return AlexNet2012().features
        network = AlexNet()
        return nn.Sequential(*network.features, network.avgpool)

    sides, number, ops = {}, 0, run_block(layers, 3, size).ops
    for op in ops:
        number += op.kind == "conv2d"
        named = {"conv2d": f"conv{number}", "max_pool2d": f"pool{number}", "adaptive_avg_pool2d": "adaptive pooling"}
        if op.kind in named:
            sides[named[op.kind]] = op.out_shapes[0][-1]
    fc6 = next(op for op in weight_layers("alexnet" if version == 2014 else "alexnet_2012") if name(op) == "fc6")
    return Maps(sides, numel(ops[-1].out_shapes[0]), fc6.weights[0][1][1])


@once
def map_table(size: int) -> pd.DataFrame:
    """The side of the map after each layer that changes it, in both AlexNets, and whether fc6 fits."""
    older, newer = maps(2012, size), maps(2014, size)
    layers = ("conv1", "pool1", "pool2", "pool5", "adaptive pooling")
    table = [(layer, *(f"{each.sides[layer]} × {each.sides[layer]}" if layer in each.sides else "none"
                       for each in (older, newer))) for layer in layers]
    table.append(("numbers for fc6", f"{older.arriving:,}", f"{newer.arriving:,}"))
    table.append(("fc6 takes", f"{older.expected:,}", f"{newer.expected:,}"))
    return pd.DataFrame(table, columns=["After", "AlexNet of 2012", "AlexNet of 2014"])


@once
def alexnet_fields() -> dict[str, str]:
    """The AlexNet of 2014 at torchvision's size and at the lecture's."""
    preset, lecture = analysis("alexnet"), analysis("alexnet", input_size=AS_IN_LECTURE)
    return {"preset_size": preset.image, "preset_macs": f"{preset.macs:,}",
            "lecture_size": lecture.image, "lecture_macs": f"{lecture.macs:,}"}


ZF = ("alexnet_2012", "zfnet", "zfnet_512")


@once
def growths(later: str) -> dict[str, float]:
    """What a ZFNet has of each quantity, as a multiple of the AlexNet of 2012; each network at its own image size."""
    before, after = analysis(ZF[0]), analysis(later)
    return {quantity: getattr(after, attribute) / getattr(before, attribute) for quantity, attribute in QUANTITIES.items()}


@once
def zf_table() -> pd.DataFrame:
    """What ZFNet changes: each convolution of AlexNet (2012), ZFNet and its larger variant, and the totals."""
    table = {"Layer": [name(op) for op in weight_layers(ZF[0]) if op.kind == "conv2d"] + ["parameters", "MACs"]}
    for preset in ZF:
        total = analysis(preset)
        table[preset] = [_change(op) for op in weight_layers(preset) if op.kind == "conv2d"] + [
            f"{total.params:,}", f"{total.macs:,}"]
    return pd.DataFrame(table)


def _change(op: Layer) -> str:
    kernel, stride, size = op.window.kernel[0], op.window.stride[0], op.out_shapes[0][-1]
    groups = f", {op.groups} groups" if op.groups > 1 else ""
    return f"{op.out_shapes[0][1]} of {kernel}×{kernel}/{stride}{groups} → {size}×{size}"


@once
def zf_fields(later: str) -> dict[str, str]:
    """A ZFNet against the AlexNet of 2012 in numbers."""
    alexnet, zfnet, larger = (analysis(preset) for preset in ZF)
    first, second = (weight_layers(preset)[0] for preset in ZF[:2])
    grown = {quantity: f"{times:.2f}" for quantity, times in growths(later).items()}
    return grown | {"later": later, "zfnet": zfnet.image, "alexnet": alexnet.image,
                    "before": f"{first.out_shapes[0][-1]}", "after": f"{second.out_shapes[0][-1]}",
                    "larger": f"{larger.macs / alexnet.macs:.2f}"}


ERRORS = pd.DataFrame([
    ("AlexNet, one network", 40.7, 18.2),
    ("ZFNet, one network as in Fig. 3", 38.4, 16.5),
    ("ZFNet with 512, 1024, 512 filters in layers 3 to 5", 37.5, 16.0),
], columns=["Network", "Top-1 error, %", "Top-5 error, %"])
"""Zeiler, Fergus 2013, Table 2, ILSVRC 2012, validation set."""
