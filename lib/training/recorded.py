"""The races that come with the app, and how they are made: `make races`, or `python -m lib.training.recorded NAME ...`.

Curves go into `lib/data/races`, weights of a few small networks into `lib/data/weights`. On two quiet cores it takes about
forty minutes.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from lib.lab.jobs import pictures_of
from lib.records import Network, Setting
from lib.training.race import prepared, repeatable, suiting
from lib.training.recipe import FAIR, Recipe
from lib.training.records import Entrant
from lib.training.shell import trained
from lib.training.shipped import RACES, WEIGHTS

SEEDS = (0, 1, 2)


def network(preset: str, **changed: Any) -> Network:
    return Network(preset=preset, changed=changed)


@dataclass(frozen=True)
class Recorded:
    """A race that is shipped: its networks, each at every one of `rates` (None: what suits it), by the recipe's other
    `settings`, with every seed."""

    networks: Sequence[Network]
    rates: Sequence[float | None] = (None,)
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = SEEDS

    def entrants(self) -> list[Entrant]:
        """Who takes part, network by network."""
        return [entrant(each, rate, seed, **self.settings) for each in self.networks for rate in self.rates
                for seed in self.seeds]


def entrant(network: Network, rate: float | None = None, seed: int = 0, **settings: Any) -> Entrant:
    """A network with a recipe on the digits, by default with the rate that suits it."""
    recipe = Recipe(**settings)
    rate = rate or suiting(network, pictures_of(Entrant(network=network, recipe=recipe)))
    return Entrant(network=network, recipe=recipe.model_copy(update={"learning_rate": rate}), seed=seed)


DEPTHS = (20, 32, 44, 56, 110)
PLAIN = {depth: network(f"plain{depth}_cifar") for depth in DEPTHS}
RESIDUAL = {depth: network(f"resnet{depth}_cifar") for depth in DEPTHS}
ORDERS = {56: {letter: network(f"resnetv2_110_cifar{end}", n=9) for letter, end in zip("abcde", ("_a", "_b", "_c", "_d", ""))},
          110: {letter: network(f"resnetv2_110_cifar{end}") for letter, end in zip("abcde", ("_a", "_b", "_c", "_d", ""))}}
"""The five orders of the paper on identity mappings, by depth and letter."""
BARE = {name: Network(preset=f"{name}_cifar", changed={"batch_norm": False}) for name in ("plain20", "resnet20", "plain56", "resnet56")}
"""Without batch normalisation."""
OPTIONS = {(depth, option): Network(preset=f"resnet{depth}_cifar", changed={} if option == "A" else {"shortcut": option})
           for depth in (20, 56) for option in "ABC"}
INCEPTION = {auxiliary: Network(preset="googlenet_2014", changed={"width": 25} | ({"auxiliary": True} if auxiliary else {}))
             for auxiliary in (False, True)}
"""A quarter of GoogLeNet's width, without and with auxiliary classifiers."""
CARDINALITIES = {(groups, width): Network(preset="resnet20_cifar", changed={"bottleneck": True, "shortcut": "B"} | (
    {} if groups == 1 else {"cardinality": groups, "base_width": width}))
    for groups, width in ((1, 64), (2, 40), (4, 24), (32, 4))}
"""Columns of ResNeXt's Table 2 in the frame of the CIFAR networks: about equal cost at each cardinality."""
SQUEEZED = {depth: Network(preset=f"resnet{depth}_cifar", changed={"se": True}) for depth in (20, 56)}
SMALL = {"width": 8, "depths": (1, 1, 1, 1), "input_size": 32}
GATED = {"se": network("seresnet18", **SMALL), "sk": network("skresnet18", **SMALL), "split": network("resnest14d", stem_width=16, **SMALL),
         "none": network("resnet18", **SMALL)}
"""Small networks with gates, and one without."""
OLD = {"lenet": network("lenet5"), "vgg": network("vgg11", width=16, hidden=0), "vgg_bn": network("vgg11_bn", width=16, hidden=0)}

