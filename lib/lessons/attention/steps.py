"""The steps of the lesson on attention in channels."""

import numpy as np

from lib.figures.lines import lines
from lib.lessons.attention import blocks as parts
from lib.lessons.attention import figures, groups, questions, trained
from lib.lessons.attention import gates as on_picture
from lib.lessons.attention.gates import AS_IS, SEEDS, SIDE, STRENGTHS, ZOOMS, Drift, seen
from lib.lessons.content import Beside, Blocks, Chart, Content, Explore, Images, Numbers, Source, Table, Text
from lib.lessons.curves import SHOWN, table as ends
from lib.lessons.figures import chart
from lib.lessons.knobs import Knob, Picture
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.pictures import OBJECTS
from lib.models.resnest import ResNeStBottleneck, SplitAttention
from lib.models.senet import SEBottleneck, SqueezeExcitation
from lib.models.sknet import KernelAttention, SelectiveKernel
from lib.provenance import computed, images_of, measured, on_maps, published, unverified
from lib.text import _

KNOBS = {
    "picture": Picture(_("Picture"), tuple(OBJECTS), "ball", _("Drawn by the app, or your own."), side=SIDE),
    "zoom": Knob(_("Size of the object, %"), ZOOMS, AS_IS, _("Enlarges the middle of the picture.")),
    "strength": Knob(_("Last layer, times"), STRENGTHS, 16,
                     _("Multiplies the last layer's output before the sigmoid or softmax.")),
    "seed": Knob(_("Seed of the weights"), SEEDS, 0, _("Another draw of all the networks' weights.")),
    "branches": Knob(_("Kernels of SK"), (2, 3), 2, _("Two: 3×3 and 5×5. Three: also 7×7.")),
    "radix": Knob(_("Radix of ResNeSt"), (1, 2, 4), 2, _("Splits in every cardinal group.")),
    "cardinality": Knob(_("Cardinality of ResNeSt"), (1, 2, 4), 1,
                        _("Cardinal groups: of width 64, 40 and 24, as in the authors' table.")),
    "channels": Knob(_("Channels"), (64, 128, 256, 512, 1024, 2048), 256, _("Of the maps for which weights are given.")),
    "reduction": Knob(_("Reduction r"), (2, 4, 8, 16, 32), 16, _("The first small layer leaves 1/r of the numbers.")),
    "frame": Knob(_("Network"), tuple(trained.FRAMES), "small", _("Into which gates are put."), trained.FRAMES.get),
    "shown": SHOWN,
    "depth": Knob(_("Layers of the ResNet"), (18, 34, 50, 101, 152), 50, _("Before gates are added.")),
}
SE, SK, SPLIT = _("SE (SE-ResNet-50)"), _("SK (SKNet-50)"), _("Split attention (ResNeSt-50)")
AS_SEEN = computed(_("the picture, enlarged"))
THUMB = 112
"""Pixels of the picture beside a chart: both fit beside each other on a phone."""
SHOWN = 24
"""Channels that fit into a picture."""


def by_chance(seed: int):
    """The origin of what random weights make of a picture."""
    return measured(_("with random weights, seed {seed}").format(seed=seed))


def bars(names: list[str], weights: np.ndarray, seed: int) -> Chart:
    """The weights of the first channels."""
    means = ", ".join(f"{name} {row.mean():.3f}" for name, row in zip(names, weights))
    return Chart(lambda palette: figures.gates(names, weights[:, :SHOWN], palette), origin=by_chance(seed),
                 alt=_("Weights of the first {shown} channels; means over all {all}: {means}").format(
                     shown=SHOWN, all=weights.shape[1], means=means))


def table(names: list[str], weights: np.ndarray, seed: int) -> Table:
    """The same as numbers."""
    return Table(on_picture.weights_table(names, weights, SHOWN), by_chance(seed))


