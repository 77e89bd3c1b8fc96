"""The steps of the lesson on receptive fields."""

import pandas as pd

from lib.lessons.content import Blocks, Chart, Content, Explore, Network, Source, Table, Text
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.receptive_field import figures, gradients, networks, questions
from lib.lessons.receptive_field import stacks as small
from lib.lessons.receptive_field.effective import Effective, by_depth, sides
from lib.lessons.receptive_field.gradients import CHAIN, DEEPEST, NETWORK, PAIR, SEEDS
from lib.provenance import Origin, computed, images_of, measured, on_maps, published
from lib.text import _

KNOBS = {
    "kernel": Knob(_("Kernel"), (3, 5, 7), 3, _("Height and width of the window, in cells.")),
    "layers": Knob(_("Layers"), (1, 2, 3, 4), 3, _("Convolutions one after the other.")),
    "channels": Knob(_("Channels"), (16, 32, 64, 128, 256, 512), 64, _("C: channels in and out of the 5×5, 7×7 and 3×3.")),
    "single": Knob(_("Large kernel"), (5, 7), 7, _("The kernel that 3×3 convolutions take the place of.")),
    "dilated": Knob(_("Dilated layers"), (2, 3, 4, 5), 4, _("3×3 convolutions with dilation 1, 2, 4, …")),
    "stack": Knob(_("Stack"), small.EASY + small.MEDIUM + small.HARD, small.MEDIUM[0],
                  _("Layers one after the other. A stride that is not named is 1."), small.in_words),
    "network": Knob(_("Network"), networks.NETWORKS, "resnet18", _("A real network.")),
    "stage": Knob(_("Stage"), networks.STAGES, 3, _("The output in the middle of the map at the end of this stage.")),
    "depth": Knob(_("Blocks in the chain"), tuple(range(1, DEEPEST + 1)), 6, _("Each is two 3×3 convolutions.")),
    "strided": Knob(_("Blocks with stride 2"), (0, 1, 2), 0, _("The first ones of the chain.")),
    "shortcuts": Knob(_("Shortcuts in the chain"), (False, True), False, _("Residual blocks in place of plain ones.")),
    "seed": Knob(_("Seed"), SEEDS, 0, _("Of the initial weights and the images.")),
    "group": Knob(_("Networks"), tuple(networks.GROUPS), "resnets", _("Four of the list, to be put in order."),
                  lambda group: ", ".join(networks.GROUPS[group])),
}


def on_random_images(count: int, seed: int) -> Origin:
    """Where a gradient comes from."""
    return measured(_("mean of {count} random images, seed {seed}").format(count=count, seed=seed))


def heat(effective: Effective, origin: Origin) -> Chart:
    """The gradient over the image."""
    return Chart(lambda palette: figures.heat(effective, palette), origin=origin, alt=_(
        "|gradient| of every pixel: half of it within {half} px, theoretical field {theory} px").format(
            half=effective.half, theory=effective.size))


def squares(network: str, stage: int) -> Chart:
    """The theoretical fields at the end of the stages, on the image."""
    analysis, names = networks.analysis(network), networks.stage_names(network)
    image, spans = analysis.knobs.input_size, [op.field.middle()[1] for op in networks.stage_ends(network)]
    each = ", ".join(f"{name} {side} px" for name, side in zip(names, networks.sides(network)))
    return Chart(
        lambda palette: figures.nested(names, spans, image, stage - 1, palette), origin=computed(images_of(analysis)),
        alt=_("Theoretical fields as nested squares on the image of {image} px: {sides}").format(image=image, sides=each))


@step(asks=questions.field_of_layers, predict=True)
def kernels(kernel: int, layers: int) -> Content:
    stack = small.plain(layers, kernel)
    seen = small.sides(stack)
    return Content(
        Chart(lambda palette: figures.cone(kernel, layers, palette), origin=computed(), alt=_(
            "One cell after {layers} layers; so many cells side by side are seen, layer by layer backwards: {seen}").format(
                layers=layers, seen=", ".join(map(str, seen)))),
        more=(Table(small.ladder(stack), computed()),))


@step(asks=questions.share_of_weights, predict=True)
def stacks(channels: int, single: int) -> Content:
    found = small.stacks(channels)
    fields = {"channels": channels, "single": single, **found.fields()}
    return Content(Table(found.table(), computed(_("{maps}, without biases").format(maps=on_maps(small.MAPS)))), fields,
                   (Text("stacks, weights", fields), Text("stacks, limits"), Blocks(found)))


@step(asks=questions.plain_layers, predict=True)
def dilated(dilated: int) -> Content:
    spread, plain = small.doubling(dilated), small.plain(small.as_far(dilated))
    ends = small.sides(spread), small.sides(plain)
    return Content(
        Chart(lambda palette: figures.race(*ends, palette), origin=computed(), guess="x", alt=_(
            "{dilated} dilated layers see {far} cells, as {count} plain ones do").format(
                dilated=dilated, far=ends[0][-1], count=len(ends[1]))),
        more=(Table(small.ladder(spread), computed(), title=_("With dilation")),
              Table(small.ladder(plain), computed(), title=_("Without"))))


@step(asks=questions.field_of_stack, predict=True)
def jump(stack: str) -> Content:
    names, seen = [slide.words for slide in small.slides(stack)], small.sides(stack)
    each = ", ".join(f"{name} {side} px" for name, side in zip(names, seen))
    return Content(
        Chart(lambda palette: figures.climb(names, seen, palette), origin=computed(), guess="x",
              alt=_("The field after each layer: {each}").format(each=each)),
        more=(Table(small.ladder(stack), computed()), Text("jump, in a network")),
        before=Table(small.plan(stack), computed()))


