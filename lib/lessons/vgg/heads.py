"""How a VGG ends: its linear layers against smaller heads, and what images of other sizes do to them."""

from typing import NamedTuple

import pandas as pd
from torch import nn

from lib.analysis import Layer
from lib.analysis.block import run_block
from lib.lessons.vgg.networks import MEBI, analysis
from lib.models.heads import Head, head
from lib.models.vgg import DEPTHS, VGG, kernels
from lib.once import once
from lib.trace import ImpossibleShape, numel, shape_text

IMAGES = (32, 56, 84, 112, 224)
OWN, FLAT, AVERAGE = "VGG: three linear layers", "Flatten, one linear layer", "Global average, one linear layer"


class Ending(NamedTuple):
    """A way to end the network: its name and the weights of its linear layers, biases apart."""

    name: str
    weights: int


@once
def endings(depth: int, width: int, classes: int) -> tuple[Ending, Ending, Ending]:
    """VGG's three linear layers; the same 7x7 map flattened into one; its global average into one."""
    network = analysis(f"vgg{depth}", width=width, num_classes=classes)
    channels = [op.out_shapes[0][1] for op in network.ops if op.kind == "conv2d"][-1]

    def one(kind: Head) -> int:
        return _linear_weights(run_block(lambda: nn.Sequential(*_flattened(kind, channels, classes)), channels, 7).ops)

    return Ending(OWN, _linear_weights(network.ops)), Ending(FLAT, one("flatten")), Ending(AVERAGE, one("average"))


def _flattened(kind: Head, channels: int, classes: int) -> tuple[nn.Module, ...]:
    pooling, linear = head(kind, channels, classes)
    return pooling, nn.Flatten(), linear


def _linear_weights(ops: tuple[Layer, ...]) -> int:
    return sum(numel(op.weights[0][1]) for op in ops if op.kind == "linear")


@once
def ending_table(endings: tuple[Ending, ...]) -> pd.DataFrame:
    """The endings and how many times the last one's weights each has."""
    return pd.DataFrame([(ending.name, f"{ending.weights:,}", f"{ending.weights / endings[-1].weights:.1f}")
                         for ending in endings], columns=["Ending", "Weights", "Times the last"])


class Plain(NamedTuple):
    """What a VGG without adaptive pooling does with an image. It `stops` at a `map` that is too small or at the first
    `linear` layer, or `runs`; `why` says what did not fit."""

    stops: str
    why: str


def plain_vgg(depth: int) -> nn.Module:
    """A VGG as the paper has it: the last map goes into fc6 as it is."""
    network = VGG(kernels(DEPTHS[depth]))
    return nn.Sequential(network.features, nn.Flatten(), network.classifier)


@once
def plain(depth: int, image: int) -> Plain:
    """Run it on an image of image x image pixels."""
    try:
        run_block(lambda: plain_vgg(depth), 3, image)
    except ImpossibleShape as error:
        return Plain("linear" if error.op.kind == "linear" else "map", str(error))
    return Plain("runs", "")


def before_head(depth: int, image: int) -> Layer:
    """The adaptive pooling between last map and linear layers. Raises `Impossible` for an image that leaves no map."""
    return next(op for op in analysis(f"vgg{depth}", input_size=image).ops if op.kind.startswith("adaptive"))


def transcript(depth: int, image: int) -> str:
    """What the plain network and the one with adaptive pooling do with an image, line by line."""
    pooling, found = before_head(depth, image), plain(depth, image)
    outcome = "runs" if found.stops == "runs" else f"stops: fc6 {found.why}"
    return (f"image 3×{image}×{image}\nlast map {shape_text(pooling.in_shapes[0])}\n\n"
            f"without adaptive pooling\nflatten → fc6\n{outcome}\n\n"
            f"with adaptive pooling\n→ {pooling.output} → flatten → fc6\nruns")


@once
def image_table(depth: int) -> pd.DataFrame:
    """What a VGG with adaptive pooling costs at each size of image, and whether a plain one takes it."""
    whole = analysis(f"vgg{depth}")
    table = []
    for image in IMAGES:
        network, last = analysis(f"vgg{depth}", input_size=image), before_head(depth, image).in_shapes[0]
        memory = network.activation_bytes
        table.append((f"{image} × {image}", shape_text(last),
                      "runs" if plain(depth, image).stops == "runs" else "stops at fc6",
                      f"{network.macs:,} ({network.macs / whole.macs:.1%})",
                      f"{memory / MEBI:.2f} ({memory / whole.activation_bytes:.1%})", f"{network.params:,}"))
    return pd.DataFrame(table, columns=["Image", "Last map", "Plain network", "MACs (of those at 224)",
                                        "Memory, MiB (of that at 224)", "Parameters"])
