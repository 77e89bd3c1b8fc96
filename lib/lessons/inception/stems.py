"""The stem, from 224x224 to 28x28: GoogLeNet's beside VGG-16's."""

from typing import NamedTuple

import pandas as pd

import lib
from lib.analysis import Analysis, Layer
from lib.lessons.inception.networks import analysis
from lib.once import once

MEBI, MEGA = 2**20, 10**6
STEMS = {"GoogLeNet": ("googlenet_2014", ("convolution 1", "max pool 1", "convolution 2", "max pool 2")),
         "VGG-16": ("vgg16", ("conv1_x", "conv2_x", "conv3_x"))}
COMPARED = 2
"""Of VGG-16's layers, the first two are compared with GoogLeNet's three."""


@once
def stem(network: str) -> tuple[Layer, ...]:
    """The layers that bring a 224x224 image to 28x28."""
    preset, stages = STEMS[network]
    return tuple(op for op in analysis(preset).ops if op.stage in stages)


def stem_networks() -> list[Analysis]:
    """The networks whose stems are compared."""
    return [analysis(preset) for preset, _ in STEMS.values()]


def convolutions(network: str) -> list[Layer]:
    """The convolutions of a stem, from the image on."""
    return [op for op in stem(network) if op.kind == "conv2d"]


@once
def first_layers() -> dict[str, Layer]:
    """GoogLeNet's three convolutions down to 28x28, and the first two of VGG-16, each by what it is."""
    chosen = [("GoogLeNet", op) for op in convolutions("GoogLeNet")]
    chosen += [("VGG-16", op) for op in convolutions("VGG-16")[:COMPARED]]
    return {_described(network, op): op for network, op in chosen}


def _described(network: str, op: Layer) -> str:
    (_, shape), *_bias = op.weights
    stride = f"/{op.window.stride[0]}" if op.window.stride[0] > 1 else ""
    map_ = "×".join(map(str, op.out_shapes[0][2:]))
    return f"{network} {shape[2]}×{shape[3]}{stride}, {shape[1]}→{shape[0]}, at {map_}"


@once
def stem_macs() -> dict[str, dict[str, int]]:
    """Multiply-adds of both by the map that a convolution writes."""
    found = {network: {"224×224": 0, "112×112": 0, "56×56": 0} for network in STEMS}
    for network, sums in found.items():
        for op in convolutions(network):
            sums["×".join(map(str, op.out_shapes[0][2:]))] += op.macs
    return found


class Stem(NamedTuple):
    """A stem's sums: MiB that convolutions write, MiB with poolings, parameters, multiply-adds."""

    outputs: float
    with_poolings: float
    params: int
    macs: int


@once
def stem_sums(network: str) -> Stem:
    """The sums over the layers from 224x224 to 28x28. Response normalisation, which only GoogLeNet has, is left out."""
    def written(*kinds: str) -> float:
        return sum(op.activation_bytes for op in stem(network) if op.kind in kinds) / MEBI

    return Stem(written("conv2d"), written("conv2d", "max_pool2d"), sum(op.params for op in stem(network)),
                sum(op.macs for op in stem(network)))


@once
def stem_table() -> pd.DataFrame:
    """Both stems, their ratio, and what the lecture's slides print."""
    googlenet, vgg = stem_sums("GoogLeNet"), stem_sums("VGG-16")
    texts = [[f"{sums.outputs:.2f}", f"{sums.with_poolings:.2f}", f"{sums.params:,}", f"{sums.macs / MEGA:,.0f}"]
             for sums in (googlenet, vgg)]
    return pd.DataFrame({
        "Quantity": ["convolution outputs, MiB", "and pooling outputs, MiB", "parameters", "MACs, millions"],
        "GoogLeNet": texts[0], "VGG-16": texts[1],
        "Ratio": [f"{theirs / ours:.1f}" for ours, theirs in zip(googlenet, vgg)],
        "Slide, GoogLeNet": ["", "7.5", "124K", "418"], "Slide, VGG-16": ["42.9", "", "1.1M", "7485"]})


@once
def layer_table() -> pd.DataFrame:
    """The first layers with their weights and multiply-adds."""
    return pd.DataFrame([(name, op.params - op.out_shapes[0][1], op.out_shapes[0][2], op.macs)
                         for name, op in first_layers().items()], columns=["Layer", "Weights", "Writes a map of", "MACs"])


@once
def stem_fields() -> dict[str, str]:
    """The stems in numbers, and the VGG that the slides must have meant."""
    googlenet, vgg = stem_sums("GoogLeNet"), stem_sums("VGG-16")
    short = lib.analyze("vgg16", depths=(2, 2, 2, 3, 3))
    poolings = sum(op.other_operations for op in stem("GoogLeNet") if op.kind == "max_pool2d")
    drawn = sum(op.macs for op in short.ops if op.stage in STEMS["VGG-16"][1])
    return {"macs": f"{googlenet.macs / MEGA:.0f}", "vgg": f"{vgg.macs / MEGA:,.0f}",
            "times": f"{vgg.macs / googlenet.macs:.1f}",
            "drawn": f"{drawn / MEGA:.0f}", "pooled": f"{(googlenet.macs + poolings) / MEGA:.0f}",
            "first": f"{stem('GoogLeNet')[0].macs / MEGA:.0f}"}
