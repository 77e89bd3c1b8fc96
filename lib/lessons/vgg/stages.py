"""What VGG's rules do: 3x3 kernels in stacks, large maps kept in memory, channels that double where maps are halved."""

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from torch import nn

from lib.analysis import Layer
from lib.analysis.block import Block, run_block
from lib.lessons.vgg.networks import MEBI, analysis, name
from lib.once import once

RESOLUTIONS = (224, 112, 56, 28, 14)
"""The maps of VGG's five stages."""
KERNELS, KERNEL_MAP = (5, 7, 11), 56


class Kernels(NamedTuple):
    """One convolution with a large kernel, and the stack of 3x3 convolutions that sees as much; a ReLU after each."""

    one: Block
    stack: Block

    @property
    def count(self) -> int:
        """Convolutions of the stack."""
        return len(self.stack.convolutions)


@once
def kernels(width: int, kernel: int) -> Kernels:
    """Both from `width` to `width` channels, on a 56x56 map."""
    def layers(side: int, count: int) -> nn.Sequential:
        convolutions = [nn.Conv2d(width, width, side, padding=side // 2, bias=False) for _ in range(count)]
        return nn.Sequential(*(layer for convolution in convolutions for layer in (convolution, nn.ReLU())))

    return Kernels(run_block(lambda: layers(kernel, 1), width, KERNEL_MAP),
                   run_block(lambda: layers(3, kernel // 2), width, KERNEL_MAP))


@once
def kernel_table(width: int) -> pd.DataFrame:
    """One large kernel against 3x3 kernels that see as much, on a 56x56 map."""
    table = []
    for kernel in KERNELS:
        both = kernels(width, kernel)
        for title, block in ((f"one {kernel}×{kernel}", both.one), (f"{both.count} of 3×3", both.stack)):
            table.append((title, block.ops[-1].field.side, len(block.convolutions), f"{block.weights:,}",
                          f"{block.macs:,}", f"{block.weights / both.one.weights:.0%}"))
    return pd.DataFrame(table, columns=["Layers", "Sees, cells", "ReLUs", "Weights", f"MACs on {KERNEL_MAP}×{KERNEL_MAP}",
                                        "Of the one kernel"])


@once
def first_layers(width: int, image: int) -> Block:
    """Three 3x3 convolutions of `width` filters, border 1, on an image of image x image pixels."""
    return run_block(lambda: nn.Sequential(*(
        nn.Conv2d(channels, width, 3, padding=1) for channels in (3, width, width))), 3, image)


def output_bytes(block: Block) -> int:
    """Bytes of all its outputs, in float32."""
    return sum(op.activation_bytes for op in block.ops)


@dataclass(frozen=True)
class Rung:
    """One 3x3 convolution from C to C channels at one resolution."""

    size: int
    channels: int
    weights: int
    macs: int
    memory: int


@once
def ladder(width: int, growth: int) -> tuple[Rung, ...]:
    """A 3x3 convolution at every resolution of VGG, with `growth` times the channels after each halving."""
    rungs = []
    for index, size in enumerate(RESOLUTIONS):
        channels = width * growth**index
        block = run_block(lambda: nn.Conv2d(channels, channels, 3, padding=1, bias=False), channels, size)
        rungs.append(Rung(size, channels, block.weights, block.macs, block.ops[0].activation_bytes))
    return tuple(rungs)


def shares(rungs: tuple[Rung, ...]) -> list[float]:
    """The share of all multiply-adds that each rung does, in percent."""
    total = sum(rung.macs for rung in rungs)
    return [100 * rung.macs / total for rung in rungs]


def step_fields(growth: int) -> dict[str, object]:
    """What one step to the next map multiplies: a layer's multiply-adds, its memory and its weights."""
    return {"growth": growth, "times": f"{growth**2 / 4:g}", "memory": f"{growth / 4:g}", "weights": growth**2}


@once
def ladder_table(rungs: tuple[Rung, ...]) -> pd.DataFrame:
    """The rungs, with what each has as a multiple of the first."""
    first = rungs[0]
    return pd.DataFrame([
        (f"{rung.size}×{rung.size}", rung.channels, f"{rung.macs:,} ({rung.macs / first.macs:g})",
         f"{rung.weights:,} ({rung.weights / first.weights:g})",
         f"{rung.memory / MEBI:.4g} ({rung.memory / first.memory:g})")
        for rung in rungs], columns=["Map", "Channels", "MACs (× the first)", "Weights (× the first)",
                                     "Output, MiB (× the first)"])


HOLDS, IMAGE, FIRST, FIFTH = "rule holds", "image in", "first of a stage", "stage 5"


class Cost(NamedTuple):
    """A convolution of a VGG, its share of a full C -> C convolution, and why it has that share."""

    name: str
    op: Layer
    share: float
    reason: str


@once
def costs(depth: int, width: int) -> list[Cost]:
    """Every convolution of a VGG against the 3x3 convolution from `width` to `width` channels on the largest map."""
    full = ladder(width, 2)[0].macs
    network = analysis(f"vgg{depth}", width=width)
    return [Cost(name(op), op, op.macs / full, _reason(op)) for op in network.ops if op.kind == "conv2d"]


def _reason(op: Layer) -> str:
    channels, filters = op.in_shapes[0][1], op.out_shapes[0][1]
    if channels == 3:
        return IMAGE
    if op.stage == "conv5_x":
        return FIFTH
    return HOLDS if channels == filters else FIRST


def share(costs: list[Cost], reason: str) -> float:
    """The share of a full layer that the convolutions of this reason cost."""
    return next(cost.share for cost in costs if cost.reason == reason)


@once
def cost_table(costs: list[Cost]) -> pd.DataFrame:
    """The convolutions with their channels, map, multiply-adds and share of a full layer."""
    return pd.DataFrame([
        (cost.name, f"{cost.op.in_shapes[0][1]} → {cost.op.out_shapes[0][1]}",
         "×".join(map(str, cost.op.out_shapes[0][2:])), cost.op.macs, f"{cost.share:.1%}", cost.reason)
        for cost in costs], columns=["Layer", "Channels", "Map", "MACs", "Of a full layer", "Why"])


@once
def cost_fields(depth: int, width: int) -> dict[str, object]:
    """The numbers of the rule and of where it does not hold."""
    found, full = costs(depth, width), ladder(width, 2)[0]
    named = {"image": IMAGE, "first": FIRST, "fifth": FIFTH}
    return {each: f"{share(found, reason):.1%}" for each, reason in named.items()} | {
        "network": f"vgg{depth}", "size": analysis(f"vgg{depth}").image, "width": width, "double": 2 * width,
        "full": f"{full.macs:,}", "count": sum(cost.reason == HOLDS for cost in found), "all": len(found)}
