"""What the lesson on identity mappings asks."""

from lib.lessons.preactivation import trained
from lib.lessons.preactivation.chain import through_chain, units_of_the_paper
from lib.lessons.preactivation.courses import BOTH, COURSES, ROUNDING, Course, course_fields, of, run_fields
from lib.lessons.preactivation.errors import error, printed_depths
from lib.lessons.preactivation.orderings import (
    DEPTHS, NAMES, after_addition, branch_end_words, code_lines, lines_with, norms_outside)
from lib.lessons.residual.signals import rounded
from lib.questions import Choice, Levels, Number, Order, Place, Several, kind

Courses = tuple[Course, ...]
SEEDS = (0, 1, 2, 3, 4)
ORDERING = Levels(("original", "full"), tuple(NAMES), tuple(NAMES))
SMALL, LARGE = 0.9, 1.1
"""What a shortcut is multiplied by, a little less and a little more than the identity."""
GROWS, SHRINKS = 2, 1 / 2
"""A gradient that changes by less stays about the same."""


@kind(level=1, depth=DEPTHS, ordering=ORDERING)
def on_the_sum(depth: str, ordering: str) -> Choice:
    """What follows the addition within a unit."""
    found = {(): "nothing", ("relu",): "relu", ("batch_norm", "relu"): "norm_relu"}
    return Choice(found[after_addition(depth, ordering)], fields={"name": NAMES[ordering]})


@kind(level=1, ordering=Levels(("original", "relu_before_addition"), tuple(NAMES), ("relu_only", "full")))
def shortcut_line(ordering: str) -> Place:
    """The line of a unit's code that says what the shortcut reads."""
    lines = code_lines(ordering)
    (answer,) = lines_with(ordering, "self.downsample(")
    return Place(frozenset({answer}), {str(number): f"line {number}" for number in range(1, len(lines) + 1)}, slip_values={
        "branch": lines_with(ordering, "conv("), "sum": lines_with(ordering, "+ shortcut"),
    }, fields={"name": NAMES[ordering], "line": lines[int(answer) - 1].strip(), "code": "\n".join(
        f"{number}  {line}" for number, line in enumerate(lines, start=1))})


@kind(level=2, depth=DEPTHS, seed=SEEDS)
def sum_holds(depth: str, courses: Courses = COURSES) -> Several:
    """In which orderings the signal is an earlier one plus all that was added since."""
    holds = {course.ordering for course in courses if course.remainder < ROUNDING}
    return Several(answer=frozenset(holds), names=NAMES, slip_values={
        "pre-activation alone": {"relu_only", "full"}, "original too": holds | {"original"}, "all of them": set(NAMES),
        "full alone": {"full"},
    }, fields=course_fields(depth, courses))


@kind(level=3, scale=Levels((1.0,), (0.5, 0.9, 1.0, 1.1), (0.5, 0.9, 1.1)),
      slope=Levels((0.0, 0.1), (0.0, 0.1), (-0.1, 0.1, 0.2)), chain=Levels((1, 2), (2, 5), (5, 10)))
def gradient_back(scale: float, slope: float, chain: int) -> Number:
    """A gradient of 1, after it went back through a chain of units."""
    return Number(through_chain(scale, slope, chain)[-1], {
        "shortcut forgotten": through_chain(0.0, slope, chain)[-1],
        "branch forgotten": through_chain(scale, 0.0, chain)[-1],
        "scale forgotten": through_chain(1.0, slope, chain)[-1],
        "one unit": scale + slope,
        "added up": chain * (scale + slope),
    }, tolerance=0.03, shown=".3g", fields={
        "scale": f"{scale:g}", "slope": f"{slope:g}", "chain": chain, "each": f"{scale + slope:g}",
        "all": units_of_the_paper(),
        "plain": f"{through_chain(0.0, slope, chain)[-1]:.2g}",
        "identity": f"{through_chain(1.0, slope, chain)[-1]:.3g}",
        "small": SMALL, "far_small": f"{through_chain(SMALL, 0.0, units_of_the_paper())[-1]:.1g}",
        "large": LARGE, "far_large": f"{through_chain(LARGE, 0.0, units_of_the_paper())[-1]:.0f}"})


