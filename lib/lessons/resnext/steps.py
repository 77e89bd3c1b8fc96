"""The steps of the lesson on ResNeXt."""

from lib.lessons.content import Blocks, Chart, Content, Explore, Numbers, Source, Table, Text
from lib.lessons.curves import SHOWN, table
from lib.lessons.figures import chart
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.resnext import costs, figures, networks, questions, reach, trained
from lib.lessons.resnext.paths import INNER, Differences, PathsAdded, PathsConcatenated, dense_weight
from lib.models.resnet import Bottleneck
from lib.models.resnext import equal_weights_width
from lib.provenance import computed, images_of, measured, on_maps, published
from lib.text import _

KNOBS = {
    "cardinality": Knob(_("Cardinality C"), (1, 2, 4, 8, 16, 32), 32, _("Paths of the block, groups of its 3×3.")),
    "width": Knob(_("Width d of a path"), (1, 2, 4, 8, 14, 24, 40, 64), 4, _("Channels of one path of the block.")),
    "depth": Knob(_("Layers of the network"), (50, 101), 50, _("Of the whole network.")),
    "shown": SHOWN,
    "seed": Knob(_("Seed"), tuple(range(10)), 0, _("Weights and input of the measured block follow from it.")),
}
ADDED, CONCATENATED, GROUPED = _("(a) Paths added"), _("(b) Paths concatenated"), _("(c) Grouped")
ARRANGED = [_("dense 3×3"), _("blocks"), _("blocks, blocks"), _("blocks, shuffle, blocks"), _("blocks, 1×1")]
DIFFER = measured(_("largest difference of the outputs on a 7×7 map, norms in training mode"))
TABLE_3, TABLE_4 = (_("Xie et al. 2016, Table {number}; one crop of 224 pixels").format(number=number) for number in (3, 4))


@step(asks=questions.weights, predict=True)
def weights(cardinality: int, width: int) -> Content:
    shown = {_("One path of 64 (ResNet)"): costs.block(1, INNER),
             _("{c} paths of {d}").format(c=cardinality, d=width): costs.block(cardinality, width)}
    graphs = Blocks(shown, numbers=False)
    return Content(graphs, costs.cost_fields(cardinality, width), before=graphs, more=(
        Blocks(shown), Text("weights, names"), Source((Bottleneck,))))


@step(asks=questions.same_output, predict=True)
def forms(cardinality: int, width: int, seed: int, found: Differences = questions.FOUND) -> Content:
    paths, drawn = costs.drawn(cardinality, width)
    shown = dict(zip((ADDED, CONCATENATED, GROUPED), drawn))
    return Content(
        Table(found.table(), DIFFER), {"cardinality": cardinality, "width": width},
        (Text("forms, drawn", {"paths": paths, "cardinality": cardinality}),
         Blocks(shown), Source((Bottleneck, PathsAdded, PathsConcatenated))),
        before=Blocks(shown, numbers=False))


@step(asks=questions.which_differ, predict=True)
def bookkeeping(cardinality: int, width: int) -> Content:
    costs.several(cardinality)
    table = costs.forms(cardinality, width).table([ADDED, CONCATENATED, GROUPED])
    return Content(Table(table, computed(_("{maps}, all paths").format(maps=on_maps(costs.MAP)))),
                   {"cardinality": cardinality, "width": width, "outer": costs.OUTER})


@step(asks=questions.zeros, predict=True)
def matrix(cardinality: int, width: int, found: Differences = questions.FOUND) -> Content:
    fields = found.fields() | costs.cost_fields(cardinality, width)
    return Content(
        Chart(lambda palette: figures.matrix(found.matrix, palette),
              alt=_("{drawn} × {drawn} kernels, {blank} of {kernels} blank: all outside the blocks on the diagonal").format(
                  **fields),
              origin=measured(_("size of each kernel: the root of its summed squares"))),
        fields, (Text("matrix, cells", fields), Table(found.table(), DIFFER), Source((dense_weight,))))


@step(asks=questions.by_chance, predict=True)
def chance(cardinality: int, width: int, seed: int, twice: tuple[Differences, Differences] = questions.TWICE) -> Content:
    first, second = (each.table().set_index("Against the grouped form").add_suffix(_(", seed {seed}").format(seed=number))
                     for each, number in zip(twice, (seed, seed + 1)))
    return Content(Table(first.join(second).reset_index(), DIFFER), {"seed": seed, "next": seed + 1})


@step(asks=questions.blocks, predict=True)
def mixing(cardinality: int) -> Content:
    reads = {name: each.reads for name, each in zip(ARRANGED, reach.reach(cardinality).values())}
    return Content(
        Chart(lambda palette: figures.bars(reads, _("input channels read by one output"), palette),
              alt=", ".join(f"{name}: {number}" for name, number in reads.items()),
              origin=measured(_("where the gradient of one output channel is not zero"))),
        {"cardinality": cardinality, "channels": reach.CHANNELS},
        (Table(reach.reach_table(cardinality, ARRANGED), computed(on_maps(reach.MAP))), Source((reach.arrangements,))))


