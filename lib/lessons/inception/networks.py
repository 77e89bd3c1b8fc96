"""GoogLeNet as a whole: its modules' rows, the growth of its maps, its poolings, its smallest image, its rivals."""

from typing import NamedTuple

import pandas as pd
from torch import nn

import lib
from lib.analysis import Analysis
from lib.analysis.block import Block, run_block
from lib.models.googlenet import Filters
from lib.once import once
from lib.trace import output_size


@once
def analysis(preset: str, **knobs: bool) -> Analysis:
    """The analysis of a whole network, kept."""
    return lib.analyze(preset, **knobs)


# The modules

@once
def rows() -> dict[str, dict[str, int]]:
    """The modules of GoogLeNet by their rows of Table 1: what goes in, and the filters, read off the real network."""
    found: dict[str, dict[str, int]] = {}
    places = {"branch1": "n1x1", "branch2.0": "reduce3x3", "branch2.1": "n3x3", "branch3.0": "reduce5x5",
              "branch3.1": "n5x5", "branch4.1": "projection"}
    for op in analysis("googlenet_2014").ops:
        row, _, place = op.name.removeprefix("inception").removesuffix(".conv").partition(".")
        if op.name.startswith("inception") and place in places:
            given = {"channels": op.in_shapes[0][1], "size": op.in_shapes[0][2]} if place == "branch1" else {}
            found.setdefault(row, {}).update(given | {places[place]: op.out_shapes[0][1]})
    return found


def filters(row: str) -> Filters:
    """The filters of a row."""
    return Filters(*(rows()[row][name] for name in Filters._fields))


NETWORKS = {"googlenet_naive": "all modules naive", "googlenet_2014": "with projections (GoogLeNet)"}


@once
def growth() -> pd.DataFrame:
    """Channels after each module of GoogLeNet, with naive modules and with reductions."""
    outputs = [[op.out_shapes[0][1] for op in analysis(preset).ops if op.kind == "cat"] for preset in NETWORKS]
    return pd.DataFrame(dict(zip(("Module", *NETWORKS.values()), (list(rows()), *outputs))))


@once
def growth_fields() -> dict[str, object]:
    """The whole networks in numbers."""
    naive, reduced = (analysis(preset) for preset in NETWORKS)
    return {"image": reduced.image, "last": int(growth().iloc[-1, 1]), "last_reduced": int(growth().iloc[-1, 2]),
            "macs": f"{naive.macs / reduced.macs:.1f}", "params": f"{naive.params / reduced.params:.1f}",
            "naive_params": f"{naive.params:,}", "reduced_params": f"{reduced.params:,}"}


# The poolings

class Pooling(NamedTuple):
    """A pooling of the network, and a convolution of the same window and stride that could take its place."""

    channels: int
    size: int
    pooling: Block
    convolution: Block


@once
def poolings() -> tuple[Pooling, ...]:
    """The four strided max poolings of GoogLeNet, each run on its own map beside a strided 3x3 convolution."""
    found = []
    for op in analysis("googlenet_2014").ops:
        if op.kind == "max_pool2d" and op.window.stride == (2, 2):
            _, channels, size, _ = op.in_shapes[0]
            found.append(Pooling(channels, size, run_block(lambda: nn.Sequential(
                nn.MaxPool2d(3, stride=2, ceil_mode=True)), channels, size), run_block(lambda: nn.Sequential(
                    nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False)), channels, size)))
    return tuple(found)


@once
def pooling_beside(pool: int) -> pd.DataFrame:
    """A pooling, from 1 to 4, beside the convolution in its place."""
    found = poolings()[pool - 1]
    table = {"Quantity": ["Map in", "Map out", "Weights", "MACs", "An output channel reads"]}
    for name, block, reads in (("3×3 max pooling", found.pooling, 1),
                               ("3×3 convolution", found.convolution, found.channels)):
        table[name] = [block.input, " × ".join(map(str, block.ops[-1].out_shapes[0][1:])), f"{block.weights:,}",
                       f"{block.macs:,}", f"{reads} of {found.channels} channels"]
    return pd.DataFrame(table)


