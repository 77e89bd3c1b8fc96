"""Inception modules built for real: cost by branch, growth, the stem, large kernels taken apart, auxiliary classifiers."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.analysis import Analysis, Layer
from lib.analysis.block import Block, run_block
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.googlenet import Filters, Inception, NaiveInception
from lib.models.inception_v3 import Convolution
from lib.once import once

MEBI, MEGA = 2**20, 10**6
BRANCHES = {"branch1": "1×1", "branch2": "3×3", "branch3": "5×5", "branch4": "pooling"}
FILTERS = {
    "n1x1": (32, 64, 112, 128, 160, 192, 256, 384), "projection": (16, 32, 64, 128, 256),
    "reduce3x3": (16, 32, 64, 96, 112, 128, 144, 160, 192), "n3x3": (64, 128, 192, 208, 224, 256, 288, 320, 384),
    "reduce5x5": (8, 16, 24, 32, 48, 64, 96), "n5x5": (16, 32, 48, 64, 96, 128),
}
"""Possible filters; those of every row of the paper's Table 1 are among them."""
CHANNELS, SIZES = (64, 192, 256, 480, 512, 528, 832), (7, 14, 28, 56)


@once
def analysis(preset: str, **knobs: bool) -> Analysis:
    """The analysis of a whole network, kept."""
    return lib.analyze(preset, **knobs)


class Branch(NamedTuple):
    """One way through a module. `reduction` is the part of `macs` in the 1x1 beside a larger kernel or a pooling."""

    name: str
    weights: int
    macs: int
    reduction: int
    channels: int


class Modules(NamedTuple):
    """The naive module and the one with reductions, of the same filters on the same map."""

    naive: Block
    reduced: Block


@once
def modules(channels: int, size: int, filters: Filters) -> Modules:
    """Both modules of Fig. 2, run on a map of `channels` channels, `size` high and wide."""
    return Modules(*(run_block(lambda: module(channels, filters), channels, size) for module in (NaiveInception, Inception)))


def branches(module: Block) -> list[Branch]:
    """A module's cost, branch by branch, in the order in which they are concatenated."""
    found = []
    for (path, name), shape in zip(BRANCHES.items(), module.ops[-1].in_shapes):
        convolutions = [op for op in module.convolutions if op.name.startswith(path)]
        macs = sum(op.macs for op in convolutions)
        small = sum(op.macs for op in convolutions if op.window.kernel == (1, 1) and path != "branch1")
        weights = sum(op.params - op.out_shapes[0][1] for op in convolutions)
        found.append(Branch(name, weights, macs, small, shape[1]))
    return found


@once
def branch_table(modules: Modules) -> pd.DataFrame:
    """Both modules by branch: weights, multiply-adds, channels that go out. The last row sums."""
    naive, reduced = (branches(module) for module in modules)
    table = [(a.name, a.weights, b.weights, a.macs, b.macs, a.channels, b.channels) for a, b in zip(naive, reduced)]
    table.append(("all", *(sum(column) for column in list(zip(*table))[1:])))
    return pd.DataFrame(table, columns=["Branch", "Weights, naive", "Weights, reduced", "MACs, naive", "MACs, reduced",
                                        "Channels out, naive", "Channels out, reduced"])


def module_fields(modules: Modules) -> dict[str, str]:
    """The two modules in numbers."""
    naive, reduced = (branches(module) for module in modules)
    costs = [sum(branch.macs for branch in module) for module in (naive, reduced)]
    last = reduced[2]
    return {
        "size": modules[0].ops[0].in_shapes[0][-1], "channels": naive[3].channels,
        "naive": f"{costs[0]:,}", "reduced": f"{costs[1]:,}",
        "times": f"{costs[0] / costs[1]:.2f}",
        "fifth": f"{naive[2].macs:,}", "fifth_reduced": f"{last.macs:,}", "fifth_times": f"{naive[2].macs / last.macs:.1f}",
        "out": sum(branch.channels for branch in naive), "out_reduced": sum(branch.channels for branch in reduced),
        "projection": reduced[3].channels,
    }


@once
def rows() -> dict[str, dict[str, int]]:
    """The modules of GoogLeNet by their rows of Table 1: what goes in, and the filters, read off the real network."""
    found: dict[str, dict[str, int]] = {}
    places = {"branch1": "n1x1", "branch2.0": "reduce3x3", "branch2.1": "n3x3", "branch3.0": "reduce5x5", "branch3.1": "n5x5",
              "branch4.1": "projection"}
    for op in analysis("googlenet_2014").ops:
        row, _, place = op.name.removeprefix("inception").removesuffix(".conv").partition(".")
        if op.name.startswith("inception") and place in places:
            given = {"channels": op.in_shapes[0][1], "size": op.in_shapes[0][2]} if place == "branch1" else {}
            found.setdefault(row, {}).update(given | {places[place]: op.out_shapes[0][1]})
    return found


