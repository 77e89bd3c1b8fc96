"""What would help a row that cannot take what arrives: changes of the plan that were tried, and after which it can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from lib.analysis.fitting import input_sizes
from lib.architecture import Impossible, is_size, sides, written_size
from lib.catalog import get
from lib.meta import on_meta
from lib.once import once
from lib.plan.editing import insert, new_row, remove, row_at, set_word
from lib.plan.growing import Refused, grow, names, ran
from lib.plan.language import Add, Concat, Conv, Flatten, GlobalPool, Holder, Place, Plan, Pool, Row, Stage, write_on_one_line
from lib.plan.own import OwnKnobs
from lib.plan.standing import standing
from lib.plan.word import Shape, Unfit, Word

MOST_MENDS = 5
"""A row offers no more changes than this."""
MOST_TRIES, LEAST_TOP = 48, 64
"""Values of a field that are tried, and up to which at least."""


@dataclass(frozen=True)
class Mend:
    """A change that helps: what it does, in a few words, and the plan with it. `place` is the mended row's."""

    words: str
    plan: Plan
    place: Place


@once
def mends(text: str) -> tuple[Mend, ...]:
    """Changes of the plan of this text after which its refused row can take what arrives, the smallest ones first; none for
    a plan that builds."""
    stands = standing(text)
    return tuple(_mends(stands.plan, stands.refused)) if stands.refused else ()


def _mends(plan: Plan, end: Refused) -> list[Mend]:
    row = row_at(plan, end.place)
    if isinstance(row.word, (Add, Concat)):
        candidates = _of_branches(plan, end, row)
    elif isinstance(row.word, Holder):
        candidates = _of_name(plan, end, row)
    else:
        candidates = chain(_before(plan, end, row), _of_values(plan, end, row), _of_picture(plan, end),
                           _adapter(plan, end, row))
    found: dict[Plan, Mend] = {}
    for mend in candidates:
        if mend.plan not in found and _helps(mend):
            found[mend.plan] = mend
        if len(found) == MOST_MENDS:
            break
    return list(found.values())


def _helps(mend: Mend) -> bool:
    """Whether the plan now goes further than the mended row: to a row after it, or to the end of one that holds it."""
    with on_meta():
        end = grow(mend.plan).refused
    if end is None or mend.place[:len(end.place)] == end.place != mend.place:
        return True
    return end.place > mend.place and end.place[:len(mend.place)] != mend.place


def _before(plan: Plan, end: Refused, row: Row) -> Iterator[Mend]:
    """Rows put in or taken out before the refused one."""
    gap, after = end.place, (*end.place[:-1], end.place[-1] + 1)
    if len(end.arrives) == 3:
        yield Mend("flatten before it", insert(plan, gap, Row(Flatten())), after)
        pooled = insert(insert(plan, gap, Row(Flatten())), gap, Row(GlobalPool()))
        yield Mend("globalpool and flatten before it", pooled, (*end.place[:-1], end.place[-1] + 2))
    elif gap[-1] and isinstance(row_at(plan, before := (*gap[:-1], gap[-1] - 1)).word, Flatten):
        yield Mend("without the flatten before it", remove(plan, before), before)


def _of_values(plan: Plan, end: Refused, row: Row) -> Iterator[Mend]:
    """One value of the row changed to the nearest that works."""
    for name in type(row.word).model_fields:
        for value in _tried(row.word, name, end.arrives):
            try:
                word = row.word.read(dict(row.word) | {name: value})
            except Impossible:
                continue
            if _fits(word, end):
                yield Mend(f"{name}={word.value_text(name)}", set_word(plan, end.place, word), end.place)
                break


def _adapter(plan: Plan, end: Refused, row: Row) -> Iterator[Mend]:
    """A 1×1 convolution before the row, with the nearest channels that it can take."""
    if len(end.arrives) != 3:
        return
    channels, *sides = end.arrives
    near = sorted(range(1, 2 * channels + LEAST_TOP), key=lambda each: abs(each - channels))[1:MOST_TRIES]
    for each in near:
        if _fits(row.word, end, (each, *sides)):
            word, after = Conv(channels=each, kernel=1), (*end.place[:-1], end.place[-1] + 1)
            yield Mend(f"{word.written()} before it", insert(plan, end.place, Row(word)), after)
            return


def _fits(word: Word, end: Refused, arrives: Shape = ()) -> bool:
    """Whether a word can take what arrives at the refused row, or something else."""
    shape = arrives or end.arrives
    try:
        ran(word.call(shape), Row(word), shape, end.place, word.name())
    except (Unfit, Refused):
        return False
    return True


