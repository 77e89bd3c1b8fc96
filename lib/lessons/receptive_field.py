"""Receptive fields: what an output can see, layer by layer, and how much of that it really listens to at initialisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import lib
from lib import catalog
from lib.analysis import Analysis, Layer
from lib.analysis.atlas import totals
from lib.analysis.block import Block, run_block
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.resnet import BasicBlock, PlainBasicBlock, initialize
from lib.once import once
from lib.trace import Pair

NETWORKS = ("vgg16", "resnet18", "resnet34", "resnet50", "plain18", "plain34")
STAGES = (1, 2, 3, 4, 5)
NETWORK, STAGE, SEED = Choice(NETWORKS, "resnet18"), Choice(STAGES, 3), Choice((0, 1, 2, 3, 4), 0)
STRIDED, SHORTCUTS = Choice((0, 1, 2), 0), Choice((False, True), False)
NARROW = 8
"""Channels of the first stage of a network whose gradient is measured: the field does not depend on the width."""


@once
def analysis(preset: str) -> Analysis:
    """The network as published, 224 pixels."""
    return lib.analyze(preset)


@once
def stage_names(preset: str) -> list[str]:
    """The stages before the head."""
    return list(dict.fromkeys(op.stage for op in analysis(preset).ops if op.stage != "head"))


@once
def stage_ends(preset: str) -> list[Layer]:
    """The last op of each of those stages."""
    return [[op for op in analysis(preset).ops if op.stage == name][-1] for name in stage_names(preset)]


@once
def layers(preset: str, stage: int) -> pd.DataFrame:
    """How the field grows, a row for each window on the way to the end of a stage (counted from 1): r + (k - 1)·j."""
    last, rows, way = stage_ends(preset)[stage - 1].index, [], analysis(preset).ops
    for op in way[:last + 1]:
        if op.window:
            before = way[op.inputs[0]].field if op.inputs[0] >= 0 else None
            size, jump = (before.side, max(before.jump)) if before else (1, 1)
            kernel, stride = op.window.kernel[0], op.window.stride[0]
            rows.append((op.stage, op.name, f"{kernel}×{kernel}", stride, f"{size} + ({kernel} − 1)·{jump} = {op.field.side}",
                         f"{jump}·{stride} = {max(op.field.jump)}"))
    return pd.DataFrame(rows, columns=["Stage", "Layer", "Kernel", "Stride", "Field, px", "Jump, px"])


class Stacks(dict[str, Block]):
    """Blocks by their name."""

    @once
    def table(self) -> pd.DataFrame:
        """Field, weights and multiply-adds of each stack, and of each as a share of the single kernel's before it."""
        rows, single = [], None
        for name, block in self.items():
            single = block if len(block.convolutions) == 1 else single
            rows.append((name, f"{block.ops[-1].field.side} px", f"{block.weights:,}", f"{block.macs:,}",
                         f"{block.weights / single.weights:.1%}"))
        return pd.DataFrame(rows, columns=["Stack", "Field", "Weights", "MACs", "Of the single"])


MAP = 56


@once
def stacks(channels: int) -> Stacks:
    """One 5x5 and two 3x3, one 7x7 and three 3x3, all from `channels` to `channels` on MAP x MAP maps."""
    def stack(kernel: int, count: int) -> nn.Sequential:
        convolutions = [nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False) for _ in range(count)]
        return nn.Sequential(*(layer for convolution in convolutions for layer in (convolution, nn.ReLU())))

    return Stacks({name: run_block(lambda: stack(kernel, count), channels, MAP) for name, kernel, count in (
        ("One 5×5", 5, 1), ("Two 3×3", 3, 2), ("One 7×7", 7, 1), ("Three 3×3", 3, 3))})


