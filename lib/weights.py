"""Checkpoints of torchvision and timm in our networks: the few names that differ.

Module names follow torchvision's, then timm's, so that most `state_dict`s load as they are.
"""

import re
from collections.abc import Mapping

from torch import Tensor

RENAMES: dict[str, tuple[tuple[str, str], ...]] = {}
"""For a family, pairs of (pattern in their names, replacement in ours), tried in order."""


def renamed(family: str, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their `state_dict` under the names of our network of `family`. Raises ValueError if two names fall together."""
    ours = {}
    for name, tensor in state_dict.items():
        for pattern, replacement in RENAMES.get(family, ()):
            name = re.sub(pattern, replacement, name)
        if name in ours:
            raise ValueError(f"two tensors would both be called {name}")
        ours[name] = tensor
    return ours
