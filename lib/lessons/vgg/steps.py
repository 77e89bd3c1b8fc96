"""The steps of the lesson on AlexNet and VGG."""

from lib.lessons.content import Chart, Content, Explore, Network, Source, Table, Text, Written
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.vgg import alexnets, figures, heads, lecture, networks, questions, stages
from lib.models.alexnet import AlexNet, AlexNet2012
from lib.models.heads import head as head_of
from lib.models.vgg import DEPTHS, VGG
from lib.models.zfnet import ZFNet
from lib.provenance import computed, images_of, on_maps, published, unverified
from lib.text import _

ENDINGS = {"flatten": heads.FLAT, "own": heads.OWN}

KNOBS = {
    "network": Knob(_("Network"), networks.NETWORKS, "alexnet",
                    _("alexnet is the one-tower network of 2014, which the lecture shows.")),
    "size": Knob(_("Image"), (224, 227), 227, _("Height and width in pixels.")),
    "layer": Knob(_("Layer"), alexnets.LAYERS, "conv2", _("Convolutions and linear layers of the AlexNet of 2012.")),
    "later": Knob(_("ZFNet"), alexnets.ZF[1:], "zfnet",
                  _("The network of the paper's Fig. 3, or the larger of its Table 2.")),
    "kernel": Knob(_("Large kernel"), stages.KERNELS, 7, _("Height and width of the one kernel.")),
    "depth": Knob(_("VGG depth"), tuple(DEPTHS), 16, _("Weight layers: configurations A, B, D and E.")),
    "width": Knob(_("Channels (width)"), (16, 32, 64, 128), 64, _("Of the first layers or the first stage; VGG has 64.")),
    "growth": Knob(_("Growth at a halving"), (1, 2, 4), 2, _("What the channels are multiplied by; VGG doubles.")),
    "image": Knob(_("Image"), heads.IMAGES, 224, _("Height and width in pixels.")),
    "pixels": Knob(_("Image"), heads.IMAGES, 32, _("Height and width in pixels.")),
    "classes": Knob(_("Classes"), (10, 100, 1000), 1000, _("Outputs of the last linear layer.")),
    "ending": Knob(_("Head to compare"), tuple(ENDINGS), "flatten",
                   _("It is compared with the global average."), show=lambda ending: ENDINGS[ending]),
}
COUNTED = {"Parameters": "localized", "MACs": "localized"}


@step(asks=questions.where, predict=True)
def trends(network: str, size: int) -> Content:
    found = networks.analysis(network, input_size=size)
    sums, origin = networks.parts(found), computed(images_of(found))
    return Content(
        Chart(lambda palette: figures.parts(sums, palette), origin=origin, alt=in_words(sums)), {},
        (Text("trends, where", networks.trends(found)),
         Chart(lambda palette: figures.shares(networks.rows(found), palette), origin=origin,
               alt=_("Bars: shares of memory, parameters and MACs by layer; the numbers stand in the table.")),
         Table(networks.layer_table(found), origin, COUNTED | {"Memory, KiB": "%.1f"}), Network(found),
         Explore(network, {"input_size": size})))


def in_words(sums: dict[str, dict[str, int]]) -> str:
    """The three shares of each part of a network."""
    totals = {quantity: sum(each[quantity] for each in sums.values()) for quantity in networks.QUANTITIES}
    words = _("{part}: {memory:.0%} of the memory, {params:.0%} of the parameters, {macs:.0%} of the MACs")
    return "; ".join(words.format(part=part, **{quantity: number / totals[quantity] for quantity, number in each.items()})
                     for part, each in sums.items())


@step(asks=questions.connections, predict=True)
def units(layer: str) -> Content:
    origin = computed(images_of(networks.analysis("alexnet_2012")))
    return Content(Written(alexnets.count(layer).written_out(), origin), {"image": networks.analysis("alexnet_2012").image},
                   (Text("units, in other words"), Table(alexnets.count_table(), origin, dict.fromkeys(
                       ("Units", "Weights", "Connections (MACs)", "Connections of a weight"), "localized")),
                    Explore("alexnet_2012")))