def stacked(rows: list[costs.Row]) -> Chart:
    """The weights of blocks, convolution by convolution."""
    return Chart(lambda palette: figures.stacked(rows, palette), origin=computed(),
                 alt=_("Weights: {each}").format(each="; ".join(f"{name} {sum(pieces):,}" for name, pieces in rows)))


@step(asks=questions.nearest_width, predict=True)
def cost(cardinality: int, width: int) -> Content:
    rows, fields = costs.equal_cost(cardinality, width), costs.cost_fields(cardinality, width)
    return Content(stacked(rows), fields,
                   (Text("cost, yours", fields), Table(costs.weights_table(rows), computed()),
                    Source((equal_weights_width,))))


@step(asks=questions.halved, predict=True)
def inside(cardinality: int) -> Content:
    rows = costs.equal_inside(cardinality)
    return Content(stacked(rows), {"inside": INNER}, (Table(costs.weights_table(rows), computed()),))


@step(asks=questions.error_of_32, predict=True)
def published_errors(depth: int) -> Content:
    errors, fields = networks.errors(), networks.error_fields(depth)
    chart = Chart(lambda palette: figures.errors(networks.TEMPLATE_NAMES, errors, palette), guess="y",
                  origin=published(TABLE_3),
                  alt=_("Top-1 error falls with the cardinality, at 50 layers from {first} to {last} %").format(
                      first=errors[50][0], last=errors[50][-1]))
    of = images_of(networks.network(depth, *networks.TEMPLATES[0]))
    return Content(chart, fields, (
        Table(networks.published(depth), (computed(_("parameters and MACs, {images}").format(images=of)),
                                          published(_("errors: Xie et al. 2016, Table 3")))),))


@step(asks=questions.best_cardinality, predict=True)
def learnt(shown: str) -> Content:
    runs, fields = trained.runs(), trained.fields()
    at = computed(images_of(*trained.costs().values()))
    return Content(chart(runs, shown), fields, (table(runs), Text("learnt, why", fields), Table(
        trained.cost_table(), at, {"Parameters": "localized", "MACs": "localized"})))


@step(asks=questions.twice_the_cost, predict=True)
def doubled() -> Content:
    errors = dict([networks.START, *networks.DOUBLED.values()])
    return Content(Chart(lambda palette: figures.marks(errors, _("top-1 error, %"), 1, palette), origin=published(TABLE_4),
                         alt=", ".join(f"{name} {error} %" for name, error in errors.items())),
                   {"start": networks.START[1]},
                   (Table(networks.doubled_table(), published(TABLE_4), {"Top-1 error, %": "%.1f"}),))


@step(asks=questions.what_costs, predict=True)
def add() -> Content:
    billions = networks.billions()
    compared = {name: billions[name] for name in networks.COMPARED}
    return Content(
        Chart(lambda palette: figures.marks(compared, _("billion MACs"), 2, palette),
              alt=", ".join(f"{name} {value}" for name, value in compared.items()),
              origin=computed(images_of(*networks.networks().values()))),
        {"resnext": billions["ResNeXt-50 32×4d"], "resnest": billions["ResNeSt, R 2, K 1"],
         "size": networks.network(50, 1, INNER).image},
        (Text("add, both"), Table(networks.networks_table(), computed(images_of(*networks.networks().values())))))


@step(asks=questions.against_one_path, predict=True)
def yours(cardinality: int, width: int, depth: int) -> Content:
    chosen, start = networks.network(depth, cardinality, width), networks.network(depth, 1, INNER)
    values = {_("Parameters"): f"{chosen.params:,}", _("MACs"): f"{chosen.macs:,}",
              _("MACs of ResNet-{depth}").format(depth=depth): f"{start.macs:,}"}
    return Content(Numbers(values, computed(images_of(chosen, start))), {"depth": depth},
                   (Explore("resnext50_32x4d", networks.knobs(depth, cardinality, width), _("Your network in Explore")),))


LESSON = Lesson(
    "resnext", KNOBS,
    (weights, forms, bookkeeping, matrix, chance, mixing, cost, inside, published_errors, learnt, doubled, add, yours),
    minutes=40,
    links=(Link(_("Three drawings of one block: do they give the same?"), "forms"),
           Link(_("Eight blocks on the diagonal, and nothing else"), "matrix", {"cardinality": 8}),
           Link(_("Twice the cost: deeper, wider or more paths?"), "doubled")),
    anchors={"forms": "forms", "matrix": "matrix", "cost": "cost", "published": "published_errors", "add": "add",
             "try": "weights", "code": "weights"})
