"""The steps of the lesson on Inception."""

import pandas as pd

from lib.lessons.content import Blocks, Chart, Content, Explore, Network, Origins, Source, Table, Text
from lib.lessons.curves import SHOWN, table
from lib.lessons.figures import chart
from lib.lessons.inception import classifiers, figures, kernels, networks, questions, stems, trained
from lib.lessons.inception.classifiers import PARTS, STARTS, WEIGHTS, Gradients
from lib.lessons.inception.modules import (
    CHANNELS, FILTERS, FIRST, FIRST_CHANNELS, FIRST_SIZE, SIZES, Modules, Pair, branch_table, branches, break_even,
    first_with, module_fields, modules, second_branch, third_branch)
from lib.lessons.inception.questions import GRADIENTS
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.models.googlenet import AuxiliaryClassifier, GoogLeNet, Inception, NaiveInception
from lib.models.inception_v3 import InceptionC
from lib.provenance import computed, images_of, measured, on_maps, published, unverified
from lib.text import _


def filters_knob(label: str, name: str, help: str) -> Knob:
    """A control for the filters of one convolution; it begins at the first module's."""
    return Knob(label, FILTERS[name], getattr(FIRST, name), help)


ROWS = networks.rows()
KNOBS = {
    "row": Knob(_("Module of GoogLeNet"), tuple(ROWS), "3a", _("A row of the paper's Table 1.")),
    "channels": Knob(_("Channels in"), CHANNELS, FIRST_CHANNELS, _("Channels of the map that the module reads.")),
    "size": Knob(_("Feature map"), SIZES, FIRST_SIZE, _("Height and width of the map.")),
    "n1x1": filters_knob(_("1×1 filters"), "n1x1", _("Filters of the 1×1 branch.")),
    "projection": filters_knob(_("Projection filters"), "projection", _("Of the 1×1 after the pooling.")),
    "reduce3x3": filters_knob(_("1×1 before 3×3"), "reduce3x3", _("Filters of the 1×1 that reduces what the 3×3 reads.")),
    "n3x3": filters_knob(_("3×3 filters"), "n3x3", _("Filters of the 3×3.")),
    "reduce5x5": filters_knob(_("1×1 before 5×5"), "reduce5x5", _("Filters of the 1×1 that reduces what the 5×5 reads.")),
    "n5x5": filters_knob(_("5×5 filters"), "n5x5", _("Filters of the 5×5.")),
    "pool": Knob(_("Max pooling"), (1, 2, 3, 4), 2, _("One of the four that halve the map, from the image on.")),
    "version": Knob(_("Network"), tuple(networks.VERSIONS), "googlenet_2014", _("Three ways to build it."),
                    networks.VERSIONS.get),
    "quantity": Knob(_("Count"), tuple(networks.QUANTITIES), "params", _("What the networks are put in order by."),
                     networks.QUANTITIES.get),
    "kernel": Knob(_("Kernel"), kernels.KERNELS, 5, _("Height and width of the kernel that is taken apart.")),
    "form": Knob(_("Taken apart as"), ("stack", "pair"), "stack", _("Both see as many cells as the whole kernel."),
                 kernels.FORMS.get),
    "auxiliary": Knob(_("Auxiliary weight"), WEIGHTS, "0.3", _("Of each auxiliary loss; the paper has 0.3.")),
    "start": Knob(_("Starting weights"), tuple(STARTS), "xavier",
                  _("He by fan-out, Xavier, or Gaussian of deviation 0.01."), STARTS.get),
    "batch_norm": Knob(_("Batch norm"), (False, True), False, _("In every convolution. The network of 2014 has none.")),
    "seed": Knob(_("Seed"), tuple(range(10)), 0, _("Of the weights and the images.")),
    "shown": SHOWN,
}
SETTINGS = {row: {"row": row, **values} for row, values in ROWS.items()}
"""The filters of each row of Table 1."""
NAIVE, REDUCED = _("Naive, Fig. 2 (a)"), _("Reduced, Fig. 2 (b)")


