"""The steps of the lesson on identity mappings."""

from collections.abc import Mapping, Sequence

from lib.figures.lines import lines, nested
from lib.figures.theme import Drawn, Palette
from lib.lessons.content import Blocks, Chart, Content, Explore, Network, Source, Table, Text
from lib.lessons.curves import SHOWN, table
from lib.lessons.figures import chart
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Link, step
from lib.lessons.preactivation import figures, questions, trained
from lib.lessons.preactivation.chain import ScaledUnit, chain_table, through_chain
from lib.lessons.preactivation.courses import (
    BOTH, COURSES, course_fields, course_table, growth_table, of, over_units, run_fields)
from lib.lessons.preactivation.errors import depth_table, error_table, printed_depths, printed_errors
from lib.lessons.preactivation.orderings import (
    DEPTHS, NAMES, blocks, cost_table, network, outside_table, preset, projecting, shortcut_table)
from lib.lessons.preactivation.questions import Courses
from lib.lessons.residual.published import published
from lib.lessons.residual.signals import rounded
from lib.models.resnet_v2 import UNITS, ResidualUnit, ResNetV2, closing, opening
from lib.provenance import Origin, computed, measured, on_maps, published as quoted
from lib.text import _

KNOBS = {
    "depth": Knob(_("Layers"), DEPTHS, "110", _("110: units of two 3×3. 164: bottleneck units.")),
    "ordering": Knob(_("Ordering"), tuple(UNITS), "full", _("Which of the five orderings of the paper's Fig. 4."),
                     lambda ordering: NAMES[ordering][:3]),
    "seed": Knob(_("Seed"), (0, 1, 2, 3, 4), 0, _("Random weights and images follow from it.")),
    "layers": Knob(_("Layers"), tuple(trained.ORDERS), 110, _("Of the trained networks: units of two 3×3.")),
    "shown": SHOWN,
    "scale": Knob(_("Shortcut times λ"), (0.5, 0.9, 1.0, 1.1), 0.9,
                  _("What the shortcut is multiplied by; 1 is the identity."), "{:g}".format),
    "slope": Knob(_("Slope of F"), (-0.1, 0.0, 0.1, 0.2), 0.0, _("How much F changes when x changes by one."),
                  "{:g}".format),
    "chain": Knob(_("Units"), (1, 2, 5, 10, 54), 10, _("How many units the gradient goes back through.")),
}


def at_start(seed: int) -> Origin:
    """Read off networks with random weights."""
    return measured(_("before training, seed {seed}").format(seed=seed))


def over(courses: Courses, quantity: str, title: str, seed: int, log: str = "", guess: str = "") -> Chart:
    """One measured quantity over the units, a line for each ordering."""
    x, series = over_units(courses, quantity)
    ends = "; ".join(f"{name} {values[0]:.3g} … {values[-1]:.3g}" for name, values in series.items())
    return Chart(lambda palette: lines(x, series, palette, _("unit"), title, log), origin=at_start(seed), guess=guess,
                 alt=_("{title} from the first unit to the last: {ends}").format(title=title, ends=ends))


def columns(courses: Courses, seed: int, *names: str) -> Table:
    """Some columns of what was measured."""
    return Table(course_table(courses)[["Ordering", *names]], at_start(seed))


def grouped(series: Mapping[str, Sequence[float]], written: Mapping[str, Sequence[str]], title: str, origin: Origin,
            log: bool = False) -> Chart:
    """Bars for each ordering."""
    each = "; ".join(
        f"{name}: " + ", ".join(f"{ordering[:3]} {text}" for ordering, text in zip(NAMES.values(), written[name]))
        for name in series)
    return Chart(lambda palette: figures.grouped(list(NAMES.values()), series, written, title, palette, log),
                 f"{title}. {each}", origin)


@step(asks=questions.on_the_sum)
def units(depth: str, ordering: str) -> Content:
    all_five = blocks(depth)
    shown = {NAMES[each]: all_five[each] for each in ("original", ordering)}
    costs = Table(cost_table(depth), computed(on_maps(32)), dict.fromkeys(
        ("Weights", "Parameters with norms", "MACs", "Other operations"), "localized"))
    return Content(Blocks(shown, numbers=False), more=(
        Text("units, said"), Blocks({NAMES[each]: block for each, block in all_five.items()}), costs))


@step(asks=questions.shortcut_line, predict=True)
def code(ordering: str) -> Content:
    return Content(Table(shortcut_table(), computed()), more=(
        Text("code, downsample"), Blocks({NAMES[ordering]: projecting(ordering)}, numbers=False),
        Source((ResidualUnit, *UNITS.values()))))


@step(asks=questions.sum_holds, predict=True)
def sums(depth: str, seed: int, courses: Courses = COURSES) -> Content:
    off = {_("off by, %"): [100 * course.remainder for course in courses]}
    written = {_("off by, %"): [course.written_remainder for course in courses]}
    return Content(grouped(off, written, _("sum is off by, %"), at_start(seed)), run_fields(depth, courses),
                   (columns(courses, seed, "Sum is off by"),))


