"""What the lesson on residual learning asks."""

import math

from lib.lessons.curves import CHANCE, CLOSE, apart, clear_loser, end, ends_written
from lib.lessons.residual.blocks import around, same_depth
from lib.lessons.residual.family import count_fields, member
from lib.lessons.residual.identities import Deepened, deepened, percent, responses
from lib.lessons.residual.published import error_fields, four_errors, published
from lib.lessons.residual.signals import ANGLES, Start, angle_fields, at_initialisation, start_fields
from lib.lessons.residual.sums import chains, derived, variances
from lib.lessons.residual.trained import (
    CHANGES, DEEP, SHALLOW, at_best, best_fields, changed, changed_fields, every_depth, harder, of_options, trained_fields)
from lib.measuring import Measured
from lib.questions import Choice, Levels, Number, Order, Several, kind
from lib.text import _

DEPTHS, SHORTCUTS, SEEDS = (20, 32), ("A", "B", "C"), (0, 1, 2, 3, 4)
BLOCKS = Levels((1, 2), (2, 3, 4), (4, 6, 8))
STARTS = Measured(at_initialisation, _("Running both networks forward and backward"))
DEEPENED = Measured(deepened, _("Running both networks, shallow and deeper"))
VARIANCES = Measured(variances, _("Running the stack of blocks"))
WHICH = {(True, True): "both", (True, False): "plain", (False, True): "residual", (False, False): "neither"}
"""For which of two networks something holds: the plain one, the residual one."""
ALIKE = 0.5
"""Gradients whose correlation reaches this are called alike."""


@kind(level=1, depth=Levels((20,), (20, 32, 44), (44, 56, 110)), shortcut=Levels(("A", "B"), ("B",), ("C",)))
def more_parameters(depth: int, shortcut: str) -> Number:
    """Parameters that a residual network has more than a plain one of the same depth."""
    pair = same_depth(depth, shortcut)
    by_option = {option: same_depth(depth, option).more for option in SHORTCUTS}
    weights = sum(incoming * outgoing for incoming, outgoing in pair.projections)
    return Number(pair.more, {
        "norms forgotten": weights,
        "3×3 kernels": pair.more + 8 * weights,
        "only where the shape changes": by_option["B"] if shortcut == "C" else None,
        "at every block": by_option["C"],
        "projections": by_option["B"] if shortcut == "A" else None,
        "nothing": 0,
    }, fields=pair.fields())


@kind(level=1)
def order_of_errors() -> Order:
    """Four networks by their printed errors, the lowest first."""
    errors = four_errors()
    return Order(answer=tuple(sorted(errors, key=errors.get)), slip_values={
        "deeper is better": ("resnet34", "plain34", "resnet18", "plain18"),
        "shortcuts first": ("resnet34", "resnet18", "plain34", "plain18"),
        "shallower is better": ("resnet18", "resnet34", "plain18", "plain34"),
    }, fields=error_fields())


@kind(level=1)
def far_deeper() -> Choice:
    """What becomes of the errors when a ResNet is made eleven times as deep. The training error of both is near zero, as
    section 4.2 says; the test errors are printed."""
    errors = published()["cifar"]["residual"]
    return Choice("better" if errors["1202"] < errors["110"] else "overfits", fields=error_fields())


@kind(level=2, filling=("zeros", "identity", "random"), seed=SEEDS)
def contains(filling: str, seed: int, found: tuple[Deepened, Deepened] = DEEPENED) -> Choice:
    """In which of two deepened networks the outputs stay what they were."""
    plain, residual = found
    return Choice(WHICH[plain.same, residual.same], fields={
        "filling": filling_words(filling), "seed": seed, "plain_off": percent(plain.off),
        "residual_off": percent(residual.off)})


def filling_words(filling: str) -> str:
    """What the blocks that come in hold, in words."""
    return {"zeros": _("zeros"), "identity": _("kernels that pass on their input (1 in the middle, 0 around it)"),
            "random": _("random numbers")}[filling]


@kind(level=2, shift=Levels((0.0,), (-0.5, 0.5), (-1.0, 1.0)))
def unchanged(shift: float) -> Several:
    """Which blocks, their branch switched off, give back every number that is not negative."""
    found = responses(shift)
    return Several(answer=frozenset(id for id, response in found.items() if response.error(False) < 1e-6), slip_values={
        "shift forgotten": ("residual", "gamma", "full"),
        "plain too": ("plain", "residual", "gamma", "full"),
        "γ alone": ("gamma",),
    }, fields={"shift": f"{shift:g}", "off": f"{found['residual'].error(False):g}",
               "constant": f"{max(0.0, shift):g}"})


@kind(level=2, slope=Levels((0.1, 0.5, 1.0), (0.1, 0.5), (-0.5, -0.1)), blocks=BLOCKS)
def back_through(slope: float, blocks: int) -> Number:
    """The gradient that arrives behind a chain of residual blocks."""
    plain, residual = (line[-1] for line in chains(slope, blocks).values())
    return Number(residual, {
        "identity forgotten": plain, "one block": 1 + slope, "sum for product": 1 + blocks * slope,
        "all forgotten": 1.0, "sign": (1 - slope)**blocks,
    }, tolerance=0.01, shown=".3g", fields={"slope": f"{slope:g}", "blocks": blocks, "plain": written(plain),
                                           "factor": f"{1 + slope:g}"})


def written(value: float) -> str:
    """A number to three digits, without powers of ten."""
    return f"{value:.3g}" if abs(value) >= 0.001 else _("practically 0")