@kind(level=2, depth=DEPTHS, ordering=Levels(("original", "relu_before_addition"), tuple(NAMES), tuple(NAMES)), seed=SEEDS)
def below_zero(depth: str, ordering: str, courses: Courses = COURSES) -> Number:
    """The share of what the branch adds that is below zero."""
    return Number(of(courses, ordering).negative, {"half": 50, "never negative": 0, "always": 100, "quarter": 25},
                  unit="%", tolerance=0.1, shown=".1f", fields=course_fields(depth, courses) | {
                      "name": NAMES[ordering], "end": branch_end_words(ordering)})


@kind(level=2, depth=DEPTHS, seed=SEEDS)
def largest_signal(depth: str, courses: Courses = COURSES) -> Choice:
    """Whose signal is the largest after the last unit."""
    return Choice(max(courses, key=lambda course: course.signals[-1]).ordering, NAMES, fields=course_fields(depth, courses))


@kind(level=2, depth=DEPTHS, ordering=ORDERING, seed=SEEDS)
def way_of_the_gradient(depth: str, ordering: str, courses: Courses = COURSES) -> Choice:
    """What becomes of the gradient from the last unit to the first."""
    growth = of(courses, ordering).growth
    return Choice("grows" if growth > GROWS else "vanishes" if growth < SHRINKS else "stays", fields=run_fields(
        depth, courses) | {"name": NAMES[ordering], "growth": rounded(growth) if growth >= 1 else f"{growth:.2g}"})


@kind(level=3, seed=SEEDS)
def grows_less(both: dict[str, Courses] = BOTH) -> Several:
    """In which orderings the gradient grows less in the deeper networks."""
    growth = {ordering: [of(courses, ordering).growth for courses in both.values()] for ordering in NAMES}
    less = {ordering for ordering, (shallow, deep) in growth.items() if deep < shallow}
    fields = {f"growth_{NAMES[ordering][1]}_{depth}": rounded(value)
              for ordering, values in growth.items() for depth, value in zip(DEPTHS, values)}
    return Several(answer=frozenset(less), names=NAMES, slip_values={
        "deeper is always more": (), "deeper is always less": set(NAMES), "best is calmest": {"full"},
        "original alone": {"original"},
    }, fields=fields | {f"worst_{depth}": f"{error('bn_after_addition', depth):.2f}" for depth in DEPTHS})


@kind(level=3, depth=DEPTHS)
def order_of_errors(depth: str) -> Order:
    """The five orderings by the error that the paper prints."""
    order = tuple(sorted(NAMES, key=lambda ordering: error(ordering, depth)))
    swapped = {"original": "relu_only", "relu_only": "original"}
    worst = {"bn_after_addition": "relu_before_addition", "relu_before_addition": "bn_after_addition"}
    return Order(answer=order, names=NAMES, slip_values={
        "by the letter": tuple(NAMES), "by the letter, backwards": tuple(reversed(NAMES)),
        "a and d": tuple(swapped.get(each, each) for each in order),
        "b and c": tuple(worst.get(each, each) for each in order),
    }, fields={"depth": depth} | {f"error_{NAMES[each][1]}_{layers}": f"{error(each, layers):.2f}"
                                  for each in NAMES for layers in DEPTHS})


@kind(level=2)
def much_deeper() -> Choice:
    """Which of two units gains from going from 164 to 1001 layers."""
    depths, errors = printed_depths()
    better = {name: values[-1] < values[-2] for name, values in errors.items()}
    answers = {(False, True): "full", (True, False): "original", (True, True): "both", (False, False): "neither"}
    return Choice(answers[better["original"], better["full"]], fields={
        "before": depths[-2], "after": depths[-1], "first": depths[0]} | {
        f"{name}_{depth}": f"{value:.2f}" for name, values in errors.items() for depth, value in zip(depths, values)})


@kind(level=2, ordering=Levels(("original", "full"), tuple(NAMES), ("relu_only", "full")))
def norm_outside(ordering: str) -> Place:
    """Where a network has a batch norm outside its units."""
    return Place(frozenset(norms_outside(ordering)), slip_values={
        "as in 2015": ("stem",), "as in (e)": ("end",), "between stages": ("stage",), "after the pooling": ("pooled",),
    }, fields={"name": NAMES[ordering]})


@kind(level=2, layers=tuple(trained.ORDERS))
def has_learnt(layers: int) -> Several:
    """Which orderings learn the digits in a short training."""
    learnt = trained.learnt(layers)
    return Several(answer=frozenset(learnt), names=NAMES, slip_values={
        "all": set(NAMES), "full alone": {"full"}, "original too": learnt | {"original"},
        "only (b) fails": set(NAMES) - {"bn_after_addition"},
    }, fields=trained.fields(layers))
