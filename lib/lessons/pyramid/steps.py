"""The steps of the lesson on the feature pyramid."""

from lib.figures.lines import lines
from lib.lessons.content import Chart, Content, Explore, Images, Network, Source, Table, Text
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.pictures import drawn
from lib.lessons.pyramid import figures, questions
from lib.lessons.pyramid.added import MOST, STEP, added, compared, over_channels
from lib.lessons.pyramid.designs import ImagePyramid, designs as four_designs
from lib.lessons.pyramid.levels import LEVELS, averaged, levels as all_levels
from lib.lessons.pyramid.published import ablations as tables, anchor_table, small_objects
from lib.models.fpn import BACKBONES, FPN, Backbone, FeaturePyramid
from lib.provenance import computed, images_of, published, unverified
from lib.text import _

WIDTHS = (64, 128, 256, 512)
KNOBS = {
    "backbone": Knob(_("Backbone"), tuple(BACKBONES), "resnet50", _("A network of four stages.")),
    "size": Knob(_("Image, px"), (128, 224, 256, 320, 448, 512, 640), 224, _("Height and width of the image.")),
    "channels": Knob(_("Channels of the pyramid"), WIDTHS, 256, _("Channels d of every P.")),
    "p6": Knob(_("P6"), (False, True), False, _("A coarser level: every second cell of P5.")),
    "scales": Knob(_("Images of the image pyramid"), (2, 3, 4), 4, _("The image, and enlarged 2, 4, 8 times.")),
    "percent": Knob(_("At most, % of the backbone"), (10, 25, 50), 25, _("What the pyramid may add to the multiply-adds.")),
    "object": Knob(_("Object, px"), (8, 16, 32, 64, 128), 32, _("Height and width of the boat.")),
    "level": Knob(_("Level"), LEVELS, "P3", _("Whose map is asked about and drawn.")),
    "table": Knob(_("Ablations of"), tuple(tables()), "Table 2", _("A table of the paper.")),
}
NAMES = (_("(a) image pyramid"), _("(b) single map"), _("(c) pyramid of maps"), _("(d) feature pyramid"))
USUAL, IMAGE = questions.USUAL, 224
TALL = 380
"""Pixels of a chart that holds four panels, or a square picture."""
BARE, SHOWN = 280, 150
"""Pixels of a picture's side, alone, and where four of them stand beside each other."""


@step(asks=questions.fine_and_deep, predict=True)
def designs(backbone: str, size: int, scales: int) -> Content:
    found = four_designs(backbone, size, USUAL, scales)
    each = "; ".join(f"{name}: " + ", ".join(f"{side}×{side}" for side in design.sides)
                     for name, design in zip(NAMES, found.each))
    return Content(
        Chart(lambda palette: figures.designs(NAMES, found.each, palette),
              _("The four designs and the maps that they predict from. {each}").format(each=each),
              computed(images_of(found.analysis)), height=TALL),
        found.fields(), (Text("designs, depth and detail", found.fields()), Source((Backbone, ImagePyramid))))


@step(asks=questions.image_times, predict=True)
def costs(backbone: str, size: int, channels: int, scales: int) -> Content:
    found = four_designs(backbone, size, channels, scales)
    told = ", ".join(f"{name} {times:.2f}" for name, times in zip(NAMES, found.times))
    return Content(
        Chart(lambda palette: figures.bars(NAMES, found.times, _("MACs, times those of (b)"), ".2f", palette),
              _("Multiply-adds, as multiples of the single map's: {each}").format(each=told),
              computed(images_of(found.analysis)), guess="x"),
        found.fields(),
        (Table(found.table(NAMES), computed(images_of(found.analysis))), Text("costs, all four", found.fields())))


@step(asks=questions.largest_share, predict=True)
def adds(channels: int) -> Content:
    table = compared(channels)
    names, shares = list(table["Backbone"]), list(table["Added, %"])
    origin = computed(_("for one image of {size} pixels").format(size=f"{IMAGE} × {IMAGE}"))
    return Content(
        Chart(lambda palette: figures.bars(names, shares, _("% of the backbone's MACs"), ".1f", palette),
              _("What the pyramid adds, in percent: {each}").format(
                  each=", ".join(f"{name} {share:.1f}" for name, share in zip(names, shares))), origin),
        {"channels": channels},
        (Table(table, origin, {"Its MACs": "localized", "MACs of the pyramid": "localized", "Added, %": "%.1f"}),))


@step(asks=questions.most_channels, predict=True)
def width(backbone: str, percent: int) -> Content:
    found = added(backbone)
    table = over_channels(backbone, tuple(sorted({*WIDTHS, found.most_channels(percent)})))
    origin = computed(_("for one image of {size} pixels").format(size=f"{IMAGE} × {IMAGE}"))
    widths = range(STEP, MOST + 1, STEP)
    series = {_("added by the pyramid"): [found.percent(channels) for channels in widths],
              f"{percent} %": [percent] * len(widths)}
    return Content(
        Chart(lambda palette: lines(list(widths), series, palette, _("channels d"), _("% of the backbone's MACs")),
              _("Added, in percent: {each}").format(
                  each=", ".join(f"{found.percent(channels):.1f} with {channels} channels" for channels in WIDTHS)),
              origin, guess="x"),
        {"backbone": backbone, "percent": percent},
        (Table(table, origin, {"MACs of the laterals": "localized", "MACs of the 3×3": "localized", "Added, %": "%.1f"}),))