NETWORKS = ("googlenet_naive", "googlenet_2014")


@once
def growth() -> pd.DataFrame:
    """Channels after each module of GoogLeNet, with naive modules and with reductions."""
    outputs = [[op.out_shapes[0][1] for op in analysis(preset).ops if op.kind == "cat"] for preset in NETWORKS]
    return pd.DataFrame(dict(zip(("Module", *NETWORKS), (list(rows()), *outputs))))


@once
def growth_fields() -> dict[str, str]:
    """The whole networks in numbers."""
    naive, reduced = (analysis(preset) for preset in NETWORKS)
    return {"image": reduced.image, "last": int(growth().iloc[-1, 1]), "last_reduced": int(growth().iloc[-1, 2]),
            "macs": f"{naive.macs / reduced.macs:.1f}", "params": f"{naive.params / reduced.params:.1f}",
            "naive_params": f"{naive.params:,}", "reduced_params": f"{reduced.params:,}"}


STEMS = {"GoogLeNet": ("googlenet_2014", ("convolution 1", "max pool 1", "convolution 2", "max pool 2")),
         "VGG-16": ("vgg16", ("conv1_x", "conv2_x", "conv3_x"))}


@once
def stem(network: str) -> tuple[Layer, ...]:
    """The layers that bring a 224x224 image to 28x28."""
    preset, stages = STEMS[network]
    return tuple(op for op in analysis(preset).ops if op.stage in stages)


@once
def stem_networks() -> list[Analysis]:
    """The networks whose stems are compared."""
    return [analysis(preset) for preset, _ in STEMS.values()]


@once
def stem_macs() -> dict[str, dict[str, int]]:
    """Multiply-adds of both by the map that a convolution writes."""
    found = {network: {"224×224": 0, "112×112": 0, "56×56": 0} for network in STEMS}
    for network, sums in found.items():
        for op in stem(network):
            if op.kind == "conv2d":
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
        "GoogLeNet": texts[0], "VGG-16": texts[1], "Ratio": [f"{theirs / ours:.1f}" for ours, theirs in zip(googlenet, vgg)],
        "Slide, GoogLeNet": ["", "7.5", "124K", "418"], "Slide, VGG-16": ["42.9", "", "1.1M", "7485"]})


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


SHAPES = ("n×n", "stack of 3×3", "1×n, n×1")
KERNELS = (3, 5, 7)


class Factors(NamedTuple):
    """One n x n convolution and the two ways to take it apart; all see n x n cells."""

    kernel: int
    blocks: tuple[Block, Block, Block]


