"""Plain and residual networks: their blocks, the identity by zero weights, shortcuts, and what signals and gradients do
on their way through a network that is not trained yet."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import lib
from lib import catalog
from lib.analysis import Analysis
from lib.analysis.block import Block, run_block
from lib.analysis.outline import outline
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.resnet import SHORTCUTS, TABLE, TABLE_1, BasicBlock, Bottleneck, PlainBasicBlock, ZeroPadding
from lib.models.resnet_v2 import FullPreactivation
from lib.meta import on_meta
from lib.once import once

DATA = Path(__file__).parent.parent / "data" / "residual.json"
DEPTH, SHORTCUT, SEED = Choice((20, 32, 44, 56, 110), 56), Choice(("A", "B", "C"), "A"), Choice((0, 1, 2, 3, 4), 0)
PIXELS = 32
"""Height and width of CIFAR's images."""
IMAGES = 4
"""Random images in the batch that goes through a network once, forward and backward."""
ANGLES = (0.5, 1, 2, 4, 8, 16, 32, 64)
"""Degrees between the two images whose gradients are compared."""
PAIRS = 2
"""Circles of images over which the correlation is averaged."""


@once
def published() -> dict[str, Any]:
    """What the two papers print; every entry names its table."""
    return json.loads(DATA.read_text(encoding="utf-8"))


def printed_pairs() -> dict[str, dict[str, float]]:
    """The errors of the paper's Table 2 by kind and depth."""
    return {kind: published()["degradation"][kind] for kind in ("plain", "residual")}


@once
def printed_table() -> pd.DataFrame:
    """Table 2: a row for each kind of network."""
    return pd.DataFrame([{"Network": kind} | {f"{depth} layers, %": f"{error:.2f}" for depth, error in errors.items()}
                         for kind, errors in printed_pairs().items()])


def printed_cifar() -> tuple[list[int], dict[str, list[float]]]:
    """Depths and errors of Table 6."""
    errors = published()["cifar"]["residual"]
    return [int(depth) for depth in errors], {"ResNet": list(errors.values())}


@once
def cifar_table() -> pd.DataFrame:
    """Table 6: a column for each depth."""
    return pd.DataFrame([{"Layers": "error, %"} | {
        depth: f"{error:.2f}" for depth, error in published()["cifar"]["residual"].items()}])


@once
def blocks(shortcut: str) -> tuple[Block, Block, Block]:
    """A plain block and a residual one of a CIFAR network's conv2_x, and the first of conv3_x, whose shortcut is dotted."""
    narrow, wide, size = 16, 32, PIXELS
    return (run_block(lambda: PlainBasicBlock(narrow, narrow), narrow, size),
            run_block(lambda: BasicBlock(narrow, narrow, shortcut=SHORTCUTS[shortcut]), narrow, size),
            run_block(lambda: BasicBlock(narrow, wide, 2, SHORTCUTS[shortcut]), narrow, size))


@once
def same_depth(depth: int, shortcut: str) -> dict[str, object]:
    """Parameters and multiply-adds of a plain and a residual CIFAR network of this depth."""
    plain, residual = (lib.analyze("resnet56_cifar", n=(depth - 2) // 6, residual=residual, shortcut=shortcut)
                       for residual in (False, True))
    return {"depth": depth, "shortcut": shortcut, "size": plain.image,
            "plain_params": f"{plain.params:,}", "plain_macs": f"{plain.macs:,}",
            "residual_params": f"{residual.params:,}", "residual_macs": f"{residual.macs:,}",
            "more": f"{residual.params - plain.params:,}"}


# The identity by zero weights

@dataclass(frozen=True)
class Response:
    """What a block of one channel makes of numbers from -2 to 2."""

    name: str
    inputs: tuple[float, ...]
    outputs: tuple[float, ...]

    def error(self, negative: bool) -> float:
        """The largest difference between output and input, for inputs below zero or for the others."""
        return max(abs(y - x) for x, y in zip(self.inputs, self.outputs) if (x < 0) == negative)


@once
def responses(shift: float) -> tuple[Response, ...]:
    """Blocks whose residual branch is switched off, run on numbers from -2 to 2; `shift` is β of every norm."""
    with seeded(0):
        plain, residual, scaled = PlainBasicBlock(1, 1), BasicBlock(1, 1), BasicBlock(1, 1)
        full = FullPreactivation(1, 1, bottleneck=False)
    nn.init.zeros_(scaled.bn2.weight)
    for convolution in (plain.conv1, plain.conv2, residual.conv1, residual.conv2, *full.convs):
        nn.init.zeros_(convolution.weight)
    names = {"Plain, weights 0": plain, "Residual, weights 0": residual, "Residual, γ = 0 in its last norm": scaled,
             "Pre-activation, weights 0": full}
    return tuple(_response(name, block, shift) for name, block in names.items())


def _response(name: str, block: nn.Module, shift: float) -> Response:
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, shift)
    numbers = torch.arange(-20, 21) / 10
    with torch.no_grad():
        output = block(numbers.view(1, 1, 1, -1))
    return Response(name, tuple(numbers.tolist()), tuple(output.flatten().tolist()))


