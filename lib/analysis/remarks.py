"""What a reader of a network's totals would stumble over, a sentence each."""

from collections.abc import Collection

from lib.analysis import Analysis
from lib.text import prose


def remarks(analysis: Analysis, hidden: Collection[str] = ()) -> list[str]:
    """The sentences about this network at this input size; none for most. None tells a total that is `hidden`."""
    found = []
    if (depth := analysis.named_depth) and "weight_layers" not in hidden:
        found.append(prose("remarks", "Deep stem", preset=analysis.preset, layers=analysis.weight_layers, depth=depth))
    if op := analysis.copied:
        before, after = ("×".join(map(str, shape[-2:])) for shape in (op.in_shapes[0], op.out_shapes[0]))
        found.append(prose("remarks", "Copies", preset=analysis.preset, layer=op.name, before=before, after=after))
    return found
