"""Squeeze and excitation, selective kernels and split attention: their blocks, and their gates on a picture.

Zhang et al., "ResNeSt: Split-Attention Networks", 2020, Fig. 1 puts the three blocks side by side.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

import lib
from lib.analysis import Layer
from lib.analysis.block import Block, run_block
from lib.lessons.pictures import OBJECTS, drawn, zoomed
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.resnest import ROWS, TABLE, ResNeStBottleneck, SplitAttention
from lib.models.resnet import initialize
from lib.models.resnet_tweaks import deep_stem
from lib.models.senet import SEBottleneck
from lib.models.sknet import SelectiveKernel, SKUnit
from lib.once import once

SIDE, OBJECT = 224, 96
"""Height and width of a picture, and of the object in one that is drawn here, in pixels."""
SIZE = 64
"""Pixels that a picture is reduced to before it is measured: enough for conv2_x, and quick."""
ZOOMS = (100, 120, 140, 160, 180, 200)
SEEDS = (0, 1, 2, 3)
PICTURE, ZOOM, STRENGTH, SEED = Choice(tuple(OBJECTS), "ball"), Choice(ZOOMS, 100), Choice((1, 4, 16, 64), 16), Choice(SEEDS, 0)
BRANCHES, RADIX, CARDINALITY = Choice((2, 3), 2), Choice((1, 2, 4), 2), Choice((1, 2, 4), 1)
MAP = 56
"""Height and width of the maps of the drawn blocks."""
WIDTHS = {1: 64, 2: 40, 4: 24}
"""Channels of one cardinal group for each cardinality, as in the authors' ablation."""
GIGA = 10**9


class Blocks(NamedTuple):
    """The first blocks that keep their width, of conv2_x, in networks of 50 layers."""

    se: Block
    sk: Block
    split: Block

    @once
    def table(self, names: list[str]) -> pd.DataFrame:
        """What the three cost: convolutions with the two small layers that decide. One column a block."""
        rows = {"Parameters": [block.params for block in self],
                "… in the two layers that decide": [sum(op.params for op in _decide(block)) for block in self],
                "MACs": [block.macs for block in self],
                "… of the two layers that decide": [sum(op.macs for op in _decide(block)) for block in self]}
        return pd.DataFrame({"Quantity": list(rows)} | {
            name: [f"{values[index]:,}" for values in rows.values()] for index, name in enumerate(names)})


def _decide(block: Block) -> list[Layer]:
    """The two small layers from which the gates come: the convolutions on a map of a single cell."""
    return [op for op in block.convolutions if op.out_shapes[0][2:] == (1, 1)]


def se_block(channels: int) -> SEBottleneck:
    """SE-ResNet-50's block of conv2_x on this many channels."""
    return SEBottleneck(channels, 64)


def sk_block(channels: int, branches: int) -> SKUnit:
    """SKNet-50's unit of conv2_x: 32 groups of 4 channels in each of its kernels."""
    return SKUnit(channels, 64, sk=partial(SelectiveKernel, groups=32, branches=branches), width=128)


def split_block(channels: int, radix: int, cardinality: int) -> ResNeStBottleneck:
    """ResNeSt-50's block of conv2_x."""
    return ResNeStBottleneck(channels, 64, radix=radix, cardinality=cardinality, base_width=WIDTHS[cardinality])


@once
def blocks(branches: int, radix: int, cardinality: int) -> Blocks:
    """The three blocks on 256 maps of 56 x 56 cells: SK with `branches` kernels, ResNeSt's with radix and cardinality."""
    channels, size = 256, MAP
    return Blocks(run_block(lambda: se_block(channels), channels, size),
                  run_block(lambda: sk_block(channels, branches), channels, size),
                  run_block(lambda: split_block(channels, radix, cardinality), channels, size))


def kernels(branches: int) -> list[str]:
    """The kernels of an SK convolution by what they span: a 3x3, and the same with holes."""
    return [f"{2 * dilation + 1}×{2 * dilation + 1}" for dilation in range(1, branches + 1)]


