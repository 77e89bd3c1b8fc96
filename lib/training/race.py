"""A race: several networks trained side by side, step by step in turns, on the same pictures in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from time import monotonic

import torch
from torch import nn

from lib import catalog
from lib.analysis import Analysis, analyze_knobs
from lib.analysis.fitting import input_sizes, nearest
from lib.architecture import Impossible
from lib.devices import cores, environment
from lib.measuring import seeded
from lib.meta import on_meta
from lib.once import once
from lib.records import Network, Setting
from lib.timing import Step, Steps
from lib.training.loop import Training, go_on, state_of
from lib.training.pictures import Pictures
from lib.training.recipe import start_anew, usual_rate
from lib.training.records import Curve, Entrant, Epoch

ENLARGED = 32
"""Pixels, as CIFAR's pictures and the first LeNet's have them."""
GLIMPSE = 0.2
"""Seconds from one look into an epoch that runs to the next."""


@dataclass(frozen=True)
class Begun:
    """An entrant has been built: its curve, still without the epochs to come."""

    entrant: int
    curve: Curve


@dataclass(frozen=True)
class Glimpse:
    """How an entrant stands within an epoch, after `at` epochs."""

    entrant: int
    at: float
    epoch: Epoch


@dataclass(frozen=True)
class Finished:
    """An entrant has ended its epoch of this `number`, counted from 1, and can go on from `state`."""

    entrant: int
    number: int
    epoch: Epoch
    state: bytes


@once
def fitting(network: Network, pictures: Pictures) -> Analysis:
    """The network for these pictures: their classes, and their size, unless one is chosen. A network that does not take pictures
    so small gets them enlarged: to 32 pixels, or the least it takes.

    Raises `Impossible` for a network that gives no scores of classes, or cannot be built so.
    """
    preset = catalog.find(network.preset)
    family = catalog.get(preset)
    if "num_classes" not in family.knobs.model_fields:
        raise Impossible(f"{network.preset} gives feature maps, not scores of classes, so it cannot be trained here.")
    changed = network.changed | {"num_classes": len(pictures.classes)}
    if "input_size" not in network.changed:
        sizes = input_sizes(family, catalog.configure(preset, changed))
        usual = max(catalog.configure(preset, network.changed).sides)
        changed["input_size"] = pictures.size if pictures.size in sizes else nearest(sizes, min(usual, ENLARGED))
    return analyze_knobs(preset, family, catalog.configure(preset, changed))


def first_block(analysis: Analysis) -> str:
    """The path of the first block behind the stem; in a network without blocks, of the first layer with weights."""
    blocks = (op.block for op in analysis.ops if op.block and op.params)
    return next(blocks, next(op.name for op in analysis.ops if op.params))


def build(analysis: Analysis, entrant: Entrant) -> nn.Module:
    """The network with weights that follow from the entrant's seed."""
    with seeded(entrant.seed):
        model = analysis.architecture.build(analysis.knobs)
        start_anew(model, entrant.recipe.start)
    return model


@once
def suiting(network: Network, pictures: Pictures) -> float:
    """The learning rate that suits a network."""
    analysis = fitting(network, pictures)
    with on_meta():
        return usual_rate(analysis.architecture.build(analysis.knobs))


def prepared(entrant: Entrant, pictures: Pictures, device: str) -> tuple[Training, Curve]:
    """An entrant ready to be trained on a device, and its curve without epochs."""
    analysis = fitting(entrant.network, pictures)
    layout = torch.channels_last if device == "cpu" else torch.contiguous_format  # a tenth quicker on CPUs
    model, path = build(analysis, entrant).to(device, memory_format=layout), first_block(analysis)
    watched = [weight for name, weight in model.named_parameters() if f"{name}.".startswith(f"{path}.")]
    knobs = analysis.knobs
    images = pictures.for_network(knobs.in_channels, knobs.sides).to(device, memory_format=layout)
    training = Training(model, images, pictures.labels.to(device), pictures.training, entrant.recipe, entrant.seed, watched)
    facts = environment(device, "float32") | {"pictures": pictures.source, "first_block": path}
    return training, Curve(preset=entrant.network.preset, changed=entrant.network.changed, seed=entrant.seed,
                           settings=entrant.recipe, input_size=knobs.input_size, taken=datetime.now(timezone.utc), environment=facts)


@contextmanager
def repeatable(setting: Setting) -> Iterator[None]:
    """Inside, the same numbers come out each time: always the same threads, full float32, and on a GPU no shortcuts whose
    order of adding is left to chance."""
    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn.deterministic
    exact, tf32 = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.allow_tf32
    torch.set_num_threads(setting.threads or cores())
    torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = True, False
    if setting.device != "cpu":  # on a CPU the order of adding follows from the threads alone
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = cudnn, tf32
        torch.use_deterministic_algorithms(exact, warn_only=True)


def race(entrants: Sequence[Entrant], pictures: Mapping[str, Pictures], setting: Setting,
         states: Mapping[int, bytes] = {}) -> Steps:
    """Train all entrants to the end of their recipes; finds `Begun`, `Glimpse` and `Finished`.

    `pictures` are those of each recipe's data, by name. An entrant of which a state is given goes on from there.
    """
    with repeatable(setting):
        lanes: dict[int, Iterator[tuple[float, Glimpse | Finished | None]]] = {}
        total = sum(entrant.recipe.epochs for entrant in entrants)
        done = dict.fromkeys(range(len(entrants)), 0.0)
        for index, entrant in enumerate(entrants):
            yield Step(0.0, f"Building {entrant.network.label}")
            training, curve = prepared(entrant, pictures[entrant.recipe.data], setting.device)
            if index in states:
                go_on(training, states[index])
            lanes[index] = _lane(index, training)
            yield Step(0.0, f"Built {entrant.network.label}", Begun(index, curve))
        while lanes:
            for index in list(lanes):
                at, found = next(lanes[index], (None, None))
                if at is None:
                    del lanes[index]
                done[index] = entrants[index].recipe.epochs if at is None else at
                yield Step(sum(done.values()) / total, _doing(entrants[index], done[index]), found)


def warm_up() -> Steps:
    """Import what training needs, and ask what stays the same, without finding anything."""
    yield Step(0.0, "Preparing")
    environment("cpu", "float32")
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0).step()
    yield Step(1.0, "Prepared")


def _doing(entrant: Entrant, at: float) -> str:
    return f"{entrant.network.label}, seed {entrant.seed}, epoch {min(int(at) + 1, entrant.recipe.epochs)}"


def _lane(index: int, training: Training) -> Iterator[tuple[float, Glimpse | Finished | None]]:
    """An entrant's steps, one after the other: how many epochs are done, and now and then how it stands."""
    last = 0.0
    while training.done < training.recipe.epochs:
        before = training.done
        for share, epoch in training.epoch():
            if share == 1.0:
                yield training.done, Finished(index, training.done, epoch, state_of(training))
            elif monotonic() - last > GLIMPSE:
                last = monotonic()
                yield before + share, Glimpse(index, before + share, epoch)
            else:
                yield before + share, None
        if epoch.train_loss is None:  # it is no number any more, and nothing can be learnt
            return
