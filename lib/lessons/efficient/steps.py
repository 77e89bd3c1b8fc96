"""The steps of the lesson on efficient networks."""

import numpy as np

from lib.figures.lines import lines
from lib.lessons.content import Blocks, Chart, Content, Explore, Source, Table, Text
from lib.lessons.efficient import figures, questions
from lib.lessons.efficient.inverted import (
    CONV2_X, EXPANSIONS, PAPER_EXPANSION, blocks_in_networks, invert, real_blocks, share_table, shares)
from lib.lessons.efficient.race import BLOCKS, NETWORKS, Race, race_fields, race_ratios, race_table
from lib.lessons.efficient.separable import (
    WIDTHS, WINDOW, network_fields, networks, outputs_for, separable_networks, split, times_fewer, times_table)
from lib.lessons.efficient.shuffled import (
    REACH, grouped_fields, grouped_table, origin_table, origins, reach_table, units)
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.models.mobilenet import DepthwiseSeparable, FullConvolution
from lib.models.mobilenet_v2 import InvertedResidual
from lib.models.shufflenet import ShuffleUnit, channel_shuffle
from lib.models.shufflenet_v2 import ShuffleUnitV2
from lib.provenance import computed, images_of, measured, on_maps, published
from lib.text import _

KNOBS = {
    "inputs": Knob(_("Input channels"), WIDTHS, 64, _("Of the convolution in two steps.")),
    "outputs": Knob(_("Output channels"), WIDTHS, 128, _("Of the convolution in two steps.")),
    "size": Knob(_("Size of the map"), (7, 14, 28, 56), 28, _("Height and width of the maps.")),
    "target": Knob(_("Times cheaper"), (2, 3, 4, 5, 6, 7, 8), 7, _("How many times fewer multiply-adds are wanted.")),
    "narrow": Knob(_("Narrow width"), (16, 24, 32, 64, 96, 160), 24, _("Channels at the ends of the inverted residual.")),
    "expansion": Knob(_("Expansion t"), EXPANSIONS, 6, _("How many times wider it is inside.")),
    "groups": Knob(_("Groups"), (2, 3, 4, 8), 3, _("Groups of ShuffleNet's 1×1 convolutions.")),
    "shuffle": Knob(_("Channel shuffle"), (False, True), True, _("Off: each group keeps to itself.")),
    "place": Knob(_("Place"), (1, 2, 3, 4, 5, 6, 7), 1, _("The place that is asked about, counted from 0.")),
    "seed": Knob(_("Seed"), tuple(range(10)), 0, _("Weights and maps follow from it; another one runs the races anew.")),
}
FULL, SEPARABLE = _("Full 3×3"), _("Depthwise separable")
BOTTLENECK, INVERTED = _("Bottleneck: wide ends"), _("Inverted residual: narrow ends")
COUNTS = {"Weights": "localized", "MACs": "localized"}
THUMB = 14
"""Height and width of maps where only weights are looked at."""


@step(asks=questions.two_steps, predict=True,
      settings={_("A textbook's task: 64 → 128 on 56 × 56"): {"inputs": 64, "outputs": 128, "size": 56}})
def separable(inputs: int, outputs: int, size: int) -> Content:
    pair = split(inputs, outputs, size)
    shown = {FULL: pair.full, SEPARABLE: pair.separable}
    graphs = Blocks(shown, numbers=False)
    return Content(graphs, pair.fields(), before=graphs, more=(
        Text("separable, three ideas"), Blocks(shown), Source((FullConvolution, DepthwiseSeparable))))


def fewer(inputs: int, outputs: int, size: int, target: int = 0, guess: str = "") -> Chart:
    """How many times fewer multiply-adds the two steps make, over the output channels."""
    widths = sorted({*WIDTHS, outputs})
    counted = times_fewer(inputs, size, widths)
    told = "; ".join(f"{width} channels: {times:.2f}" for width, times in zip(widths, counted))
    return Chart(lambda palette: figures.times_fewer(widths, counted, outputs, WINDOW, palette, target),
                 _("Times fewer multiply-adds, by the output channels: {each}; never 9").format(each=told),
                 computed(on_maps(size)), guess)


