"""Checks of the lecture's slides: AlexNet layer by layer, the sums of VGG-16, costs of blocks.

The slides count a multiply-add as one operation, and as memory what convolutions give: 4 bytes a number, in KiB and MiB.
"""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd
from torch import nn

from lib.analysis import Analysis, Layer
from lib.analysis.block import run_block
from lib.lessons.textbook.rows import GIGA, KILO, MEGA, Row, analyze, beside, rounds, same
from lib.models.resnet import BasicBlock, Bottleneck
from lib.once import once
from lib.trace import numel

KIB, MIB = 2**10, 2**20
BEFORE_28 = ("conv1_x", "conv2_x", "conv3_x")
"""The stages of VGG that lead from 224 to 28 pixels."""
PRINTED_GIGA, PRINTED_MIB = 13.6, 48.6
"""The slides' sums for VGG-16: billions of multiply-adds, MiB of the convolutions' outputs."""


def memory(ops: Iterable[Layer], *kinds: str) -> int:
    """Bytes of what operations of these kinds give."""
    return 4 * sum(numel(shape) for op in ops if op.kind in kinds for shape in op.out_shapes)


class Sums(NamedTuple):
    """What the slides add up: layers, bytes of the convolutions' outputs, parameters, multiply-adds."""

    convolutions: int
    memory: int
    params: int
    macs: int


def sums(ops: Iterable[Layer]) -> Sums:
    """The sums over these operations."""
    ops = tuple(ops)
    return Sums(sum(op.kind == "conv2d" for op in ops), memory(ops, "conv2d"), sum(op.params for op in ops),
                sum(op.macs for op in ops))


@once
def vgg(stage_3: int = 3) -> Analysis:
    """VGG-16 with so many convolutions in stage 3; the paper's has three, the slides draw two."""
    return analyze("vgg16", depths=(2, 2, stage_3, 3, 3))


@once
def alexnet() -> Analysis:
    """AlexNet as the slides count it: the network of 2014 at 227 pixels."""
    return analyze("alexnet", input_size=227)


def until_28(analysis: Analysis) -> tuple[Layer, ...]:
    """The layers of a VGG that lead from 224 to 28 pixels."""
    return tuple(op for op in analysis.ops if op.stage in BEFORE_28)


class DrawnAndTrue(NamedTuple):
    """VGG-16 with two convolutions in stage 3, as on the slides, and the true one."""

    drawn: Analysis
    true: Analysis

    def fields(self) -> dict[str, object]:
        """The numbers that the text above the table speaks of."""
        drawn, true = sums(self.drawn.ops), sums(self.true.ops)
        return {"size": self.true.image, "drawn": self.drawn.knobs.depths[2], "true": self.true.knobs.depths[2],
                "printed_gflop": PRINTED_GIGA, "printed_memory": PRINTED_MIB, "drawn_gflop": f"{drawn.macs / GIGA:.2f}",
                "true_gflop": f"{true.macs / GIGA:.2f}", "drawn_memory": f"{drawn.memory / MIB:.2f}",
                "true_memory": f"{true.memory / MIB:.2f}", "layers": self.drawn.weight_layers,
                "missing": f"{100 * (true.params - drawn.params) / true.params:.1f}",
                "linear": f"{100 * sum(op.params for op in self.true.ops if op.kind == 'linear') / true.params:.0f}"}

    def explaining(self, what: str) -> tuple[str, ...]:
        """The convolutions that the true network must lose so that the printed multiply-adds, or the printed `memory`, come
        out."""
        true, ops = sums(self.true.ops), [op for op in self.true.ops if op.kind == "conv2d"]
        if what == "memory":
            return tuple(op.label for op in ops if round((true.memory - memory([op], "conv2d")) / MIB, 1) == PRINTED_MIB)
        return tuple(op.label for op in ops if round((true.macs - op.macs) / GIGA, 1) == PRINTED_GIGA)

    @once
    def table(self, names: list[str]) -> pd.DataFrame:
        """Every sum as it is printed and of both networks; `names` heads the columns."""
        both = [(sums(network.ops), sums(until_28(network))) for network in self]
        rows = {
            "Multiply-adds, billions": (f"{PRINTED_GIGA}", [f"{all.macs / GIGA:.3f}" for all, _ in both]),
            "Memory of the convolutions' outputs, MiB": (f"{PRINTED_MIB}", [f"{all.memory / MIB:.3f}" for all, _ in both]),
            "Parameters, millions": ("138", [f"{all.params / MEGA:.3f}" for all, _ in both]),
            "224 to 28 pixels: multiply-adds, millions": ("7485", [f"{stem.macs / MEGA:.3f}" for _, stem in both]),
            "224 to 28 pixels: memory, MiB": ("42.9", [f"{stem.memory / MIB:.3f}" for _, stem in both]),
            "224 to 28 pixels: parameters, millions": ("1.1", [f"{stem.params / MEGA:.3f}" for _, stem in both]),
        }
        return pd.DataFrame([(quantity, printed, *values) for quantity, (printed, values) in rows.items()],
                            columns=["Quantity", *names])

    @once
    def layers(self, names: list[str]) -> pd.DataFrame:
        """Layer by layer: output, KiB, parameters, multiply-adds, and whether the two networks have it."""
        labels = [{op.label for op in network.ops} for network in self]
        ops = max(self, key=lambda network: len(network.ops)).ops
        rows = [(op.label, op.output, memory([op], op.kind) / KIB, op.params, op.macs,
                 *("yes" if op.label in found else "–" for found in labels))
                for op in ops if op.kind in {"conv2d", "max_pool2d", "linear"}]
        return pd.DataFrame(rows, columns=["Layer", "Output", "KiB", "Parameters", "Multiply-adds", *names])


