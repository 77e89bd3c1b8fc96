"""What an operation moves and how often it computes on what it moves: pure functions of a `Layer`.

The traffic is the least there can be: every input and parameter is read once, every output is written once, no cache
keeps any of it from the operation before. A real kernel may read an input several times, or find it in a cache.
"""

from collections.abc import Iterable
from itertools import groupby

import pandas as pd

from lib.analysis import Analysis, Layer
from lib.analysis.outline import Part, outline
from lib.trace import numel

STATISTICS = 2
"""Numbers that a normalisation in eval mode reads for each channel beside its scale and shift: mean and variance."""


def moves_nothing(op: Layer) -> bool:
    """Whether the op only looks at memory in another way, or hands on what it was given (dropout in eval mode)."""
    return op.in_place and op.macs == 0 and op.other_operations == 0


def bytes_moved(op: Layer, batch: int, bytes_per_number: int) -> int:
    """Bytes of the inputs, outputs, parameters and statistics of one op on `batch` images; 0 for a view."""
    if moves_nothing(op):
        return 0
    activations = sum(numel(shape) for shape in (*op.in_shapes, *op.out_shapes))
    statistics = STATISTICS * op.out_shapes[0][1] if op.kind == "batch_norm" else 0
    return bytes_per_number * (batch * activations + op.params + statistics)


def operations(op: Layer, batch: int) -> int | None:
    """FLOPs of one op on `batch` images: two for a MAC, one for any other operation; None where no rule is known."""
    if op.macs is None or op.other_operations is None:
        return None
    return batch * (2 * op.macs + op.other_operations)


def intensity(ops: Iterable[Layer], batch: int, bytes_per_number: int) -> float | None:
    """Arithmetic intensity of one or more ops: FLOPs for each byte moved. None where nothing moves or a rule is missing."""
    ops = tuple(ops)
    computed = [operations(op, batch) for op in ops]
    moved = sum(bytes_moved(op, batch, bytes_per_number) for op in ops)
    return None if None in computed or not moved else sum(computed) / moved


LEVELS = ("stage", "block", "layer", "kind")
"""What a row of the table can be. Layers outside any block stay by themselves among the blocks."""


def parts(analysis: Analysis, level: str) -> tuple[Part, ...]:
    """The network cut at a level, in the order of the forward pass; `kind` gathers equal operations from everywhere."""
    stages = outline(analysis).children
    if level == "stage":
        return stages
    if level == "block":
        return tuple(child for stage in stages for child in stage.children)
    if level == "layer":
        return tuple(part for stage in stages for part in stage.walk() if part.level == "layer")
    ordered = sorted(analysis.ops, key=lambda op: op.kind)
    kinds = [Part(f"kind:{kind}", "kind", kind, tuple(ops)) for kind, ops in groupby(ordered, lambda op: op.kind)]
    return tuple(sorted(kinds, key=lambda part: part.ops[0].index))


def table(analysis: Analysis, level: str, batch: int, bytes_per_number: int) -> pd.DataFrame:
    """One row for each part: its MACs, FLOPs and bytes on `batch` images, their shares (0 to 1), its intensity."""
    rows = [_row(part, batch, bytes_per_number) for part in parts(analysis, level)]
    frame = pd.DataFrame(rows)
    for quantity in ("macs", "bytes"):
        frame[f"{quantity}_share"] = frame[quantity] / max(1, frame[quantity].sum())
    return frame


def _row(part: Part, batch: int, bytes_per_number: int) -> dict:
    counts = [operations(op, batch) for op in part.ops]
    places = {}
    if part.level in ("block", "layer"):
        places = {"stage": part.last.stage, "kind": part.last.kind if part.level == "layer" else ""}
    in_block = part.level == "layer" and part.last.block  # two blocks have layers of one name; others have the paper's
    return {
        "part": part.last.name if in_block else part.name, **places,
        "operations": len(part.ops),
        "macs": None if part.macs is None else batch * part.macs,
        "flops": None if None in counts else sum(counts),
        "bytes": sum(bytes_moved(op, batch, bytes_per_number) for op in part.ops),
        "intensity": intensity(part.ops, batch, bytes_per_number),
    }