def whole_numbers(frame: pd.DataFrame, origin: Origins) -> Table:
    """A table whose numbers are written with separators."""
    return Table(frame, origin, {name: "localized" for name in frame.columns if frame[name].dtype.kind == "i"})


def cut_bars(pair: Pair, alone: str, reduced: str, size: int) -> Chart:
    """A branch alone and with its reduction. The question's unit is a million."""
    small, large = [0, pair.reduced.reduction], [pair.naive.kernel, pair.reduced.kernel]
    return Chart(lambda palette: figures.cut([alone, reduced], small, large, palette), guess="x", times=1e6,
                 alt=_("MACs: {alone} {naive:,}, {reduced} {less:,}").format(
                     alone=alone, reduced=reduced, naive=pair.naive.macs, less=pair.reduced.macs),
                 origin=computed(on_maps(size)))


def branch_bars(both: Modules, size: int) -> Chart:
    """Both modules' multiply-adds, branch by branch."""
    naive, reduced = (branches(module) for module in both)
    return Chart(lambda palette: figures.branches(
        [branch.name for branch in naive], [branch.macs for branch in naive], [branch.reduction for branch in reduced],
        [branch.kernel for branch in reduced], palette), origin=computed(on_maps(size)), alt=_("MACs: {each}").format(
            each="; ".join(f"{a.name} {a.macs:,} naive, {b.macs:,} reduced" for a, b in zip(naive, reduced))))


@step(asks=questions.channels_out, settings=SETTINGS)
def side_by_side(n1x1: int, n3x3: int, n5x5: int, projection: int) -> Content:
    both = first_with(n1x1=n1x1, n3x3=n3x3, n5x5=n5x5, projection=projection)
    return Content(Blocks({REDUCED: both.reduced}, numbers=False),
                   {"channels": FIRST_CHANNELS}, (Source((Inception, NaiveInception)),))


@step(asks=questions.branch_macs, predict=True, settings=SETTINGS)
def five_by_five(channels: int, reduce5x5: int, n5x5: int, size: int) -> Content:
    pair = third_branch(channels, reduce5x5, n5x5, size)
    both = first_with(channels, size, reduce5x5=reduce5x5, n5x5=n5x5)
    return Content(cut_bars(pair, _("5×5 alone"), _("1×1, then 5×5"), size), {"channels": channels},
                   (whole_numbers(branch_table(both).iloc[[2], :5], computed(on_maps(size))), Text("five_by_five, ReLU")))


@step(asks=questions.widest_reduction, predict=True, settings=SETTINGS)
def three_by_three(channels: int, reduce3x3: int, n3x3: int) -> Content:
    pair, crossing = second_branch(channels, reduce3x3, n3x3), break_even(channels, n3x3)
    both = first_with(channels, reduce3x3=reduce3x3, n3x3=n3x3)
    return Content(
        Chart(lambda palette: figures.break_even(reduce3x3, pair.reduced.weights, pair.naive.weights, crossing, palette),
              alt=_("The branch has {less:,} weights with {reduce} filters in its reduction, and {alone:,} without one. "
                    "Equal at {crossing:.0f}.").format(
                        less=pair.reduced.weights, reduce=reduce3x3, alone=pair.naive.weights, crossing=crossing),
              origin=computed(), guess="x"),
        more=(whole_numbers(branch_table(both).iloc[[1], :5], computed(on_maps(FIRST_SIZE))),))


@step(asks=questions.times_fewer, predict=True)
def module(row: str) -> Content:
    given = ROWS[row]
    both = modules(given["channels"], given["size"], networks.filters(row))
    fields = given | module_fields(both) | {"row": row}
    return Content(branch_bars(both, given["size"]), fields, (
        whole_numbers(branch_table(both), computed(on_maps(given["size"]))), Text("module, places", fields),
        Blocks({NAIVE: both.naive, REDUCED: both.reduced})))


