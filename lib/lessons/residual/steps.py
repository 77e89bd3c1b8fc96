"""The steps of the lesson on residual learning."""

from lib.figures.lines import lines, nested
from lib.lessons.content import Blocks, Chart, Content, Explore, Source, Table, Text
from lib.lessons.curves import SHOWN, origin, rate_table, table
from lib.lessons.figures import chart, over_rates
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.residual import figures, questions
from lib.lessons.residual.blocks import CHANNELS, MAP, biased, block_around, cost_table, same_depth
from lib.lessons.residual.blocks import blocks as three_blocks
from lib.lessons.residual.family import count_fields, family, family_stages, family_table, options
from lib.lessons.residual.identities import NAMES, Deepened, curves, deepened_table, errors, percent, responses
from lib.lessons.residual.published import (
    cifar_table, error_fields, printed_cifar, printed_pairs, printed_table, published)
from lib.lessons.residual.questions import DEEPENED, STARTS, VARIANCES
from lib.lessons.residual.signals import (
    ANGLES, IMAGES, PIXELS, Start, angle_fields, correlation_table, first_stage, gradient_table, over_angles, over_blocks,
    signal_table, start_fields)
from lib.lessons.residual.sums import CHANNELS as STACK
from lib.lessons.residual.sums import MOST, SIDE, SMALL, chain_table, chains, over_sums, two_ways, variance_table
from lib.lessons.residual.trained import (
    CHANGES, at_best, best_fields, beside_the_paper, changed, changed_fields, changed_table, every_depth, norm_fields, of_depth,
    of_options, rated, trained_fields)
from lib.models.resnet import (
    BasicBlock, Bottleneck, PlainBasicBlock, ZeroPadding, identity_or_projection, projection, zero_padding)
from lib.provenance import Origin, computed, images_of, measured
from lib.provenance import published as quoted
from lib.text import _
from lib.training.loop import Training

KNOBS = {
    "depth": Knob(_("Layers"), (20, 32, 44, 56, 110), 56, _("Weight layers of the CIFAR networks.")),
    "shortcut": Knob(_("Shortcut option"), ("A", "B", "C"), "A", _("What goes around the blocks of the ResNet.")),
    "filling": Knob(_("The added blocks hold"), ("zeros", "identity", "random"), "zeros",
                    _("What their convolutions are filled with; pass-on kernels are 1 in the middle and 0 around it."),
                    {"zeros": _("zeros"), "identity": _("pass-on"), "random": _("random")}.get),
    "shift": Knob(_("Shift β"), (-0.5, 0.0, 0.5), 0.0, _("β of the norms in the blocks with zero weights."), "{:g}".format),
    "slope": Knob(_("Slope F′"), (-0.5, -0.1, 0.1, 0.5, 1.0), 0.1, _("The derivative of each branch."), "{:g}".format),
    "blocks": Knob(_("Blocks"), (1, 2, 3, 4, 6, 8), 4, _("Residual blocks one behind the other.")),
    "norms": Knob(_("Norms in the branches"), (False, True), False, _("Batch normalisation before each convolution.")),
    "angle": Knob(_("Angle, degrees"), ANGLES, 1, _("How far one image is turned towards another."), "{:g}".format),
    "outgoing": Knob(_("Channels out"), (64, 128), 64, _("64 channels come in.")),
    "stride": Knob(_("Stride"), (1, 2), 1, _("Of the block's first convolution.")),
    "resnet": Knob(_("ResNet"), (18, 34, 50, 101, 152), 50, _("A column of the paper's Table 1.")),
    "seed": Knob(_("Seed"), (0, 1, 2, 3, 4), 0, _("Random weights and images follow from it.")),
    "shown": SHOWN,
    "layers": Knob(_("Layers"), (20, 56), 56, _("Weight layers of the ResNet.")),
    "change": Knob(_("Recipe"), tuple(CHANGES), "usual", _("One thing at a time is changed."), CHANGES.get),
}


