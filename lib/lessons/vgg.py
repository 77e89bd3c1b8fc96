"""AlexNet, ZFNet and VGG layer by layer: where memory, parameters and multiply-adds lie, and what VGG's rules do to them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from torch import nn

import lib
from lib.analysis import Analysis, Layer
from lib.analysis.block import run_block
from lib.models.heads import Head, head
from lib.once import once
from lib.trace import numel

NETWORKS = ("alexnet", "alexnet_2012", "zfnet", "zfnet_512", "vgg11", "vgg13", "vgg16", "vgg19")
DEPTHS = (11, 13, 16, 19)
RESOLUTIONS = (224, 112, 56, 28, 14)
"""The maps of VGG's five stages."""
KIBI, MEBI, MEGA, GIGA = 2**10, 2**20, 10**6, 10**9


@once
def analysis(preset: str, **knobs: Any) -> Analysis:
    """The analysis of the real network. Raises `Impossible` for an image that it cannot take."""
    return lib.analyze(preset, **knobs)


def rows(network: Analysis) -> tuple[Layer, ...]:
    """Its operations that write a new tensor: a ReLU or dropout overwrites its input and costs no memory."""
    return tuple(op for op in network.ops if op.activation_bytes)


def name(op: Layer) -> str:
    """A layer's name in the table, `conv1`."""
    return op.label or op.name


@once
def layer_table(network: Analysis) -> pd.DataFrame:
    """One row a layer: window, output, memory in KiB, parameters, multiply-adds; the last row sums them."""
    table = [(name(op), _window(op), op.output, op.activation_bytes / KIBI, op.params, op.macs) for op in rows(network)]
    table.append(("all", "", "", network.activation_bytes / KIBI, network.params, network.macs))
    return pd.DataFrame(table, columns=["Layer", "Kernel, stride, padding", "Output C×H×W", "Memory, KiB",
                                        "Parameters", "MACs"])


def _window(op: Layer) -> str:
    if not op.window:
        return ""
    pairs = (op.window.kernel, op.window.stride, op.window.padding)
    groups = f", {op.groups} groups" if op.groups > 1 else ""
    return ", ".join(str(pair[0]) for pair in pairs) + groups


def trends(network: Analysis) -> dict[str, str]:
    """The three trends as shares in percent: memory up to the second pooling, parameters of linear layers, multiply-adds of
    convolutions."""
    poolings = [op.index for op in network.ops if op.kind == "max_pool2d"]
    early = sum(op.activation_bytes for op in network.ops[:poolings[1] + 1])
    linear = sum(op.params for op in network.ops if op.kind == "linear")
    first = max(op.params for op in network.ops if op.kind == "linear")
    convolutions = sum(op.macs for op in network.ops if op.kind == "conv2d")
    return {"network": network.preset, "size": network.knobs.input_size,
            "early": f"{early / network.activation_bytes:.0%}", "memory": f"{network.activation_bytes / MEBI:.2f}",
            "linear": f"{linear / network.params:.0%}", "first": f"{first / network.params:.0%}",
            "params": f"{network.params:,}",
            "convolutions": f"{convolutions / network.macs:.0%}", "macs": f"{network.macs:,}"}


ZF = ("alexnet_2012", "zfnet", "zfnet_512")


@once
def weight_layers(preset: str) -> tuple[Layer, ...]:
    """Convolutions and linear layers of a preset as published."""
    return tuple(op for op in analysis(preset).ops if op.kind in {"conv2d", "linear"})


@once
def zf_table() -> pd.DataFrame:
    """What ZFNet changes: each convolution of AlexNet (2012), ZFNet and its larger variant, and the totals."""
    table = {"Layer": [name(op) for op in weight_layers(ZF[0]) if op.kind == "conv2d"] + ["parameters", "MACs"]}
    for preset in ZF:
        total = analysis(preset)
        table[preset] = [_change(op) for op in weight_layers(preset) if op.kind == "conv2d"] + [
            f"{total.params:,}", f"{total.macs:,}"]
    return pd.DataFrame(table)