@step(asks=questions.gradient_back, predict=True)
def shortcut(scale: float, slope: float, chain: int) -> Content:
    ways = {f"λ = {each:g}": through_chain(each, slope, chain) for each in dict.fromkeys((1.0, scale))}
    alt = "; ".join(_("{way}: {gradient} after {chain} units").format(way=way, gradient=f"{values[-1]:.3g}", chain=chain)
                    for way, values in ways.items())
    run, passed = measured(_("a chain of such units")), list(range(chain + 1))
    return Content(
        Chart(lambda palette: nested(passed, ways, palette, _("units passed"), _("gradient")), alt, run, guess="y"),
        more=(Table(chain_table(scale, slope, chain), run), Source((ScaledUnit, through_chain))))


@step(asks=questions.below_zero, predict=True)
def branch(depth: str, ordering: str, seed: int, courses: Courses = COURSES) -> Content:
    return Content(over(courses, "negatives", _("F below zero, %"), seed, guess="y"), more=(
        columns(courses, seed, "F below zero, %"), Text("branch, whose case"), Text("branch, size"),
        over(courses, "branches", _("F (RMS)"), seed)))


@step(asks=questions.largest_signal, predict=True)
def signal(depth: str, seed: int, courses: Courses = COURSES) -> Content:
    return Content(over(courses, "signals", _("signal (RMS)"), seed), run_fields(depth, courses), (
        columns(courses, seed, "Signal after the first unit", "After the last"), Text("signal, steps back")))


@step(asks=questions.way_of_the_gradient, predict=True)
def gradient(depth: str, ordering: str, seed: int, courses: Courses = COURSES) -> Content:
    return Content(over(courses, "gradients", _("gradient norm"), seed, "y"), run_fields(depth, courses), (
        columns(courses, seed, "Gradient after the last unit", "After the first", "First / last"),
        Text("gradient, no ranking", course_fields(depth, courses))))


@step(asks=questions.grows_less, predict=True)
def deeper(seed: int, both: dict[str, Courses] = BOTH) -> Content:
    growth = {_("{depth} layers").format(depth=depth): [of(courses, ordering).growth for ordering in NAMES]
              for depth, courses in both.items()}
    written = {name: [rounded(value) for value in values] for name, values in growth.items()}
    return Content(grouped(growth, written, _("gradient, first / last"), at_start(seed), log=True),
                   more=(Table(growth_table(both), at_start(seed)),))


@step(asks=questions.order_of_errors, predict=True)
def errors(depth: str) -> Content:
    written = {name: [f"{value:.2f}" for value in values] for name, values in printed_errors().items()}
    origin = quoted(published()["orderings"]["source"])
    return Content(grouped(printed_errors(), written, _("test error, %"), origin),
                   more=(Table(error_table(), origin),))


@step(asks=questions.has_learnt, predict=True)
def learnt(layers: int, shown: str) -> Content:
    runs, fields = trained.runs(layers), trained.fields(layers)
    return Content(chart(runs, shown), fields, (table(runs), Text("learnt, against the paper", fields)))


@step(asks=questions.much_deeper, predict=True)
def thousand() -> Content:
    depths, values = printed_depths()
    series = {NAMES[name]: each for name, each in values.items()}
    origin = quoted(published()["depths"]["source"])
    alt = "; ".join(f"{name}: {', '.join(f'{value:.2f} %' for value in each)}" for name, each in series.items())

    def draw(palette: Palette) -> Drawn:
        return lines(depths, series, palette, _("layers"), _("test error, %"), "x", zero=False)
    return Content(Chart(draw, alt, origin), {"after": depths[-1]}, (Table(depth_table(), origin),))


@step(asks=questions.norm_outside, predict=True)
def ends(ordering: str) -> Content:
    return Content(Table(outside_table(), computed()), more=(
        Text("ends, the appendix"), Network(network(DEPTHS[0], ordering), ("stage:head",)),
        Source((opening, closing, ResNetV2)),
        *(Explore(preset(depth, ordering)) for depth in DEPTHS), Explore("resnetv2_50"), Explore("resnetv2_50_a")))


LESSON = Lesson(
    "preactivation", KNOBS,
    (units, code, sums, shortcut, branch, signal, gradient, deeper, errors, learnt, thousand, ends), minutes=40,
    links=(Link(_("On whose sum does something act?"), "units", {"ordering": "bn_after_addition"}),
           Link(_("A shortcut of 0.9, through 54 units"), "shortcut", {"chain": 54}),
           Link(_("From 164 to 1001 layers"), "thousand")),
    anchors={"units": "units", "units-code": "code", "code": "code", "branch": "branch", "gradient": "gradient",
             "errors": "errors", "ends": "ends", "try": "units"})
