"""Curves and weights that come with the app, as `lib/training/recorded.py` has made them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from lib.records import Network
from lib.training.records import Curve, Entrant

DATA = Path(__file__).parent.parent / "data"
RACES, WEIGHTS = DATA / "races", DATA / "weights"


@cache
def of_race(name: str) -> tuple[Curve, ...]:
    """The curves of a recorded race, network by network, seed by seed. Raises OSError if there is no such race."""
    return tuple(TypeAdapter(list[Curve]).validate_json(gzip.decompress((RACES / f"{name}.json.gz").read_bytes())))


@cache
def _by_key() -> dict[str, Curve]:
    """All of them by the key of their entrant, of several the longest."""
    found: dict[str, Curve] = {}
    for file in sorted(RACES.glob("*.json.gz")):
        for curve in of_race(file.name.removesuffix(".json.gz")):
            key = entrant_of(curve).key()
            if key not in found or len(curve.epochs) > len(found[key].epochs):
                found[key] = curve
    return found


def entrant_of(curve: Curve) -> Entrant:
    """Whose curve it is, of the pictures that come with the app."""
    return Entrant(network=Network(preset=curve.preset, changed=curve.changed), recipe=curve.settings, seed=curve.seed)


def curve_of(entrant: Entrant) -> Curve | None:
    """The recorded curve of an entrant, whole; None if there is none."""
    found = _by_key().get(entrant.key())
    cut = found.first(entrant.recipe.epochs) if found else None
    return cut if cut and cut.over else None


@dataclass(frozen=True, eq=False)
class Weights:
    """A trained network that comes with the app: its curve, which says how it was trained, and its weights."""

    curve: Curve
    state: dict[str, Tensor]


@cache
def weights() -> dict[str, Weights]:
    """The trained networks by name."""
    found = {}
    for file in sorted(WEIGHTS.glob("*.npz")):
        with np.load(file) as arrays:
            told = Curve.model_validate_json(arrays["curve"].tobytes())
            found[file.stem] = Weights(told, {name: _full(arrays[name]) for name in arrays.files if name != "curve"})
    return found


def _full(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32) if values.dtype == np.float16 else values)