def at_start(seed: int) -> Origin:
    """Where what is measured before training comes from."""
    return measured(_("before training, seed {seed}").format(seed=seed))


@step(asks=questions.more_parameters, predict=True)
def plain(depth: int, shortcut: str) -> Content:
    fields = same_depth(depth, shortcut).fields()
    names = (_("Plain block"), _("Option {option}, same shape").format(option=shortcut),
             _("Option {option}, shape changes").format(option=shortcut))
    shown = dict(zip(names, three_blocks(shortcut)))
    graphs = Blocks({name: shown[name] for name in names[1:]}, numbers=False)
    return Content(
        graphs, fields,
        (Text("plain, cost", fields),
         Table(cost_table(depth, shortcut), computed(images_of(same_depth(depth, shortcut).plain)),
               {"Parameters": "localized", "MACs": "localized"}),
         Blocks(shown), Text("plain, no bias"),
         Table(biased(), measured(_("one channel, {size} × {size} pixels, eight random images").format(size=PIXELS))),
         Source((PlainBasicBlock, BasicBlock))),
        before=graphs)


@step(asks=questions.order_of_errors, predict=True)
def degradation() -> Content:
    origin = quoted(published()["degradation"]["source"])
    return Content(
        Chart(lambda palette: figures.degradation(printed_pairs(), palette), origin=origin,
              title=_("Validation error. The paper draws training error only as curves."),
              alt=_("Top-1 validation errors of four networks: plain-18 {plain18} %, plain-34 {plain34} %, ResNet-18 "
                    "{resnet18} %, ResNet-34 {resnet34} %.").format(**error_fields())),
        error_fields(),
        (Text("degradation, training error"), Table(printed_table(), origin), Text("degradation, what it is not"),
         Explore("plain34"), Explore("resnet34_a")))


def cifar_chart(deepest: bool) -> Chart:
    """Table 6 over depth."""
    depths, errors = printed_cifar(deepest)
    each = ", ".join(f"{depth}: {error:.2f} %" for depth, error in zip(depths, errors["ResNet"]))
    return Chart(lambda palette: lines(depths, errors, palette, _("weight layers"), _("test error, %"), "x", False),
                 alt=_("Test error on CIFAR-10 by layers: {each}.").format(each=each),
                 origin=quoted(published()["cifar"]["source"]), title=_("CIFAR-10: test error, not training error"))


@step(asks=questions.far_deeper, predict=True)
def deepest() -> Content:
    return Content(cifar_chart(True), error_fields(),
                   (Table(cifar_table(), quoted(published()["cifar"]["source"])),
                    Text("deepest, without end", error_fields())),
                   before=cifar_chart(False))


@step(asks=questions.contains, predict=True)
def contained(filling: str, seed: int, found: tuple[Deepened, Deepened] = DEEPENED) -> Content:
    outputs = {each.name: (each.shallow, each.deep) for each in found}
    origin = measured(_("{images} random images, seed {seed}").format(images=IMAGES, seed=seed))
    return Content(
        Chart(lambda palette: figures.agreement(outputs, palette), origin=origin,
              alt=_("Outputs of the deeper network against those of the shallow one: {each}.").format(each=", ".join(
                  _("{name} differs by {off}").format(name=each.name, off=percent(each.off)) for each in found))),
        {"filling": questions.filling_words(filling)},
        (Text("contained, nested classes"), Table(deepened_table(filling, found), origin)))


@step(asks=questions.unchanged, predict=True)
def identity(shift: float) -> Content:
    origin = measured(_("real blocks with weights set by hand"))
    found = responses(shift)
    return Content(
        Chart(lambda palette: nested(*curves(shift), palette, _("input x"), _("output y")), origin=origin,
              alt=_("Output over input. Largest distance from the identity where x ≥ 0: {each}.").format(each=", ".join(
                  f"{NAMES[id]} {response.error(False):.2f}" for id, response in found.items()))),
        {"shift": f"{shift:g}"}, (Table(errors(shift), origin), Text("identity, three conditions")))


