"""What a training run is asked for and what it finds: plain, frozen records, kept, shipped and printed."""

from __future__ import annotations

import json
from hashlib import blake2b
from math import isfinite
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lib.architecture import ImageSize
from lib.quantities import Changed, Count, Line, Seconds
from lib.records import Network, named
from lib.training.recipe import Recipe

MOST_SEEDS = 10**4
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Size = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=MOST_SEEDS)]


class Epoch(BaseModel):
    """One epoch. `train_loss`, `train_error` (percent) and `gradient_norm` are means over its steps, each taken before the
    step changed the weights; `test_error` (percent) is taken after the last one. `seconds` are those of training and testing
    this network alone. None stands for a loss or norm that is no number any more, and for a test that is yet to come."""

    model_config = ConfigDict(frozen=True)

    train_loss: Size | None
    train_error: Percent
    test_error: Percent | None
    gradient_norm: Size | None
    seconds: Seconds

    @classmethod
    def of(cls, loss: float | None, error: float, norm: float | None, seconds: float, test: float | None = None) -> Epoch:
        """With as many digits as are worth keeping."""
        return cls(train_loss=_kept(loss), train_error=round(error, 3), gradient_norm=_kept(norm), seconds=round(seconds, 3),
                   test_error=None if test is None else round(test, 3))


def _kept(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else float(f"{value:.5g}")


class Entrant(BaseModel):
    """A network with the recipe and the seed by which it is trained. `version` is that of the pictures."""

    model_config = ConfigDict(frozen=True)

    network: Network
    recipe: Recipe
    seed: Seed = 0
    version: Line = ""

    def __hash__(self) -> int:
        return hash((self.network.preset, self.recipe, self.seed))

    def key(self, device: str = "") -> str:
        """What its curve is kept under: all that it follows from, with the name of the device, if that matters. Where a longer
        run begins as a shorter one, both are one."""
        document = self.model_dump(mode="json") | {"device": device}
        if self.recipe.goes_on:
            del document["recipe"]["epochs"]
        return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()


class Curve(BaseModel):
    """What became of an entrant: its epochs, with where and when they were trained. `input_size` is that of the pictures as
    the network took them."""

    model_config = ConfigDict(frozen=True)

    preset: Line
    changed: Changed = {}
    seed: Seed
    settings: Recipe
    input_size: ImageSize
    taken: AwareDatetime
    environment: dict[Line, Line | Count]
    epochs: tuple[Epoch, ...] = ()

    @property
    def label(self) -> str:
        return named(self.preset, self.changed)

    @property
    def lost(self) -> bool:
        """Whether its loss became no number, so that it ended early."""
        return bool(self.epochs) and self.epochs[-1].train_loss is None

    @property
    def over(self) -> bool:
        """Whether nothing of what its settings ask for is missing."""
        return self.lost or len(self.epochs) >= self.settings.epochs

    def first(self, epochs: int) -> Curve:
        """The same with no more than so many epochs asked for."""
        return self.model_copy(update={"settings": self.settings.model_copy(update={"epochs": epochs}),
                                       "epochs": self.epochs[:epochs]})
