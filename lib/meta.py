"""Building modules with shapes and names but no memory and no initial weights: `with on_meta():`.

Two things make it quick. No number is drawn, as there are none on the meta device. And torch, which spends some sixty
microseconds on the attributes of a convolution, builds only the first of equal layers: the others are copied from it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from inspect import Parameter, signature
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class _Thread(local):
    on_meta = False


_thread = _Thread()


class _OnMeta(TorchFunctionMode):
    """Makes tensors on the meta device and hands every initialisation its tensor back: there are no numbers to draw.

    One mode for both, as each costs every call of a torch function some microseconds.
    """

    FACTORIES = frozenset({torch.empty, torch.tensor, torch.arange, torch.eye, torch.linspace, torch.rand,
                           torch.randn})
    FILLED = frozenset({torch.zeros, torch.ones})  # on meta as empty as others, and made in a fifth of the time
    INITIALISATIONS = frozenset({"fill_", "zero_", "normal_", "uniform_", "kaiming_uniform_", "kaiming_normal_",
                                 "constant_"})

    def __enter__(self):
        self.outer, _thread.on_meta = _thread.on_meta, True
        return super().__enter__()

    def __exit__(self, *error):
        _thread.on_meta = self.outer
        return super().__exit__(*error)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.__name__ in self.INITIALISATIONS:
            return args[0] if args else kwargs["tensor"]
        if func is torch.full:
            return torch.empty(args[0], device="meta")
        if func in self.FILLED:
            return torch.empty(*args, **kwargs | {"device": "meta"})
        if func in self.FACTORIES:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def on_meta() -> TorchFunctionMode:
    """Inside `with on_meta():` modules are built with shapes and names but no memory and no initial weights."""
    return _OnMeta()


def remember_arguments(block: type[nn.Module]) -> None:
    """Let modules of this class, where they are built on meta, keep what their constructor was given, those of its parents
    too: `arguments_of(module)`."""
    build, given = block.__init__, signature(block.__init__)

    @wraps(build)
    def __init__(self, *args, **kwargs):
        build(self, *args, **kwargs)
        if _thread.on_meta:
            bound = given.bind(self, *args, **kwargs)
            bound.apply_defaults()
            named = {name: value for name, value in bound.arguments.items()
                     if given.parameters[name].kind is Parameter.POSITIONAL_OR_KEYWORD and name != "self"}
            _given.setdefault(self, {}).update(named)

    block.__init__ = __init__


def arguments_of(module: nn.Module) -> dict[str, Any]:
    """What the constructor of a module was given, by name; empty where nothing was remembered."""
    return _given.get(module, {})


_given: WeakKeyDictionary[nn.Module, dict[str, Any]] = WeakKeyDictionary()
"""What constructors were given, as long as their modules live."""


def forget_layers() -> None:
    """Forget the layers that were built so far, so that torch builds the next of each."""
    _attributes.cache_clear()


def _copied_on_meta(layer: type[nn.Module]) -> None:
    """Let the constructor of `layer` copy an equal layer where it is called on meta; elsewhere it stays what it is."""
    build = layer.__init__

    @wraps(build)
    def __init__(self, *args, **kwargs):
        if _thread.on_meta and type(self) is layer:
            vars(self).update(_own(_attributes(layer, build, *args, **kwargs)))
        else:
            build(self, *args, **kwargs)

    layer.__init__ = __init__


@lru_cache(maxsize=4000, typed=True)
def _attributes(layer: type[nn.Module], build: Callable, *args, **kwargs) -> dict[str, Any]:
    """What torch's own constructor puts into a layer of these arguments."""
    first = layer.__new__(layer)
    build(first, *args, **kwargs)
    return vars(first)


_TABLES = {name: type(value) for name, value in vars(nn.Module()).items() if isinstance(value, (dict, set))}
"""What a module keeps its parts and hooks in. In a fresh layer all are empty but those of parameters and buffers."""


def _own(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of one layer for another: the same settings, but parameters, buffers and hooks of its own."""
    own = attributes | {name: table() for name, table in _TABLES.items()}
    with torch._C.DisableTorchFunction():
        for name, weight in attributes["_parameters"].items():
            own["_parameters"][name] = None if weight is None else nn.Parameter(weight)
        for name, buffer in attributes["_buffers"].items():
            own["_buffers"][name] = None if buffer is None else buffer.detach()
    return own


for layer in (nn.Conv2d, nn.BatchNorm2d, nn.Linear, nn.ReLU, nn.ReLU6, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
              nn.Identity):
    _copied_on_meta(layer)
