"""The identity: by zero weights in one block, and in a network that is made deeper."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.lessons.residual.signals import IMAGES, PIXELS, units
from lib.measuring import Progress, quiet, seeded
from lib.models.resnet import BasicBlock, PlainBasicBlock
from lib.models.resnet_v2 import FullPreactivation
from lib.once import once

NAMES = {"plain": "plain", "residual": "residual", "gamma": "residual, γ = 0", "full": "pre-activation"}


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
def responses(shift: float) -> dict[str, Response]:
    """Blocks whose residual branch is switched off, run on numbers from -2 to 2; `shift` is β of every norm."""
    with seeded(0):
        plain, residual, scaled = PlainBasicBlock(1, 1), BasicBlock(1, 1), BasicBlock(1, 1)
        full = FullPreactivation(1, 1, bottleneck=False)
    nn.init.zeros_(scaled.bn2.weight)
    for convolution in (plain.conv1, plain.conv2, residual.conv1, residual.conv2, *full.convs):
        nn.init.zeros_(convolution.weight)
    return {id: _response(NAMES[id], block, shift) for id, block in zip(NAMES, (plain, residual, scaled, full))}


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
    found = responses(shift).values()
    return next(iter(found)).inputs, {response.name: response.outputs for response in found}


@once
def errors(shift: float) -> pd.DataFrame:
    """How far each block is from the identity."""
    return pd.DataFrame([{
        "Block, its branch switched off": response.name, "Largest |y − x| where x ≥ 0": f"{response.error(False):.2f}",
        "Where x < 0": f"{response.error(True):.2f}"} for response in responses(shift).values()])


# A network made deeper

SHALLOW, DEEP = 3, 5
"""Blocks in each stage of a CIFAR network: 20 and 32 weight layers."""
FILLINGS = {"zeros": nn.init.zeros_, "identity": nn.init.dirac_, "random": lambda weight: weight}
SAME = 0.01
"""Outputs that differ by less than this share are the same; a norm divides by a little more than the spread."""


@dataclass(frozen=True)
class Deepened:
    """The outputs of a network, and of a deeper one that holds the same weights and more blocks, on the same images."""

    name: str
    shallow: tuple[float, ...]
    deep: tuple[float, ...]

    @property
    def off(self) -> float:
        """How far the two are from each other, as a share of the shallow one's outputs."""
        shallow, deep = torch.tensor(self.shallow), torch.tensor(self.deep)
        return ((deep - shallow).norm() / shallow.norm()).item()

    @property
    def same(self) -> bool:
        return self.off < SAME


def deepened(filling: str, seed: int, progress: Progress = quiet) -> tuple[Deepened, Deepened]:
    """A plain and a residual CIFAR network of 20 layers, made 32 layers deep: the convolutions of the blocks that come in
    are filled with zeros, with kernels that pass their input on, or at random. The norms are in evaluation mode."""
    found = []
    for index, (name, residual) in enumerate((("plain", False), ("ResNet", True))):
        with seeded(seed):
            images = torch.randn(IMAGES, 3, PIXELS, PIXELS)
            shallow, deep = (lib.build("resnet56_cifar", n=n, residual=residual).eval() for n in (SHALLOW, DEEP))
        deep.load_state_dict({**deep.state_dict(), **shallow.state_dict()})
        fill(deep, filling)
        found.append(Deepened(name, outputs(shallow, images), outputs(deep, images)))
        progress((index + 1) / 2)
    return tuple(found)


def fill(network: nn.Module, filling: str) -> None:
    """Fill the convolutions of the blocks that come in: each stage's last."""
    for index, block in enumerate(units(network)):
        if index % DEEP >= SHALLOW:
            FILLINGS[filling](block.conv1.weight.data)
            FILLINGS[filling](block.conv2.weight.data)


@torch.no_grad()
def outputs(network: nn.Module, images: Tensor) -> tuple[float, ...]:
    """The ten outputs for each image, one after the other."""
    return tuple(network(images).flatten().tolist())


@once
def deepened_table(filling: str, found: tuple[Deepened, Deepened]) -> pd.DataFrame:
    """How far the outputs are from each other."""
    return pd.DataFrame([{"Network": each.name, "Added blocks": filling, "Outputs differ by": percent(each.off)}
                         for each in found])


def percent(share: float) -> str:
    """A share in percent: `0 %`, `0.001 %`, `19 %`, `6,300 %`."""
    value = float(f"{100 * share:.2g}")
    return f"{value:,.0f} %" if value >= 1 or value == 0 else f"{value:.1g} %"
