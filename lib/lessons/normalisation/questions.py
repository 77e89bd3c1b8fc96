"""What the lesson on batch normalisation asks."""

from lib.lessons.curves import end
from lib.lessons.normalisation import evaluated, trained
from lib.lessons.normalisation.counts import counted
from lib.lessons.normalisation.depth import change, network_name, starts, times, word
from lib.lessons.normalisation.layer import MOST_BATCHES, biased, passed, way
from lib.lessons.normalisation.lite import EPOCHS, LAYERS, LEARNT, NAMES, Learnt, learn
from lib.lessons.residual.signals import Start
from lib.measuring import Measured
from lib.questions import Choice, Levels, Number, Several, kind
from lib.text import _
from lib.training.recipe import Recipe

STARTS = Measured(starts, _("Running both networks, with norms and without"))
LEARN = Measured(learn, _("Training five small networks"))
CHANNELS, SEEDS = (1, 4, 8, 12, 16), (0, 1, 2)


@kind(level=2, channel=CHANNELS, gamma=Levels((1.0,), (0.5, 2.0), (0.5, 2.0)), beta=Levels((0.0,), (0.0, 1.0), (-1.0, 1.0)))
def normalised(channel: int, gamma: float, beta: float) -> Number:
    """What a norm makes of one number."""
    found = passed(gamma, beta)[channel - 1]
    off, deviation = found.cell - found.mean, found.deviation
    return Number(found.cell_after, {
        "not divided": gamma * off + beta,
        "divided by the variance": gamma * off / deviation**2 + beta,
        "mean left in": gamma * found.cell / deviation + beta,
        "γ and β forgotten": off / deviation,
        "β before γ": gamma * (off / deviation + beta),
    }, tolerance=0.03, within=0.02, shown=".2f", fields={
        "channel": channel, "gamma": f"{gamma:g}", "beta": f"{beta:g}", "mean": f"{found.mean:.3f}",
        "deviation": f"{deviation:.3f}", "cell": f"{found.cell:.3f}", "off": f"{found.cell:.3f} {signed(-found.mean)}",
        "shift": signed(beta, "g")})


def signed(value: float, format: str = ".3f") -> str:
    """A number that is added: `+ 0.25`, `− 0.25`."""
    return f"{'−' if value < 0 else '+'} {abs(value):{format}}"


@kind(level=1, units=Levels((10, 20), (20, 50), (50, 100)), hidden=Levels((1, 2), (2, 5), (5, 10)))
def with_norms(units: int, hidden: int) -> Number:
    """Parameters of a fully connected network with norms."""
    (plain, _none), (params, kept), (without, _kept) = counted(units, hidden).values()
    added = params - plain
    return Number(params, {
        "running statistics": params + kept, "γ alone": plain + added // 2, "nothing": plain, "without the biases": without,
        "one pair for a layer": plain + 2 * hidden,
    }, unit=_("parameters"), fields={"units": units, "hidden": hidden, "plain": f"{plain:,}", "added": f"{added:,}",
                                     "kept": f"{kept:,}", "without": f"{without:,}"})


@kind(level=2, channel=CHANNELS, bias=Levels((1.0, 2.0), (-1.0, 1.0), (-2.0, 2.0)), training=(True, False))
def behind_the_bias(channel: int, bias: float, training: bool) -> Number:
    """The mean behind a norm, if the convolution before it had a bias."""
    found = biased(channel, (bias,))
    answer, other = (found[name][0] for name in (("training", "evaluation") if training else ("evaluation", "training")))
    deviation = passed(1.0, 0.0)[channel - 1].deviation
    return Number(round(answer, 4) + 0.0, {
        "the other mode": round(other, 4), "passed on": bias,
        "divided by the variance": None if training else bias / deviation**2,
        "the mean kept": found["convolution"][0] / deviation,
    }, tolerance=0.02, within=0.02, shown=".2f", fields={
        "channel": channel, "bias": f"{bias:g}", "deviation": f"{deviation:.3f}", "mode": mode_words(training)})


def mode_words(training: bool) -> str:
    """Which statistics the norm uses, in words."""
    return _("in training, by the statistics of this batch") if training else \
        _("in evaluation, by statistics kept from before the bias came")


@kind(level=2, momentum=Levels((0.1,), (0.01, 0.1), (0.1, 0.5)), batches=Levels((1, 2), (2, 5), (5, 10)))
def way_of_the_mean(momentum: float, batches: int) -> Number:
    """How far a running mean has come, in percent."""
    shares = way(momentum)
    return Number(shares[batches], {
        "the way left": 100 - shares[batches], "added up": 100 * momentum * batches, "at once": 100.0,
        "momentum the other way": 100 * (1 - momentum**batches), "one batch": shares[1],
    }, unit="%", tolerance=0.02, within=0.3, shown=".1f", fields={
        "momentum": f"{momentum:g}", "rest": f"{1 - momentum:g}", "batches": batches, "most": MOST_BATCHES})


