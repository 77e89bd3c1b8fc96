"""What a link to the page says: which network, which picture, which layer, which cell. Read, checked, written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lib import catalog, weights
from lib.analysis import Layer
from lib.architecture import Impossible
from lib.inside.drawing import Drawing
from lib.inside.gates import Gate, gates
from lib.inside.networks import Learnt, OfImageNet, Subject, shipped_networks, takes_drawings
from lib.inside.pictures import Example, Photo, Picture, examples
from lib.inside.running import maps_shape
from lib.inside.weights import Gone, trained
from lib.lessons.pictures import OBJECTS
from lib.records import Network
from lib.text import _
from lib.training.recipe import Recipe
from lib.training.records import MOST_SEEDS, Entrant

RACE, IMAGENET = "race", "imagenet"
NETWORK = "residual"
LABEL = 3
USUAL_PRESET = "resnet18"
VIEWS = ("maps", "gates", "field")


@dataclass
class Asked:
    """What a person looks at. None stands for the usual choice: of the layer the first, of the cell the middle one, of the
    channel the one that adds most."""

    view: str = "maps"
    network: str = NETWORK
    preset: str = USUAL_PRESET
    race: Entrant | None = None
    picture: str = "digit"
    label: int = LABEL
    example: int = 0
    drawing: Drawing = field(default_factory=Drawing)
    photo: str | bytes = "ball"
    layer: str | None = None
    map: int | None = None
    row: int | None = None
    column: int | None = None
    channel: int | None = None
    gate: str | None = None

    def subject(self) -> Subject:
        """The network that is looked into."""
        if self.network == IMAGENET:
            return OfImageNet(self.preset)
        return Learnt(self.race) if self.network == RACE and self.race else shipped_networks()[self.network]

    def shown(self) -> Picture:
        """The picture that it looks at."""
        if self.network == IMAGENET:
            return Photo(self.photo)
        subject = self.subject()
        drawn = self.picture == "drawing" and takes_drawings(subject)
        return self.drawing if drawn else Example(min(self.label, len(subject.classes) - 1), self.example)

    def go(self, layer: str) -> None:
        """Look at another layer."""
        self.layer, self.map, self.row, self.column, self.channel = layer, None, None, None, None

    def pick(self, cell: tuple[int, int, int]) -> None:
        """Look at another cell."""
        self.map, self.row, self.column = cell


def layer_of(asked: Asked) -> Layer:
    """The layer whose maps are shown."""
    ops = asked.subject().analysis().ops
    return next((op for op in ops if op.name == asked.layer), ops[0])


def cell_of(asked: Asked) -> tuple[int, int, int]:
    """Map, row and column of the cell that is looked at."""
    sizes = _maps, rows, columns = maps_shape(layer_of(asked).out_shapes)
    chosen, usual = (asked.map, asked.row, asked.column), (0, rows // 2, columns // 2)
    return tuple(middle if at is None or at >= size else at for at, size, middle in zip(chosen, sizes, usual))


def gate_of(asked: Asked) -> Gate | None:
    """The gate that is looked at; None in a network that has none."""
    found = gates(asked.subject().analysis())
    return next((gate for gate in found if gate.block == asked.gate), found[-1] if found else None)


# Reading and writing a link

def _one_of(values: Callable[[Asked], list[str]]) -> Callable[[Asked, str], str]:
    def read(asked: Asked, text: str) -> str:
        allowed = values(asked)
        if text not in allowed:
            raise Impossible(_("choose one of {values}.").format(values=", ".join(allowed[:MOST_NAMED])))
        return text
    return read


def _below(limit: Callable[[Asked], int]) -> Callable[[Asked, str], int]:
    def read(asked: Asked, text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 8 and int(text) < limit(asked)):
            raise Impossible(_("it must be a whole number from 0 to {high}.").format(high=limit(asked) - 1))
        return int(text)
    return read


MOST_NAMED = 8
"""A message names no more than so many choices."""


def networks(asked: Asked) -> list[str]:
    """What can be looked into."""
    return [*shipped_networks(), *[RACE] * bool(asked.race), IMAGENET]


def count_of(asked: Asked) -> int:
    """How many pictures of the chosen class the network was tested with."""
    if asked.network == IMAGENET:
        return MOST_SEEDS
    subject = asked.subject()
    return len(examples(subject.pictures, min(asked.label, len(subject.classes) - 1)))


def read_race(text: str) -> Entrant:
    """An entrant as a link writes it. Raises `Impossible`, naming what is wrong, or if no weights of it are kept here."""
    preset, *others = text.split(";")
    given = dict(each.partition("=")[::2] for each in others)
    seed = given.pop("seed", "0")
    if not seed.isdecimal() or int(seed) > MOST_SEEDS:
        raise Impossible(_("the seed is a whole number."))
    recipe = Recipe.read({name: given.pop(name) for name in list(given) if name in Recipe.model_fields})
    preset = catalog.find(preset)
    knobs = catalog.get(preset).knobs
    changed = {name: knobs.read_one(name, value) for name, value in given.items()}
    entrant = Entrant(network=Network(preset=preset, changed=changed), recipe=recipe, seed=int(seed))
    try:
        epochs, _state = trained(entrant)  # refuses what this server has never trained, however large it may be
    except Gone as error:
        raise Impossible(str(error)) from None
    return entrant.model_copy(update={"recipe": recipe.model_copy(update={"epochs": epochs})}) if recipe.goes_on else entrant


def of_race(entrant: Entrant) -> dict[str, str]:
    """The link to a network that a race has trained here."""
    return write(Asked(network=RACE, race=entrant))


def write_race(entrant: Entrant) -> str:
    """An entrant for a link: its preset, the knobs and settings away from the usual ones, and its seed."""
    usual = Recipe()
    settings = {name: value for name, value in entrant.recipe if value != getattr(usual, name)}
    parts = entrant.network.changed | settings | ({"seed": entrant.seed} if entrant.seed else {})
    return ";".join([entrant.network.preset, *(f"{name}={_written(value)}" for name, value in parts.items())])


def _written(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


READERS: dict[str, Callable[[Asked, str], Any]] = {
    "view": _one_of(lambda asked: list(VIEWS)),
    "race": lambda asked, text: read_race(text),
    "network": _one_of(networks),
    "preset": _one_of(lambda asked: weights.presets()),
    "picture": _one_of(lambda asked: ["digit", "drawing"]),
    "label": _below(lambda asked: len(asked.subject().classes) if asked.network != IMAGENET else MOST_SEEDS),
    "example": _below(count_of),
    "drawing": lambda asked, text: Drawing.read(text),
    "photo": _one_of(lambda asked: list(OBJECTS)),
    "layer": _one_of(lambda asked: [op.name for op in asked.subject().analysis().ops]),
    "map": _below(lambda asked: maps_shape(layer_of(asked).out_shapes)[0]),
    "row": _below(lambda asked: maps_shape(layer_of(asked).out_shapes)[1]),
    "column": _below(lambda asked: maps_shape(layer_of(asked).out_shapes)[2]),
    "channel": _below(lambda asked: MOST_SEEDS),
    "gate": _one_of(lambda asked: [gate.block for gate in gates(asked.subject().analysis())]),
}
"""How each part of a link is read, in an order in which each can be judged by those before it."""


def read(given: Mapping[str, str]) -> tuple[Asked, list[str]]:
    """What a link asks for, and a sentence for each part of it that cannot be: that part is left as it usually is."""
    asked, problems = Asked(), []
    if wrong := next((name for name in given if name not in READERS), None):
        problems.append(_("There is no “{name}” here; a link can set {names}.").format(
            name=wrong[:40], names=", ".join(READERS)))
    for name, reader in READERS.items():
        if name in given:
            try:
                setattr(asked, name, reader(asked, given[name]))
            except Impossible as error:
                problems.append(_("{name} = {text} is not possible: {why} The page shows what is usual.").format(
                    name=name, text=given[name][:40], why=error))
    return asked, problems


def write(asked: Asked) -> dict[str, str]:
    """What is away from the usual, as the parameters of a link. A picture that a person has brought stands in none."""
    usual, written = Asked(), {}
    for name in READERS:
        value = getattr(asked, name)
        if value != getattr(usual, name) and value is not None and not isinstance(value, bytes):
            written[name] = {"race": write_race, "drawing": Drawing.write}.get(name, str)(value)
    return written