@step(asks=questions.times_fewer, predict=True,
      settings={_("A textbook's task: 64 → 128 on 56 × 56"): {"inputs": 64, "outputs": 128, "size": 56}})
def floor(inputs: int, outputs: int, size: int) -> Content:
    fields = split(inputs, outputs, size).fields()
    return Content(fewer(inputs, outputs, size, guess="y"), fields,
                   (Text("floor, the formula", fields),
                    Table(times_table(inputs, size), computed(on_maps(size)),
                          {"Full, MACs": "localized", "Two steps, MACs": "localized", "Times fewer": "%.2f"})))


@step(asks=questions.enough_outputs, predict=True)
def enough(inputs: int, target: int) -> Content:
    found = outputs_for(inputs, target)
    return Content(fewer(inputs, found, THUMB, target),
                   {"inputs": inputs, "target": target},
                   (Table(times_table(inputs, THUMB), computed(on_maps(THUMB)),
                          {"Full, MACs": "localized", "Two steps, MACs": "localized", "Times fewer": "%.2f"}),))


@step(asks=questions.pointwise_share, predict=True)
def pays(inputs: int, outputs: int, size: int) -> Content:
    pair = split(inputs, outputs, size)
    return Content(Table(pair.table(), computed(on_maps(size)),
                         COUNTS | {"Numbers moved": "localized", "MACs per number": "%.1f"}),
                   pair.fields(), (Text("pays, little with each number"),))


@step(asks=questions.accuracy_lost, predict=True)
def network() -> Content:
    origin = computed(images_of(*separable_networks())), published(_("accuracy: Howard et al. 2017, Table 4"))
    formats = {"Parameters": "localized", "MACs": "localized", "Top-1 accuracy, %": "%.1f"}
    sources = published(_("569: Howard et al. 2017, Table 4; 575: Sandler et al. 2018, Table 4"))
    return Content(Table(networks(), origin, formats), network_fields(),
                   (Text("network, two numbers", network_fields(), sources), Explore("mobilenetv1_100")))


@step(asks=questions.inverted_weights, predict=True, settings={_("Without expansion"): {"expansion": 1}})
def inverted(narrow: int, expansion: int, size: int) -> Content:
    pair = invert(narrow, expansion, size)
    shown = {BOTTLENECK: pair.bottleneck, INVERTED: pair.inverted}
    graphs = Blocks(shown, numbers=False)
    return Content(graphs, pair.fields(), before=graphs, more=(
        Blocks(shown), Text("inverted, the shortcut", pair.fields()), Text("inverted, without expansion"),
        Source((InvertedResidual,)),
        Explore("mobilenet_v2", {"expansion": expansion}, _("MobileNetV2 with this expansion in Explore"))))


@step(asks=questions.linear_layer, predict=True)
def linear(narrow: int) -> Content:
    pair = invert(narrow, PAPER_EXPANSION, THUMB)
    return Content(Blocks({INVERTED: pair.inverted}, numbers=False), pair.fields())


@step(asks=questions.equal_weights, predict=True)
def heavier(narrow: int) -> Content:
    found = {expansion: 100 * share for expansion, share in shares(narrow).items()}
    series = {_("inverted block"): list(found.values()), _("bottleneck"): [100] * len(found)}
    told = "; ".join(f"t = {expansion}: {share:.1f} %" for expansion, share in found.items())
    return Content(
        Chart(lambda palette: lines(list(found), series, palette, _("expansion t"), _("weights, %"), "x"),
              _("Weights of the inverted block in percent of the bottleneck's: {each}").format(each=told), computed(),
              guess="x"),
        {"narrow": narrow},
        (Table(share_table(narrow), computed(),
               {"Bottleneck, weights": "localized", "Inverted, weights": "localized"}),))