@dataclass(frozen=True, eq=False)
class Effective:
    """How strongly an output in the middle of a map depends on the pixels of the image.

    `values` (rows, columns) are means of |gradient| over cells of `cell` x `cell` pixels, the largest being 1. `theory` are
    the (first, last) pixels of the theoretical field, which is a square. `half` and `most` are the sides of the centred
    squares that hold 50 and 95 percent of the gradient, at most the image's; `outside` is its largest value outside the
    theoretical field. `columns` is the gradient of each column of pixels, as a share, and `gauss` a Gaussian of the same
    mean and variance.
    """

    values: np.ndarray
    cell: int
    image: int
    theory: Pair
    half: int
    most: int
    outside: float
    columns: tuple[float, ...]
    gauss: tuple[float, ...]

    @property
    def size(self) -> int:
        """Side of the theoretical field, in pixels."""
        return self.theory[1] - self.theory[0] + 1

    def square(self, side: int) -> Pair:
        """(first, last + 1) pixel of a square of this side in the middle of the theoretical field."""
        first = (self.theory[0] + self.theory[1] + 1 - side) / 2
        return first, first + side

    def fields(self) -> dict[str, object]:
        """The numbers that the text speaks of."""
        return {"theory": self.size, "half": self.half, "most": self.most, "image": self.image, "outside": f"{self.outside:g}",
                "area": f"{100 * (self.half / self.size)**2:.1f}"}


MOST_CELLS = 112
IMAGES = 2


