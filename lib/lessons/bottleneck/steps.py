"""The steps of the lesson on the bottleneck."""

from lib.lessons.bottleneck import figures, questions
from lib.lessons.bottleneck.blocks import Comparison, compare, in_resnet, shares
from lib.lessons.content import Blocks, Chart, Content, Explore, Source, Table, Text
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.models.resnet import BasicBlock, Bottleneck
from lib.provenance import computed, on_maps
from lib.text import _

KNOBS = {
    "outer": Knob(_("Outer width"), (64, 128, 256, 512, 1024), 256, _("Channels that go in and come out.")),
    "inner": Knob(_("Bottleneck width"), (16, 32, 64, 128, 256, 512), 64, _("Channels of the 3×3 in the bottleneck.")),
    "cardinality": Knob(_("Cardinality"), (1, 2, 4, 8, 16, 32, 64), 32, _("Groups of the 3×3 in the third block.")),
    "size": Knob(_("Feature map"), (7, 14, 28, 56, 112), 56, _("Height and width of the maps.")),
}
BASIC, BOTTLENECK, GROUPED = _("Basic block"), _("Bottleneck"), _("Grouped (ResNeXt)")
UNUSED = 1
"""Groups, where the grouped block is not shown."""


def weight_bars(blocks: Comparison, names: tuple[str, ...]) -> Chart:
    """The weights of some of the three blocks, convolution by convolution."""
    chosen = {BASIC: blocks.basic, BOTTLENECK: blocks.bottleneck, GROUPED: blocks.grouped}
    cuts = [shares(chosen[name]) for name in names]
    return Chart(lambda palette: figures.stacked(names, cuts, _("weights"), palette), origin=computed(),
                 alt=_("Weights: {each}").format(each="; ".join(f"{name} {chosen[name].weights:,}" for name in names)))


def two_blocks_table(blocks: Comparison, size: int) -> Table:
    """The basic block and the bottleneck on size x size maps."""
    return Table(blocks.table([BASIC, BOTTLENECK, GROUPED]).drop(columns=[GROUPED]), computed(on_maps(size)))


@step(asks=questions.weights, predict=True)
def two_blocks(outer: int, inner: int) -> Content:
    blocks = compare(outer, inner, UNUSED, 56)
    shown = {BASIC: blocks.basic, BOTTLENECK: blocks.bottleneck}
    graphs = Blocks(shown, numbers=False)
    return Content(graphs, blocks.fields(), (Blocks(shown), Source((BasicBlock, Bottleneck))), before=graphs)


@step(asks=questions.times_fewer, predict=True)
def saving(outer: int, inner: int) -> Content:
    blocks = compare(outer, inner, UNUSED, 14)
    return Content(weight_bars(blocks, (BASIC, BOTTLENECK)), blocks.fields(),
                   (two_blocks_table(blocks, 14),))


@step(asks=questions.inside_networks, predict=True)
def meaning() -> Content:
    found = in_resnet()
    names = [_("ResNet-34, conv2_x"), _("ResNet-50, conv2_x")]
    costs = [found.narrow.macs, found.bottleneck.macs]
    alt = ", ".join(f"{name}: {macs:,} MACs" for name, macs in zip(names, costs))
    return Content(
        Chart(lambda palette: figures.bars(names, costs, _("MACs"), palette), alt,
              computed(_("each block on its own maps of 56 × 56"))),
        found.fields(),
        (Table(found.table(), computed(_("each block on its own maps: {large} × {large} and {small} × {small}").format(
            **found.fields())), {"Weights": "localized", "MACs": "localized"}),
         Text("meaning, what it buys", found.fields()), Explore("resnet34"), Explore("resnet50")))


@step(asks=questions.smaller_map)
def resolution(outer: int, inner: int, size: int) -> Content:
    blocks = compare(outer, inner, UNUSED, size)
    return Content(two_blocks_table(blocks, size), blocks.fields())


@step(asks=questions.share_of_3x3, predict=True)
def share(outer: int, inner: int) -> Content:
    blocks = compare(outer, inner, UNUSED, 14)
    return Content(weight_bars(blocks, (BOTTLENECK,)), blocks.fields())


@step(asks=questions.wider_inside, predict=True)
def groups(outer: int, inner: int, cardinality: int) -> Content:
    blocks = compare(outer, inner, cardinality, 14)
    shown = {BOTTLENECK: blocks.bottleneck, GROUPED: blocks.grouped}
    weighed = {_("{block}: {weights} weights").format(block=name, weights=f"{block.weights:,}"): block
               for name, block in shown.items()}
    return Content(Blocks(weighed, numbers=False), blocks.fields(),
                   (Text("groups, equal weights", blocks.fields()), weight_bars(blocks, (BASIC, BOTTLENECK, GROUPED)),
                    Blocks(shown), Explore("resnext50_32x4d")))


@step(asks=questions.norm_params)
def norms(outer: int, inner: int, cardinality: int, size: int) -> Content:
    blocks = compare(outer, inner, cardinality, size)
    return Content(Table(blocks.table([BASIC, BOTTLENECK, GROUPED]), computed(on_maps(size))), blocks.fields())


LESSON = Lesson(
    "bottleneck", KNOBS, (two_blocks, saving, meaning, resolution, share, groups, norms), minutes=20,
    links=(Link(_("As wide inside as outside: is it still cheaper?"), "saving", {"inner": 256}),
           Link(_("Not a twentieth: the block in its place"), "meaning"),
           Link(_("Thirty-two groups: wider inside, as many weights"), "groups", {"cardinality": 32})),
    anchors={"meaning": "meaning", "try": "two_blocks", "code": "two_blocks"})