@kind(level=2, norms=Levels((True,), (True, False), (False,)), blocks=BLOCKS, seed=SEEDS)
def variance(norms: bool, blocks: int, found: tuple[float, ...] = VARIANCES) -> Number:
    """The variance after a stack of residual blocks into which variance 1 goes."""
    answer = derived(norms, blocks)
    return Number(answer, {
        "start forgotten": answer - 1,
        "doubled in spite of norms": derived(False, blocks) if norms else None,
        "one for each block": None if norms else derived(True, blocks),
        "spreads added": (1 + blocks)**2 if norms else 4**blocks,
        "held by norms": 1,
    }, fields={"blocks": blocks, "sum": " + ".join(["1"] * (blocks + 1)) if norms else " · ".join(["2"] * blocks),
               "branch": branch_words(norms), "measured": f"{found[blocks]:.3g}"})


def branch_words(norms: bool) -> str:
    """What the branch of a block of the stack gives."""
    return _("Norms in every branch hold its output at variance 1") if norms else \
        _("Without norms, He initialisation gives every branch's output the variance of the branch's input")


@kind(level=2, depth=DEPTHS, shortcut=SHORTCUTS, seed=SEEDS)
def plain_signal(depth: int, shortcut: str, seed: int, starts: tuple[Start, Start] = STARTS) -> Number:
    """Root mean square of what leaves the last block of a plain network."""
    return Number(starts[0].signals[-1], {
        "ReLU forgotten": 1.0, "root forgotten": 0.5, "mean": 1 / math.sqrt(2 * math.pi), "vanishes": 0.0,
    }, tolerance=0.06, shown=".2f", fields=start_fields(depth, shortcut, seed, starts))


@kind(level=1, depth=DEPTHS, shortcut=SHORTCUTS, seed=SEEDS)
def way_back(depth: int, shortcut: str, seed: int, starts: tuple[Start, Start] = STARTS) -> Choice:
    """What becomes of the gradient from the last block back to the first."""
    plain, residual = (start.growth for start in starts)
    answer = ("both_vanish" if max(plain, residual) < 1 else "plain_vanishes" if plain < 1
              else "plain_grows" if plain > residual else "residual_grows")
    return Choice(answer, fields=start_fields(depth, shortcut, seed, starts))


@kind(level=3, depth=Levels((32,), (20, 32, 56), (56,)), shortcut=Levels(("A",), ("A", "C"), ("A", "C")), seed=SEEDS,
      angle=Levels((0.5, 1), (0.5, 1, 8), (0.5, 1)))
def alike(depth: int, shortcut: str, seed: int, angle: float, starts: tuple[Start, Start] = STARTS) -> Choice:
    """In which network the gradients at two neighbouring images are still alike."""
    plain, residual = (start.correlations[ANGLES.index(angle)] >= ALIKE for start in starts)
    return Choice(WHICH[plain, residual], fields=start_fields(depth, shortcut, seed, starts) | angle_fields(angle, starts))


@kind(level=1, shortcut=SHORTCUTS, outgoing=Levels((64,), (64, 128), (128,)), stride=(1, 2))
def way_around(shortcut: str, outgoing: int, stride: int) -> Choice:
    """What goes around a block of this shape."""
    return Choice(around(shortcut, outgoing, stride), fields={"shortcut": shortcut, "outgoing": outgoing, "stride": stride})


@kind(level=2, resnet=Levels((18, 34), (34, 50), (50, 101, 152)))
def convolutions(resnet: int) -> Number:
    """Convolutions in the module tree of a ResNet."""
    fields = count_fields(resnet)
    path = member(resnet).analysis.weight_layers
    return Number(fields["convolutions"], {
        "path": path, "projections forgotten": path - 1, "at every block": path - 1 + fields["blocks"],
        "dotted in every stage": path - 1 + 4, "linear counted": fields["convolutions"] + 1,
        "stem forgotten": fields["convolutions"] - 1,
    }, fields=fields)


# Trained

@kind(level=2, depth=Levels((110,), (44, 56), (32, 44, 56)))
def plain_error(depth: int) -> Number:
    """Training error of a plain network that has learnt the digits."""
    runs = every_depth()
    ends = {name: end(runs[f"{name}-{depth}"]).median for name in ("plain", "ResNet")}
    return Number(ends["plain"], {
        "chance": CHANCE, "as the residual one": ends["ResNet"], "as the shallow one": end(runs[f"plain-{SHALLOW}"]).median,
        "half": 50.0,
    }, unit="%", tolerance=0.15, within=5.0, shown=".1f", fields=trained_fields(depth))


@kind(level=3)
def only_the_rate() -> Choice:
    """Whether a deep plain network catches up with a shallow one at a better learning rate."""
    runs = at_best()
    shallow, deep = runs[f"plain-{SHALLOW}"], runs[f"plain-{DEEP}"]
    worse = end(deep).median > end(shallow).median and apart(shallow, deep)
    return Choice("depth" if worse else "rate", fields=best_fields())


@kind(level=2, layers=(20, 56))
def hardest_option(layers: int) -> Choice:
    """Which shortcut option is the hardest to train, if that can be told."""
    return Choice(clear_loser(of_options(layers)), fields=option_fields(layers))


def option_fields(layers: int) -> dict[str, object]:
    """How the options end."""
    return {"layers": layers, "close": f"{CLOSE:g}", "each": ends_written(of_options(layers))}


@kind(level=3, change=tuple(CHANGES))
def supported(change: str) -> Several:
    """What so small an experiment shows."""
    fields = changed_fields() | {"change": CHANGES[change], "each": ends_written(changed(change))}
    return Several(answer=frozenset({"harder"} if harder() else ()), slip_values={
        "all": {"harder", "number", "pictures", "cause"}, "the number too": {"harder", "number"},
        "large pictures too": {"harder", "pictures"}, "the cause too": {"harder", "cause"},
    }, fields=fields)