@step(asks=questions.back_through, predict=True)
def backwards(slope: float, blocks: int) -> Content:
    found = chains(slope, blocks)
    return Content(
        Chart(lambda palette: lines(list(range(blocks + 1)), found, palette, _("blocks passed on the way back"),
                                    _("gradient")),
              alt=_("Gradient behind {blocks} blocks: residual {residual:.3g}, plain {plain:.3g}.").format(
                  blocks=blocks, residual=found["residual"][-1], plain=found["plain"][-1]),
              origin=measured(_("torch's backward pass through chains of numbers")), guess="y"),
        {"slope": f"{slope:g}"},
        (Table(chain_table(slope, blocks), measured(_("torch's backward pass"))), Text("backwards, a real block"),
         Table(two_ways(), measured(_("a basic block of {channels} channels with random weights, seed 0").format(
             channels=SMALL[1])))))


@step(asks=questions.variance, predict=True)
def sums(norms: bool, blocks: int, seed: int, found: tuple[float, ...] = VARIANCES) -> Content:
    passed, drawn = over_sums(norms, blocks, found)
    origin = (computed(_("variances add")), measured(_(
        "{most} blocks of {channels} channels on {side} × {side} maps, seed {seed}").format(
            most=MOST, channels=STACK, side=SIDE, seed=seed)))
    return Content(
        Chart(lambda palette: lines(passed, drawn, palette, _("blocks"), _("variance of the sum")),
              alt=_("Variance after {blocks} blocks: derived {derived:,}, measured {measured:.3g}.").format(
                  blocks=blocks, derived=drawn["derived"][-1], measured=drawn["measured"][-1]),
              origin=origin, guess="y"),
        {"branch": questions.branch_words(norms)},
        (Text("sums, derivation", {"channels": STACK}), Table(variance_table(norms, found), origin)))


@step(asks=questions.plain_signal, predict=True)
def start(depth: int, shortcut: str, seed: int, starts: tuple[Start, Start] = STARTS) -> Content:
    fields = start_fields(depth, shortcut, seed, starts)
    return Content(
        Chart(lambda palette: lines(*over_blocks(starts, "signals"), palette, _("block"), _("signal (RMS)")), guess="y",
              alt=_("Signal after the last block: {plain} {plain_signal}, {residual} {residual_signal}.").format(**fields),
              origin=at_start(seed)),
        fields,
        (Table(signal_table(starts), at_start(seed)), Text("start, sums in the network", fields),
         Table(first_stage(shortcut, starts), (computed(_("derived: variances add")), at_start(seed)),
               title=_("Mean square in conv2_x of {network}").format(network=fields["residual"]))))


@step(asks=questions.way_back, predict=True)
def gradients(depth: int, shortcut: str, seed: int, starts: tuple[Start, Start] = STARTS) -> Content:
    fields = start_fields(depth, shortcut, seed, starts)
    return Content(
        Chart(lambda palette: lines(*over_blocks(starts, "gradients"), palette, _("block"), _("gradient norm"), "y"),
              alt=_("Gradient at the first block against the last: {plain} {plain_growth}-fold, {residual} "
                    "{residual_growth}-fold.").format(**fields), origin=at_start(seed)),
        fields, (Table(gradient_table(starts), at_start(seed)), Text("gradients, what follows", fields)))


@step(asks=questions.alike, predict=True)
def shattering(depth: int, shortcut: str, seed: int, angle: float, starts: tuple[Start, Start] = STARTS) -> Content:
    fields = start_fields(depth, shortcut, seed, starts) | angle_fields(angle, starts)
    origin = measured(_("before training, norms with fixed statistics, seed {seed}").format(seed=seed))
    return Content(
        Chart(lambda palette: figures.correlations(*over_angles(starts), angle, questions.ALIKE, palette),
              alt=_("At {angle}° the correlation is {plain_correlation} in {plain} and {residual_correlation} in "
                    "{residual}.").format(**fields), origin=origin),
        fields, (Table(correlation_table(starts), origin), Text("shattering, whose finding")))


