"""Backbone Lab without its pages: the networks, and what can be computed from them.

>>> import lib
>>> lib.analyze("resnet50").macs
4089184256
"""

import logging
from typing import Any

from lib import catalog
from lib.analysis import Analysis, analyze_knobs
from lib.architecture import Impossible

__all__ = ["Analysis", "Impossible", "analyze", "build", "presets"]

# torch.utils.benchmark brings it along, and it reports where a CUDA compiler has no GPU: nobody compiles CUDA here.
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)


def presets() -> list[str]:
    """The ids of all named networks."""
    return list(catalog.presets())


def build(preset: str, **knobs: Any):
    """A network as a real `nn.Module` with initialised weights. Raises `Impossible` for wrong names or values."""
    return catalog.get(preset).build(catalog.configure(preset, knobs))


def analyze(preset: str, input_size: int | str | tuple[int, int] | None = None, **knobs: Any) -> Analysis:
    """A network's parameters, multiply-adds, activations and receptive fields for one image. `input_size` is the side of a
    square, or height and width as (480, 640) or "480x640"; without it the preset's own (224; 227 for alexnet_2012).

    Raises `Impossible` for wrong names or values and for an image that the network cannot take.
    """
    preset = catalog.find(preset)
    if input_size is not None:
        knobs["input_size"] = input_size
    return analyze_knobs(preset, catalog.get(preset), catalog.configure(preset, knobs))