@step(asks=questions.cheapest_first, predict=True)
def ends() -> Content:
    table = Table(blocks_in_networks(), computed(on_maps(CONV2_X)), COUNTS | {"Numbers in the shortcut": "localized"})
    return Content(table, {}, (Blocks(real_blocks()),))


@step(asks=questions.grouped_weights, predict=True)
def groups(groups: int) -> Content:
    fields = grouped_fields(groups)
    return Content(
        Chart(lambda palette: figures.group_matrix(fields["middle"], fields["channels"], groups, palette),
              _("{groups} blocks on the diagonal of a {middle} × {channels} matrix, no weights beside them").format(
                  **fields), computed()),
        fields, (Table(grouped_table(), computed()),))


@step(asks=questions.stands_at, predict=True)
def shuffle(groups: int, place: int) -> Content:
    origin, dealt = computed(_("the real shuffle, run on the numbers of the channels")), origins(groups, True)
    return Content(
        Chart(lambda palette: figures.shuffle(dealt, groups, place, palette),
              _("The channels after the shuffle, in the order of their places: {dealt}").format(
                  dealt=", ".join(map(str, dealt))), origin),
        {"groups": groups},
        (Table(origin_table(groups, True), origin), Source((channel_shuffle,)),
         Explore("shufflenet_g3", {"groups": groups}, _("ShuffleNet with these groups in Explore"))))


@step(asks=questions.no_path, predict=True)
def reach(groups: int, shuffle: bool, seed: int, shares: np.ndarray = REACH) -> Content:
    origin = measured(_("gradients of one unit with random weights"))
    told = "; ".join(", ".join(f"{share:.1%}" for share in row) for row in shares)
    return Content(
        Chart(lambda palette: figures.reach(shares, palette),
              _("What each group of outputs hears of each group of inputs, row by row: {rows}").format(rows=told), origin),
        {"groups": groups}, (Table(reach_table(shares), origin),))


@step(asks=questions.parts_of_v2, predict=True)
def unit(groups: int) -> Content:
    names = _("ShuffleNet, {groups} groups").format(groups=groups), _("ShuffleNet V2")
    shown = dict(zip(names, units(groups)))
    return Content(Blocks(shown, numbers=False), {}, (Blocks(shown), Source((ShuffleUnit, ShuffleUnitV2))),
                   before=Blocks({names[0]: shown[names[0]]}, numbers=False))


@step(asks=questions.more_numbers, predict=True, again=_("Run the races again"))
def race(size: int, blocks: Race = BLOCKS, raced: Race = NETWORKS) -> Content:
    told = race_fields(blocks, raced)
    pairs = race_ratios(blocks, raced)
    alt = "; ".join(_("{name}: {macs:.2f} of the multiply-adds, {time:g} of the time").format(
        name=name.replace("<br>", " "), macs=macs, time=time) for name, (macs, time) in pairs.items())
    origin = (computed(_("counts: {maps}; networks: {image} pixels").format(maps=on_maps(size), image=told["image"])),
              measured(_("time: this machine, this run")))
    result = Text("race, doubtful", told) if told["doubt"] else Text("race, result", told)
    return Content(
        Chart(lambda palette: figures.race(pairs, palette), alt, origin,
              title=_("In doubt: draw no conclusion from these times") if told["doubt"] else ""),
        told,
        (result, Table(race_table(blocks, raced), origin,
                       {"MACs": "localized", "MACs, to the first": "%.2f", "Time, to the first": "%g",
                        "MACs per number moved": "%.2f"}),
         Text("race, why")))


LESSON = Lesson(
    "efficient", KNOBS,
    (separable, floor, enough, pays, network, inverted, linear, heavier, ends, groups, shuffle, reach, unit, race),
    minutes=40,
    links=(Link(_("From 128 to 512 outputs: does it still get cheaper?"), "floor", {"outputs": 512}),
           Link(_("Without the shuffle: which groups hear each other?"), "reach", {"shuffle": False}),
           Link(_("As many multiply-adds: as fast?"), "race", {"size": 56})),
    anchors={"try": "enough", "code": "separable"})
