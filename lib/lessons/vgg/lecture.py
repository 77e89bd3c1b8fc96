"""What the slides of a lecture print about AlexNet and VGG-16, and the VGG-16 that their sums belong to."""

from typing import NamedTuple

import pandas as pd

from lib.analysis import Analysis
from lib.lessons.vgg.alexnets import AS_IN_LECTURE
from lib.lessons.vgg.networks import GIGA, MEBI, MEGA, analysis, name
from lib.models.vgg import DEPTHS
from lib.once import once

PRINTED = {"macs": 13.6, "memory": 48.6, "params": 138}
"""VGG-16 on the slides of EECS-498 (2019), lecture 8: billions of multiply-adds, MiB of convolution outputs, million
parameters. As commonly printed, not verified at the source."""
STAGES = ("conv1_x", "conv2_x", "conv3_x", "conv4_x", "conv5_x")


class Slide(NamedTuple):
    """A number of the lecture's slides, as commonly printed, and how to compute it."""

    what: str
    printed: str
    exact: str
    remark: str


class Sums(NamedTuple):
    """What the slides print of a network: billions of multiply-adds, MiB of convolution outputs, million parameters."""

    macs: float
    memory: float
    params: float

    @property
    def texts(self) -> tuple[str, str, str]:
        return f"{self.macs:.2f}", f"{self.memory:.1f}", f"{self.params:.2f}"


def sums(network: Analysis) -> Sums:
    """The three sums of a network."""
    outputs = sum(op.activation_bytes for op in network.ops if op.kind == "conv2d")
    return Sums(network.macs / GIGA, outputs / MEBI, network.params / MEGA)


@once
def without_one() -> dict[str, Sums]:
    """VGG-16 with one convolution less, by the stage that lacks it."""
    return {stage: sums(analysis("vgg16", depths=tuple(depth - (index == place) for index, depth in enumerate(DEPTHS[16]))))
            for place, stage in enumerate(STAGES)}


@once
def fitting() -> dict[str, frozenset[str]]:
    """For each printed sum, the stages without one convolution of which it comes out."""
    return {quantity: frozenset(stage for stage, each in without_one().items()
                                if round(getattr(each, quantity), 0 if quantity == "params" else 1) == printed)
            for quantity, printed in PRINTED.items()}


@once
def without_one_table() -> pd.DataFrame:
    """The sums of the true VGG-16, of those that lack a convolution, and what the slides print."""
    table = [("none: the true VGG-16", *sums(analysis("vgg16")).texts)]
    table += [(stage, *each.texts) for stage, each in without_one().items()]
    table.append(("on the slides", *(f"{printed:g}" for printed in PRINTED.values())))
    return pd.DataFrame(table, columns=["Missing in", "Billion MACs", "Convolution outputs, MiB", "Million parameters"])


@once
def lectured() -> tuple[Analysis, Analysis, Analysis]:
    """AlexNet as in the lecture, VGG-16, and VGG-16 with one convolution less, as the slides list it."""
    return analysis("alexnet", input_size=AS_IN_LECTURE), analysis("vgg16"), analysis("vgg16", depths=(2, 2, 2, 3, 3))


@once
def lecture() -> pd.DataFrame:
    """Where the EECS-498 slides of 2019 differ from the networks, and why. Memory is that of convolution outputs."""
    alexnet, vgg, short = lectured()
    fourth = next(op for op in alexnet.ops if name(op) == "conv4")
    fc6 = next(op for op in alexnet.ops if name(op) == "fc6")
    exact, listed = sums(vgg).texts, sums(short).texts
    slides = [
        Slide("AlexNet, conv4, M MACs", "145", f"{fourth.macs / MEGA:.1f}", "the other convolutions agree"),
        Slide("AlexNet, fc6, thousand parameters", "37749", f"{fc6.params / 1000:.0f}", "printed without the biases"),
        Slide("AlexNet, G MACs", "0.7", f"{alexnet.macs / GIGA:.3f}", "agrees"),
    ] + [
        Slide(f"VGG-16, {what}", f"{printed:g}", true, f"two convolutions in stage 3 give {short}")
        for what, printed, true, short in zip(("G MACs", "convolution outputs, MiB", "M parameters"), PRINTED.values(),
                                              exact, listed)]
    return pd.DataFrame(slides, columns=["Quantity", "Slide", "Exact", "Why"])