def curves(shift: float) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """Inputs, and the outputs of each block."""
    return responses(shift)[0].inputs, {response.name: response.outputs for response in responses(shift)}


@once
def errors(shift: float) -> pd.DataFrame:
    """How far each block is from the identity."""
    return pd.DataFrame([{"Block": response.name, "Largest |y − x| where x ≥ 0": f"{response.error(False):.2f}",
                          "Where x < 0": f"{response.error(True):.2f}"} for response in responses(shift)])


# Signals and gradients at initialisation

@dataclass(frozen=True)
class Start:
    """A network before training, after one forward and one backward pass.

    `signals` are the root mean squares of the blocks' outputs, `gradients` the Euclidean norms of the loss's gradients
    there; `correlations` the cosines between gradients at two images, for each of `ANGLES`.
    """

    name: str
    signals: tuple[float, ...]
    gradients: tuple[float, ...]
    correlations: tuple[float, ...]

    @property
    def growth(self) -> float:
        """How many times as large the gradient at the first block is as that at the last."""
        return self.gradients[0] / self.gradients[-1]


def at_initialisation(depth: int, shortcut: str, seed: int, progress: Progress = quiet) -> tuple[Start, Start]:
    """A plain and a residual CIFAR network of `depth` layers, on the same images. With option A, which has no weights,
    both have the same weights too."""
    starts = []
    for index, (word, residual) in enumerate((("plain", False), ("ResNet", True))):
        with seeded(seed):
            images, labels = torch.randn(IMAGES, 3, PIXELS, PIXELS), torch.randint(10, (IMAGES,))
            ends = torch.randn(2, PAIRS, 3, PIXELS, PIXELS)
            network = lib.build("resnet56_cifar", n=(depth - 2) // 6, residual=residual, shortcut=shortcut)
        signals, gradients = through_depth(network, images, labels)
        progress(index / 2 + 0.3)
        starts.append(Start(f"{word}-{depth}", signals, gradients, correlations(network, *ends)))
        progress((index + 1) / 2)
    return tuple(starts)


def units(network: nn.Module) -> list[nn.Module]:
    """The blocks of a CIFAR network in their order."""
    return [*network.layer1, *network.layer2, *network.layer3]


def through_depth(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One forward pass in training mode and one backward pass: for every block the root mean square of its output and
    the norm of the loss's gradient there. Images (N, 3, 32, 32), labels (N,). The norms' running statistics become those
    of this batch."""
    outputs: list[Tensor] = []

    def keep(unit: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # what comes next may write over its input

    hooks = [unit.register_forward_hook(keep) for unit in units(network)]
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    loss = F.cross_entropy(network(images), labels)
    for hook in hooks:
        hook.remove()
    gradients = torch.autograd.grad(loss, outputs)
    return (tuple(output.detach().square().mean().sqrt().item() for output in outputs),
            tuple(gradient.norm().item() for gradient in gradients))


def correlations(network: nn.Module, first: Tensor, second: Tensor) -> tuple[float, ...]:
    """The cosine between the gradients of the first logit at an image and at one that is turned away from it by each of
    `ANGLES`, averaged over pairs of random images, both (pairs, 3, 32, 32).

    The norms use fixed statistics, so that an image's gradient is its own alone.
    """
    network.eval()
    turned = torch.tensor((0, *ANGLES)).deg2rad().view(-1, 1, 1, 1, 1)
    images = (turned.cos() * first + turned.sin() * second).flatten(0, 1).requires_grad_()
    gradient, = torch.autograd.grad(network(images)[:, 0].sum(), images)
    gradient = F.normalize(gradient.view(len(turned), len(first), -1), dim=-1)
    return tuple((gradient[1:] * gradient[0]).sum(-1).mean(1).tolist())


def over_blocks(starts: tuple[Start, Start], quantity: str) -> tuple[list[int], dict[str, tuple[float, ...]]]:
    """The numbers of the blocks, and the networks' `signals` or `gradients` there."""
    return list(range(1, len(starts[0].signals) + 1)), {start.name: getattr(start, quantity) for start in starts}


def over_angles(starts: tuple[Start, Start]) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """The angles, the networks' correlations, and the images' own."""
    images = tuple(math.cos(math.radians(angle)) for angle in ANGLES)
    return ANGLES, {start.name: start.correlations for start in starts} | {"the images themselves": images}


def rounded(value: float) -> str:
    """A factor to two digits, without powers of ten: `9,400`, `18`, `4.4`."""
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:.1f}"


def short(value: float) -> str:
    """A number to three digits, in whole numbers from a thousand on."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


@once
def signal_table(starts: tuple[Start, Start]) -> pd.DataFrame:
    """First and last values of the measured lines."""
    return pd.DataFrame([{
        "Network": start.name, "Signal after the first block": f"{start.signals[0]:.2f}",
        "After the last": f"{start.signals[-1]:.2f}", "Gradient at the last block": short(start.gradients[-1]),
        "At the first": short(start.gradients[0]), "First / last": rounded(start.growth)} for start in starts])


@once
def correlation_table(starts: tuple[Start, Start]) -> pd.DataFrame:
    """The measured correlations, a row for each angle."""
    angles, lines = over_angles(starts)
    columns = {name: [f"{value:z.2f}" for value in values] for name, values in lines.items()}
    return pd.DataFrame({"Angle": [f"{angle:g}°" for angle in angles], **columns})


@once
def start_fields(starts: tuple[Start, Start]) -> dict[str, object]:
    """The numbers that the text on the measurement speaks of."""
    plain, residual = starts
    return {"plain": plain.name, "residual": residual.name, "images": IMAGES, "size": f"{PIXELS} × {PIXELS}",
            "angle": f"{ANGLES[1]:g}",
            "plain_growth": rounded(plain.growth), "residual_growth": rounded(residual.growth),
            "plain_signal": f"{plain.signals[-1]:.2f}", "residual_signal": f"{residual.signals[-1]:.2f}",
            "plain_correlation": f"{plain.correlations[1]:z.2f}", "residual_correlation": f"{residual.correlations[1]:z.2f}"}


# The shortcuts, and the family

@dataclass(frozen=True)
class Ways:
    """The shortcuts of a network, counted in its module tree."""

    solid: int
    padded: int
    projected: int

    @property
    def dotted(self) -> int:
        """Those that change the shape, in a network of option A or B."""
        return self.padded + self.projected


def ways(network: nn.Module) -> Ways:
    """Count the shortcuts that are the identity, that pad with zeros, and that are a projection."""
    kinds = [type(module) for name, module in network.named_modules() if name.endswith("downsample")]
    return Ways(kinds.count(nn.Identity), kinds.count(ZeroPadding), kinds.count(nn.Sequential))


@once
def options() -> pd.DataFrame:
    """ResNet-34 with the three options, and the errors that the paper prints."""
    rows = []
    for option in SHORTCUTS:
        analysis, counted = lib.analyze("resnet34", shortcut=option), ways(on_paper("resnet34", shortcut=option))
        top1, top5 = published()["options"][option]
        rows.append({"Option": option, "Identities": counted.solid, "Padded with zeros": counted.padded,
                     "Projections": counted.projected, "Parameters": f"{analysis.params:,}", "MACs": f"{analysis.macs:,}",
                     "Top-1 error, %": f"{top1:.2f}", "Top-5 error, %": f"{top5:.2f}"})
    return pd.DataFrame(rows)


def on_paper(preset: str, **knobs: Any) -> nn.Module:
    """A network without memory for its weights."""
    with on_meta():
        return lib.build(preset, **knobs)


@dataclass(frozen=True)
class Member:
    """A column of the paper's Table 1: its weight layers by stage, each as (name, blocks, layers)."""

    name: str
    analysis: Analysis
    network: nn.Module
    stages: tuple[tuple[str, int, int], ...]

    @property
    def plain_sum(self) -> str:
        """The layers of the stages: `1 + 9 + 12 + 18 + 9 + 1 = 50`."""
        return f"{' + '.join(str(layers) for _, _, layers in self.stages)} = {self.analysis.weight_layers}"

    @property
    def products(self) -> str:
        """The same by blocks and layers a block: `1 + 3·3 + 4·3 + 6·3 + 3·3 + 1 = 50`."""
        terms = [f"{blocks}·{layers // blocks}" if blocks else str(layers) for _, blocks, layers in self.stages]
        return f"{' + '.join(terms)} = {self.analysis.weight_layers}"

    def count(self, kind: type) -> int:
        """Modules of this kind in the tree."""
        return sum(isinstance(module, kind) for module in self.network.modules())

    @property
    def blocks(self) -> int:
        """Residual blocks."""
        return sum(blocks for _, blocks, _ in self.stages)


@once
def family() -> tuple[Member, ...]:
    """The five networks of the paper's Table 1, strided as there: bottlenecks in their first 1x1."""
    members = []
    for depth, (block, _) in TABLE_1.items():
        knobs = {"stride_in_1x1": True} if block is Bottleneck else {}
        analysis = lib.analyze(f"resnet{depth}", **knobs)
        members.append(Member(f"ResNet-{depth}", analysis, on_paper(f"resnet{depth}", **knobs), tuple(_stages(analysis))))
    return tuple(members)


def _stages(analysis: Analysis) -> Iterator[tuple[str, int, int]]:
    counted = 0
    for part in outline(analysis).children:
        reached = max(analysis.layer_numbers[op.index] for op in part.ops)
        yield part.name, len({op.block for op in part.ops if op.block}), reached - counted
        counted = reached


def family_stages() -> tuple[list[str], list[tuple[tuple[str, int, int], ...]]]:
    """The names of the family, and the weight layers of each by stage."""
    return [member.name for member in family()], [member.stages for member in family()]


@once
def family_table() -> pd.DataFrame:
    """The family with its totals; the last column is the paper's own count of multiply-adds, as printed."""
    printed = {claim.preset: claim.value for claim in catalog.get("resnet50").claims
               if claim.quantity == "macs" and claim.source == TABLE}
    rows = []
    for member in family():
        counted, block = ways(member.network), TABLE_1[member.analysis.knobs.depth][0]
        rows.append({"Network": member.name, "Block": "two 3×3" if block is BasicBlock else "1×1, 3×3, 1×1",
                     "Weight layers": member.products, "Solid": counted.solid, "Dotted": counted.dotted,
                     "Parameters": f"{member.analysis.params:,}", "MACs": f"{member.analysis.macs:,}",
                     "Table 1, 10⁹": f"{printed[member.analysis.preset] / 10**9:.1f}"})
    return pd.DataFrame(rows)


@once
def count_fields() -> dict[str, object]:
    """How ResNet-50 comes to its name."""
    member = next(member for member in family() if member.name == "ResNet-50")
    counted, smaller = ways(member.network), ways(next(m for m in family() if m.name == "ResNet-34").network)
    return {"sum": member.plain_sum, "products": member.products, "convolutions": member.count(nn.Conv2d),
            "linear": member.count(nn.Linear), "projections": counted.projected, "blocks": member.blocks,
            "solid": counted.solid, "dotted": counted.dotted, "solid_34": smaller.solid, "dotted_34": smaller.dotted}


MEASUREMENTS = (Measurement(at_initialisation, (DEPTH, SHORTCUT, SEED)),)
