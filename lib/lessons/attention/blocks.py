"""The blocks of SENet, SKNet and ResNeSt, and what their two small layers, which decide, hold and cost.

Zhang et al., "ResNeSt: Split-Attention Networks", 2020, Fig. 1 puts the three blocks side by side.
"""

from functools import partial
from typing import NamedTuple

import pandas as pd

import lib
from lib.analysis import Analysis, Layer
from lib.analysis.block import Block, run_block
from lib.models.resnest import ResNeStBottleneck
from lib.models.resnet import Bottleneck
from lib.models.senet import SEBottleneck, SqueezeExcitation
from lib.models.sknet import KernelAttention, SelectiveKernel, SKUnit
from lib.once import once
from lib.trace import numel

MAP, CHANNELS = 56, 256
"""Height and width, and channels, of the maps of the blocks, which stand in conv2_x."""
WIDTHS = {1: 64, 2: 40, 4: 24}
"""Channels of one cardinal group for each cardinality, as in the authors' ablation."""
FLOOR = 32
"""SKNet's L: the fewest numbers that z may have."""
FEWEST = 8
"""The fewest numbers that an SE gate squeezes to here, as in timm."""


class Blocks(NamedTuple):
    """The first blocks that keep their width, of conv2_x, in networks of 50 layers."""

    se: Block
    sk: Block
    split: Block

    @once
    def table(self, names: list[str]) -> pd.DataFrame:
        """What the three cost: convolutions with the two small layers that decide. One column a block."""
        rows = {"Parameters": [block.params for block in self],
                "… in the two layers that decide": [sum(op.params for op in decide(block)) for block in self],
                "MACs": [block.macs for block in self],
                "… of the two layers that decide": [sum(op.macs for op in decide(block)) for block in self]}
        return pd.DataFrame({"Quantity": list(rows)} | {
            name: [f"{values[index]:,}" for values in rows.values()] for index, name in enumerate(names)})

    def squeezed(self) -> dict[str, object]:
        """How many numbers each block decides from, and how many weights it then gives out."""
        layers = [decide(block) for block in self]
        (se, se_out), (sk, sk_out), (split, split_out) = ([op.out_shapes[0][1] for op in pair] for pair in layers)
        return {"se": se, "se_out": se_out, "sk": sk, "sk_out": sk_out, "split": split, "split_out": split_out}


def decide(block: Block) -> list[Layer]:
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
    return Blocks(run_block(lambda: se_block(CHANNELS), CHANNELS, MAP),
                  run_block(lambda: sk_block(CHANNELS, branches), CHANNELS, MAP),
                  run_block(lambda: split_block(CHANNELS, radix, cardinality), CHANNELS, MAP))


@once
def resnext_block() -> Block:
    """ResNeXt-50's block of conv2_x, 32 groups of 4 channels."""
    return run_block(lambda: Bottleneck(CHANNELS, 64, groups=32, base_width=4), CHANNELS, MAP)


@once
def order_of_work(branches: int) -> tuple[str, ...]:
    """The four parts of an SK block's decision, in the order in which they run."""
    ops = blocks(branches, 2, 1).sk.ops
    kinds = [op.kind for op in ops]
    excite = next(index for index, op in enumerate(ops) if op in decide(blocks(branches, 2, 1).sk))
    places = {"fuse": kinds.index("sum"), "squeeze": kinds.index("adaptive_avg_pool2d"), "excite": excite,
              "select": kinds.index("mul")}
    return tuple(sorted(places, key=places.get))


@once
def parts_table(branches: int, radix: int, cardinality: int, names: list[str]) -> pd.DataFrame:
    """The parts of the decision in SE, SK and split attention: a column for each. Without branches nothing is added up."""
    counts, layers = (1, branches, radix), [decide(block) for block in blocks(branches, radix, cardinality)]
    numbers = [(first.in_shapes[0][1], first.out_shapes[0][1], last.out_shapes[0][1]) for first, last in layers]
    rows = {"Branches": counts,
            "Fuse": ["add up" if count > 1 else "–" for count in counts],
            "Squeeze": [f"{reads} averages" for reads, _between, _given in numbers],
            "Excite": [" → ".join(map(str, each)) for each in numbers],
            "Select": ["multiply, add up" if count > 1 else "multiply" for count in counts]}
    return pd.DataFrame({"Part": list(rows)} | {
        name: [str(values[index]) for values in rows.values()] for index, name in enumerate(names)})


