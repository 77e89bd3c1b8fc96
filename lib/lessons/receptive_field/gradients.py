"""Effective receptive fields measured by backpropagation in real networks and in a chain of blocks, initial weights."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib import catalog
from lib.analysis.block import Block, run_block
from lib.lessons.receptive_field.effective import Effective
from lib.lessons.receptive_field.networks import stage_ends
from lib.measuring import Measured, Progress, quiet, seeded
from lib.models.resnet import BasicBlock, PlainBasicBlock, initialize
from lib.once import once
from lib.text import _
from lib.trace import Pair

NARROW = 8
"""Channels of the first stage of a network whose gradient is measured: the field does not depend on the width."""
SEEDS = (0, 1, 2, 3, 4)
PLAIN, RESIDUAL = "plain34", "resnet34"
MOST_CELLS = 112
IMAGES = 2


def summarize(gradient: Tensor, theory: Pair, rows: Pair | None = None) -> Effective:
    """An `Effective` from the mean |gradient| of each pixel, (H, W), and the (first, last) columns of the theoretical field;
    `rows` are its rows, unless they are the same."""
    height, side = gradient.shape
    (first, last), rows = theory, rows or theory
    down, across = ((torch.arange(count) - sum(ends) / 2).abs() for count, ends in ((height, rows), (side, theory)))
    distance = torch.maximum(down[:, None], across[None, :])
    reached = [(min(int(2 * far) + 1, max(height, side)), gradient[distance <= far].sum().item()) for far in distance.unique().tolist()]
    total = reached[-1][1]
    columns = gradient.sum(0) / total
    places = torch.arange(side)
    mean = (places * columns).sum()
    variance = ((places - mean)**2 * columns).sum()
    gauss = torch.exp(-(places - mean)**2 / (2 * variance))
    cell = -(-max(height, side) // MOST_CELLS)
    values = F.avg_pool2d(gradient[None, None], cell)[0, 0]
    return Effective(
        (values / values.max()).round(decimals=4).numpy(), cell, (height, side), theory, rows,
        *(next(size for size, sum in reached if sum >= share * total) for share in (0.5, 0.95)),
        gradient[distance > (last - first) / 2].max().item() if (distance > (last - first) / 2).any() else 0.0,
        tuple(columns.tolist()), tuple((gauss / gauss.sum()).tolist()))


def backpropagate(output: Tensor, images: Tensor) -> Tensor:
    """Mean |gradient| of the output in the middle of the map for every pixel of the images: (N, C, h, w) and
    (N, 3, H, W) to (H, W). The channels are mixed at random, another mixture for each image."""
    middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    gradient, = torch.autograd.grad((middle * torch.randn_like(middle)).sum(), images, retain_graph=True)
    return gradient.abs().mean((0, 1))


def of_network(network: str, stage: int, seed: int, *, progress: Progress = quiet) -> Effective:
    """The effective field at the end of a stage (counted from 1) of a real network with its initial weights, built
    NARROW channels wide. It runs in eval mode: the statistics of a batch would tie every pixel to every other."""
    family, knobs = catalog.get(network), catalog.configure(network, {"width": NARROW, "num_classes": 10})
    end, module = stage_ends(network)[stage - 1], list(family.stages(knobs)[stage - 1].modules)[-1]
    outputs: list[Tensor] = []
    with seeded(seed):
        model = family.build(knobs).eval().requires_grad_(False)
        images = torch.randn(IMAGES, 3, knobs.input_size, knobs.input_size, requires_grad=True)
        progress(0.3)
        model.get_submodule(module).register_forward_hook(lambda module, inputs, output: outputs.append(output))
        model(images)
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


def of_pair(stage: int, seed: int, *, progress: Progress = quiet) -> tuple[Effective, Effective]:
    """The effective fields of a plain and a residual network of 34 layers at the end of a stage."""
    plain = of_network(PLAIN, stage, seed)
    progress(0.5)
    return plain, of_network(RESIDUAL, stage, seed)


class Seeded(NamedTuple):
    """What is found in the chain with one seed; `Effective` tells what each is."""

    seed: int
    theory: int
    outside: float
    middle: float
    spread: float
    half: int


def by_seed(depth: int, strided: int, shortcuts: bool, *, progress: Progress = quiet) -> tuple[Seeded, ...]:
    """The chain with each of the seeds, after `depth` of its blocks."""
    rows = []
    for seed in SEEDS:
        each = of_chain(strided, shortcuts, seed)[depth - 1]
        rows.append(Seeded(seed, each.size, each.outside, each.middle, each.spread, each.half))
        progress(len(rows) / len(SEEDS))
    return tuple(rows)


NETWORK = Measured(of_network, _("Backpropagating through the network"))
CHAIN = Measured(of_chain, _("Backpropagating through the chain"))
PAIR = Measured(of_pair, _("Backpropagating through both networks"))
EVERY_SEED = Measured(by_seed, _("Backpropagating with each seed"))
