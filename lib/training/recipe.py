"""How a network is trained: the settings of a run, declared once for controls, links and the command line."""

from __future__ import annotations

from math import cos, pi
from typing import Literal

from pydantic import Field
from torch import nn

from lib.architecture import Declared
from lib.models.lenet import LeNet
from lib.models.vgg import VGG
from lib.quantities import Line

DIGITS = "digits"
"""The pictures that come with the app."""


class Recipe(Declared):
    """Pictures, optimiser (SGD with momentum) and schedule. The defaults are those of a short run on the digits."""

    data: Line = Field(DIGITS, title="Pictures", description="What the networks learn to tell apart.")
    epochs: int = Field(12, ge=1, le=1000, title="Epochs", description="How often all training pictures are seen.")
    learning_rate: float = Field(0.1, gt=0, le=10, title="Learning rate", description="How far one step goes.")
    momentum: float = Field(0.9, ge=0, le=0.999, title="Momentum",
                            description="How much of the step before goes on in the next one.")
    weight_decay: float = Field(1e-4, ge=0, le=1, title="Weight decay", description="How strongly weights are pulled to 0.")
    batch: int = Field(120, ge=2, le=4096, title="Batch", description="Pictures in one step.")
    warm_up: int = Field(1, ge=0, le=100, title="Warm-up", description="Epochs in which the rate grows from 0 to its height.")
    schedule: Literal["constant", "steps", "cosine"] = Field(
        "constant", title="Schedule", description="What becomes of the rate: it stays; it falls to a tenth after half of the "
        "epochs and again after three quarters, as in the paper on ResNet; or it falls to 0 along a cosine.")
    augmentation: Literal["none", "shift", "shift and mirror"] = Field(
        "none", title="Augmentation", description="Training pictures moved at random, by an eighth of their size at most, "
        "and mirrored half of the time.")
    start: Literal["own", "xavier", "torch"] = Field(
        "own", title="Initial weights", description="As the network's paper draws them, by Xavier Glorot's rule, or as "
        "PyTorch draws them by itself.")

    def rate(self, at: float) -> float:
        """The learning rate after `at` epochs."""
        warm = min(1.0, at / self.warm_up) if self.warm_up else 1.0
        return self.learning_rate * warm * SCHEDULES[self.schedule](at / self.epochs)

    @property
    def goes_on(self) -> bool:
        """Whether a longer run begins as a shorter one does: no rate depends on the number of epochs."""
        return self.schedule == "constant"


SCHEDULES = {
    "constant": lambda share: 1.0,
    "steps": lambda share: 1.0 if share < 0.5 else 0.1 if share < 0.75 else 0.01,
    "cosine": lambda share: (1 + cos(pi * share)) / 2,
}
"""By which factor the learning rate is lower after a share of the run."""

SUITS, CAREFUL = 0.1, 0.01


def usual_rate(model: nn.Module) -> float:
    """A learning rate that suits a network: deep ones bear the larger one only with batch normalisation, and not where
    linear layers read whole maps of many channels, as in VGG."""
    normalised = any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    return SUITS if isinstance(model, LeNet) or normalised and not isinstance(model, VGG) else CAREFUL


FAIR = (0.3, 0.1, 0.03, 0.01, 0.003)
"""The learning rates that are tried for each network in a fair race."""


def start_anew(model: nn.Module, rule: str) -> None:
    """Draw the weights of convolutions and linear layers by another rule than the network's own."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and rule != "own":
            module.reset_parameters()
            if rule == "xavier":
                nn.init.xavier_uniform_(module.weight)
