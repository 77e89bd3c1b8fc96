"""Changes of a plan, row by row. Each gives the new plan, and the place of the row that was changed.

A place leads from the plan to a row: its index among the rows, then among the rows within, and so on. A gap is where a row
could stand: the place that it would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from lib.architecture import Impossible
from lib.plan.language import WORDS, Add, BranchRow, Concat, Holder, Place, Plan, Row, lines, read_word
from lib.plan.word import Word

Rows = tuple[Row, ...]


def row_at(plan: Plan, place: Place) -> Row:
    """The row at a place. Raises IndexError where there is none."""
    row, *rest = plan.rows[place[0]], *place[1:]
    for index in rest:
        row = row.rows[index]
    return row


def word_at(plan: Plan, place: Place) -> Word | None:
    """The word of the row at a place; () is the picture. None if there is no row."""
    try:
        return row_at(plan, place).word if place else plan.image
    except IndexError:
        return None


def set_word(plan: Plan, place: Place, word: Word) -> Plan:
    """The row's word changed; () is the picture. Rows within stay where the new word can hold them."""
    if not place:
        return replace(plan, image=word)
    row = row_at(plan, place)
    if isinstance(row.word, Holder) != isinstance(word, Holder):
        return _spliced(plan, place, (new_row(word),))
    return _spliced(plan, place, (_holding(word, row),))


def _holding(word: Word, row: Row) -> Row:
    """The word with the rows of another row: those of a sum stay in branches, others leave the first branch."""
    forked, was_forked = isinstance(word, (Add, Concat)), isinstance(row.word, (Add, Concat))
    if forked and not was_forked and isinstance(word, Holder):
        return Row(word, (Row(BranchRow(), row.rows), Row(BranchRow())))
    if was_forked and not forked:
        return Row(word, row.rows[0].rows if row.rows else ())
    return Row(word, row.rows)


def new_row(word: Word) -> Row:
    """A fresh row: a sum or a joining begins with two branches, since one of them would change nothing."""
    return Row(word, (Row(BranchRow()), Row(BranchRow())) if isinstance(word, (Add, Concat)) else ())


def heard(spoken: str) -> str:
    """The word that a person means by its name, its title, or the beginning of one; empty if it is none of these."""
    said = spoken.strip().lower()
    titles = {word.title.lower(): name for name, word in WORDS.items()}
    begun = [name for title, name in titles.items() if said and title.startswith(said)]
    return said if said in WORDS else titles.get(said) or next(iter(begun), "")


def usual(plan: Plan, name: str, line: int) -> Word:
    """What a new row of this word begins as: as the last one above the line, else as its `usual` is. A linear layer is always
    the usual one, as the last of a network has as many units as there are classes."""
    before = [each.row.word for each in lines(plan)[:line + 1] if not each.closes and each.row.word.name() == name]
    return before[-1] if before and name not in ("linear", "stage") else read_word(WORDS[name].usual.split())


def like(word: Word, other: type[Word]) -> Word:
    """Another word with the values that both have, where it can take them."""
    fresh = read_word(other.usual.split())
    for name in other.model_fields.keys() & type(word).model_fields.keys():
        try:
            fresh = other.read(dict(fresh) | {name: getattr(word, name)})
        except Impossible:
            continue
    return fresh


def insert(plan: Plan, gap: Place, row: Row) -> Plan:
    """A row put into a gap."""
    return _changed(plan, gap[:-1], lambda rows: (*rows[:gap[-1]], row, *rows[gap[-1]:]))


def remove(plan: Plan, place: Place) -> Plan:
    """A row taken out, with the rows within."""
    return _spliced(plan, place, ())


def copy(plan: Plan, place: Place) -> tuple[Plan, Place]:
    """A row once more, after itself."""
    after = (*place[:-1], place[-1] + 1)
    return insert(plan, after, row_at(plan, place)), after


def wrap(plan: Plan, place: Place, word: Word) -> Plan:
    """A row put into a `repeat` or a `stage`, or into the first branch of a sum or a joining. The new row has its place."""
    row = row_at(plan, place)
    within = (Row(BranchRow(), (row,)), Row(BranchRow())) if isinstance(word, (Add, Concat)) else (row,)
    return _spliced(plan, place, (Row(word, within),))


def unwrap(plan: Plan, place: Place) -> Plan:
    """The rows of a row in its place; of a sum those of its first branch."""
    row = row_at(plan, place)
    within = row.rows[0].rows if isinstance(row.word, (Add, Concat)) and row.rows else row.rows
    return _spliced(plan, place, within)


def gaps(plan: Plan, word: Word) -> list[Place]:
    """Where a row of this word could stand, in the order of the text."""
    wanted = isinstance(word, BranchRow)
    return [gap for gap, holder in _gaps(plan.rows, (), None) if isinstance(holder, (Add, Concat)) == wanted]


def _gaps(rows: Rows, place: Place, holder: Word | None) -> Iterator[tuple[Place, Word | None]]:
    for index, row in enumerate(rows):
        yield (*place, index), holder
        if isinstance(row.word, Holder):
            yield from _gaps(row.rows, (*place, index), row.word)
    yield (*place, len(rows)), holder


def gap_after(plan: Plan, place: Place, closes: bool, word: Word) -> Place:
    """The first gap for a word after a line: within a row that holds rows, after one that does not, and after the brace
    that `closes` a row; before all rows for the picture. Where there is none after it, the last one. Raises `Impossible` for a
    branch where nothing has branches."""
    if not place:
        start: Place = (0,)
    elif not closes and isinstance(row_at(plan, place).word, Holder):
        start = (*place, 0)
    else:
        start = (*place[:-1], place[-1] + 1)
    order = [gap for gap, _holder in _gaps(plan.rows, (), None)]
    later = order[order.index(start):]
    if not (possible := gaps(plan, word)):
        raise Impossible("A branch stands in a sum or in a joining; add one of these first.")
    return next((gap for gap in later if gap in possible), possible[-1])


def move(plan: Plan, place: Place, down: bool) -> tuple[Plan, Place]:
    """A row one gap up or down, with the rows within; it stays at the end of the plan and at its beginning."""
    row = row_at(plan, place)
    without = remove(plan, place)
    possible = gaps(without, row.word)
    index = possible.index(place) + (1 if down else -1)
    if not 0 <= index < len(possible):
        return plan, place
    return insert(without, possible[index], row), possible[index]


def _spliced(plan: Plan, place: Place, rows: Rows) -> Plan:
    """The plan with other rows in the place of one."""
    return _changed(plan, place[:-1], lambda all: (*all[:place[-1]], *rows, *all[place[-1] + 1:]))


def _changed(plan: Plan, holder: Place, change: Callable[[Rows], Rows]) -> Plan:
    """The plan with the rows within one row changed, or its own where `holder` is ()."""
    def within(rows: Rows, path: Place) -> Rows:
        if not path:
            return change(rows)
        index, *rest = path
        return (*rows[:index], replace(rows[index], rows=within(rows[index].rows, tuple(rest))), *rows[index + 1:])
    return replace(plan, rows=within(plan.rows, holder))