class Gates(NamedTuple):
    """The weights that one picture gets in the first block of each network, as arrays (branches, channels)."""

    se: np.ndarray
    sk: np.ndarray
    split: np.ndarray

    def sums(self) -> dict[str, str]:
        """Between what SK's sums over the branches lie, over all channels."""
        sums = self.sk.sum(0)
        return {"sk_low": f"{sums.min():.4f}", "sk_high": f"{sums.max():.4f}"}

    @once
    def table(self, channels: int) -> pd.DataFrame:
        """The first channels' weights, a row each, with the sum over the branches."""
        columns = {"Channel": range(1, channels + 1), "SE gate": self.se[0, :channels]}
        for name, weights, branches in (("SK", self.sk, kernels(len(self.sk))),
                                        ("split", self.split, range(1, len(self.split) + 1))):
            columns |= {f"{name} {branch}": row[:channels] for branch, row in zip(branches, weights)}
            columns[f"{name} sum"] = weights[:, :channels].sum(0)
        return pd.DataFrame(columns).map(_written)


def gates(picture: str | bytes, zoom: int, strength: int, seed: int, branches: int, radix: int, cardinality: int, *,
          progress: Progress = quiet) -> Gates:
    """The gates of the three networks, their weights drawn with `seed`, on a picture enlarged to `zoom` %: one that is
    drawn here, by its name, or a PNG file."""
    image, found = _images(picture, (zoom,)), []
    for build in (se_block, partial(sk_block, branches=branches), partial(split_block, radix=radix, cardinality=cardinality)):
        found.append(_weights(build, seed, strength, image)[0])
        progress(len(found) / 3)
    return Gates(*found)


class Drift(NamedTuple):
    """SK weights while the object grows, an array (seeds, zooms, branches, channels)."""

    weights: np.ndarray

    @property
    def widest(self) -> np.ndarray:
        """The mean over all channels of the widest kernel's weight: (seeds, zooms)."""
        return self.weights[:, :, -1].mean(-1)

    def fields(self, seed: int) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        first, last = self.weights[seed, 0, -1], self.weights[seed, -1, -1]
        change = self.widest[:, -1] - self.widest[:, 0]
        branches = self.weights.shape[2]
        return {"seed": seed, "kernel": kernels(branches)[-1], "channels": len(first), "even": f"{1 / branches:.3f}",
                "rising": int((last > first).sum()), "falling": int((last < first).sum()), "draws": len(change),
                "up": int((change > 0).sum()), "down": int((change < 0).sum()),
                "before": f"{self.widest[seed, 0]:.4f}", "after": f"{self.widest[seed, -1]:.4f}"}

    @once
    def table(self) -> pd.DataFrame:
        """The widest kernel's mean weight, a row for each seed, a column for each zoom."""
        table = pd.DataFrame(self.widest, columns=[f"{zoom} %" for zoom in ZOOMS]).map(_written)
        table.insert(0, "Seed", SEEDS)
        return table


def drift(picture: str | bytes, strength: int, branches: int, *, progress: Progress = quiet) -> Drift:
    """The first SK unit's weights for every zoom of a picture, under four draws of the network's weights."""
    images, found = _images(picture, ZOOMS), []
    for seed in SEEDS:
        found.append(_weights(partial(sk_block, branches=branches), seed, strength, images))
        progress(len(found) / len(SEEDS))
    return Drift(np.stack(found))


def _written(number: int | float) -> str:
    return f"{number}" if isinstance(number, int) else f"{number:.4f}"


def _images(picture: str | bytes, zooms: tuple[int, ...]) -> Tensor:
    """(zooms, 3, SIZE, SIZE), near mean 0 and deviation 1, as the networks are fed."""
    shown = drawn(picture, SIDE, OBJECT) if isinstance(picture, str) else Image.open(BytesIO(picture)).convert("RGB")
    small = [zoomed(shown, zoom).resize((SIZE, SIZE)) for zoom in zooms]
    pixels = torch.from_numpy(np.stack([np.array(each, np.float32) for each in small]))
    return (pixels.permute(0, 3, 1, 2) / 255 - 0.45) / 0.225


