"""The family of the paper's Table 1: its shortcuts and its weight layers, counted in the module trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from torch import nn

import lib
from lib import catalog
from lib.analysis import Analysis
from lib.analysis.outline import outline
from lib.lessons.residual.published import published
from lib.meta import on_meta
from lib.models.resnet import SHORTCUTS, TABLE, TABLE_1, BasicBlock, Bottleneck, ZeroPadding
from lib.once import once


@dataclass(frozen=True)
class Ways:
    """The shortcuts of a network, counted in its module tree."""

    solid: int
    padded: int
    projected: int

    @property
    def dotted(self) -> int:
        """Those that change the shape, in a network of option A or B."""
        return self.padded + self.projected


def ways(network: nn.Module) -> Ways:
    """Count the shortcuts that are the identity, that pad with zeros, and that are a projection."""
    kinds = [type(module) for name, module in network.named_modules() if name.endswith("downsample")]
    return Ways(kinds.count(nn.Identity), kinds.count(ZeroPadding), kinds.count(nn.Sequential))


@once
def options() -> pd.DataFrame:
    """ResNet-34 with the three options, and the errors that the paper prints."""
    rows = []
    for option in SHORTCUTS:
        analysis, counted = lib.analyze("resnet34", shortcut=option), ways(on_paper("resnet34", shortcut=option))
        top1, top5 = published()["options"][option]
        rows.append({"Option": option, "Identities": counted.solid, "Padded with zeros": counted.padded,
                     "Projections": counted.projected, "Parameters": f"{analysis.params:,}", "MACs": f"{analysis.macs:,}",
                     "Top-1 error, %": f"{top1:.2f}", "Top-5 error, %": f"{top5:.2f}"})
    return pd.DataFrame(rows)


def on_paper(preset: str, **knobs: Any) -> nn.Module:
    """A network without memory for its weights."""
    with on_meta():
        return lib.build(preset, **knobs)


@dataclass(frozen=True)
class Member:
    """A column of the paper's Table 1: its weight layers by stage, each as (name, blocks, layers)."""

    name: str
    analysis: Analysis
    network: nn.Module
    stages: tuple[tuple[str, int, int], ...]

    @property
    def plain_sum(self) -> str:
        """The layers of the stages: `1 + 9 + 12 + 18 + 9 + 1 = 50`."""
        return f"{' + '.join(str(layers) for _, _, layers in self.stages)} = {self.analysis.weight_layers}"

    @property
    def products(self) -> str:
        """The same by blocks and layers a block: `1 + 3·3 + 4·3 + 6·3 + 3·3 + 1 = 50`."""
        terms = [f"{blocks}·{layers // blocks}" if blocks else str(layers) for _, blocks, layers in self.stages]
        return f"{' + '.join(terms)} = {self.analysis.weight_layers}"

    def count(self, kind: type) -> int:
        """Modules of this kind in the tree."""
        return sum(isinstance(module, kind) for module in self.network.modules())

    @property
    def blocks(self) -> int:
        """Residual blocks."""
        return sum(blocks for _, blocks, _ in self.stages)


@once
def family() -> tuple[Member, ...]:
    """The five networks of the paper's Table 1, strided as there: bottlenecks in their first 1x1."""
    members = []
    for depth, (block, _) in TABLE_1.items():
        knobs = {"stride_in_1x1": True} if block is Bottleneck else {}
        analysis = lib.analyze(f"resnet{depth}", **knobs)
        members.append(Member(f"ResNet-{depth}", analysis, on_paper(f"resnet{depth}", **knobs), tuple(_stages(analysis))))
    return tuple(members)


def _stages(analysis: Analysis) -> Iterator[tuple[str, int, int]]:
    counted = 0
    for part in outline(analysis).children:
        reached = max(analysis.layer_numbers[op.index] for op in part.ops)
        yield part.name, len({op.block for op in part.ops if op.block}), reached - counted
        counted = reached


def family_stages() -> tuple[list[str], list[tuple[tuple[str, int, int], ...]]]:
    """The names of the family, and the weight layers of each by stage."""
    return [member.name for member in family()], [member.stages for member in family()]


@once
def family_table() -> pd.DataFrame:
    """The family with its totals; the last column is the paper's own count of multiply-adds, as printed."""
    printed = {claim.preset: claim.value for claim in catalog.get("resnet50").claims
               if claim.quantity == "macs" and claim.source == TABLE}
    rows = []
    for member in family():
        counted, block = ways(member.network), TABLE_1[member.analysis.knobs.depth][0]
        rows.append({"Network": member.name, "Block": "two 3×3" if block is BasicBlock else "1×1, 3×3, 1×1",
                     "Weight layers": member.products, "Solid": counted.solid, "Dotted": counted.dotted,
                     "Parameters": f"{member.analysis.params:,}", "MACs": f"{member.analysis.macs:,}",
                     "Table 1, 10⁹": f"{printed[member.analysis.preset] / 10**9:.1f}"})
    return pd.DataFrame(rows)


def member(depth: int) -> Member:
    """The network of this depth."""
    return next(member for member in family() if member.name == f"ResNet-{depth}")


@once
def count_fields(depth: int) -> dict[str, object]:
    """How a ResNet comes to its name."""
    chosen = member(depth)
    counted = ways(chosen.network)
    blocks = [blocks for _, blocks, _ in chosen.stages if blocks]
    return {"network": chosen.name, "layers": chosen.analysis.weight_layers, "sum": chosen.plain_sum,
            "products": chosen.products, "convolutions": chosen.count(nn.Conv2d), "linear": chosen.count(nn.Linear),
            "projections": counted.projected, "blocks": chosen.blocks, "solid": counted.solid, "dotted": counted.dotted,
            "per_stage": ", ".join(map(str, blocks)), "in_block": (chosen.analysis.weight_layers - 2) // chosen.blocks,
            "on_path": chosen.analysis.weight_layers - 1, "size": chosen.analysis.image}
