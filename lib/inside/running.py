"""A forward pass with real numbers, up to one operation of the trace: what that was given, and what it gave.

The operations are counted as `lib.trace` counts them, so that a place in an analysis means the same one here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lib.trace import QUESTIONS, tensors_in
from lib.training.loop import outputs


@dataclass(frozen=True, eq=False)
class Call:
    """One operation as it ran: the torch function, what it was given, and the tensors that it gave."""

    function: Callable
    arguments: tuple
    named: dict[str, Any]
    given: tuple[Tensor, ...]

    @property
    def input(self) -> Tensor:
        """The first tensor that it was given."""
        return tensors_in((*self.arguments, *self.named.values()))[0]

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument by its place, or by its name where it was given so."""
        return self.arguments[place] if place < len(self.arguments) else self.named.get(name, default)


class _Reached(Exception):
    """The operation has run; the rest of the network need not."""

    def __init__(self, call: Call):
        super().__init__()
        self.call = call


class _Watch(TorchFunctionMode):
    """Counts the operations, and ends the pass with the one at place `index`."""

    def __init__(self, index: int):
        super().__init__()
        self.left = index

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.__name__ in QUESTIONS:
            return func(*args, **kwargs)
        before = copied((args, kwargs), _kept) if self.left == 0 else None
        result = func(*args, **kwargs)
        if tensors := tensors_in((result,)):
            if self.left == 0:
                raise _Reached(Call(func, *before, tuple(tensors)))
            self.left -= 1
        return result


def _kept(tensor: Tensor) -> Tensor:
    """An operation may write into a map that it is given, but not into weights."""
    return tensor if isinstance(tensor, nn.Parameter) else tensor.clone()


def copied(values: Any, copy: Callable[[Tensor], Tensor]) -> Any:
    """Nested arguments with another tensor in the place of each."""
    if isinstance(values, Tensor):
        return copy(values)
    if isinstance(values, dict):
        return {name: copied(value, copy) for name, value in values.items()}
    return type(values)(copied(value, copy) for value in values) if isinstance(values, (list, tuple)) else values


def call_at(model: nn.Module, images: Tensor, index: int) -> Call:
    """The operation at place `index` of the trace, as the model (in eval mode) runs it on images (N, C, H, W).

    Raises IndexError if the model has fewer.
    """
    try:
        with _Watch(index):
            model(images)
    except _Reached as reached:
        return reached.call
    raise IndexError(f"the model has no operation {index}")


@torch.inference_mode()
def scores(model: nn.Module, image: Tensor) -> np.ndarray:
    """The probability of each class for an image (1, C, H, W): the softmax of the network's last layer, (classes,)."""
    return outputs(model, image)[0][0].softmax(0).numpy()


def as_maps(tensors: tuple[Tensor, ...]) -> Tensor:
    """Outputs for one image as maps, (maps, rows, columns), in the order in which their numbers lie: features are maps of one
    cell, branches come one after the other."""
    return torch.cat([_as_maps(tensor[0]) for tensor in tensors])


def _as_maps(tensor: Tensor) -> Tensor:
    if tensor.dim() < 3:
        return tensor.reshape(len(tensor), 1, -1)
    return tensor.flatten(0, -3)


def maps_shape(shapes: tuple[tuple[int, ...], ...]) -> tuple[int, int, int]:
    """The shape that `as_maps` gives to outputs of these shapes."""
    return tuple(as_maps(tuple(torch.empty(shape, device="meta") for shape in shapes)).shape)