@once
def meeting_table(radix: int, cardinality: int) -> pd.DataFrame:
    """Where maps meet in ResNeSt's and in ResNeXt's block: the channels that come in, and those that go out."""
    split, resnext, width = blocks(2, radix, cardinality).split, resnext_block(), WIDTHS[cardinality]
    selected = next(op for op in reversed(split.ops) if op.kind in ("sum", "mul"))
    rows = [("ResNeSt: splits of a cardinal group", f"{radix} × {width}", selected.out_shapes[0][1] // cardinality),
            ("ResNeSt: cardinal groups", f"{cardinality} × {width}", split.convolutions[-1].in_shapes[0][1]),
            ("ResNeSt: block and shortcut", f"2 × {CHANNELS}", split.ops[-2].out_shapes[0][1]),
            ("ResNeXt: block and shortcut", f"2 × {CHANNELS}", resnext.ops[-2].out_shapes[0][1])]
    return pd.DataFrame(rows, columns=["Where maps meet", "Channels in", "Channels out"])


@once
def joins(radix: int, cardinality: int) -> dict[str, bool]:
    """Whether maps are added: the splits of a cardinal group, the cardinal groups, and both networks' shortcuts."""
    split, resnext = blocks(2, radix, cardinality).split, resnext_block()
    _first, *_middle, last = split.convolutions
    inside = WIDTHS[cardinality] * cardinality
    selected = next(op for op in reversed(split.ops) if op.kind == "sum")
    return {"splits": radix > 1 and selected.in_shapes[0][1:3] == (radix, inside) and selected.out_shapes[0][1] == inside,
            "groups": last.in_shapes[0][1] < inside,  # concatenated, they all reach the last 1x1
            "resnest": split.ops[-2].kind == "add", "resnext": resnext.ops[-2].kind == "add"}


class Gate(NamedTuple):
    """An SE gate's two small layers, on a map of a single cell."""

    first: Layer
    last: Layer

    @property
    def params(self) -> int:
        """Weights and biases."""
        return self.first.params + self.last.params

    @property
    def weights(self) -> int:
        """Without the biases."""
        return sum(numel(op.weights[0][1]) for op in self)

    @property
    def macs(self) -> int:
        """Of both, once for each image."""
        return self.first.macs + self.last.macs

    @property
    def squeezed(self) -> int:
        """Numbers between the two."""
        return self.first.out_shapes[0][1]


@once
def gate(channels: int, reduction: int) -> Gate:
    """The gate of squeeze and excitation on this many channels, as it runs on 56 x 56 maps."""
    return Gate(*run_block(lambda: SqueezeExcitation(channels, reduction), channels, MAP).convolutions)


@once
def gate_table(channels: int, reduction: int) -> pd.DataFrame:
    """The gate's two layers and their sum."""
    found = gate(channels, reduction)
    rows = [(name, op.in_shapes[0][1], op.out_shapes[0][1], f"{numel(op.weights[0][1]):,}", f"{op.out_shapes[0][1]:,}",
             f"{op.macs:,}") for name, op in zip(("first", "second"), found)]
    biases = found.params - found.weights
    together = ("together", channels, channels, f"{found.weights:,}", f"{biases:,}", f"{found.macs:,}")
    return pd.DataFrame([*rows, together], columns=["Layer", "Reads", "Gives", "Weights", "Biases", "MACs"])


class Fuse(NamedTuple):
    """How many numbers SK's two small layers read, hand on (z) and give."""

    reads: int
    z: int
    gives: int


@once
def fuse(channels: int, branches: int, reduction: int) -> Fuse:
    """SK's attention over so many kernels on this many channels, built for real; L is the paper's 32."""
    attention = KernelAttention(channels, branches, reduction, FLOOR)
    return Fuse(channels, attention.fc_reduce.out_channels, attention.fc_select.out_channels)


@once
def numbers_table(channels: int, branches: int, reduction: int) -> pd.DataFrame:
    """What SE and SK decide from."""
    se, sk = gate(channels, reduction), fuse(channels, branches, reduction)
    return pd.DataFrame([("SE", channels, se.squeezed, se.last.out_shapes[0][1]), ("SK", sk.reads, sk.z, sk.gives)],
                        columns=["Block", "Numbers squeezed", "Numbers in between", "Weights given"])


class Counted(NamedTuple):
    """Convolutions and linear layers of a network with gates: those that papers count, and the others."""

    way: int
    gates: int
    projections: int
    blocks: int


@once
def senet(depth: int) -> Analysis:
    """SE-ResNet of this depth."""
    return lib.analyze(f"seresnet{depth}")


@once
def counted(depth: int) -> Counted:
    """The layers of SE-ResNet by where they stand: on the longest way, in the gates, in the projections beside."""
    network = senet(depth)
    layers = [op for op in network.ops if op.kind in {"conv2d", "linear"}]
    gates = sum(".se." in op.name for op in layers)
    return Counted(network.weight_layers, gates, len(layers) - gates - network.weight_layers,
                   len({op.block for op in network.ops if op.block}))


def kernels(branches: int) -> list[str]:
    """The kernels of an SK convolution by what they span: a 3x3, and the same with holes."""
    return [f"{2 * dilation + 1}×{2 * dilation + 1}" for dilation in range(1, branches + 1)]
