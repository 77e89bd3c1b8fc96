"""Where the tests of the textbook have their numbers from: torchvision's and timm's networks, and torch's own counter.

Nothing here uses the networks or the counting that the checks are made of.
"""

from collections.abc import Callable
from functools import cache

import timm
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

EXPECTED: dict[str, Callable[[], list]] = {}
"""For each card with a check what its rows must have found: words, a number, some numbers, or a rule for a number."""


def expect(*ids: str):
    """Marks the function that knows, from elsewhere, what these cards' checks must find."""
    def keep(function):
        EXPECTED.update(dict.fromkeys(ids, function))
        return function
    return keep


@cache
def theirs(name: str) -> nn.Module:
    """torchvision's network, without weights."""
    more = {"init_weights": False} if name == "inception_v3" else {}
    with torch.device("meta"):
        return getattr(torchvision.models, name)(**more).eval()


@cache
def layers(name: str, size: int = 224) -> dict[str, tuple[nn.Module, tuple, tuple]]:
    """The leaves of torchvision's network in the order of running: module, input shape, output shape."""
    found, hooks = {}, []
    for path, module in theirs(name).named_modules():
        def note(module, given, out, path=path):
            found[path] = (module, tuple(given[0].shape), tuple(out.shape))

        if not list(module.children()):
            hooks.append(module.register_forward_hook(note))
    with torch.no_grad():
        theirs(name)(torch.empty(1, 3, size, size, device="meta"))
    for hook in hooks:
        hook.remove()
    return found


def macs(layer: tuple[nn.Module, tuple, tuple]) -> int:
    """Multiply-adds of a convolution or a linear layer: outputs times weights of one."""
    module, _, out = layer
    return torch.Size(out).numel() * module.weight[0].numel() if hasattr(module, "weight") else 0


def convolutions(name: str, size: int = 224) -> list[tuple[nn.Module, tuple, tuple]]:
    return [layer for layer in layers(name, size).values() if isinstance(layer[0], nn.Conv2d)]


def kib(layer: tuple[nn.Module, tuple, tuple]) -> float:
    return 4 * torch.Size(layer[2]).numel() / 1024


def params(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def counted(model: nn.Module) -> int:
    """Multiply-adds by torch's flop counter, which counts two for each."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(torch.empty(1, 3, 224, 224, device="meta"))
    return counter.get_total_flops() // 2


def in_timm(name: str) -> nn.Module:
    with torch.device("meta"):
        return timm.create_model(name)
