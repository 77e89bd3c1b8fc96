"""The steps of the lesson on ResNet's tweaks."""

from collections.abc import Mapping

from lib.figures.lines import lines
from lib.lessons.content import Blocks, Chart, Content, Explore, Numbers, Source, Table, Text
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.tweaks import figures, questions
from lib.lessons.tweaks.networks import (
    WIDTH, alone, alone_table, chosen, ladder, ladder_fields, network, printed, switches, tweaks_gain, tweaks_on)
from lib.lessons.tweaks.questions import Maps
from lib.lessons.tweaks.reading import (
    GRADIENTS, STAGES, Read, bottleneck, gradients, sight, strided_block, unread, unread_table)
from lib.lessons.tweaks.stems import (
    PLACES, WIDTHS, by_width, share_fields, stems, strided_stem, strided_table, uses_table, weight_uses, width_table)
from lib.models.resnet import Bottleneck
from lib.models.resnet_tweaks import deep_stem, pooled_projection
from lib.models.stems import stem as plain_stem
from lib.provenance import Origin, computed, images_of, measured, published, unverified
from lib.text import _

SWITCH = (False, True)
PLACE_NAMES = dict(zip(PLACES, (_("first 3×3"), _("second 3×3"), _("third 3×3"))))
KNOBS = {
    "b": Knob(_("B: stride in the 3×3"), SWITCH, False, _("Off: in the first 1×1, as in 2015.")),
    "c": Knob(_("C: three 3×3 at the start"), SWITCH, False, _("Off: one 7×7.")),
    "d": Knob(_("D: pooled shortcut"), SWITCH, False, _("Off: the 1×1 of the shortcut strides.")),
    "width": Knob(_("Width"), WIDTHS, WIDTH, _("Channels after the stem.")),
    "size": Knob(_("Map"), (7, 8, 14, 28), 8, _("Height and width of the map that the block reads.")),
    "seed": Knob(_("Seed"), tuple(range(10)), 0, _("Weights and map follow from it.")),
    "stage": Knob(_("Stage"), tuple(STAGES), "conv3_x", _("A stage of ResNet-50 whose first block halves the map.")),
    "strided": Knob(_("Stride of 2 in the"), PLACES, "first", _("Which of the three 3×3 has the stride."),
                    PLACE_NAMES.__getitem__),
}
SHARE = _("gradients of a real block; stronger colour: larger; crossed out: exactly zero")


def on_images() -> Origin:
    """Counted for the image of the network without tweaks."""
    return computed(images_of(network(False, False, False, WIDTH)))


def read_maps(cells: Read, names: dict[str, str]) -> Chart:
    """Which cells some parts of a block read."""
    chosen = {name: getattr(cells, part) for part, name in names.items()}
    each = "; ".join(f"{name} {unread(values)}" for name, values in chosen.items())
    alt = _("Cells never read: {each}").format(each=each)
    return Chart(lambda palette: figures.cells(chosen, palette), alt, measured(SHARE))


def bars(numbers: Mapping[str, float], told: tuple[int, ...], title: str, origin: Origin, guess: str = "",
         log: bool = False) -> Chart:
    """A bar for each number; those in the places `told` stand out."""
    return Chart(lambda palette: figures.bars(list(numbers), list(numbers.values()), told, title, palette, log),
                 "; ".join(f"{name}: {number:,.4g}" if number < 1000 else f"{name}: {number:,.0f}"
                           for name, number in numbers.items()), origin, guess)


@step(asks=questions.never_read, predict=True)
def read(size: int, seed: int, maps: Maps = GRADIENTS) -> Content:
    return Content(read_maps(maps[False, False], {"path": _("convolutions"), "shortcut": _("shortcut")}),
                   more=(Text("read, gradient"), Source((Bottleneck, bottleneck, gradients))))


@step(asks=questions.reads_all, predict=True, settings={
    _("Only B"): {"b": True, "d": False}, _("Only D"): {"b": False, "d": True}, _("B and D"): {"b": True, "d": True}})
def mend(b: bool, d: bool, size: int, seed: int, maps: Maps = GRADIENTS) -> Content:
    names = {"path": _("convolutions"), "shortcut": _("shortcut"), "block": _("whole block")}
    counted = measured(_("cells of the map whose gradient is exactly zero"))
    return Content(read_maps(maps[b, d], names), more=(
        Text("mend, four blocks"), Table(unread_table(maps), counted),
        Blocks({_("B and D"): strided_block(True, True, "conv3_x")}), Source((pooled_projection,))))


@step(asks=questions.shared_pixels, predict=True)
def image(stage: str) -> Content:
    seen = sight(stage)
    numbers = seen._asdict() | {"stage": stage, "apart": seen.apart, "shared": seen.shared}
    return Content(Chart(lambda palette: figures.fields(seen.field, seen.jump, palette), _(
        "Bars of {field} pixels, each {jump} pixels further on. The cells that are read are {apart} pixels apart and share "
        "{shared} pixels.").format(**numbers), on_images()), numbers)