def _change(op: Layer) -> str:
    kernel, stride, size = op.window.kernel[0], op.window.stride[0], op.out_shapes[0][-1]
    groups = f", {op.groups} groups" if op.groups > 1 else ""
    return f"{op.out_shapes[0][1]} of {kernel}×{kernel}/{stride}{groups} → {size}×{size}"


@once
def zf_fields() -> dict[str, str]:
    """ZFNet against the AlexNet of 2012 in numbers."""
    alexnet, zfnet, larger = (analysis(preset) for preset in ZF)
    first, second = (weight_layers(preset)[0] for preset in ZF[:2])
    return {"zfnet": zfnet.image, "alexnet": alexnet.image,
            "before": f"{first.out_shapes[0][-1]}", "after": f"{second.out_shapes[0][-1]}",
            "params": f"{zfnet.params / alexnet.params:.2f}", "macs": f"{zfnet.macs / alexnet.macs:.2f}",
            "memory": f"{zfnet.activation_bytes / alexnet.activation_bytes:.2f}",
            "larger": f"{larger.macs / alexnet.macs:.2f}"}


@dataclass(frozen=True)
class Step:
    """One 3x3 convolution from C to C channels at one resolution."""

    size: int
    channels: int
    weights: int
    macs: int
    memory: int


@once
def ladder(width: int, growth: int) -> tuple[Step, ...]:
    """A 3x3 convolution at every resolution of VGG, with `growth` times the channels after each halving."""
    steps = []
    for index, size in enumerate(RESOLUTIONS):
        channels = width * growth**index
        block = run_block(lambda: nn.Conv2d(channels, channels, 3, padding=1, bias=False), channels, size)
        steps.append(Step(size, channels, block.weights, block.macs, block.ops[0].activation_bytes))
    return tuple(steps)


