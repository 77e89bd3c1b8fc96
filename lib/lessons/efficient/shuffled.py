"""Grouped 1x1 convolutions and the channel shuffle of ShuffleNet: what they cost, and what reaches what."""

import numpy as np
import pandas as pd
import torch

from lib.analysis.block import Block, run_block
from lib.measuring import Measured, Progress, quiet, seeded
from lib.models.shufflenet import CHANNELS, ShuffleUnit, channel_shuffle
from lib.models.shufflenet_v2 import TABLE_5, ShuffleUnitV2
from lib.once import once
from lib.text import _


@once
def units(groups: int) -> tuple[Block, Block]:
    """The units of ShuffleNet, with its width for these groups, and of ShuffleNet V2 on the 28x28 maps of stage 2."""
    first, second = CHANNELS[groups], TABLE_5[100][0]
    return (run_block(lambda: ShuffleUnit(first, first, 1, groups, groups), first, 28),
            run_block(lambda: ShuffleUnitV2(second), second, 28))


@once
def parts(unit: Block) -> frozenset[str]:
    """Which parts a unit is built of: `split`, `grouped`, `depthwise`, `shuffle`, `addition`, `joining`."""
    convolutions = [(op.window.kernel, op.groups, op.in_shapes[0][1]) for op in unit.convolutions]
    kinds = [op.kind for op in unit.ops]
    has = {"split": "chunk" in kinds, "addition": "add" in kinds, "joining": "cat" in kinds,
           "shuffle": "transpose" in kinds,
           "grouped": any(kernel == (1, 1) and groups > 1 for kernel, groups, _channels in convolutions),
           "depthwise": any(kernel == (3, 3) and groups == channels for kernel, groups, channels in convolutions)}
    return frozenset(name for name, there in has.items() if there)


def grouped_fields(groups: int) -> dict[str, object]:
    """The first 1x1 of ShuffleNet's unit: what it reads, writes and holds."""
    first = units(groups)[0].convolutions[0]
    channels, middle = first.in_shapes[0][1], first.out_shapes[0][1]
    return {"groups": groups, "channels": channels, "middle": middle, "weights": f"{first.params:,}",
            "full": f"{channels * middle:,}", "group_inputs": channels // groups, "group_outputs": middle // groups}


@once
def grouped_table() -> pd.DataFrame:
    """A row for each number of groups that ShuffleNet has: its width, and its first 1x1."""
    rows = []
    for groups in CHANNELS:
        found = grouped_fields(groups)
        rows.append((groups, f"{found['channels']} → {found['middle']}", found["full"], found["weights"]))
    return pd.DataFrame(rows, columns=["Groups", "Channels of the 1×1", "Weights without groups", "Weights"])


def origins(groups: int, shuffle: bool) -> list[int]:
    """The channel that stands at each place after the shuffle. As few channels as let every group reach all."""
    channels = torch.arange(groups * max(groups, 4)).reshape(1, -1, 1, 1)
    return (channel_shuffle(channels, groups) if shuffle else channels).flatten().tolist()


@once
def origin_table(groups: int, shuffle: bool) -> pd.DataFrame:
    """A row for each group after the shuffle: the channels that it holds, and the groups that they come from."""
    places = origins(groups, shuffle)
    width = len(places) // groups
    held = [places[start:start + width] for start in range(0, len(places), width)]
    rows = [(f"group {index + 1}", ", ".join(map(str, channels)),
             ", ".join(str(channel // width + 1) for channel in channels)) for index, channels in enumerate(held)]
    return pd.DataFrame(rows, columns=["After the shuffle", "Channels", "From groups"])


def reach(groups: int, shuffle: bool, seed: int, progress: Progress = quiet) -> np.ndarray:
    """How much each group of outputs (row) of a real unit follows each group of inputs (column), (groups, groups).

    Sums of |d output / d input| over channels and places, each row as shares of its sum; 0 is no path at all. The unit
    is ShuffleNet's of stage 2, at its width for these groups, on a 7x7 map.
    """
    channels = CHANNELS[groups]
    with seeded(seed):
        unit = ShuffleUnit(channels, channels, 1, groups, groups, shuffle).eval().requires_grad_(False)
        x = torch.randn(1, channels, 7, 7, requires_grad=True)  # of both signs, so that ReLU closes no channel everywhere
    outputs = unit(x).unflatten(1, (groups, -1)).sum((0, 2, 3, 4))
    rows = []
    for group, output in enumerate(outputs):
        progress(group / groups)
        (gradient,) = torch.autograd.grad(output, x, retain_graph=True)
        rows.append(gradient.abs().unflatten(1, (groups, -1)).sum((0, 2, 3, 4)).numpy())
    return np.stack(rows) / np.sum(rows, axis=1, keepdims=True)


REACH = Measured(reach, _("Gradients of a unit"))


@once
def reach_table(shares: np.ndarray) -> pd.DataFrame:
    """The same as words: a row for each group of outputs."""
    columns = {f"from group {index + 1}": [f"{share:.1%}" if share else "0, no path" for share in column]
               for index, column in enumerate(shares.T)}
    return pd.DataFrame({"Output": [f"group {index + 1}" for index in range(len(shares))]} | columns)