def _tried(word: Word, name: str, arrives: Shape) -> Iterable:
    """Values of a field, the nearest first."""
    value = getattr(word, name)
    if name == "padding":
        return [each for each in ("same", *range(17)) if each != value]
    if is_size(type(word), name):
        largest = max(sides(value))
        return [smaller for smaller in range(largest - 1, 0, -1)][:MOST_TRIES]
    if name == "shortcut":
        return [each for each in ("B", "D") if each != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        top = max(2 * value, *arrives, LEAST_TOP) + 1
        near = sorted({*range(max(1, value - MOST_TRIES), value + MOST_TRIES), *arrives[:1], 2 * arrives[0]} - {value},
                      key=lambda each: (abs(each - value), each))
        return [each for each in near if each <= top]
    return []


def _of_picture(plan: Plan, end: Refused) -> Iterator[Mend]:
    """A picture that leaves enough for the row."""
    if not end.by_size:
        return
    cut = _ending_at(plan, end.place)
    knobs = OwnKnobs.read({"plan": write_on_one_line(cut)})
    if sizes := input_sizes(get("own"), knobs):
        wanted = max(sides(plan.image.size))
        side = next((size for size in sizes if size >= wanted), sizes[-1])
        image = plan.image.model_copy(update={"size": written_size(side, side)})
        yield Mend(f"a picture of {side}×{side}", replace(plan, image=image), end.place)


def _ending_at(plan: Plan, place: Place) -> Plan:
    """The plan up to the outermost row that holds this place."""
    return replace(plan, rows=plan.rows[:place[0] + 1])


def _of_name(plan: Plan, end: Refused, row: Row) -> Iterator[Mend]:
    if isinstance(row.word, Stage):
        beside = row_at(plan, end.place[:-1]).rows if end.place[:-1] else plan.rows
        others = (f"{row.word.label[:28]}_{number}" for number in range(2, len(beside) + 3))
        label = next(name for name in others if name not in names(beside))
        yield Mend(f"the name {label}", set_word(plan, end.place, Stage(label=label)), end.place)


def _of_branches(plan: Plan, end: Refused, row: Row) -> Iterator[Mend]:
    """An end put to a branch that makes it as the others, and windows that keep the size."""
    if not row.rows:
        filled = insert(remove(plan, end.place), end.place, new_row(row.word))
        yield Mend("two branches in it", filled, end.place)
        return
    yield from _adapted(plan, end, row, "")
    same = _kept_sizes(plan, end.place, row)
    yield Mend("padding=same in all branches", same, end.place)
    with on_meta():
        further = grow(same).refused
    if further and further.place == end.place:
        yield from _adapted(same, further, row_at(same, end.place), "padding=same in all branches, and ")


def _adapted(plan: Plan, end: Refused, row: Row, first: str) -> Iterator[Mend]:
    """One branch after the other made to end as another one does."""
    for index in range(len(end.ends)):
        for wanted in dict.fromkeys(shape for shape in end.ends if shape != end.ends[index]):
            yield from _projected(plan, end, row, index, wanted, first)


def _projected(plan: Plan, end: Refused, row: Row, index: int, wanted: Shape, first: str) -> Iterator[Mend]:
    """A 1×1 convolution at the end of a branch, with the channels of another branch and a stride that leads to its map."""
    given = end.ends[index]
    if len(given) != 3 or len(wanted) != 3:
        return
    channels = wanted[0] if isinstance(row.word, Add) else given[0]
    strides = [max(1, round(have / want)) for have, want in zip(given[1:], wanted[1:])]
    for stride in dict.fromkeys((written_size(*strides), *range(1, 5))):
        word = Conv(channels=channels, kernel=1, stride=stride, bias=False)
        gap = (*end.place, index, len(row.rows[index].rows))
        yield Mend(f"{first}{word.written()} at the end of branch {index + 1}", insert(plan, gap, Row(word)), end.place)


def _kept_sizes(plan: Plan, place: Place, row: Row) -> Plan:
    """The plan with `same` as the padding of all windows within a row."""
    for index, branch in enumerate(row.rows):
        for inner, each in enumerate(branch.rows):
            if isinstance(each.word, (Conv, Pool)):
                plan = set_word(plan, (*place, index, inner), each.word.model_copy(update={"padding": "same"}))
    return plan