@step(asks=questions.way_around, predict=True)
def shortcuts(shortcut: str, outgoing: int, stride: int) -> Content:
    fields = {"incoming": CHANNELS, "outgoing": outgoing, "stride": stride, "shortcut": shortcut, "size": MAP}
    block = block_around(shortcut, outgoing, stride)
    name = _("Option {shortcut}: {incoming} → {outgoing} channels, stride {stride}; {weights} weights").format(
        weights=f"{block.weights:,}", **fields)
    return Content(
        Blocks({name: block}, numbers=False), fields,
        (Text("shortcuts, three cases"),
         Table(options(), (computed(_("ResNet-34's shortcuts, and all its parameters and multiply-adds, {images}").format(
             images=images_of(family()[0].analysis))), quoted(published()["options"]["source"]))),
         Text("shortcuts, which option"), Text("shortcuts, top-5", error_fields()),
         Source((ZeroPadding, zero_padding, identity_or_projection, projection)), Explore("resnet34_c")))


@step(asks=questions.convolutions, predict=True)
def count(resnet: int) -> Content:
    fields, smaller = count_fields(resnet), count_fields(34)
    return Content(
        Chart(lambda palette: figures.weight_layers(*family_stages(), fields["network"], palette),
              alt=_("Weight layers by stage; {network}: {sum}.").format(**fields), origin=computed()),
        fields,
        (Text("count, stages and blocks", fields | {"solid_34": smaller["solid"], "dotted_34": smaller["dotted"]}),
         Table(family_table(), (computed(images_of(*(member.analysis for member in family()))),
                                quoted(_("the last column: He et al. 2015, Table 1, as printed there")))),
         Text("count, the family", fields), Source((Bottleneck,)), Explore("resnet34"), Explore("resnet50")))


@step(asks=questions.plain_error, predict=True)
def trained(depth: int, shown: str) -> Content:
    runs, fields = of_depth(depth), trained_fields(depth)
    return Content(chart(runs, shown, "y" if shown == "train_error" else ""), fields,
                   (table(every_depth()), Text("trained, the same weights", norm_fields()), Source((Training,))))


@step(asks=questions.only_the_rate, predict=True)
def rates() -> Content:
    return Content(over_rates(rated()), best_fields(), (rate_table(rated()), Text("rates, fair"), chart(at_best())))


@step(asks=questions.hardest_option, predict=True)
def learnt_options(layers: int, shown: str) -> Content:
    runs = of_options(layers)
    return Content(chart(runs, shown), questions.option_fields(layers), (table(runs), Text("learnt_options, in print")))


@step(asks=questions.supported, predict=True)
def honest(change: str, shown: str) -> Content:
    runs = changed(change)
    paper = (origin(every_depth()), quoted(published()["cifar"]["source"]))
    return Content(chart(runs, shown), {"change": CHANGES[change]}, (
        Text("honest, moved", changed_fields()), Table(changed_table(), origin(runs)),
        Text("honest, the paper"), Table(beside_the_paper(), paper)))


LESSON = Lesson(
    "residual", KNOBS,
    (plain, shortcuts, count, degradation, trained, rates, deepest, contained, identity, backwards, sums, start, gradients,
     shattering, learnt_options, honest),
    minutes=60,
    links=(Link(_("Four networks: the deep plain one is worst"), "degradation"),
           Link(_("Plain-110: the gradient grows, nothing vanishes"), "gradients", {"depth": 110}),
           Link(_("A projection on every shortcut: ResNet-110 shatters too"), "shattering",
                {"depth": 110, "shortcut": "C"})),
    anchors={"try": "plain", "code": "plain"})