@once
def factors(channels: int, size: int) -> tuple[Factors, ...]:
    """Kernels of 3, 5 and 7, whole and taken apart, from `channels` to `channels` channels."""
    def chain(*kernels: tuple[int, int]) -> Block:
        return run_block(lambda: nn.Sequential(*(
            Convolution(channels, channels, (high, wide), padding=(high // 2, wide // 2)) for high, wide in kernels)),
            channels, size)

    return tuple(Factors(n, (chain((n, n)), chain(*[(3, 3)] * (n // 2)), chain((1, n), (n, 1)))) for n in KERNELS)


@once
def factor_table(factors: Sequence[Factors]) -> pd.DataFrame:
    """The three forms of each kernel: weights, multiply-adds, field, share of the whole kernel."""
    return pd.DataFrame([
        (f"{n}×{n}", shape.replace("n", str(n)), block.ops[-1].field.side, f"{block.weights:,}", f"{block.macs:,}",
         f"{block.weights / blocks[0].weights:.1%}")
        for n, blocks in factors for shape, block in zip(SHAPES, blocks)],
        columns=["Kernel", "As", "Sees, cells", "Weights", "MACs", "Of the whole kernel"])


@once
def double_fields() -> dict[str, str]:
    """BN-Inception with two 3x3 and with 5x5."""
    double, single = analysis("bn_inception"), analysis("bn_inception_5x5")
    return {"size": double.image, "double": f"{double.macs:,}",
            "single": f"{single.macs:,}", "share": f"{double.macs / single.macs:.0%}",
            "field": double.receptive_field, "field_single": single.receptive_field}


PAPERS = pd.DataFrame([
    ("Parallel branches, 1×1 reductions, two auxiliary classifiers", "1409.4842 (2014)", "Inception, GoogLeNet", "v1"),
    ("Batch normalisation, two 3×3 for the 5×5", "1502.03167 (2015)", "BN-Inception", "v2"),
    ("1×n and n×1 for n×n, a stem of 3×3, one auxiliary classifier with batch norm", "1512.00567 (2015)",
     "Inception-v2 and v3", "v3"),
], columns=["What", "arXiv", "Name in its paper", "Name in the Inception-v4 paper"])
"""Which paper did which. The last column is that of arXiv:1602.07261, introduction."""


# Auxiliary classifiers, measured.

STARTS = {"xavier": "Xavier", "he": "He", "small": "Gaussian"}
START, BATCH_NORM, SEED = Choice(tuple(STARTS), "xavier"), Choice((False, True), False), Choice(tuple(range(10)), 0)
WEIGHTS = ("0.1", "0.3", "1")
IMAGES, PIXELS = 4, 64
PARTS = ("conv1", "conv2", "conv3", *(f"inception{row}" for row in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")))


class Gradient(NamedTuple):
    """A part's weight gradients: squared norms of the main loss's and of the auxiliary losses', and their product."""

    part: str
    main: float
    auxiliary: float
    product: float

    def norm(self, weight: float) -> float:
        """Norm of the gradient of the main loss plus `weight` times both auxiliary losses."""
        return max(self.main + 2 * weight * self.product + weight**2 * self.auxiliary, 0.0) ** 0.5

    def times(self, weight: float) -> str:
        """How many times the main loss's norm that is."""
        ratio = self.norm(weight) / self.norm(0)
        return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2f}"


class Gradients(NamedTuple):
    """Part by part, from the image up, with the losses: main, of the classifier on 4d, of that on 4a."""

    parts: tuple[Gradient, ...]
    losses: tuple[float, float, float]


def gradients(start: str, batch_norm: bool, seed: int, progress: Progress = quiet) -> Gradients:
    """One pass of fresh GoogLeNet with auxiliary classifiers on random images and labels, backwards from each loss.

    In train mode, dropout apart: it would draw other units for every loss.
    """
    with seeded(seed):
        model = lib.build("googlenet_2014", batch_norm=batch_norm, auxiliary=True)
        initialize(model, start)
        images, labels = torch.randn(IMAGES, 3, PIXELS, PIXELS), torch.randint(1000, (IMAGES,))
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    progress(0.2)
    main, *auxiliary = (nn.functional.cross_entropy(logits, labels) for logits in model(images))
    progress(0.5)
    weights = {part: [m.weight for m in model.get_submodule(part).modules() if isinstance(m, nn.Conv2d)] for part in PARTS}
    of_main = _gradients(main, weights, keep=True)
    progress(0.75)
    of_auxiliary = _gradients(sum(auxiliary), weights)
    return Gradients(tuple(Gradient(part, float(a @ a), float(b @ b), float(a @ b)) for part, a, b in zip(
        PARTS, of_main, of_auxiliary)), tuple(loss.item() for loss in (main, *auxiliary)))


def _gradients(loss: Tensor, weights: dict[str, list[Tensor]], keep: bool = False) -> list[Tensor]:
    """The gradient of each part as one vector; 0 where the loss does not depend on a weight, as above a classifier."""
    every = [weight for part in weights.values() for weight in part]
    found = iter(torch.autograd.grad(loss, every, retain_graph=keep, allow_unused=True, materialize_grads=True))
    return [torch.cat([next(found).flatten() for _ in part]).double() for part in weights.values()]


def initialize(model: nn.Module, start: str) -> None:
    """Draw the weights anew: Xavier's, or AlexNet's Gaussian of 0.01; "he" leaves those of the project's models."""
    if start == "he":
        return
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            if start == "xavier":
                nn.init.xavier_uniform_(module.weight)
            else:
                nn.init.normal_(module.weight, std=0.01)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@once
def gradient_table(gradients: Gradients, weight: float) -> pd.DataFrame:
    """Norms without and with the auxiliary losses, and their ratio."""
    return pd.DataFrame([
        (part.part, f"{part.norm(0):.2e}", f"{part.norm(weight):.2e}", part.times(weight))
        for part in gradients.parts], columns=["Part", "Main loss alone", "With auxiliary losses", "Ratio"])


@once
def gradient_fields(gradients: Gradients, weight: float) -> dict[str, str]:
    """The first convolution and a late module in numbers."""
    first, last = gradients.parts[0], gradients.parts[-1]
    main, upper, lower = gradients.losses
    return {"first": f"{first.norm(0):.1e}", "last": f"{last.norm(0):.1e}", "with": f"{first.norm(weight):.1e}",
            "ratio": first.times(weight), "weight": weight, "main": f"{main:.2f}",
            "upper": f"{upper:.2f}", "lower": f"{lower:.2f}"}


@once
def auxiliary_fields() -> dict[str, str]:
    """What the two classifiers add to the network."""
    plain, full = analysis("googlenet_2014"), analysis("googlenet_2014", auxiliary=True)
    return {"params": f"{plain.params:,}", "full": f"{full.params:,}", "added": f"{full.params - plain.params:,}",
            "macs": f"{full.macs / plain.macs - 1:.1%}", "images": IMAGES, "pixels": PIXELS}


MEASUREMENTS = (Measurement(gradients, (START, BATCH_NORM, SEED)),)