@step(asks=questions.parts_in_order, predict=True)
def skeleton(branches: int, radix: int, cardinality: int) -> Content:
    shown = dict(zip((SE, SK, SPLIT), parts.blocks(branches, radix, cardinality)))
    table = parts.parts_table(branches, radix, cardinality, [_("SE"), _("SK"), _("Split attention")])
    return Content(Table(table, computed(on_maps(parts.MAP))), before=Blocks({SK: shown[SK]}, numbers=False), more=(
        Blocks(shown), Source((SEBottleneck, SelectiveKernel, KernelAttention, ResNeStBottleneck))))


@step(asks=questions.gate_params, predict=True)
def squeeze(channels: int, reduction: int) -> Content:
    return Content(Table(parts.gate_table(channels, reduction), computed(on_maps(parts.MAP))),
                   {"channels": channels, "reduction": reduction, "fewest": parts.FEWEST}, (Source((SqueezeExcitation,)),))


@step(asks=questions.weight_layers, predict=True)
def layers(depth: int) -> Content:
    found = parts.counted(depth)
    values = {_("On the longest way"): f"{found.way}", _("In the gates"): f"{found.gates}",
              _("In projections beside it"): f"{found.projections}"}
    return Content(Numbers(values, computed(images_of(parts.senet(depth)))), {"depth": depth, "blocks": found.blocks},
                   (Explore(f"seresnet{depth}"),))


@step(asks=questions.sum_of_gates, predict=True)
def gates(picture: str | bytes, zoom: int, strength: int, seed: int, found: np.ndarray = questions.GATES) -> Content:
    caption = _("input, {zoom} %").format(zoom=zoom)
    image, names = Images({caption: seen(picture, zoom)}, AS_SEEN, THUMB), [_("gate")]
    return Content(Beside((image, bars(names, found, seed)), (1, 2)), {"seed": seed},
                   (Text("gates, untrained"), Text("gates, a picture of your own"), table(names, found, seed)),
                   before=image)


@step(asks=questions.numbers_of_z, predict=True)
def decide(channels: int, branches: int, reduction: int) -> Content:
    fields = parts.blocks(branches, 2, 1).squeezed()
    return Content(Table(parts.numbers_table(channels, branches, reduction), computed()),
                   fields | {"channels": channels, "branches": branches, "floor": parts.FLOOR},
                   (Text("decide, in the blocks", fields),))


@step(asks=questions.even, predict=True)
def select(picture: str | bytes, strength: int, seed: int, branches: int, found: np.ndarray = questions.CHOICES) -> Content:
    names, weights = parts.kernels(branches), found[STRENGTHS.index(strength)]
    fields = on_picture.sums(weights) | {"shown": SHOWN, "branches": branches, "channels": weights.shape[1]}
    return Content(bars(names, weights, seed), fields,
                   (Text("select, sums", fields), table(names, weights, seed),
                    Explore("skresnext50_32x4d", {"branches": branches})))


@step(asks=questions.hard_choices, predict=True)
def strength(picture: str | bytes, seed: int, branches: int, found: np.ndarray = questions.CHOICES) -> Content:
    largest, total = on_picture.hardness(found).values()
    series = {_("largest weight of a channel"): largest, _("sum of its weights"): total}
    chart = Chart(lambda palette: lines(STRENGTHS, series, palette, _("last layer ×"), _("mean of all channels"), log="x"),
                  origin=by_chance(seed),
                  alt=_("Largest weight from {first:.3f} to {last:.3f}, sum from {sum:.3f} to {then:.3f}").format(
                      first=largest[0], last=largest[-1], sum=total[0], then=total[-1]))
    return Content(chart, {"weak": STRENGTHS[0], "others": ", ".join(map(str, STRENGTHS[1:]))},
                   (Table(on_picture.hardness_table(found), by_chance(seed)),))


