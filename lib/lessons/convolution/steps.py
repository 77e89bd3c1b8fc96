"""The steps of the lesson on the arithmetic of a convolution."""

from collections.abc import Mapping

import pandas as pd
from PIL.Image import Image

from lib.lessons.content import Beside, Blocks, Chart, Content, Explore, Source, Table, Text, Written
from lib.lessons.convolution import figures, filters, questions
from lib.lessons.convolution import groups as grouping
from lib.lessons.convolution import strides as real
from lib.lessons.convolution.by_hand import by_hand as run_by_hand, square
from lib.lessons.convolution.controls import KNOBS
from lib.lessons.convolution.cost import cheaper, heads, sharing, training
from lib.lessons.convolution.equal import IMAGES, Agreement, as_convolution, compared, equalities, per_pixel
from lib.lessons.convolution.grid import SAME_MAP, first_grid, same_padding, slide
from lib.lessons.convolution.layer import Built, Unshared, account, build, built, one_transposed, size_text
from lib.lessons.convolution.stack import least_sides, stack as run_stack, table as stack_table
from lib.lessons.convolution.written import Described, layer as read_layer, pair
from lib.lessons.lesson import Lesson, Link, step
from lib.measuring import Measured
from lib.models.stems import stem
from lib.provenance import Origin, computed, measured, published
from lib.text import _
from lib.trace import output_size

BOTH_WAYS = Measured(equalities, _("Running both"))
RUN = measured(_("whole numbers, run by torch"))
MAPS = _("Map with padding"), _("Kernel"), _("Output")


def on_map(found: Built) -> Origin:
    """Counted on the map that goes into the layer."""
    return computed(_("on one map of {size}").format(size=size_text(found.entered)))


def bars(numbers: Mapping[str, int], unit: str, origin: Origin, log: bool = False) -> Chart:
    """Numbers as bars, among which the person's guess is drawn."""
    return Chart(lambda palette: figures.bars(numbers, unit, palette, log), origin=origin, guess="" if log else "x",
                 alt=f"{unit}: " + ", ".join(f"{name} {number:,}" for name, number in numbers.items()))


def accounts(found: Built) -> Table:
    """The arithmetic of a layer, written out."""
    return Table(account(found), on_map(found))


@step(asks=questions.cell, predict=True)
def grid(kernel: int, stride: int, row: int, column: int) -> Content:
    slid = first_grid(kernel, stride)
    place = slid.nearest(row - 1, column - 1)
    titles = *MAPS[:2], _("Output [{row}, {column}]").format(row=place[0] + 1, column=place[1] + 1)
    alt = _("A map with a border of zeros; a framed window of {kernel} × {kernel}; an output of {side} × {side}").format(
        kernel=kernel, side=len(slid.output))

    def chart(output: bool) -> Chart:
        return Chart(lambda palette: figures.slid(slid, place, palette, titles, output), alt, RUN)
    clipped = (Text("grid, clipped", {"outputs": len(slid.output)}),) if place != (row - 1, column - 1) else ()
    return Content(chart(True), more=(*clipped, Text("grid, reading the picture")), before=chart(False))


@step(asks=questions.unread_cells, predict=True, settings={
    _("7 × 7, no padding"): {"size": 7, "padding": 0}, _("8 × 8, no padding"): {"size": 8, "padding": 0}})
