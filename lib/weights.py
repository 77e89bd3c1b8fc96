"""Checkpoints of torchvision and timm in our networks: the few names that differ.

Module names follow torchvision's, then timm's, so that most `state_dict`s load as they are.
"""

import re
from collections.abc import Mapping

from torch import Tensor

RENAMES: dict[str, tuple[tuple[str, str], ...]] = {
    # timm bundles a convolution with its normalisation
    "sknet": ((r"\.conv(\d)\.conv\.", r".conv\1."), (r"\.conv(\d)\.bn\.", r".bn\1.")),
    "resnet_v2": (
        (r"^stem\.conv\.", "conv1."), (r"^norm\.", "closing.0."), (r"^head\.fc\.", "fc."),
        (r"^stages\.0\.blocks\.", "layer1."), (r"^stages\.1\.blocks\.", "layer2."),
        (r"^stages\.2\.blocks\.", "layer3."), (r"^stages\.3\.blocks\.", "layer4."),
        (r"\.conv1\.", ".convs.0."), (r"\.conv2\.", ".convs.1."), (r"\.conv3\.", ".convs.2."),
        (r"\.norm1\.", ".norms.0."), (r"\.norm2\.", ".norms.1."), (r"\.norm3\.", ".norms.2."),
        (r"\.downsample\.conv\.", ".downsample.")),
}
"""For a family, pairs of (pattern in their names, replacement in ours), tried in order."""


def renamed(family: str, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their `state_dict` under the names of our network of `family`.

    A linear layer that they hold as a 1x1 convolution loses its two spatial axes. Raises ValueError if two names fall
    together.
    """
    ours = {}
    for name, tensor in state_dict.items():
        for pattern, replacement in RENAMES.get(family, ()):
            name = re.sub(pattern, replacement, name)
        if name in ours:
            raise ValueError(f"two tensors would both be called {name}")
        ours[name] = tensor.flatten(1) if name == "fc.weight" else tensor
    return ours