@step(asks=questions.last_map, predict=True)
def which_alexnet(size: int) -> Content:
    origin = computed(_("for one image of {size} pixels").format(size=f"{size} × {size}"))
    return Content(Table(alexnets.map_table(size), origin), {},
                   (Text("which_alexnet, two networks", alexnets.alexnet_fields()), Explore("alexnet_2012"),
                    Explore("alexnet"), Source((AlexNet, AlexNet2012))))


@step(asks=questions.growth_order, predict=True)
def zfnet(later: str) -> Content:
    times, fields = alexnets.growths(later), alexnets.zf_fields(later)
    pair = [networks.analysis(preset) for preset in (alexnets.ZF[0], later)]
    every = computed(images_of(*map(networks.analysis, alexnets.ZF)))
    layers_of = [networks.weight_layers(preset) for preset in alexnets.ZF]
    return Content(
        Chart(lambda palette: figures.growths(times, alexnets.ZF[0], palette), origin=computed(images_of(*pair)), alt=_(
            "{later} against the AlexNet of 2012: {params} times the parameters, {macs} times the MACs, {memory} times the "
            "memory").format(**fields)), {},
        (Text("zfnet, in numbers", fields),
         Chart(lambda palette: figures.layer_costs(alexnets.ZF, layers_of, palette), origin=every,
               alt=_("Bars: MACs of each layer of AlexNet and the two ZFNets; the totals stand in the table.")),
         Table(alexnets.zf_table(), every),
         Table(alexnets.ERRORS, published(_("Zeiler, Fergus 2013, Table 2: ILSVRC 2012, validation set"))),
         Explore(later), Source((ZFNet,))))


@step(asks=questions.stack_weights, predict=True)
def rules(width: int, kernel: int) -> Content:
    both = stages.kernels(width, kernel)
    names = [_("one {kernel}×{kernel}").format(kernel=kernel), _("{count} of 3×3").format(count=both.count)]
    return Content(
        Chart(lambda palette: figures.bars(names, [both.one.weights, both.stack.weights], _("weights"), ",", palette),
              origin=computed(), guess="x", alt=_("Weights: {names[0]} {one:,}, {names[1]} {stack:,}").format(
                  names=names, one=both.one.weights, stack=both.stack.weights)), {},
        (Table(stages.kernel_table(width), computed(on_maps(stages.KERNEL_MAP))),))


@step(asks=questions.training_memory, predict=True)
def memory(width: int, image: int) -> Content:
    forward = stages.output_bytes(stages.first_layers(width, image)) / networks.MEBI
    names, numbers = [_("outputs"), _("outputs and gradients")], [forward, 2 * forward]
    whole = networks.analysis("vgg16")
    return Content(
        Chart(lambda palette: figures.bars(names, numbers, _("MiB"), ".3g", palette), guess="x",
              origin=computed(_("for one image of {size} pixels").format(size=f"{image} × {image}")),
              alt=_("The outputs take {forward:.3g} MiB, with their gradients {both:.3g} MiB").format(
                  forward=forward, both=2 * forward)), {},
        (Text("memory, in lecture notes", {
            "notes": f"{2 * stages.output_bytes(stages.first_layers(64, 224)) / networks.MEBI:.1f}",
            "numbers": f"{whole.activation_bytes // 4:,}", "whole": f"{whole.activation_bytes / networks.MEBI:.1f}"}),
         Table(networks.part_table(whole), computed(images_of(whole)), COUNTED | {"Memory, KiB": "%.0f"}),
         Explore("vgg16", {"depths": (3, 2, 3, 3, 3)}, _("VGG with three convolutions in its first stage"))))


@step(asks=questions.hidden)
def layers(depth: int) -> Content:
    network = networks.analysis(f"vgg{depth}")
    pair = [networks.analysis(preset) for preset in ("alexnet", "vgg16")]
    return Content(
        Table(networks.stage_table(depth), computed(images_of(network))), {},
        (Table(networks.configurations(), computed(images_of(*pair)), COUNTED),
         Text("layers, against AlexNet", {"alexnet": f"{pair[0].params:,}", "vgg": f"{pair[1].params:,}",
                                          "times": f"{pair[1].params / pair[0].params:.2f}",
                                          "work": f"{pair[1].macs / pair[0].macs:.1f}"}),
         Explore(f"vgg{depth}"), Source((VGG,))))