@step(asks=questions.lateral_params, predict=True)
def levels(backbone: str, channels: int, level: str, p6: bool) -> Content:
    found = all_levels(backbone, IMAGE, channels, p6)
    knobs = {"backbone": backbone, "channels": channels, "p6": p6}
    return Content(Table(found.table(), computed(images_of(found.analysis))), found.fields(),
                   (Text("levels, which maps"), Source((FeaturePyramid, FPN)),
                    Explore("resnet50_fpn", knobs, _("This pyramid in Explore")),
                    Explore(backbone, {}, _("The backbone alone in Explore"))))


@step(asks=questions.made_first, predict=True)
def way(backbone: str) -> Content:
    found = all_levels(backbone, IMAGE)
    c_layers, p_layers = [level.c_layers for level in found.each], [level.p_layers for level in found.each]
    return Content(
        Chart(lambda palette: figures.feature_pyramid(c_layers, p_layers, palette),
              _("C2 to C5 from fine to coarse, an arrow from each C to its P, and the way from P5 down to P2"), computed()),
        found.fields(), (Text("way, enlarging"), Network(found.analysis, tuple(f"stage:{name}" for name in LEVELS))))


@step(asks=questions.field_that_grows, predict=True)
def fields(backbone: str) -> Content:
    found = all_levels(backbone, IMAGE, USUAL, True)
    sides = {name: [getattr(level, part).field.side for level in found.each]
             for name, part in ((_("field of C"), "c"), (_("field of P"), "p"))}
    names = [_("level {number}").format(number=level.number) for level in found.each]
    told = "; ".join(f"{name}: {', '.join(map(str, values))} px" for name, values in sides.items())
    gated = (Text("fields, gated"),) if found.gated else ()
    return Content(
        Chart(lambda palette: lines(names, sides, palette, "", _("field, px")),
              _("Receptive fields at levels 2 to 5. {each}").format(each=told), computed()),
        {"backbone": backbone}, (*gated, Table(found.field_table(), computed())))


@step(asks=questions.cells_across, predict=True)
def picture(backbone: str, size: int, object: int, level: str) -> Content:
    found = all_levels(backbone, size).named(level)
    boat = drawn("boat", size, object)
    told = _("The grid of {level}, {cells} × {cells} cells of {stride} px; the object of {object} px; the fields of the "
             "middle cell: {c} px in C, {p} px in P").format(level=level, cells=found.cells, stride=found.stride,
                                                             object=object, c=found.c.field.side, p=found.p.field.side)
    return Content(
        Chart(lambda palette: figures.on_picture(boat, found, object, palette), told, computed(), height=TALL),
        {}, (Text("picture, how to read it", {"level": level, "stride": found.stride}),),
        before=Images({_("The image, {size} × {size} pixels").format(size=size): boat}, computed(), BARE))


@step(asks=questions.cells_reached)
def object(object: int, level: str, size: int) -> Content:
    found = all_levels("resnet50", size)
    shown = {_("P{level}: cells of {stride} px").format(level=each.number, stride=each.stride):
             averaged(size, object, each.cells, shown=SHOWN) for each in found.each}
    return Content(Images(shown, computed(), SHOWN), {"object": object, "level": level, "channels": USUAL})


@step(asks=questions.like_the_small_one, predict=True)
def assigned(object: int) -> Content:
    found = all_levels("resnet50", IMAGE)
    return Content(Table(found.object_table(object), computed(images_of(found.analysis))), {"object": object},
                   (Text("assigned, anchors"), Table(anchor_table(), unverified("Lin et al. 2016, section 4"))))


@step(asks=questions.best_on_small, predict=True)
def ablations(table: str) -> Content:
    found = tables()[table]
    origin = published(_("{table} of Lin et al. 2016, arXiv:1612.03144; COCO, ResNet-50").format(
        table=table))
    told = "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in found.sizes().items())
    return Content(
        Chart(lambda palette: figures.ablation(found.sizes(), found.columns[-1].split()[0], palette),
              _("Small, medium and large objects. {rows}").format(rows=told), origin, height=TALL, title=found.title),
        {"table": table, "title": found.title},
        (Table(found.table(), origin), Text("ablations, small objects", small_objects()), Text("ablations, tables")))


LESSON = Lesson(
    "pyramid", KNOBS, (designs, costs, adds, width, levels, way, fields, picture, object, assigned, ablations), minutes=35,
    links=(Link(_("Four images instead of one: what does it cost?"), "costs"),
           Link(_("What a cell of P5 stands for, and what it sees"), "picture", {"level": "P5"}),
           Link(_("Without the top-down path, without the laterals"), "ablations")),
    anchors={"try": "costs", "code": "levels"})