@step(asks=questions.naive_channels, predict=True)
def growth(row: str) -> Content:
    table = networks.growth()
    channels = {name: list(map(int, table[name])) for name in table.columns[1:]}
    return Content(
        Chart(lambda palette: figures.growth(list(table["Module"]), channels, row, palette), origin=computed(), guess="y",
              alt=_("Channels after each module: {each}").format(
                  each="; ".join(f"{name} {', '.join(map(str, values))}" for name, values in channels.items()))),
        more=(Text("growth, whole networks", networks.growth_fields()), Table(table, computed()),
              Explore("googlenet_naive")))


@step(asks=questions.dearest_layer, predict=True)
def stem() -> Content:
    sizes, by_map, fields = computed(images_of(*stems.stem_networks())), stems.stem_macs(), stems.stem_fields()
    names, costs = list(stems.first_layers()), [op.macs for op in stems.first_layers().values()]
    short = [name.partition(", at")[0] for name in names]
    return Content(
        Chart(lambda palette: figures.bars(short, costs, _("MACs"), palette), origin=sizes,
              alt=_("MACs: {each}").format(each="; ".join(f"{name}: {cost:,}" for name, cost in zip(names, costs)))),
        fields, (
            whole_numbers(stems.layer_table(), sizes), Text("stem, whole way", fields),
            Chart(lambda palette: figures.stems(by_map, palette), origin=sizes,
                  alt=_("MACs by the map written: {each}").format(
                      each="; ".join(f"{name} {', '.join(f'{side} {macs:,}' for side, macs in sums.items())}"
                                     for name, sums in by_map.items()))),
            Table(stems.stem_table(), (sizes, unverified(_("the two columns “Slide”: EECS-498, lecture 8")))),
            Text("stem, slides", fields)))


@step(asks=questions.strided_instead, predict=True)
def poolings(pool: int) -> Content:
    channels, size = networks.poolings()[pool - 1][:2]
    own = computed(_("each pooling on its own map, {image}").format(
        image=images_of(networks.analysis("googlenet_2014"))))
    return Content(Table(networks.pooling_beside(pool), computed(on_maps(size))), {"pool": pool, "channels": channels},
                   (whole_numbers(networks.pooling_table(), own),))


@step(asks=questions.smallest, predict=True)
def smallest_image(version: str) -> Content:
    return Content(Table(networks.sides_table(version), computed(_("height of the maps"))), more=(
        Text("smallest_image, versions", {"each": "; ".join(
            f"{name} {networks.smallest_image(preset)}" for preset, name in networks.VERSIONS.items())}), Explore(version)))


@step(asks=questions.rivals, predict=True)
def rivals(quantity: str) -> Content:
    counted = {name: getattr(networks.analysis(preset), quantity) for preset, name in networks.RIVALS.items()}
    origin = computed(images_of(*map(networks.analysis, networks.RIVALS)))
    title = networks.QUANTITIES[quantity]
    return Content(
        Chart(lambda palette: figures.bars(list(counted), list(counted.values()), title, palette), origin=origin,
              alt=f"{title}: " + "; ".join(f"{name} {count:,}" for name, count in counted.items())),
        more=(whole_numbers(networks.rival_table(), origin), Text("rivals, twelve times", networks.rival_fields())))