@once
def pooling_table() -> pd.DataFrame:
    """The four poolings, and the convolutions in their places. One row a pooling."""
    return pd.DataFrame([
        (f"max pool {number}", f"{channels} × {size} × {size}", " × ".join(map(str, pooling.ops[-1].out_shapes[0][1:])),
         pooling.weights, convolution.weights, convolution.macs)
        for number, (channels, size, pooling, convolution) in enumerate(poolings(), 1)],
        columns=["Pooling", "Map in", "Map out", "Weights", "Weights of a convolution", "MACs of a convolution"])


# The smallest image

VERSIONS = {"googlenet_2014": "GoogLeNet (2014)", "googlenet": "torchvision's GoogLeNet", "bn_inception": "BN-Inception"}
LARGEST = 224


def sides(preset: str, image: int) -> dict[str, int]:
    """Height of the image, and of the map after each stage that has a stride; 0 where a window finds too few cells."""
    strided, side = {"image": image}, {-1: image}
    for op in analysis(preset).ops:
        given = side[op.inputs[0]]
        if given and (window := op.window):
            given = max(0, output_size(given, *(pair[0] for pair in (
                window.kernel, window.stride, window.padding, window.dilation)), window.ceil_mode))
        side[op.index] = given
        if op.window and op.window.stride != (1, 1):
            strided[op.stage] = given
    return strided


@once
def strided_layers(preset: str) -> str:
    """The kernels that halve the map, one for each stage: `7×7 (padding 3), 3×3 (up)`."""
    found = {}
    for op in analysis(preset).ops:
        if (window := op.window) and window.stride != (1, 1):
            edge = [*([f"padding {window.padding[0]}"] if window.padding[0] else []), *(["up"] if window.ceil_mode else [])]
            found[op.stage] = f"{window.kernel[0]}×{window.kernel[1]}" + (f" ({', '.join(edge)})" if edge else "")
    return ", ".join(found.values())


@once
def smallest_image(preset: str) -> int:
    """The side of the smallest image whose maps never shrink to nothing."""
    return next(image for image in range(1, LARGEST + 1) if all(sides(preset, image).values()))


@once
def sides_table(preset: str) -> pd.DataFrame:
    """The maps of a usual image, of the smallest one, and of one that is a pixel smaller."""
    smallest = smallest_image(preset)
    columns = {f"{image} pixels": list(sides(preset, image).values()) for image in (LARGEST, smallest, smallest - 1)}
    return pd.DataFrame({"After": list(sides(preset, LARGEST)), **columns})


# Against other networks

RIVALS = {"alexnet": "AlexNet", "googlenet_2014": "GoogLeNet", "googlenet_naive": "GoogLeNet, naive modules",
          "vgg16": "VGG-16"}
QUANTITIES = {"params": "parameters", "macs": "multiply-adds"}


@once
def cheapest_first(quantity: str) -> tuple[str, ...]:
    """The rivals, that with the smallest quantity first."""
    return tuple(sorted(RIVALS, key=lambda preset: getattr(analysis(preset), quantity)))


@once
def rival_table() -> pd.DataFrame:
    """The rivals' parameters and multiply-adds, and how often each weight works."""
    return pd.DataFrame([
        (name, found.params, found.macs, f"{found.macs / found.params:.0f}") for preset, name in RIVALS.items()
        for found in (analysis(preset),)], columns=["Network", "Parameters", "MACs", "MACs for each parameter"])


@once
def rival_fields() -> dict[str, object]:
    """GoogLeNet beside AlexNet in numbers."""
    ours, alexnet = analysis("googlenet_2014"), analysis("alexnet")
    return {"image": ours.image, "fewer": f"{alexnet.params / ours.params:.1f}", "more": f"{ours.macs / alexnet.macs:.2f}",
            "each": f"{ours.macs / ours.params:.0f}", "each_alexnet": f"{alexnet.macs / alexnet.params:.0f}"}