@step(asks=questions.outgrown_at, predict=True)
def theory(network: str, stage: int) -> Content:
    analysis, end = networks.analysis(network), networks.stage_ends(network)[stage - 1]
    fields = {"network": network, "stage": networks.stage_names(network)[stage - 1], "image": analysis.knobs.input_size,
              "size": end.field.side, "jump": max(end.field.jump)}
    return Content(
        squares(network, stage), fields,
        (Text("theory, at this stage", fields), Table(networks.by_stage(network), computed(images_of(analysis))),
         Table(networks.layers(network, stage), computed(), title=_("Every layer on the way: r + (k − 1)·j, then j·s")),
         Network(analysis), Explore(network)),
        before=Table(networks.windows(network), computed()))


@step(asks=questions.half_of_gradient, predict=True)
def listens(network: str, stage: int, seed: int, effective: Effective = NETWORK) -> Content:
    fields = {"narrow": gradients.NARROW, **effective.fields()}
    return Content(
        heat(effective, on_random_images(gradients.IMAGES, seed)), fields,
        (Text("listens, measured", fields), *([Text("listens, outside")] if effective.size > max(effective.image) else []),
         Table(sides((effective,), (network,)), on_random_images(gradients.IMAGES, seed))),
        before=squares(network, stage))


@step(asks=questions.moved_by_seed)
def effective(depth: int, strided: int, shortcuts: bool, seed: int, found: tuple[Effective, ...] = CHAIN) -> Content:
    each, origin = found[depth - 1], on_random_images(gradients.CHAIN_IMAGES, seed)
    fields = {"convolutions": 2 * depth, "strided": min(depth, strided), **each.fields()}
    return Content(
        Chart(lambda palette: figures.profile(each, palette), origin=origin, alt=_(
            "Share of the gradient of each column of pixels, and a Gaussian of the same variance: "
            "the middle column has {middle}, the standard deviation is {spread} px").format(
                middle=f"{each.middle:.1%}", spread=f"{each.spread:.1f}")),
        fields,
        (Text("effective, the bell", fields), heat(each, origin), Table(sides((each,), (_("The chain"),)), origin),
         Blocks({_("The chain"): gradients.chain_analysis(depth, strided, shortcuts)}),
         Source((gradients.chain, gradients.backpropagate, gradients.summarize))))


@step(asks=questions.narrow_after, predict=True)
def growth(strided: int, shortcuts: bool, seed: int, found: tuple[Effective, ...] = CHAIN) -> Content:
    origin = on_random_images(gradients.CHAIN_IMAGES, seed)
    return Content(
        Chart(lambda palette: figures.growth(found, palette), origin=origin, guess="x", alt=_(
            "After {count} convolutions the theoretical field is {theory} px wide, "
            "and half of the gradient lies in {half} px").format(
                count=2 * len(found), theory=found[-1].size, half=found[-1].half)),
        more=(Table(by_depth(found), origin), Text("growth, faster and slower")))


@step(asks=questions.narrower, predict=True)
def shortcuts(stage: int, seed: int, pair: tuple[Effective, Effective] = PAIR) -> Content:
    questions.check_blocks(stage)
    names, origin = (gradients.PLAIN, gradients.RESIDUAL), on_random_images(gradients.IMAGES, seed)
    fields = {"plain": gradients.PLAIN, "residual": gradients.RESIDUAL,
              "stage": networks.stage_names(gradients.PLAIN)[stage - 1], "theory": pair[0].size}
    return Content(
        Chart(lambda palette: figures.profiles(pair, names, palette), origin=origin, alt=_(
            "Share of the gradient of each column of pixels. Half of it lies in {halves}").format(
                halves=", ".join(f"{each.half} px of {name}" for name, each in zip(names, pair)))),
        fields, (Table(sides(pair, names), origin), *(Explore(name) for name in names)))


def field_over_image(listed: pd.DataFrame) -> str:
    """The bars of networks in words."""
    return _("Side of the theoretical field over the side of the image: {each}").format(each=", ".join(
        f"{name} {ratio}" for name, ratio in zip(listed["Network"], listed["Field / image"])))


@step(asks=questions.by_field, predict=True)
def outgrow(group: str) -> Content:
    listed, chosen = networks.listed(), networks.GROUPS[group]
    own_image = computed(_("each network at its own image size"))
    asked = listed[listed["Network"].isin(chosen)]
    plain = asked.sort_values("Network")[["Network", "Weight layers", "Image, px"]]
    fields = networks.outgrown(listed)
    return Content(
        Chart(lambda palette: figures.bars(asked, palette), origin=own_image, alt=field_over_image(asked)), fields,
        (Text("outgrow, no goal", fields),
         Chart(lambda palette: figures.bars(listed, palette, chosen), origin=own_image, alt=field_over_image(listed)),
         Table(listed, (own_image, published(
             _("Araujo, Norris, Sim 2019, “Computing Receptive Fields of Convolutional Neural Networks”, its table")))),
         Text("outgrow, global")),
        before=Table(plain.reset_index(drop=True), own_image))


LESSON = Lesson(
    "receptive_field", KNOBS,
    (kernels, stacks, dilated, jump, theory, listens, effective, growth, shortcuts, outgrow), minutes=30,
    links=(Link(_("Strides and a dilation: work it out layer by layer"), "jump", {"stack": small.HARD[0]}),
           Link(_("It sees more than the image. To what does it listen?"), "listens", {"stage": 5}),
           Link(_("Deeper, and yet a smaller field"), "outgrow", {"group": "resnets"})),
    anchors={"theory": "theory", "stacks": "stacks", "effective": "effective", "outgrow": "outgrow", "try": "kernels",
             "code": "effective"})