def alexnet_layer(name: str, kib: int, kilo_params: int, mega_macs: int) -> list[Row]:
    """A row of the AlexNet table: 227 pixels, the network of 2014."""
    op = next(op for op in alexnet().ops if op.label == name)
    return [rounds(f"Memory of {name}, KiB", kib, memory([op], op.kind) / KIB),
            rounds(f"Parameters of {name}, thousands", kilo_params, op.params / KILO),
            rounds(f"Multiply-adds of {name}, millions", mega_macs, op.macs / MEGA)]


def alexnet_sums() -> list[Row]:
    found = sums(alexnet().ops)
    return [rounds("Memory of the convolutions' outputs, MiB", 1.9, found.memory / MIB, 1),
            rounds("Parameters, millions", 61, found.params / MEGA),
            rounds("Multiply-adds, billions", 0.7, found.macs / GIGA, 1)]


def vgg_sums() -> list[Row]:
    found = sums(vgg().ops)
    return [rounds("Multiply-adds, billions", PRINTED_GIGA, found.macs / GIGA, 1),
            rounds("Memory of the convolutions' outputs, MiB", PRINTED_MIB, found.memory / MIB, 1)]


def vgg_parameters() -> list[Row]:
    return [rounds("Parameters, millions", 138, vgg().params / MEGA)]


def vgg_ratios() -> list[Row]:
    large, small = sums(vgg().ops), sums(alexnet().ops)
    return [rounds("Memory, VGG-16 in AlexNets", 25, large.memory / small.memory),
            rounds("Parameters, VGG-16 in AlexNets", 2.3, large.params / small.params, 1),
            rounds("Multiply-adds, VGG-16 in AlexNets", 19.4, large.macs / small.macs, 1)]


def vgg_until_28() -> list[Row]:
    found = sums(until_28(vgg()))
    return [rounds("Memory of the convolutions' outputs, MiB", 42.9, found.memory / MIB, 1),
            rounds("Parameters, millions", 1.1, found.params / MEGA, 1),
            rounds("Multiply-adds, millions", 7485, found.macs / MEGA)]


def googlenet_until_28() -> list[Row]:
    ops = [op for op in analyze("googlenet_2014").ops if not op.stage.startswith("inception")]
    stem = [op for op in ops if op.out_shapes[0][-1] >= 28 and len(op.out_shapes[0]) == 4]
    pooling = sum(numel(op.out_shapes[0]) * op.window.kernel[0] ** 2 for op in stem if op.kind == "max_pool2d")
    return [rounds("Memory with the poolings, MiB", 7.5, memory(stem, "conv2d", "max_pool2d") / MIB, 1),
            rounds("Parameters, thousands", 124, sum(op.params for op in stem) / KILO),
            rounds("Multiply-adds, millions", 418, (macs := sum(op.macs for op in stem)) / MEGA),
            beside("The same, with one operation for each number that a pooling reads", f"{(macs + pooling) / MEGA:.2f}")]


def block_costs() -> list[Row]:
    size, channels, groups, width = 56, 64, 32, 4
    unit = size * size * channels**2
    basic = run_block(lambda: BasicBlock(channels, channels), channels, size)
    bottleneck = run_block(lambda: Bottleneck(4 * channels, channels), 4 * channels, size)
    grouped = run_block(lambda: Bottleneck(4 * channels, channels, groups=groups, base_width=width), 4 * channels, size)
    formula = (8 * channels * width + 9 * width**2) * size * size * groups
    return [same("Basic block, in H·W·C²", "18", f"{basic.macs / unit:g}"),
            same("Bottleneck, in H·W·C²", "17", f"{bottleneck.macs / unit:g}"),
            same("ResNeXt block: (8·C·c + 9·c²)·H·W·G", formula, grouped.macs)]


def two_threes() -> list[Row]:
    channels, size = 64, 56
    five = run_block(lambda: nn.Sequential(nn.Conv2d(channels, channels, 5, padding=2, bias=False)), channels, size)
    threes = run_block(lambda: nn.Sequential(*(nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))),
                       channels, size)
    return [same(f"{quantity}, in {unit}", str(notes), f"{found / divisor:g}")
            for name, notes, block in (("One 5×5", 25, five), ("Two 3×3", 18, threes))
            for quantity, unit, found, divisor in (
                (f"Weights of {name.lower()}", "C²", block.weights, channels**2),
                (f"Multiply-adds of {name.lower()}", "H·W·C²", block.macs, size * size * channels**2))]


def resnet_costs() -> list[Row]:
    """The paper's and the slide's numbers are cut after one digit, not rounded."""
    found = {"ResNet-34": analyze("resnet34").macs, "ResNet-50, stride in the 1×1": analyze(
        "resnet50", stride_in_1x1=True).macs}
    return [Row(f"Multiply-adds of {name}, billions, cut after one digit", str(notes), f"{macs / GIGA:.3f}",
                macs * 10 // GIGA == notes * 10) for (name, macs), notes in zip(found.items(), (3.6, 3.8))]
