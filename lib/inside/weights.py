"""Weights of networks that have been trained in a race on this server."""

from __future__ import annotations

from io import BytesIO

import torch
from torch import Tensor

from lib.lab import curves
from lib.lab.lab import lab
from lib.text import _
from lib.training.records import Entrant


class Gone(ValueError):
    """Weights that are not there, or cannot be read, at this moment; the message is one plain sentence. It may be otherwise
    the next time, so `once` does not keep it as it keeps `Impossible`."""


def kept(entrant: Entrant) -> tuple[int, dict[str, Tensor]] | None:
    """After how many epochs a race has kept weights of an entrant, on whichever device of this server, and the weights. None
    if there are none."""
    for line in lab().lines.values():
        if found := curves.state(entrant, line.worker.device.name):
            return found[0], torch.load(BytesIO(found[1]), weights_only=True, map_location="cpu")["model"]
    return None


def trained(entrant: Entrant) -> tuple[int, dict[str, Tensor]]:
    """The same. Raises `Gone` if there are none."""
    if (found := kept(entrant)) is None:
        raise Gone(_("This server keeps no weights of {network}, seed {seed}: train it first.").format(
            network=entrant.network.label, seed=entrant.seed))
    return found