@step(asks=questions.share, predict=True)
def factors(kernel: int, form: str) -> Content:
    shares = {name.replace("n", str(kernel)): kernels.factors(kernel).share(each) for each, name in kernels.FORMS.items()}
    fields, title = kernels.double_fields(), _("weights, % of the whole kernel")
    return Content(
        Chart(lambda palette: figures.bars(list(shares), list(shares.values()), title, palette, "%"), origin=computed(),
              guess="x", alt=_("Weights: {each}").format(
                  each="; ".join(f"{name} {value:.1f} %" for name, value in shares.items()))),
        fields, (
            Table(kernels.factor_table(), computed(_("with {channels} channels in and out, {maps}").format(
                channels=kernels.CHANNELS, maps=on_maps(kernels.SIZE)))),
            Text("factors, in BN-Inception", fields), Text("factors, papers"),
            Table(kernels.PAPERS, published(_("the papers named; the last column: arXiv:1602.07261 (2016), introduction"))),
            Explore("inception_v3"), Source((InceptionC,))))


@step(asks=questions.who_hears, predict=True)
def auxiliary() -> Content:
    reached = {part.removeprefix("inception"): heard for part, heard in classifiers.reached().items()}
    full, fields = networks.analysis("googlenet_2014", auxiliary=True), classifiers.auxiliary_fields()

    def ladder(coloured: bool, alt: str) -> Chart:
        return Chart(lambda palette: figures.ladder(reached, ("4a", "4d"), coloured, palette), alt, computed())
    return Content(
        ladder(True, _("Filled, as a gradient of the auxiliary losses reaches them: {parts}").format(
            parts=", ".join(part for part, heard in reached.items() if heard))), fields,
        (Text("auxiliary, cost", fields), Table(classifiers.reached_table(), computed()), Network(full),
         Explore("googlenet_2014", {"auxiliary": True}), Source((AuxiliaryClassifier, GoogLeNet))),
        before=ladder(False, _("The parts in a row: {parts}. An auxiliary loss is taken after 4a and after 4d, the main "
                               "loss after the last one.").format(parts=", ".join(reached))))


@step(asks=questions.help_at_conv1, predict=True)
def gradients(start: str, batch_norm: bool, auxiliary: str, seed: int, gradients: Gradients = GRADIENTS) -> Content:
    weight = float(auxiliary)
    names = [part.removeprefix("inception") for part in PARTS]
    norms = {title: [part.norm(factor) for part in gradients.parts] for title, factor in (
        (_("main loss alone"), 0.0), (_("with {weight:g} × auxiliary").format(weight=weight), weight))}
    origin = measured(_("fresh weights, {images} random images of {pixels} × {pixels} pixels, seed {seed}").format(
        images=classifiers.IMAGES, pixels=classifiers.PIXELS, seed=seed))
    fields = classifiers.gradient_fields(gradients, weight)
    return Content(
        Chart(lambda palette: figures.gradients(names, norms, palette), origin=origin,
              alt=_("Gradient norm of each part; with the auxiliary losses it is so many times as large: {each}").format(
                  each=", ".join(f"{name} {part.times(weight)}" for name, part in zip(names, gradients.parts)))),
        fields, (Table(classifiers.gradient_table(gradients, weight), origin), Text("gradients, meaning"),
                 Source((classifiers.gradients,))))


@step(asks=questions.who_begins, predict=True)
def learnt(shown: str) -> Content:
    runs, fields = trained.runs(), trained.fields()
    return Content(chart(runs, shown), fields, (
        Text("learnt, the gradient", fields), chart(runs, "gradient_norm"), table(runs), Text("learnt, and today")))


LESSON = Lesson(
    "inception", KNOBS,
    (side_by_side, five_by_five, three_by_three, module, growth, stem, poolings, smallest_image, rivals, factors,
     auxiliary, gradients, learnt),
    minutes=45,
    links=(Link(_("A wide reduction: is the branch still cheaper?"), "three_by_three", {"reduce3x3": 192}),
           Link(_("Late modules, small maps: the reductions save more"), "module", {"row": "5a"}),
           Link(_("From small Gaussians the classifiers carry the gradient"), "gradients", {"start": "small"})),
    anchors={"module": "module", "growth": "growth", "stem": "stem", "factors": "factors", "auxiliary": "auxiliary",
             "try": "side_by_side", "code": "side_by_side"})
