"""Training from a shell: `python -m lib train resnet56_cifar plain56_cifar --epochs 12 --seed 0 --json`."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable

from lib.architecture import Impossible
from lib.lab.jobs import Job, pictures_of, run
from lib.limits import limits
from lib.records import Network, Setting
from lib.timing import Step
from lib.training.fair import at_best, at_rates
from lib.training.pictures import version
from lib.training.race import Begun, Finished, suiting
from lib.training.recipe import Recipe
from lib.training.records import Curve, Entrant


def add_options(parser: argparse.ArgumentParser, name: str) -> None:
    """The options of `train`: those of `Recipe`, seeds, device."""
    parser.add_argument("presets", metavar="PRESET", nargs="+", help=name)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="turn a knob of all networks; may be repeated")
    for field, declared in Recipe.model_fields.items():
        usual = "what suits each network" if field == "learning_rate" else declared.default
        parser.add_argument(f"--{field.replace('_', '-')}", metavar=field.upper(),
                            help=f"{declared.description} [{usual}]".replace("%", "%%"))
    parser.add_argument("--seed", type=int, nargs="+", default=[0], metavar="N",
                        help="initial weights, order of the pictures and chance follow from it; of several, each is run [0]")
    parser.add_argument("--fair", action="store_true", help="try a few learning rates for each network and give the best one")
    parser.add_argument("--device", default="cpu", help="where to train: cpu, cuda:0, mps [cpu]")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, as JSON: a list with an item for each network and seed")
    form.add_argument("--csv", action="store_true", help="a row for each epoch, as CSV")


def print_training(arguments: argparse.Namespace, network: Callable[[str], Network]) -> None:
    """Train, saying on stderr how far it is if somebody watches there; `network` makes a preset's name a network."""
    entrants = asked([network(preset) for preset in arguments.presets], arguments)
    if arguments.fair:
        entrants = [each for entrant in entrants for each in at_rates(entrant)]
    curves = trained(entrants, arguments.device, show if sys.stderr.isatty() else lambda step: None)
    if arguments.fair:
        curves = at_best(curves)
    if arguments.json:
        print(json.dumps([curve.model_dump(mode="json") for curve in curves.values()], indent=1))
    elif arguments.csv:
        write_csv(list(curves.values()))
    else:
        for curve in curves.values():
            print(described(curve))


def asked(networks: list[Network], arguments: argparse.Namespace) -> list[Entrant]:
    """Each network with each seed. Raises `Impossible` for settings that cannot be."""
    given = {field: value for field in Recipe.model_fields if (value := getattr(arguments, field)) is not None}
    recipe = Recipe.read(given)
    found = []
    for network in networks:
        own = recipe
        pictures = pictures_of(Entrant(network=network, recipe=recipe))
        if "learning_rate" not in given:
            own = recipe.model_copy(update={"learning_rate": suiting(network, pictures)})
        for seed in arguments.seed:
            if seed < 0:
                raise Impossible(f"A seed is a whole number from 0 on, not {seed}.")
            found.append(Entrant(network=network, recipe=own, seed=seed,
                                 version=version(recipe.data, limits().pictures.get(recipe.data, ""))))
    return found


def trained(entrants: list[Entrant], device: str = "cpu", watch: Callable[[Step], None] = lambda step: None) -> dict[Entrant, Curve]:
    """The curves of entrants, trained here and now, side by side."""
    job = Job(kind="race", networks=tuple(dict.fromkeys(entrant.network for entrant in entrants)),
              setting=Setting(device=device), entrants=tuple(entrants))
    curves: dict[Entrant, Curve] = {}
    for step in run(job):
        watch(step)
        if isinstance(step.found, Begun):
            curves[entrants[step.found.entrant]] = step.found.curve
        elif isinstance(step.found, Finished):
            entrant = entrants[step.found.entrant]
            curves[entrant] = curves[entrant].model_copy(update={"epochs": (*curves[entrant].epochs, step.found.epoch)})
    return curves


def show(step: Step) -> None:
    print(f"\r{step.share:4.0%} {step.doing:70.70}", end="\n" if step.share >= 1 else "", file=sys.stderr)


def described(curve: Curve) -> str:
    """The end of a curve in a line."""
    last, seconds = curve.epochs[-1], sum(epoch.seconds for epoch in curve.epochs)
    if curve.lost:
        return f"{curve.label}, seed {curve.seed}: the loss was no number any more in epoch {len(curve.epochs)}"
    return (f"{curve.label}, seed {curve.seed}, rate {curve.settings.learning_rate:g}: after {len(curve.epochs)} epochs training "
            f"error {last.train_error:.1f} %, test error {last.test_error:.1f} %, {seconds:.1f} s")


def write_csv(curves: list[Curve]) -> None:
    """A row for each epoch."""
    rows = [{"network": curve.label, "seed": curve.seed, "learning_rate": curve.settings.learning_rate, "epoch": number}
            | epoch.model_dump() for curve in curves for number, epoch in enumerate(curve.epochs, 1)]
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
