"""What moves the numbers of a small experiment: recorded runs in which one thing of the recipe is another."""

from __future__ import annotations

from lib.once import once
from lib.text import _
from lib.training.recorded import PLAIN, RESIDUAL, SEEDS, entrant
from lib.training.records import Curve
from lib.training.shipped import curve_of

CHANGES = {
    _("the usual recipe"): {}, _("rate 0.03"): {"rate": 0.03}, _("rate 0.01"): {"rate": 0.01}, _("48 epochs"): {"epochs": 48},
    _("Xavier's initial weights"): {"start": "xavier"}, _("PyTorch's initial weights"): {"start": "torch"},
}
"""One thing at a time."""
NETWORKS = {"plain-56": PLAIN[56], "ResNet-56": RESIDUAL[56], "plain-110": PLAIN[110], "ResNet-110": RESIDUAL[110]}


@once
def recorded() -> dict[str, dict[str, tuple[Curve, ...]]]:
    """For each change and network the curves that came with the app; there may be none."""
    return {words: {name: tuple(curve for seed in SEEDS if (curve := curve_of(entrant(network, seed=seed, **changed))))
                    for name, network in NETWORKS.items()} for words, changed in CHANGES.items()}
