"""AlexNet, ZFNet and VGG layer by layer: where memory, parameters and multiply-adds lie, and which layers a name counts."""

from typing import Any

import pandas as pd

import lib
from lib.analysis import Analysis, Layer
from lib.models.vgg import DEPTHS
from lib.once import once

NETWORKS = ("alexnet", "alexnet_2012", "zfnet", "zfnet_512", "vgg11", "vgg13", "vgg16", "vgg19")
QUANTITIES = {"memory": "activation_bytes", "params": "params", "macs": "macs"}
"""The three costs of a layer, and what they are called there."""
KIBI, MEBI, MEGA, GIGA = 2**10, 2**20, 10**6, 10**9


@once
def analysis(preset: str, **knobs: Any) -> Analysis:
    """The analysis of the real network. Raises `Impossible` for an image that it cannot take."""
    return lib.analyze(preset, **knobs)


def rows(network: Analysis) -> tuple[Layer, ...]:
    """Its operations that write a new tensor: a ReLU or dropout overwrites its input and costs no memory."""
    return tuple(op for op in network.ops if op.activation_bytes)


@once
def weight_layers(preset: str) -> tuple[Layer, ...]:
    """Convolutions and linear layers of a preset as published."""
    return tuple(op for op in analysis(preset).ops if op.kind in {"conv2d", "linear"})


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


CONVOLUTIONS, LINEAR, OTHERS = "convolutions", "linear layers", "pooling and norms"


def part(op: Layer) -> str:
    """To which of the three parts of a network a layer belongs."""
    return {"conv2d": CONVOLUTIONS, "linear": LINEAR}.get(op.kind, OTHERS)


@once
def parts(network: Analysis) -> dict[str, dict[str, int]]:
    """Of each part of a network its sums of the three `QUANTITIES`."""
    return {each: {quantity: sum(getattr(op, attribute) for op in rows(network) if part(op) == each)
                   for quantity, attribute in QUANTITIES.items()}
            for each in (CONVOLUTIONS, LINEAR, OTHERS)}


def in_convolutions(network: Analysis) -> frozenset[str]:
    """The quantities of which the convolutions hold more than the linear layers."""
    shares = parts(network)
    return frozenset(each for each in QUANTITIES if shares[CONVOLUTIONS][each] > shares[LINEAR][each])


@once
def part_table(network: Analysis) -> pd.DataFrame:
    """The parts of a network with their memory in KiB, parameters and multiply-adds."""
    return pd.DataFrame([(each, sums["memory"] / KIBI, sums["params"], sums["macs"])
                         for each, sums in parts(network).items()], columns=["Part", "Memory, KiB", "Parameters", "MACs"])


@once
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


@once
def stage_table(depth: int) -> pd.DataFrame:
    """A VGG stage by stage: its convolutions, channels, maps and parameters; then the linear layers."""
    network = analysis(f"vgg{depth}")
    table = []
    for stage in dict.fromkeys(op.stage for op in network.ops):
        layers = [op for op in network.ops if op.stage == stage and op.kind in {"conv2d", "linear"}]
        kind = "convolutions" if layers[0].kind == "conv2d" else "linear layers"
        params = sum(op.params for op in layers)
        table.append((stage, f"{len(layers)} {kind}", layers[0].output, f"{params:,}"))
    return pd.DataFrame(table, columns=["Stage", "Layers with weights", "Output of its first layer", "Parameters"])


@once
def configurations() -> pd.DataFrame:
    """The four VGGs, and AlexNet: convolutions of each stage, layers that the name counts, parameters, MACs."""
    stages = {f"vgg{depth}": ", ".join(map(str, convolutions)) for depth, convolutions in DEPTHS.items()}
    table = []
    for preset, convolutions in {**stages, "alexnet": "5 in all"}.items():
        network = analysis(preset)
        table.append((preset, convolutions, network.weight_layers, network.params, network.macs))
    return pd.DataFrame(table, columns=["Network", "Convolutions of the stages", "Layers with weights", "Parameters",
                                        "MACs"])