def unread(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Content:
    slid, wide = slide(size, kernel, stride, padding, dilation), slide(7, 3, 1, 2, 1)
    last = slid.nearest(size + 2 * padding, size + 2 * padding)
    before = _("A map of {size} × {size} with {padding} zeros on each side").format(size=size, padding=padding)
    after = _("{map}. {outputs} windows along each side; {unread} cells are crossed: no window reads them").format(
        map=before, outputs=len(slid.output), unread=len(slid.unread))
    return Content(
        Chart(lambda palette: figures.slid(slid, last, palette, MAPS), after, RUN),
        more=(Text("unread, gaps", {"outputs": len(wide.output), "corner": wide.corner_reads, "on_map": slid.corner_reads,
                                    "in_window": kernel * kernel}),),
        before=Chart(lambda palette: figures.slid(slid, None, palette, MAPS, output=False, crossed=False), before, RUN))


@step(asks=questions.last_number, predict=True)
def by_hand(typed: str, taps: str, operation: str, stride: int) -> Content:
    found = run_by_hand(typed, taps, operation, stride)
    titles = _("Matrix"), _("Kernel") if operation == "convolution" else _("Window"), _("Output")
    alt, origin = _("Matrix {matrix}; output of {rows} × {columns}").format(**found.fields()), measured(_("run by torch"))

    def chart(told: bool) -> Chart:
        return Chart(lambda palette: figures.typed(found, palette, titles, told), alt, origin)
    return Content(chart(True), more=(Written(square(found.output), origin), Text("by_hand, turned")), before=chart(False))


@step(asks=questions.flat_area, predict=True)
def edges(picture: str | bytes, filter: str, taps: str) -> Content:
    found = filters.filtered(picture, filter, taps)
    origin = measured(_("run by torch over {side} × {side} pixels").format(side=filters.SIDE))
    kernel = Written(square(filters.weights_of(filter, taps)), computed())
    signs = (Text("edges, signs", {"grey": filters.GREY}),) if found.zero else ()
    before, after = {_("before"): found.before}, {_("after"): found.after}

    def chart(pictures: Mapping[str, Image], alt: str) -> Chart:
        return Chart(lambda palette: figures.pictures(pictures, filters.SIDE, palette), alt, origin)
    return Content(chart(before | after, _("The picture before, and after the kernel {filter}").format(
                       filter=filters.filter_name(filter))),
                   more=(kernel, *signs, Text("edges, learned"), Source((filters.convolved,))),
                   before=chart(before, _("The picture before the kernel")))


@step(asks=questions.output_numbers, predict=True, settings={
    _("300 × 300 × 3 into 100 neurons"): {"height": 300, "width": 300, "in_channels": 3, "described": "100 neurons"},
    _("Max pooling 2/2 of 32 × 32 × 16"): {"height": 32, "width": 32, "in_channels": 16, "described": "max pool 2, s2"},
    _("Kernel (3, 5), stride (3, 4) on 8 × 8"): {
        "height": 8, "width": 8, "in_channels": 1, "described": "1 filter (3, 5), padding (0, 1), stride (3, 4)"}})
def size(height: int, width: int, in_channels: int, described: str) -> Content:
    found = built(height, width, in_channels, described)
    shapes, names = (found.entered, found.output), tuple(map(size_text, (found.entered, found.output)))
    alt = _("A map of {before} becomes {after}").format(before=names[0], after=names[1])
    return Content(
        Chart(lambda palette: figures.boxes(shapes, names, palette), alt, on_map(found), height=260),
        more=(accounts(found), Text("size, what textbooks leave out"), Source((output_size,))),
        before=Chart(lambda palette: figures.boxes(shapes[:1], names[:1], palette),
                     _("A map of {before}").format(before=names[0]), on_map(found), height=260))


@step(asks=questions.zeros_for_same, predict=True)
def same(kernel: int, dilation: int) -> Content:
    outputs = same_padding(kernel, dilation)
    table = pd.DataFrame({_("Zeros in all"): list(range(len(outputs))), _("Cells of the output"): outputs})
    origin = computed(_("on a map of {size} cells, stride 1").format(size=SAME_MAP))
    alt = _("Cells of the output from {first} without zeros to {last} with {most}; the map has {size}").format(
        first=outputs[0], last=outputs[-1], most=len(outputs) - 1, size=SAME_MAP)
    return Content(Chart(lambda palette: figures.kept_size(outputs, SAME_MAP, palette), alt, origin, guess="x"),
                   more=(Table(table, origin), Text("same, even")))


@step(asks=questions.skips_rows)
def strides(layer: str) -> Content:
    axis = real.edge(layer)
    fields = {"layer": layer, "division": axis.division, "unread_map": axis.unread_in_map,
              "unread_padding": len(axis.unread) - axis.unread_in_map}
    alt = _("The last rows of the padded map and the windows that read them: {unread} rows are never read").format(
        unread=len(axis.unread))
    return Content(
        Chart(lambda palette: figures.end_of_axis(axis, palette), alt, computed(_("rows of {layer}").format(layer=layer))),
        more=(Text("strides, numbers", fields), Table(real.strided(), computed()), Explore("resnet50"), Source((stem,))))


@step(asks=questions.alexnet_rows)
def alexnet(image: int, padding: int) -> Content:
    axis = real.alexnet_edge(image, padding)
    return Content(
        Chart(lambda palette: figures.end_of_axis(axis, palette),
              origin=computed(_("11 × 11, stride 4, on {image} rows").format(image=image)),
              alt=_("{division}: {rows} rows come out").format(division=axis.division, rows=axis.outputs)),
        more=(Text("alexnet, division", {"division": axis.division, "rows": axis.outputs}),
              Table(real.alexnet_table(), computed()), Text("alexnet, who"), Explore("alexnet_2012")))


@step(asks=questions.parameters, predict=True, settings={
    _("100 filters 5 × 5 on RGB"): {"in_channels": 3, "out_channels": 100, "window": "5", "bias": True},
    _("One 1 × 1 on 16 channels"): {"in_channels": 16, "out_channels": 1, "window": "1", "bias": True},
    _("10 filters 5 × 5 on RGB"): {"in_channels": 3, "out_channels": 10, "window": "5", "bias": True}})
def weights(in_channels: int, out_channels: int, window: str, bias: bool) -> Content:
    sides = pair(window)
    found = build(Described(kernel=sides, filters=out_channels, bias=bias), (in_channels, *sides))
    parts = {_("one filter"): found.weights // out_channels, _("all filters"): found.weights, _("biases"): found.biases,
             _("together"): found.params}
    return Content(bars(parts, _("parameters"), computed()), more=(
        Table(account(found).iloc[-2:-1], computed()), Text("weights, shape", {
            "shape": " × ".join(map(str, (out_channels, in_channels, *sides)))})))


@step(asks=questions.order_of_weights, predict=True)
def groups(in_channels: int, out_channels: int, groups: int) -> Content:
    block = grouping.grouped(in_channels, out_channels, groups)
    counts = grouping.named(grouping.weights_of_four(in_channels, groups), groups)
    chart = bars(counts, _("weights"), computed(_("{channels} channels in and out").format(channels=in_channels)))
    matrix = who_reads_whom(in_channels, out_channels, groups)
    return Content(Beside((matrix, chart), (4, 5)) if matrix else chart, before=matrix, more=(
        Text("groups, shape", grouping.fields(block)), Blocks({_("3×3 in {groups} groups").format(groups=groups): block}),
        Text("groups, measured")))


def who_reads_whom(in_channels: int, out_channels: int, groups: int) -> Chart | None:
    """Which output channel reads which input channels; None where there are too many to draw."""
    if max(in_channels, out_channels) > grouping.MOST_DRAWN:
        return None
    found = grouping.connections(in_channels, out_channels, groups)
    alt = _("Each of {out} output channels reads {read} of {channels} input channels").format(
        out=out_channels, read=sum(found[0]), channels=in_channels)
    origin = measured(_("each channel alone"))
    return Chart(lambda palette: figures.connections(found, palette), alt, origin)


@step(asks=questions.multiply_adds, predict=True)
def macs(height: int, width: int, in_channels: int, described: str) -> Content:
    found = built(height, width, in_channels, described)
    return Content(bars(cheaper(found), _("MACs"), on_map(found)), more=(
        accounts(found), Text("macs, cheaper"), Table(training(found), on_map(found), {_("For one image"): "localized"}),
        Text("macs, training")))


@step(asks=questions.without_sharing, predict=True, settings={
    _("AlexNet's first layer"): {"height": 227, "width": 227, "in_channels": 3, "described": "96 filters 11x11, stride 4"}})
def unshared(height: int, width: int, in_channels: int, described: str) -> Content:
    found = sharing(height, width, in_channels, read_layer(described))
    names = _("shared (convolution)"), _("not shared"), _("every number with every")
    numbers = {name: each.params for name, each in zip(names, found)}
    return Content(bars(numbers, _("parameters"), on_map(found[0]), log=True), more=(
        Table(pd.DataFrame({_("Layer"): names, _("Parameters"): [each.params for each in found],
                            _("MACs"): [each.macs for each in found]}),
              on_map(found[0]), {_("Parameters"): "localized", _("MACs"): "localized"}),
        Text("unshared, gain"), Source((Unshared,))))


@step(asks=questions.parameters_of_linear, predict=True, settings={
    _("300 × 300 × 3 into 100"): {"height": 300, "width": 300, "in_channels": 3, "neurons": 100},
    _("32 × 32 × 3 into 128"): {"height": 32, "width": 32, "in_channels": 3, "neurons": 128}})
def fully_connected(height: int, width: int, in_channels: int, neurons: int) -> Content:
    linear, convolution = heads(height, width, in_channels, neurons)
    numbers = {_("flatten, linear"): linear.params, _("3×3, global average"): convolution.params}
    return Content(bars(numbers, _("parameters"), on_map(linear)), more=(
        accounts(linear), accounts(convolution), Text("fully_connected, why")))


@step(asks=questions.places_of_linear, predict=True, settings={
    _("VGG: 384 pixels instead of 224"): {"size": 7, "larger": 5}})
def linear(size: int, larger: int, in_channels: int, out_channels: int, seed: int,
           pairs: tuple[Agreement, ...] = BOTH_WAYS) -> Content:
    short = dict(zip((_("whole map"), _("larger map"), _("every pixel")), pairs))
    names = [_("Linear layer and convolution as large as the map"), _("The same on a larger map: every crop, and sliding"),
             _("Linear layer on every pixel and 1×1 convolution")]
    origin = measured(_("float32, seed {seed}").format(seed=seed))
    difference = f"{max(pair.difference for pair in pairs):.1e}"
    alt = _("All numbers lie on the diagonal; the largest difference is {difference}").format(difference=difference)
    return Content(
        Chart(lambda palette: figures.agreements(short, _("linear layer"), _("convolution"), palette), alt, origin),
        more=(Table(compared(names, pairs), origin),
              Text("linear, difference", {"difference": difference, "images": IMAGES}),
              Text("linear, every pixel"), Source((as_convolution, per_pixel))))


@step(asks=questions.transposed_rows, predict=True)
def transposed(height: int, kernel: int, stride: int, padding: int) -> Content:
    found = build(one_transposed(kernel, stride, padding), (1, height, height))
    rows = found.output[1]
    alt = _("Each row of the map adds to {kernel} rows of the output, {stride} further on each; {rows} come out").format(
        kernel=kernel, stride=stride, rows=rows)
    return Content(
        Chart(lambda palette: figures.spread(kernel, stride, padding, rows, height, palette), alt, on_map(found)),
        more=(accounts(found), Text("transposed, back")))


@step(asks=questions.field_of_stack, predict=True, settings={
    _("Five 3 × 3 on 64 × 64"): {"height": 64, "width": 64, "in_channels": 3, "layers": "3; 3; 3; 3; 3"}})
def stack(height: int, width: int, in_channels: int, layers: str) -> Content:
    found = run_stack(height, width, in_channels, layers)
    origin = computed(_("for one image of {size}").format(size=size_text(found.entered)))
    table = stack_table(found)
    return Content(
        Table(table[[_("Layer"), _("Field"), _("Jump"), _("Output"), _("Parameters")]], origin,
              {_("Parameters"): "localized"}), before=Table(table[[_("Layer")]], origin),
        more=(Table(table[[_("Layer"), _("MACs")]], origin, {_("MACs"): "localized"}), Text("stack, totals", {"params": f"{found.params:,}", "least": found.least_side}), Text("stack, limits"),
              Table(least_sides(), published(_("torchvision 0.29, `min_size` in the metadata of its weights")))))


LESSON = Lesson(
    "convolution", KNOBS,
    (grid, by_hand, edges, unread, size, same, strides, alexnet, weights, groups, macs, unshared, fully_connected, linear,
     transposed, stack),
    minutes=60,
    links=(Link(_("One pixel more, and a row and a column are read by nothing"), "unread", {"size": 8, "padding": 0}),
           Link(_("AlexNet's first layer without shared weights"), "unshared", {
               "height": 227, "width": 227, "in_channels": 3, "described": "96 filters 11x11, stride 4"}),
           Link(_("The same linear layer on 384 pixels instead of 224"), "linear", {"size": 7, "larger": 5})),
    anchors={"grid": "grid", "size": "size", "strides": "strides", "weights": "weights", "linear": "linear", "try": "grid",
             "code": "size"})