@step(asks=questions.wider_kernel, predict=True)
def growth(picture: str | bytes, strength: int, branches: int, seed: int, found: Drift = questions.DRIFT) -> Content:
    fields = found.fields(seed)
    origin = measured(_("with random weights, seeds {first} to {last}").format(first=SEEDS[0], last=SEEDS[-1]))
    chart = Chart(
        lambda palette: figures.drift(ZOOMS, SEEDS, found.widest, 1 / branches, seed, palette), origin=origin,
        alt=_("Mean weight of the widest kernel over the size of the object: with seed {seed} from {before} to {after}; "
              "it rises under {up} of {draws} draws").format(**fields))
    ends = Images({f"{zoom} %": seen(picture, zoom) for zoom in (ZOOMS[0], ZOOMS[-1])}, AS_SEEN)
    return Content(chart, fields, before=ends, more=(
        Text("growth, one draw", fields), Table(found.table(), origin),
        Text("growth, reported", origin=unverified("Li et al. 2019, arXiv:1903.06586"))))


@step(asks=questions.group_reads, predict=True)
def splits(radix: int, cardinality: int) -> Content:
    found, numbers = groups.groups(radix, cardinality), groups.setting(radix, cardinality)
    return Content(
        Chart(lambda palette: figures.groups(found, palette), origin=computed(), height=380 if radix > 2 else 0,
              alt=_("{groups} groups: {radix} rows of splits, {cardinality} columns of cardinal groups; each reads {reads} "
                    "channels").format(groups=numbers.groups, radix=radix, cardinality=cardinality, reads=numbers.reads)),
        {"radix": radix, "cardinality": cardinality, "channels": numbers.channels},
        (Table(groups.group_table(found), computed()), Source((SplitAttention,))))


@step(asks=questions.sum_of_splits, predict=True)
def one_split(picture: str | bytes, strength: int, seed: int, radix: int, found: np.ndarray = questions.SPLITS) -> Content:
    names = [_("split {number}").format(number=number) for number in range(1, radix + 1)]
    return Content(bars(names, found, seed), {"radix": radix}, (table(names, found, seed),))


@step(asks=questions.most_weights, predict=True)
def four_groups() -> Content:
    return Content(Table(groups.settings_table(), computed()))


@step(asks=questions.deciding_params, predict=True)
def costs(branches: int, radix: int, cardinality: int) -> Content:
    found = parts.blocks(branches, radix, cardinality)
    return Content(Table(found.table([_("SE"), _("SK"), _("Split attention")]), computed(on_maps(parts.MAP))),
                   {"size": parts.MAP})


@step(asks=questions.where_added)
def added(radix: int, cardinality: int) -> Content:
    shown = {_("ResNeXt-50"): parts.resnext_block(), _("ResNeSt-50"): parts.blocks(2, radix, cardinality).split}
    return Content(Table(parts.meeting_table(radix, cardinality), computed(on_maps(parts.MAP))),
                   more=(Text("added, the same"), Blocks(shown)))


@step(asks=questions.what_grows, predict=True)
def free(radix: int, cardinality: int) -> Content:
    found = groups.prices(radix, cardinality)
    names = [_("ResNet-50-D"), _("ResNeSt-50"), _("ResNeSt-50, fast")]
    return Content(Table(found.table(names), computed(images_of(*found))), found.fields(), (
        Table(groups.ablation(), published(groups.ABLATION)),
        Explore("resnest50d", groups.knobs(radix, cardinality))))


@step(asks=questions.best_gates, predict=True)
def learnt(frame: str, shown: str) -> Content:
    runs, fields = trained.runs(frame), trained.fields(frame)
    at = computed(images_of(*trained.analyses(frame).values()))
    return Content(chart(runs, shown), fields, (ends(runs), Text("learnt, why", fields), Table(
        trained.cost_table(frame), at, {"Parameters": "localized", "MACs": "localized"})))


LESSON = Lesson(
    "attention", KNOBS, (skeleton, squeeze, layers, gates, decide, select, strength, growth, splits, one_split, four_groups,
                         costs, added, free, learnt),
    minutes=45,
    links=(Link(_("Gates on a picture: do they share?"), "gates", {"strength": 16}),
           Link(_("A larger object: does the wide kernel gain?"), "growth"),
           Link(_("Two splits in two cardinal groups"), "splits", {"cardinality": 2})),
    anchors={"skeleton": "skeleton", "gates": "gates", "growth": "growth", "groups": "splits", "try": "skeleton",
             "code": "skeleton"})