@step(asks=questions.missing, predict=True)
def slides() -> Content:
    true = computed(images_of(networks.analysis("vgg16")))
    printed = unverified(_("EECS-498 of 2019, lecture 8: the last row"))
    return Content(
        Table(lecture.without_one_table(), (true, printed)), {},
        (Text("slides, the others"),
         Table(lecture.lecture(), (computed(images_of(*lecture.lectured())),
                                   unverified(_("the column “Slide” (EECS-498, lecture 8)"))))),
        before=Table(networks.stage_table(16), true))


@step(asks=questions.share_of_largest, predict=True)
def why(width: int, growth: int) -> Content:
    rungs = stages.ladder(width, growth)
    done = stages.shares(rungs)
    origin = computed(_("one 3×3 convolution; the first {map}").format(map=on_maps(rungs[0].size)))
    return Content(
        Chart(lambda palette: figures.work(rungs, done, palette), origin=origin, guess="y", alt=_(
            "Shares of all MACs: {each}").format(each=", ".join(
                f"{rung.size}×{rung.size} {share:.3g} %" for rung, share in zip(rungs, done)))), {},
        (Chart(lambda palette: figures.ladder(rungs, palette), origin=origin, alt=_(
            "Lines: MACs, weights and memory of a layer at each resolution; the numbers stand in the table.")),
         Table(stages.ladder_table(rungs), origin), Text("why, memory and weights", stages.step_fields(growth))))


@step(asks=questions.doubled_width)
def breaks(depth: int, width: int) -> Content:
    found, fields = stages.costs(depth, width), stages.cost_fields(depth, width)
    origin = computed(images_of(networks.analysis(f"vgg{depth}")))
    return Content(
        Chart(lambda palette: figures.costs(found, palette), origin=origin, alt=_(
            "Shares of a full layer: {each}").format(each=", ".join(f"{cost.name} {cost.share:.1%}" for cost in found))),
        fields, (Table(stages.cost_table(found), origin, COUNTED),))


@step(asks=questions.smaller_image, predict=True)
def small(depth: int, pixels: int) -> Content:
    origin = computed(_("for one image of {size} pixels").format(size=f"{pixels} × {pixels}"))
    return Content(
        Written(heads.transcript(depth, pixels), origin), {},
        (Text("small, what it costs"),
         Table(heads.image_table(depth), computed(_("vgg{depth} with adaptive pooling, each row at its own size").format(
             depth=depth))),
         Explore(f"vgg{depth}", {"input_size": pixels})))


@step(asks=questions.times_average, predict=True)
def head(depth: int, width: int, classes: int) -> Content:
    found = heads.endings(depth, width, classes)
    origin = computed(_("vgg{depth}, {images}, {classes} classes").format(
        depth=depth, images=images_of(networks.analysis(f"vgg{depth}")), classes=classes))
    return Content(
        Chart(lambda palette: figures.endings(found, palette), origin=origin,
              alt=_("Weights: {each}").format(each="; ".join(f"{ending.name} {ending.weights:,}" for ending in found))), {},
        (Table(heads.ending_table(found), origin), Text("head, on what it depends"), Explore("googlenet"), Explore("resnet50"), Source((head_of,))))


LESSON = Lesson(
    "vgg", KNOBS, (trends, units, which_alexnet, zfnet, rules, memory, layers, slides, why, breaks, small, head),
    minutes=35,
    links=(Link(_("VGG-16: where memory, parameters and MACs lie"), "trends", {"network": "vgg16", "size": 224}),
           Link(_("What if the channels did not double?"), "why", {"growth": 1}),
           Link(_("A VGG without adaptive pooling, fed with 32 × 32"), "small", {"pixels": 32})),
    anchors={"trends": "trends", "slides": "slides", "zfnet": "zfnet", "rules": "rules", "why": "why", "breaks": "breaks",
             "head": "head", "try": "trends", "code": "layers"})