@kind(level=1, picture=(1, 2, 3, 4, 5), mates=Levels((1, 3), (3, 15), (15, 119)))
def independent(picture: int, mates: int) -> Several:
    """Where a picture's scores do not depend on the rest of its batch."""
    return Several(answer=frozenset(evaluated.unmoved(picture, mates)), slip_values={
        "never": {"bare"}, "always": {"training", "evaluation", "bare"}, "the wrong way round": {"training", "bare"},
        "evaluation alone": {"evaluation"},
    }, fields={"picture": picture, "mates": mates})


@kind(level=2, depth=Levels((20,), (20, 56), (56,)), residual=(False, True), seed=SEEDS)
def without(depth: int, residual: bool, found: tuple[Start, Start] = STARTS) -> Choice:
    """What becomes of the signal in a deep network without norms."""
    return Choice(word(found[1]), fields=start_fields(depth, residual, found))


def start_fields(depth: int, residual: bool, found: tuple[Start, Start]) -> dict[str, object]:
    """The numbers that the text on the start speaks of."""
    return {"network": network_name(depth, residual), "blocks": len(found[0].signals)} | {
        f"{name}_{what}": times(value) for name, start in zip(("norms", "bare"), found)
        for what, value in (("signal", change(start)), ("gradient", start.growth))}


@kind(level=2, layers=Levels((20,), trained.LAYERS, trained.LAYERS), residual=Levels((True,), (True, False), (True, False)))
def learns_without(layers: int, residual: bool) -> Several:
    """At which learning rates a network without norms learns at all."""
    rates, learns = {f"{rate:g}": rate for rate in trained.RATES}, trained.learns_at(layers, residual)
    answer = frozenset(name for name, rate in rates.items() if rate in learns)
    return Several(answer=answer, names={name: name for name in rates}, slip_values={
        "all": set(rates), "none": (), "the smallest alone": {min(rates, key=rates.get)},
    }, fields=rate_fields(layers, residual))


def rate_fields(layers: int, residual: bool) -> dict[str, object]:
    """The ends that the text on the rates speaks of."""
    ends = {name: ", ".join(f"{end(curves).median:.1f} %" for curves in found.values())
            for name, found in trained.rated(layers, residual).items()}
    return {"network": network_name(layers, residual), "learnt": f"{trained.LEARNT:g}", "norms": ends["with norms"],
            "bare": ends["without"], "rates": ", ".join(f"{rate:g}" for rate in trained.RATES),
            "epochs": Recipe().epochs}


@kind(level=3, seed=SEEDS)
def has_learnt(found: tuple[Learnt, ...] = LEARN) -> Several:
    """Which norms, of which a part is missing, let a network learn."""
    ends = {each.variant: each.errors[-1] for each in found}
    asked = {variant: NAMES[variant] for variant in NAMES if variant != "whole"}
    learnt = {variant for variant in asked if ends[variant] < LEARNT}
    return Several(answer=frozenset(learnt), names=asked, slip_values={
        "all": set(asked), "γ and β needed": learnt - {"fixed"}, "everywhere": learnt - {"every second"},
        "the mean does it": (learnt - {"spread"}) | {"mean"},
    }, fields={"epochs": EPOCHS, "layers": LAYERS, "learnt": f"{LEARNT:g}", "each": "; ".join(
        f"{NAMES[variant]} {error:.1f} %" for variant, error in ends.items())})


@kind(level=3, merged=(1, 2, 3, 4, 5, 6, 7, 8))
def merged_bias(merged: int) -> Number:
    """The bias that a convolution gets when the norm behind it is merged into it."""
    found = evaluated.merged()[merged - 1]
    moved = found.mean * found.factor
    return Number(found.bias, {
        "sign": found.beta + moved, "β alone": found.beta, "β forgotten": -moved,
        "γ forgotten": found.beta - moved / found.gamma,
        "divided by the variance": found.beta - found.gamma * found.mean / found.variance,
        "not divided": found.beta - found.gamma * found.mean,
    }, tolerance=0.03, within=0.004, shown=".3f", fields={
        "channel": merged, "gamma": f"{found.gamma:.3f}", "beta": f"{found.beta:.3f}", "mean": f"{found.mean:.3f}",
        "variance": f"{found.variance:.3f}", "factor": f"{found.factor:.3f}",
        "taken": f"{signed(-found.mean)} · {found.factor:.3f}"})