def summarize(gradient: Tensor, theory: Pair) -> Effective:
    """An `Effective` from the mean |gradient| of each pixel, (side, side), and the theoretical field along one axis."""
    side = gradient.shape[0]
    first, last = theory
    away = (torch.arange(side) - (first + last) / 2).abs()
    distance = torch.maximum(away[:, None], away[None, :])
    reached = [(min(int(2 * far) + 1, side), gradient[distance <= far].sum().item()) for far in distance.unique().tolist()]
    total = reached[-1][1]
    columns = gradient.sum(0) / total
    places = torch.arange(side)
    mean = (places * columns).sum()
    variance = ((places - mean)**2 * columns).sum()
    gauss = torch.exp(-(places - mean)**2 / (2 * variance))
    cell = -(-side // MOST_CELLS)
    values = F.avg_pool2d(gradient[None, None], cell)[0, 0]
    return Effective(
        (values / values.max()).round(decimals=4).numpy(), cell, side, theory,
        *(next(size for size, sum in reached if sum >= share * total) for share in (0.5, 0.95)),
        gradient[distance > (last - first) / 2].max().item() if (distance > (last - first) / 2).any() else 0.0,
        tuple(columns.tolist()), tuple((gauss / gauss.sum()).tolist()))


def backpropagate(output: Tensor, images: Tensor) -> Tensor:
    """Mean |gradient| of the output in the middle of the map for every pixel of the images: (N, C, h, w) and
    (N, 3, H, W) to (H, W). The channels are mixed at random, another mixture for each image."""
    middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    gradient, = torch.autograd.grad((middle * torch.randn_like(middle)).sum(), images, retain_graph=True)
    return gradient.abs().mean((0, 1))


def of_network(preset: str, stage: int, seed: int, *, progress: Progress = quiet) -> Effective:
    """The effective field at the end of a stage (counted from 1) of a real network with its initial weights, built
    NARROW channels wide. It runs in eval mode: the statistics of a batch would tie every pixel to every other."""
    family, knobs = catalog.get(preset), catalog.configure(preset, {"width": NARROW, "num_classes": 10})
    end, module = stage_ends(preset)[stage - 1], list(family.stages(knobs)[stage - 1].modules)[-1]
    outputs: list[Tensor] = []
    with seeded(seed):
        network = family.build(knobs).eval().requires_grad_(False)
        images = torch.randn(IMAGES, 3, knobs.input_size, knobs.input_size, requires_grad=True)
        progress(0.3)
        network.get_submodule(module).register_forward_hook(lambda module, inputs, output: outputs.append(output))
        network(images)
        progress(0.6)
        gradient = backpropagate(outputs[0], images)
    return summarize(gradient, end.field.middle()[1])


CHAIN_WIDTH, CHAIN_IMAGES = 8, 4
DEEPEST = 8


def chain(depth: int, strided: int, shortcuts: bool) -> nn.Sequential:
    """Blocks of two 3x3 convolutions; the first `strided` of them halve the map."""
    block = BasicBlock if shortcuts else PlainBasicBlock
    blocks = nn.Sequential(*(block(CHAIN_WIDTH if index else 3, CHAIN_WIDTH, stride=2 if index < strided else 1)
                             for index in range(depth)))
    initialize(blocks)
    return blocks


@once
def chain_analysis(depth: int, strided: int, shortcuts: bool, side: int = 256) -> Block:
    """The same chain on the meta device."""
    return run_block(lambda: chain(depth, strided, shortcuts), 3, side)


def chain_field(depth: int, strided: int, shortcuts: bool, side: int = 256) -> Pair:
    """The theoretical field of the output in the middle: first and last pixel."""
    end = chain_analysis(depth, strided, shortcuts, side).ops[-1]
    return end.field.middle()[1]


def of_chain(strided: int, shortcuts: bool, seed: int, *, progress: Progress = quiet) -> tuple[Effective, ...]:
    """The effective field after each block of the deepest chain, on an image that holds its theoretical field."""
    first, last = chain_field(DEEPEST, strided, shortcuts)
    step = 2**(strided + 1)
    side = -(-(last - first + 1 + step) // step) * step
    found: list[Effective] = []
    with seeded(seed):
        blocks = chain(DEEPEST, strided, shortcuts).eval().requires_grad_(False)
        images = x = torch.randn(CHAIN_IMAGES, 3, side, side, requires_grad=True)
        for depth, block in enumerate(blocks, 1):
            x = block(x)
            found.append(summarize(backpropagate(x, images), chain_field(depth, strided, shortcuts, side)))
            progress(depth / DEEPEST)
    return tuple(found)


@once
def by_depth(found: tuple[Effective, ...]) -> pd.DataFrame:
    """The chain block by block."""
    rows = [(2 * depth, each.size, each.half, each.most, f"{each.half / each.size:.0%}") for depth, each in enumerate(found, 1)]
    return pd.DataFrame(rows, columns=["3×3", "Theory, px", "Half, px", "95 %, px", "Half / theory"])


LISTED = ("alexnet", "vgg16", "vgg19", "mobilenetv1_100", "googlenet", "resnet50", "resnet18", "resnet50_v1", "mobilenet_v2",
          "shufflenet_v2_x1_0", "bn_inception", "resnet34", "resnet101", "inception_v3", "resnet152")
PUBLISHED = {"alexnet": 195, "vgg16": 212, "mobilenetv1_100": 315, "resnet50_v1": 483, "bn_inception": 699,
             "inception_v3": 1311}
"""Araujo, Norris, Sim 2019, the table of receptive fields that goes with the article (TensorFlow-slim's networks)."""


@once
def listed() -> pd.DataFrame:
    """Networks by the side of their field before the head, beside their own image."""
    rows = []
    for preset in LISTED:
        found = totals(preset)
        rows.append((preset, found.weight_layers, found.input_size, found.receptive_field,
                     f"{found.receptive_field / found.input_size:.2f}", f"{PUBLISHED.get(preset, '')}"))
    table = pd.DataFrame(rows, columns=["Network", "Weight layers", "Image, px", "Field, px", "Field / image", "Published"])
    return table.sort_values("Field, px", ignore_index=True)


def outgrown(table: pd.DataFrame) -> dict[str, object]:
    """The numbers that the text about the list speaks of."""
    return {"count": len(table), "outgrown": int((table["Field, px"] > table["Image, px"]).sum()),
            "paper": totals("resnet50_v1").receptive_field, "torchvision": totals("resnet50").receptive_field}


MEASUREMENTS = (Measurement(of_network, (NETWORK, STAGE, SEED)), Measurement(of_chain, (STRIDED, SHORTCUTS, SEED)))
