"""The steps of the lesson on batch normalisation."""

from lib.figures.learning import learning
from lib.figures.lines import lines
from lib.figures.theme import Drawn, Palette
from lib.lessons.content import Chart, Content, Explore, Source, Table, Text, Written
from lib.lessons.curves import QUANTITIES, rate_table
from lib.lessons.figures import over_rates
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.normalisation import evaluated, figures, questions, trained
from lib.lessons.normalisation.counts import count_table, resnet, resnet_fields
from lib.lessons.normalisation.depth import start_table
from lib.lessons.normalisation.layer import BATCH, MOST_BATCHES, biased, channel_table, output, passed, way
from lib.lessons.normalisation.lite import EPOCHS, LAYERS, NAMES, RATE, Learnt, MeanAlone, SpreadAlone, learnt_table
from lib.lessons.normalisation.questions import LEARN, STARTS, mode_words, rate_fields, start_fields
from lib.lessons.residual.signals import IMAGES, PIXELS, Start, over_blocks
from lib.models.resnet_cifar import without_norms
from lib.provenance import Origin, computed, measured
from lib.text import _

BIASES = (-2.0, -1.0, 0.0, 1.0, 2.0)
KNOBS = {
    "channel": Knob(_("Channel"), questions.CHANNELS, 1, _("One of the 16 channels behind the first convolution.")),
    "gamma": Knob(_("Scale γ"), (0.5, 1.0, 2.0), 1.0, _("What the norm multiplies by at its end."), "{:g}".format),
    "beta": Knob(_("Shift β"), (-1.0, 0.0, 1.0), 0.0, _("What the norm adds at its end."), "{:g}".format),
    "units": Knob(_("Units"), (10, 20, 50, 100), 20, _("Of each hidden layer.")),
    "hidden": Knob(_("Hidden layers"), (1, 2, 5, 10), 5, _("Linear layers before the last one.")),
    "bias": Knob(_("Bias"), BIASES, 2.0, _("What the convolution would add to every number of the channel."), "{:g}".format),
    "training": Knob(_("In training"), (False, True), True, _("On: statistics of the batch. Off: those that were kept.")),
    "momentum": Knob(_("Momentum"), (0.01, 0.1, 0.5), 0.1, _("The share of the new batch in the mean."), "{:g}".format),
    "batches": Knob(_("Batches"), (1, 2, 5, 10, 20), 5, _("How often the batch has come.")),
    "picture": Knob(_("Test picture"), (1, 2, 3, 4, 5), 1, _("A digit that was not learnt from.")),
    "mates": Knob(_("Others in the batch"), (1, 3, 15, 119), 15, _("Digits that share the batch.")),
    "depth": Knob(_("Layers"), (20, 56, 110), 56, _("Weight layers of the CIFAR network.")),
    "layers": Knob(_("Layers"), trained.LAYERS, 20, _("Weight layers of the CIFAR network.")),
    "residual": Knob(_("Shortcuts"), (False, True), True, _("Off: the plain network.")),
    "merged": Knob(_("Channel"), tuple(range(1, 9)), 1, _("One of the channels of the small network's first norm.")),
    "seed": Knob(_("Seed"), questions.SEEDS, 0, _("Random weights and images follow from it.")),
}


def on_digits() -> Origin:
    """Read off the first layer."""
    return measured(_("{batch} digits of {size} × {size} pixels, first convolution of ResNet-20, weights of seed 0").format(
        batch=BATCH, size=evaluated.pictures().size))


@step(asks=questions.normalised, predict=True)
def signal(channel: int, gamma: float, beta: float) -> Content:
    found, side = passed(gamma, beta), output().shape[-1]
    pairs = {_("before the norm"): [(each.mean, each.deviation) for each in found],
             _("after it"): [(each.mean_after, each.deviation_after) for each in found]}
    alt = _("Channel {channel}: mean {0.mean:.2f} and deviation {0.deviation:.2f} before the norm, {0.mean_after:.2f} and "
            "{0.deviation_after:.2f} after it.").format(found[channel - 1], channel=channel)
    return Content(
        Chart(lambda palette: figures.spreads(pairs, channel, palette), alt, on_digits(), guess="y"),
        {"batch": BATCH, "side": side, "channels": len(found), "numbers": f"{BATCH * side**2:,}"},
        (Text("signal, undone"), Table(channel_table(gamma, beta), on_digits())))


@step(asks=questions.with_norms, predict=True)
def counted(units: int, hidden: int) -> Content:
    fields = resnet_fields() | {"network": resnet().preset}
    return Content(Table(count_table(units, hidden), computed(), {"Parameters": "localized", "Kept, not learnt": "localized"}),
                   {"units": units, "hidden": hidden}, (Text("counted, in a ResNet", fields), Explore(resnet().preset)))


