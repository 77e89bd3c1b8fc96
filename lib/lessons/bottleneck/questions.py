"""What the lesson on the bottleneck asks."""

from lib.lessons.bottleneck.blocks import compare, in_resnet
from lib.questions import Choice, Levels, Number, Several, kind

OUTER = Levels((64, 256), (128, 256, 512), (256, 512, 1024))
INNER = Levels((16, 64), (32, 64, 128), (64, 128, 256))
GROUPS, SIZES = (2, 4, 8, 16, 32), (7, 14, 28, 56)
ONE = (1,)


@kind(level=1, outer=OUTER, inner=INNER)
def weights(outer: int, inner: int) -> Number:
    """Weights of a bottleneck, without biases and norms."""
    block = compare(outer, inner, 1, 14).bottleneck
    first, middle, last = (op.params for op in block.convolutions)
    return Number(block.weights, {
        "one 1×1 forgotten": first + middle,
        "3×3 alone": middle,
        "3×3 everywhere": 9 * first + middle + 9 * last,
        "3×3 at full width": first + 9 * outer * outer + last,
        "3 for 3×3": first + middle // 3 + last,
        "norms counted": block.params,
    }, fields={"outer": outer, "inner": inner, "written_out": block.written_out})


@kind(level=1, outer=OUTER, inner=INNER)
def times_fewer(outer: int, inner: int) -> Number:
    """How many times fewer weights the bottleneck has than two 3x3 convolutions."""
    blocks = compare(outer, inner, 1, 14)
    return Number(blocks.times, {
        "one 3×3": blocks.times / 2,
        "channels alone": outer / inner,
        "square of channels": (outer / inner)**2,
        "other way round": 1 / blocks.times,
    }, tolerance=0.1, shown=".2f", fields=blocks.fields())


@kind(level=2)
def inside_networks() -> Choice:
    """What a bottleneck costs of the block whose place it takes."""
    share = in_resnet().percent
    return Choice("same" if 80 < share < 125 else "less" if share < 80 else "more", fields=in_resnet().fields())


@kind(level=2, outer=OUTER, inner=INNER)
def smaller_map(outer: int, inner: int) -> Several:
    """What changes when the map is halved."""
    large, small = (compare(outer, inner, 1, size).bottleneck for size in (28, 14))
    changed = {"weights": large.weights != small.weights, "params": large.params != small.params,
               "macs": large.macs != small.macs, "operations": large.other_operations != small.other_operations}
    return Several(answer=frozenset(name for name, differs in changed.items() if differs),
                   slip_values={"weights too": ("weights", "params", "macs", "operations")},
                   fields={"quarter": f"{small.macs / large.macs:.2f}"})


@kind(level=2, outer=OUTER, inner=INNER, cardinality=GROUPS)
def wider_inside(outer: int, inner: int, cardinality: int) -> Number:
    """Channels inside the grouped block of equal weights."""
    blocks = compare(outer, inner, cardinality, 14)
    fields = blocks.fields()
    return Number(fields["grouped_width"], {
        "as wide as before": inner, "one group": fields["width_per_group"], "times the groups": inner * cardinality,
    }, tolerance=0.25, fields=fields)


@kind(level=2, outer=OUTER, inner=INNER)
def share_of_3x3(outer: int, inner: int) -> Number:
    """Share of the bottleneck's weights that lies in its 3x3 convolution."""
    block = compare(outer, inner, 1, 14).bottleneck
    first, middle, last = (op.params for op in block.convolutions)
    return Number(100 * middle / block.weights, {
        "one of three": 100 / 3,
        "9 of 11": 100 * 9 / 11,
        "one 1×1 forgotten": 100 * middle / (first + middle),
        "other way round": 100 * (first + last) / block.weights,
    }, unit="%", tolerance=0.03, shown=".1f",
        fields={"outer": outer, "inner": inner, "middle": f"{middle:,}", "all": f"{block.weights:,}"})


@kind(level=3, outer=OUTER, inner=INNER)
def norm_params(outer: int, inner: int) -> Number:
    """Parameters of the three batch norms."""
    block = compare(outer, inner, 1, 14).bottleneck
    channels = 2 * inner + outer
    return Number(block.params - block.weights, {
        "one for a channel": channels, "running statistics": 4 * channels, "one norm": 2 * outer,
        "outer everywhere": 6 * outer,
    }, fields={"outer": outer, "inner": inner, "channels": channels})