@step(asks=questions.price_of_b, predict=True)
def blocks(stage: str) -> Content:
    shown = {_("A: stride in the 1×1"): strided_block(False, False, stage),
             _("B: stride in the 3×3"): strided_block(True, False, stage)}
    graphs = Blocks(shown, numbers=False)
    _before, _channels, size = STAGES[stage]
    return Content(graphs, {"stage": stage, "size": size, "half": size // 2}, (Blocks(shown),), before=graphs)


@step(asks=questions.dearer_stem, predict=True)
def stem(width: int) -> Content:
    both = stems(width)
    origin = computed(images_of(network(False, False, False, width)))
    alt = _("The 7×7 needs {plain} multiply-adds, the three 3×3 {deep}.").format(**both.fields())
    chart = Chart(lambda palette: figures.stems(both.pieces(), palette), alt, origin, guess="x",
                  times=both.plain.macs / figures.MILLION)
    return Content(chart, both.fields(), (
        Table(both.table(), origin), Text("stem, one for one", both.fields()), Source((plain_stem, deep_stem))))


@step(asks=questions.cheap_until, predict=True)
def narrow() -> Content:
    millions = {name: [macs / figures.MILLION for macs in costs] for name, costs in by_width().items()}
    alt = "; ".join(_("{stem}: {macs} million MACs").format(stem=name, macs=", ".join(f"{value:.0f}" for value in values))
                    for name, values in millions.items())
    formats = {"7×7, MACs": "localized", "Three 3×3, MACs": "localized", "Three 3×3 / 7×7": "%.2f"}
    return Content(
        Chart(lambda palette: lines(WIDTHS, millions, palette, _("width"), _("million MACs"), "xy"), alt, on_images()),
        more=(Table(width_table(), on_images(), formats),))


@step(asks=questions.stem_field, predict=True)
def field(strided: str) -> Content:
    seen = {"7×7": stems(WIDTH).plain.convolutions[0].field.side} | {
        f"3×3, {place}": op.field.side for place, op in zip(PLACES, strided_stem(strided, WIDTH).convolutions)}
    return Content(
        bars(seen, (len(seen) - 1,), _("pixels seen"), computed(_("field after each convolution")), guess="x"),
        more=(Text("field, why the first"), Table(strided_table(), on_images(), {"MACs": "localized"})))


@step(asks=questions.uses_of_a_weight, predict=True)
def early(stage: str) -> Content:
    uses = {name: round(each.uses) for name, each in weight_uses().items()}
    told = (0, list(uses).index(stage))
    formats = {"Weights": "localized", "MACs": "localized", "of all weights, %": "%.1f", "of all MACs, %": "%.1f",
               "Uses of a weight": "localized"}
    return Content(bars(uses, told, _("uses of one weight for one image"), on_images(), log=True),
                   {"large": weight_uses()["conv1"].side}, (
                       Text("early, shares", share_fields()), Table(uses_table(), on_images(), formats)))


@step(asks=questions.what_is_added, predict=True)
def totals(b: bool, c: bool, d: bool, width: int) -> Content:
    added = {name.upper(): macs / figures.MILLION for name, (_params, macs) in alone(width).items()}
    untouched, mixed = network(False, False, False, width), network(b, c, d, width)
    added[_("yours: {tweaks}").format(tweaks=tweaks_on(b, c, d))] = (mixed.macs - untouched.macs) / figures.MILLION
    origin, total = computed(images_of(mixed)), chosen(b, c, d, width)
    more = _("{number} (against A: {more})")
    return Content(
        bars(added, (len(added) - 1,), _("million MACs added"), origin),
        more=(Numbers({_("Tweaks on"): total["tweaks"],
                       _("Parameters"): more.format(number=total["params"], more=total["more_params"]),
                       _("MACs"): more.format(number=total["macs"], more=total["more_macs"])}, origin),
              Table(alone_table(width), origin),
              Explore("resnet50d", switches(b, c, d, width), _("The network with your switches in Explore"))))


@step(asks=questions.best_bargain, predict=True)
def cost() -> Content:
    letters, macs, points = tweaks_gain()
    words = published(_("gains: He et al. 2018, section 4; 77.16 %: Table 5"))
    images = images_of(network(True, True, True, WIDTH))
    counted = computed(_("{images}, at width 64").format(images=images))
    alt = "; ".join(_("{tweak}: {macs} million MACs more, {points} points").format(
        tweak=letter, macs=f"{more / figures.MILLION:.0f}", points=gain)
        for letter, more, gain in zip(letters, macs, points))
    return Content(
        Chart(lambda palette: figures.gains(letters, macs, points, palette), alt, (counted, words)), ladder_fields(),
        (Text("cost, four networks", ladder_fields()), Table(ladder(), (counted, words)), Text("cost, printed"),
         Table(printed(), unverified(_("the accuracies of A, B and C in Table 5 of He et al. 2018")))))


LESSON = Lesson(
    "tweaks", KNOBS, (read, mend, image, blocks, stem, narrow, field, early, totals, cost), minutes=30,
    links=(Link(_("Only the shortcut is mended: the block reads every cell"), "mend", {"d": True}),
           Link(_("A stem of three 3×3: three times as dear"), "stem"),
           Link(_("A narrow network: now it is cheaper"), "stem", {"width": 16})),
    anchors={"read": "read", "blocks": "blocks", "stem": "stem", "cost": "cost", "try": "read", "code": "read"})