def _weights(build: Callable[[int], nn.Module], seed: int, strength: int, images: Tensor) -> np.ndarray:
    """(images, branches, channels): what the first block of conv2_x multiplies its branches with.

    The weights of the stem and the block are drawn, not trained. The last layer's output is multiplied by `strength`
    before the sigmoid or the softmax.
    """
    with seeded(seed):
        block = build(64)
        first = deep_stem(64) if isinstance(block, ResNeStBottleneck) else nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        network = nn.Sequential(first, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), block).eval()
        initialize(network)
    found = []
    if isinstance(block, SEBottleneck):
        last, gate, of = block.se.fc2, block.se.sigmoid, lambda output: output[:, None]
    elif isinstance(block, SKUnit):
        last, gate, of = block.conv2.attn.fc_select, block.conv2.attn, lambda output: output
    else:
        last = gate = block.conv2.fc2
        of = block.conv2.weights
    last.register_forward_hook(lambda module, inputs, output: output * strength)
    gate.register_forward_hook(lambda module, inputs, output: found.append(of(output)))
    with torch.inference_mode():
        network(images)
    return found[0].flatten(2).numpy()


class Group(NamedTuple):
    """One group of the 3x3 of split attention: which split and which cardinal group it is, and its channels (first, last)
    counted from 1: what it reads, what it gives, and to which of the block's channels that is added."""

    split: int
    cardinal: int
    reads: tuple[int, int]
    gives: tuple[int, int]
    joins: tuple[int, int]


@once
def groups(radix: int, cardinality: int) -> tuple[Group, ...]:
    """The R K groups of the first split attention of ResNeSt-50, in the order in which the convolution has them."""
    channels = WIDTHS[cardinality] * cardinality
    convolution = SplitAttention(channels, radix, cardinality).conv
    read = convolution.in_channels // convolution.groups
    given = convolution.out_channels // convolution.groups
    return tuple(
        Group(split + 1, cardinal + 1, _range(split * cardinality + cardinal, read),
              _range(split * cardinality + cardinal, given), _range(cardinal, given))
        for split in range(radix) for cardinal in range(cardinality))


def _range(index: int, width: int) -> tuple[int, int]:
    return index * width + 1, (index + 1) * width


@once
def group_table(found: tuple[Group, ...]) -> pd.DataFrame:
    """The groups in words."""
    return pd.DataFrame([{
        "Group": number, "Split": group.split, "Cardinal group": group.cardinal,
        "Reads channels": f"{group.reads[0]}–{group.reads[1]}", "Gives channels": f"{group.gives[0]}–{group.gives[1]}",
        "Added into channels": f"{group.joins[0]}–{group.joins[1]}"} for number, group in enumerate(found, 1)])


@once
def ablation() -> pd.DataFrame:
    """The authors' own table of radix and cardinality: s is the radix, x the cardinality, d the width of a group."""
    return pd.DataFrame([{"Setting": row, "Parameters": f"{params / 10:.1f} M", "FLOPs (MACs)": f"{macs / 100:.2f} G",
                          "Top-1 accuracy": f"{accuracy:.2f} %"} for row, (params, macs, accuracy) in ROWS.items()])


ABLATION = f"{TABLE}, 2020; 50 layers, fast variants, PyTorch, one 224-pixel crop"


@once
def price() -> dict[str, object]:
    """What split attention adds to ResNet-50-D."""
    before, after = lib.analyze("resnet50d"), lib.analyze("resnest50d")
    return {name: f"{value:,}" for name, value in (
        ("params_before", before.params), ("params_after", after.params))} | {
        "size": before.image, "macs_before": f"{before.macs / GIGA:.2f}", "macs_after": f"{after.macs / GIGA:.2f}"}


def squeezed(found: Blocks) -> dict[str, object]:
    """How many numbers each block decides from, and how many weights it then gives out."""
    def layers(block: Block) -> tuple[int, int]:
        first, last = _decide(block)
        return first.out_shapes[0][1], last.out_shapes[0][1]

    (se, se_out), (sk, sk_out), (split, split_out) = map(layers, found)
    return {"se": se, "se_out": se_out, "sk": sk, "sk_out": sk_out, "split": split, "split_out": split_out}


MEASUREMENTS = (Measurement(gates, (PICTURE, ZOOM, STRENGTH, SEED, BRANCHES, RADIX, CARDINALITY)),
                Measurement(drift, (PICTURE, STRENGTH, BRANCHES)))
