"""Training passes on the meta device, made quick: `with Replay():` runs each convolution and normalisation of a kind once.

On meta, torch works out the shapes of a batch normalisation in Python, which takes milliseconds for each, and a deep network
has hundreds that are alike. What backward will need of one is asked of torch itself, the first time; every other of the
same shapes hands the same kinds of tensors to autograd.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from lib.trace import tensors_in

REPLAYED = frozenset({torch.conv2d, F.batch_norm})
"""Functions that only depend on the shapes and kinds of what they are given, and write nothing in place that counts."""


class Recipe(NamedTuple):
    """What a function gives, and what it saves for backward: which of its tensors, its output or not, and others."""

    output: Tensor
    saved_arguments: tuple[int, ...]
    saves_output: bool
    others: tuple[Tensor, ...]


class Replay(TorchFunctionMode):
    """Sees every torch function that a model calls; those of `REPLAYED` it runs once for each kind of arguments."""

    def __init__(self):
        super().__init__()
        self.recipes: dict[Any, Recipe] = {}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func not in REPLAYED:
            return func(*args, **kwargs)
        key = func, _kind(args), _kind(tuple(kwargs.items()))
        tensors = tensors_in((*args, *kwargs.values()))
        if key not in self.recipes:
            self.recipes[key] = _asked(func, args, kwargs, tensors)
        return _Replayed.apply(self.recipes[key], *tensors)


def _kind(value: Any) -> Any:
    """All that matters of an argument: of a tensor its shape and the kind of its numbers."""
    if isinstance(value, tuple):
        return tuple(map(_kind, value))
    return (tuple(value.shape), value.dtype, value.requires_grad) if isinstance(value, Tensor) else value


def _asked(func, args: tuple, kwargs: dict, tensors: list[Tensor]) -> Recipe:
    """Run the function, and hear from autograd what it saves."""
    saved: list[Tensor] = []
    with saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor):
        output = func(*args, **kwargs)
    places = {memory_of(tensor): index for index, tensor in enumerate(tensors)}
    here, own = [memory_of(tensor) for tensor in saved], memory_of(output)
    return Recipe(output.detach(), tuple(sorted({places[place] for place in here if place in places})), own in here,
                  tuple(tensor for tensor, place in zip(saved, here) if place not in places and place != own))


def memory_of(tensor: Tensor) -> int:
    """What tells the memory of a tensor from other memory; views of one tensor share it. On meta there is no address."""
    return tensor.untyped_storage()._cdata


class _Replayed(torch.autograd.Function):
    """A function whose output and saved tensors have the sizes of the recipe's. It has no backward."""

    @staticmethod
    def forward(ctx, recipe: Recipe, *tensors: Tensor) -> Tensor:
        output = torch.empty_like(recipe.output)
        kept = [tensors[index] for index in recipe.saved_arguments]
        ctx.save_for_backward(*kept, *[output] * recipe.saves_output, *map(torch.empty_like, recipe.others))
        return output
