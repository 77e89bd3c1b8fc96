"""Networks to look into, with the weights that they begin with and those that they have learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from torch import Tensor, nn

from lib import catalog, weights
from lib.analysis import Analysis, analyze_knobs
from lib.architecture import Impossible
from lib.inside.pictures import Drawing, Example, Photo, of_photo, of_set
from lib.inside.weights import Gone, trained
from lib.lab.jobs import pictures_of
from lib.meta import on_meta
from lib.once import once
from lib.text import _
from lib.training import shipped
from lib.training.pictures import Pictures, fitted
from lib.training.race import build, fitting
from lib.training.recipe import DIGITS
from lib.training.records import Entrant

Side = Literal["untrained", "trained"]


@dataclass(frozen=True)
class Learnt:
    """A network that has learnt small pictures. `name` is that of the weights that come with the app; without one they are
    those that a race on this server has kept."""

    entrant: Entrant
    name: str = ""

    sides: ClassVar[tuple[Side, ...]] = ("untrained", "trained")

    @property
    def pictures(self) -> Pictures:
        """The pictures that it has learnt to tell apart."""
        return pictures_of(self.entrant)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.pictures.classes

    def analysis(self) -> Analysis:
        return fitting(self.entrant.network, self.pictures)

    def build(self, side: Side) -> nn.Module:
        """The network in eval mode. Raises `Gone` if its trained weights are kept no longer."""
        model = build(self.analysis(), self.entrant)
        if side == "trained":
            model.load_state_dict(shipped.weights()[self.name].state if self.name else trained(self.entrant)[1])
        return model.eval()

    def pixels(self, picture: Example | Drawing) -> Tensor:
        """The picture as the network is given it, before it is normalised: (1, C, H, W) from 0 to 1."""
        return self._fitted(of_set(picture, self.pictures))

    def normalised(self, images: Tensor) -> Tensor:
        """Images as `pixels` gives them, shifted and scaled as in training."""
        return self.pictures.normalised(images)

    def many(self, count: int) -> Tensor:
        """The first `count` pictures of the test, as the network takes them."""
        first = self.pictures.training
        return self.normalised(self._fitted(self.pictures.images[first:first + count]))

    def _fitted(self, images: Tensor) -> Tensor:
        analysis = self.analysis()
        return fitted(images, analysis.knobs.in_channels, analysis.knobs.sides)


def takes_drawings(learnt: Learnt) -> bool:
    """Whether a person can draw pictures like those that it has learnt."""
    return learnt.entrant.recipe.data == DIGITS


@dataclass(frozen=True)
class OfImageNet:
    """A network of the catalogue with torchvision's weights, which have learnt ImageNet."""

    preset: str

    sides: ClassVar[tuple[Side, ...]] = ("trained",)

    @property
    def classes(self) -> tuple[str, ...]:
        return weights.on_disk(self.preset).classes

    def analysis(self) -> Analysis:
        return analyzed(self.preset)

    def build(self, side: Side) -> nn.Module:
        """The network in eval mode. Raises `Gone` if there is no file of weights, or it does not fit."""
        analysis = self.analysis()
        with on_meta():
            model = analysis.architecture.build(analysis.knobs)
        try:
            model.load_state_dict(weights.imagenet(self.preset, model), assign=True)
        except Impossible as error:
            raise Gone(str(error)) from None
        return model.eval().requires_grad_(False)

    def pixels(self, picture: Photo) -> Tensor:
        """The picture, (1, 3, H, W) from 0 to 1."""
        return of_photo(picture, self.analysis().knobs.input_size)

    def normalised(self, images: Tensor) -> Tensor:
        """Images, shifted and scaled as torchvision says."""
        return weights.normalised(self.preset, images)


@once
def analyzed(preset: str) -> Analysis:
    return analyze_knobs(preset, catalog.get(preset), catalog.configure(preset, {}))


Subject = Learnt | OfImageNet


@cache
def shipped_networks() -> Mapping[str, Learnt]:
    """The networks whose trained weights come with the app, by name."""
    return {name: Learnt(shipped.entrant_of(found.curve), name) for name, found in shipped.weights().items()}


SIDES = {"untrained": _("Untrained"), "trained": _("Trained")}
"""What the two are called."""