@step(asks=questions.behind_the_bias, predict=True)
def bias(channel: int, bias: float, training: bool) -> Content:
    found, at = biased(channel, BIASES), BIASES.index(bias)
    before, after = found["convolution"], found["training" if training else "evaluation"]
    series = {_("behind the convolution"): before, _("behind the norm"): after}
    alt = _("With a bias of {bias} the mean of channel {channel} is {before:.2f} behind the convolution and {after:z.2f} "
            "behind the norm.").format(bias=f"{bias:g}", channel=channel, before=before[at], after=after[at])

    def draw(palette: Palette) -> Drawn:
        return lines(BIASES, series, palette, _("bias"), _("mean of the channel"), zero=False)
    return Content(Chart(draw, alt, on_digits(), guess="y"), {"mode": mode_words(training)},
                   (Text("bias, who needs it"), Explore("resnet56_cifar", {"batch_norm": False})))


@step(asks=questions.way_of_the_mean, predict=True)
def running(momentum: float, batches: int) -> Content:
    shares = way(momentum)
    alt = _("The running mean has come {share:.1f} % of the way after {batches} batches, {last:.1f} % after {most}.").format(
        share=shares[batches], batches=batches, last=shares[-1], most=MOST_BATCHES)

    def draw(palette: Palette) -> Drawn:
        line = {_("running mean"): shares}
        return lines(list(range(MOST_BATCHES + 1)), line, palette, _("batches"), _("% of the batch's mean"))
    return Content(Chart(draw, alt, on_digits(), guess="y"), {"momentum": f"{momentum:g}", "rest": f"{1 - momentum:g}"},
                   (Text("running, after training"),))


def trained_network() -> Origin:
    """Read off the small network that comes with the app."""
    curve = evaluated.curve()
    return measured(_("{network}, trained for {epochs} epochs on {pictures}, seed {seed}; test pictures").format(
        network=curve.label, epochs=curve.settings.epochs, seed=curve.seed,
        pictures=str(curve.environment["pictures"]).partition(" (")[0]))


@step(asks=questions.independent, predict=True)
def batchmates(picture: int, mates: int) -> Content:
    names = _("training, some others"), _("training, other ones"), _("evaluation")
    modes = dict(zip(names, evaluated.scores(picture, mates)))
    classes, label = evaluated.pictures().classes, int(evaluated.test_pictures()[1][picture - 1])
    each = ", ".join(f"{name} {values[label]:.2f}" for name, values in modes.items())
    return Content(
        Chart(lambda palette: figures.scores(classes, modes, palette), origin=trained_network(),
              alt=_("Scores of the true class {label}: {each}").format(label=classes[label], each=each)),
        {"mates": mates, "label": classes[label]},
        (Text("batchmates, alone"),
         Written(evaluated.refusal(), computed(_("torch's answer to a batch of one picture of 1 × 1 pixel")))))


@step(asks=questions.without, predict=True)
def start(depth: int, residual: bool, seed: int, found: tuple[Start, Start] = STARTS) -> Content:
    fields = start_fields(depth, residual, found)
    origin = measured(_("before training, {images} random images of {size} × {size} pixels, seed {seed}").format(
        images=IMAGES, size=PIXELS, seed=seed))
    alt = _("Signal in {network}, last block against first: {norms_signal}-fold with norms, {bare_signal}-fold without.")

    def draw(palette: Palette) -> Drawn:
        return lines(*over_blocks(found, "signals"), palette, _("block"), _("signal (RMS)"), "y")
    return Content(Chart(draw, alt.format(**fields), origin), fields, (
        Table(start_table(found), origin), Text("start, not the gradient", fields), Source((without_norms,))))


@step(asks=questions.learns_without, predict=True)
def rates(layers: int, residual: bool) -> Content:
    return Content(over_rates(trained.rated(layers, residual)), rate_fields(layers, residual),
                   (rate_table(trained.all_rated()), Text("rates, what is seen")))


@step(asks=questions.has_learnt, predict=True)
def lite(seed: int, found: tuple[Learnt, ...] = LEARN) -> Content:
    series = {NAMES[each.variant]: [list(enumerate(each.errors, 1))] for each in found}
    ends = ", ".join(f"{NAMES[each.variant]} {each.errors[-1]:.1f} %" for each in found)
    origin = measured(_("plain network of {layers} layers, {epochs} epochs on {pictures}, rate {rate:g}, seed {seed}").format(
        layers=LAYERS, epochs=EPOCHS, pictures=evaluated.pictures().source.partition(" (")[0], rate=RATE, seed=seed))
    return Content(
        Chart(lambda palette: learning(series, palette, QUANTITIES["train_error"], EPOCHS), origin=origin,
              alt=_("Training error in the last epoch: {ends}").format(ends=ends)),
        {"epochs": EPOCHS, "layers": LAYERS, "rate": f"{RATE:g}"},
        (Text("lite, exercises"), Table(learnt_table(found), origin), Source((MeanAlone, SpreadAlone))))


@step(asks=questions.merged_bias, predict=True)
def folded(merged: int) -> Content:
    return Content(Table(evaluated.merged_table(), trained_network()), {"channel": merged}, (Text("folded, where"),))


LESSON = Lesson(
    "normalisation", KNOBS, (signal, counted, bias, running, batchmates, start, rates, lite, folded), minutes=35,
    links=(Link(_("One picture, two batches: the same scores?"), "batchmates", {"mates": 3}),
           Link(_("Without norms: a signal through 56 layers"), "start", {"residual": False}),
           Link(_("Which part of a norm does it?"), "lite")))