RECORDED = {
    "depth": Recorded([*PLAIN.values(), *RESIDUAL.values()]),
    "orders_56": Recorded(list(ORDERS[56].values())),
    "orders_110": Recorded(list(ORDERS[110].values())),
    "norm": Recorded(list(BARE.values()), rates=FAIR),
    "options": Recorded([*OPTIONS.values()]),
    "auxiliary": Recorded(list(INCEPTION.values()), settings={"epochs": 30, "start": "xavier"}),
    "cardinality": Recorded(list(CARDINALITIES.values())),
    "attention": Recorded([*SQUEEZED.values(), *GATED.values()]),
    "old": Recorded(list(OLD.values())),
    "fair": Recorded([PLAIN[20], PLAIN[56], RESIDUAL[20], RESIDUAL[56]], rates=FAIR, seeds=(0,)),
    "fair_110": Recorded([PLAIN[110], RESIDUAL[110]], rates=FAIR, seeds=(0,)),
    "longer": Recorded([PLAIN[56], PLAIN[110], RESIDUAL[110]], settings={"epochs": 48}, seeds=(0,)),
    "xavier": Recorded([PLAIN[56], RESIDUAL[56], PLAIN[110], RESIDUAL[110]], settings={"start": "xavier"}),
    "torch": Recorded([PLAIN[56], RESIDUAL[56], PLAIN[110], RESIDUAL[110]], settings={"start": "torch"}),
}
"""The races that come with the app, by name."""

THIN = {"n": 2, "width": 8}
KEPT_WEIGHTS = {
    "lenet5": network("lenet5"), "plain": network("plain20_cifar", **THIN), "residual": network("resnet20_cifar", **THIN),
    "se": network("resnet20_cifar", se=True, **THIN), "sk": GATED["sk"], "split": GATED["split"],
}
"""The networks whose trained weights come with the app."""


def record(name: str) -> None:
    """Run a race and write its curves, seed by seed so that few networks lie in memory at a time."""
    recorded, curves = RECORDED[name], []
    for seed in recorded.seeds:
        entrants = [entrant for entrant in recorded.entrants() if entrant.seed == seed]
        for first in range(0, len(entrants), 5):
            curves += trained(entrants[first:first + 5]).values()
            print(f"{name}: {len(curves)} of {len(recorded.entrants())} curves", flush=True)
    text = json.dumps([curve.model_dump(mode="json") for curve in curves])
    RACES.mkdir(exist_ok=True)
    (RACES / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def weights(name: str) -> None:
    """Train a small network and write its weights, in half precision."""
    one = entrant(KEPT_WEIGHTS[name])
    with repeatable(Setting()):
        training, curve = prepared(one, pictures_of(one), "cpu")
        epochs = [epoch for _at in range(one.recipe.epochs) for share, epoch in training.epoch() if share == 1.0]
    print(f"{name}: training error {epochs[-1].train_error} %, test error {epochs[-1].test_error} %", flush=True)
    WEIGHTS.mkdir(exist_ok=True)
    told = curve.model_copy(update={"epochs": tuple(epochs)}).model_dump_json()
    arrays = {key: _small(value) for key, value in training.model.state_dict().items()}
    with open(WEIGHTS / f"{name}.npz", "wb") as file:
        np.savez_compressed(file, curve=np.frombuffer(told.encode(), np.uint8), **arrays)


def _small(values: torch.Tensor) -> np.ndarray:
    """Numbers with a point in half the bytes; counts as they are."""
    return values.numpy().astype(np.float16) if values.is_floating_point() else values.numpy()


def main(names: Sequence[str]) -> Iterator[str]:
    """Make these races, or all with the weights."""
    for name in names or [*RECORDED, *KEPT_WEIGHTS]:
        (record if name in RECORDED else weights)(name)
        yield name


if __name__ == "__main__":
    for made in main(sys.argv[1:]):
        print(f"{made} is made", flush=True)