@once
def ladder_table(steps: tuple[Step, ...]) -> pd.DataFrame:
    """The steps, with what each has as a multiple of the first."""
    first = steps[0]
    return pd.DataFrame([
        (f"{step.size}×{step.size}", step.channels, f"{step.macs:,} ({step.macs / first.macs:g})",
         f"{step.weights:,} ({step.weights / first.weights:g})", f"{step.memory / MEBI:.4g} ({step.memory / first.memory:g})")
        for step in steps], columns=["Map", "Channels", "MACs (× the first)", "Weights (× the first)",
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


@once
def cost_table(costs: list[Cost]) -> pd.DataFrame:
    """The convolutions with their channels, map, multiply-adds and share of a full layer."""
    return pd.DataFrame([
        (cost.name, f"{cost.op.in_shapes[0][1]} → {cost.op.out_shapes[0][1]}",
         "×".join(map(str, cost.op.out_shapes[0][2:])), cost.op.macs, f"{cost.share:.1%}", cost.reason)
        for cost in costs], columns=["Layer", "Channels", "Map", "MACs", "Of a full layer", "Why"])


@once
def cost_fields(costs: list[Cost], depth: int, width: int) -> dict[str, str]:
    """The numbers of the rule and of where it does not hold."""
    def share(reason: str) -> str:
        return f"{next(cost.share for cost in costs if cost.reason == reason):.1%}"

    full = ladder(width, 2)[0]
    return {"network": f"vgg{depth}", "size": analysis(f"vgg{depth}").image, "width": width, "double": 2 * width,
            "full": f"{full.macs:,}", "image": share(IMAGE), "first": share(FIRST),
            "fifth": share(FIFTH), "count": sum(cost.reason == HOLDS for cost in costs), "all": len(costs)}


KERNELS, KERNEL_MAP = (5, 7), 56


@once
def kernel_table(width: int) -> pd.DataFrame:
    """One large kernel against 3x3 kernels that see as much, on a 56x56 map."""
    def layers(kernel: int, count: int) -> nn.Sequential:
        convolutions = [nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False) for _ in range(count)]
        return nn.Sequential(*(layer for convolution in convolutions for layer in (convolution, nn.ReLU())))

    table = []
    for kernel in KERNELS:
        one = run_block(lambda: layers(kernel, 1), width, KERNEL_MAP)
        stack = run_block(lambda: layers(3, kernel // 2), width, KERNEL_MAP)
        for title, block in ((f"one {kernel}×{kernel}", one), (f"{kernel // 2} of 3×3", stack)):
            table.append((title, block.ops[-1].field.side, len(block.convolutions), f"{block.weights:,}",
                          f"{block.macs:,}", f"{block.weights / one.weights:.0%}"))
    return pd.DataFrame(table, columns=["Layers", "Sees, cells", "ReLUs", "Weights", f"MACs on {KERNEL_MAP}×{KERNEL_MAP}",
                                        "Of the one kernel"])


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

    return (Ending("VGG: three linear layers", _linear_weights(network.ops)),
            Ending("Flatten, one linear layer", one("flatten")),
            Ending("Global average, one linear layer", one("average")))


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


@once
def ending_fields(endings: tuple[Ending, ...]) -> dict[str, str]:
    """The savings of global average pooling."""
    own, flat, average = (ending.weights for ending in endings)
    return {"own": f"{own:,}", "flat": f"{flat:,}", "average": f"{average:,}", "times": f"{flat / average:g}",
            "own_times": f"{own / average:.1f}"}


class Slide(NamedTuple):
    """A number of the lecture's slides, as commonly printed, and how to compute it."""

    what: str
    printed: str
    exact: str
    remark: str


LECTURE_SIZE = 227
"""Pixels of AlexNet's image in the lecture."""


@once
def lectured() -> tuple[Analysis, Analysis, Analysis]:
    """AlexNet as in the lecture, VGG-16, and VGG-16 with one convolution less, as the slides list it."""
    return analysis("alexnet", input_size=LECTURE_SIZE), analysis("vgg16"), analysis("vgg16", depths=(2, 2, 2, 3, 3))


@once
def alexnet_fields() -> dict[str, str]:
    """The AlexNet of 2014 at torchvision's size and at the lecture's."""
    preset, lecture = analysis("alexnet"), lectured()[0]
    return {"preset_size": preset.image, "preset_macs": f"{preset.macs:,}",
            "lecture_size": lecture.image, "lecture_macs": f"{lecture.macs:,}"}


@once
def lecture() -> pd.DataFrame:
    """Where the EECS-498 slides of 2019 differ from the networks, and why. Memory is that of convolution outputs."""
    alexnet, vgg, short = lectured()
    fourth = next(op for op in alexnet.ops if name(op) == "conv4")
    fc6 = next(op for op in alexnet.ops if name(op) == "fc6")
    slides = [
        Slide("AlexNet, conv4, M MACs", "145", f"{fourth.macs / MEGA:.1f}", "the other convolutions agree"),
        Slide("AlexNet, fc6, thousand parameters", "37749", f"{fc6.params / 1000:.0f}", "printed without the biases"),
        Slide("AlexNet, G MACs", "0.7", f"{alexnet.macs / GIGA:.3f}", "agrees"),
        Slide("VGG-16, G MACs", "13.6", f"{vgg.macs / GIGA:.2f}", f"two convolutions in stage 3 give {short.macs / GIGA:.2f}"),
        Slide("VGG-16, convolution outputs, MiB", "48.6", f"{_outputs(vgg):.1f}",
              f"two convolutions in stage 3 give {_outputs(short):.1f}"),
        Slide("VGG-16, M parameters", "138", f"{vgg.params / MEGA:.2f}",
              f"two convolutions in stage 3 give {short.params / MEGA:.2f}"),
    ]
    return pd.DataFrame(slides, columns=["Quantity", "Slide", "Exact", "Why"])


def _outputs(network: Analysis) -> float:
    """MiB that the convolutions write."""
    return sum(op.activation_bytes for op in network.ops if op.kind == "conv2d") / MEBI


ERRORS = pd.DataFrame([
    ("AlexNet, one network", 40.7, 18.2),
    ("ZFNet, one network as in Fig. 3", 38.4, 16.5),
    ("ZFNet with 512, 1024, 512 filters in layers 3 to 5", 37.5, 16.0),
], columns=["Network", "Top-1 error, %", "Top-5 error, %"])
"""Zeiler, Fergus 2013, Table 2, ILSVRC 2012, validation set."""
