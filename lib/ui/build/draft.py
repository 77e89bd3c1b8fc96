"""The plan that a person builds: as it is, as it was before, and which of its lines is chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from lib.architecture import Impossible
from lib.plan import editing
from lib.plan.challenges import Challenge
from lib.plan.language import Line, Place, Plan, lines, read_word, write_on_one_line
from lib.plan.own import FIRST, OwnKnobs
from lib.plan.standing import Standing, standing

MOST_UNDONE = 200
"""Steps back."""


@dataclass
class Draft:
    """The plan on one line as `text`, and the number of its chosen `line`, the picture's being 0. `past` and `future` hold what
    undo and redo go back to. `typed` is a text that cannot be read yet: it stays until it can, or the plan is changed
    otherwise."""

    text: str = field(default_factory=lambda: OwnKnobs.read({"plan": FIRST}).plan)
    line: int = 0
    challenge: Challenge | None = None
    past: list[tuple[str, int]] = field(default_factory=list)
    future: list[tuple[str, int]] = field(default_factory=list)
    typed: tuple[str, str] | None = None

    @property
    def standing(self) -> Standing:
        """The plan and its numbers."""
        return standing(self.text)

    @property
    def plan(self) -> Plan:
        return self.standing.plan

    @property
    def builds(self) -> bool:
        """Whether the plan builds to its end, and computes something."""
        return self.standing.refused is None and bool(self.standing.ops)

    @property
    def chosen(self) -> Line:
        """The chosen line."""
        return lines(self.plan)[self.line]

    @property
    def structure(self) -> str:
        """A short mark of which words stand where, whatever their values are: controls of another row have another key."""
        words = [(line.place, line.row.word.name()) for line in lines(self.plan)]
        return blake2b(repr(words).encode(), digest_size=4).hexdigest()

    def choose(self, line: int) -> None:
        """Choose a line; one that is not there chooses the last."""
        self.line = max(0, min(line, len(lines(self.plan)) - 1))

    def put(self, plan: Plan, place: Place | None = None) -> None:
        """Another plan; the row at `place` becomes the chosen one."""
        self.take(write_on_one_line(plan))
        if place is not None:
            self.choose(line_of(self.plan, place))

    def take(self, text: str) -> None:
        """Another plan as a text, which can be undone. Raises `Impossible` if it cannot be read, or is too long."""
        text = OwnKnobs.read({"plan": text}).plan
        if text != self.text:
            self.past = [*self.past[-MOST_UNDONE:], (self.text, self.line)]
            self.future = []
        self.text, self.typed = text, None
        self.choose(self.line)

    def type(self, typed: str) -> None:
        """The whole plan as a person typed it. Where it cannot be read it is kept, with the reason."""
        try:
            self.take(typed)
        except Impossible as error:
            self.typed = typed, str(error)

    def open(self, challenge: Challenge | None) -> None:
        """Take up a challenge, with the plan that it begins with, or put away the one that is open."""
        if challenge:
            self.take(challenge.start)
            self.choose(len(lines(self.plan)) - 1)
        self.challenge = challenge

    def undo(self) -> None:
        if self.past:
            *self.past, before = self.past
            self.future.append((self.text, self.line))
            self.text, self.line = before
            self.typed = None

    def redo(self) -> None:
        if self.future:
            *self.future, after = self.future
            self.past.append((self.text, self.line))
            self.text, self.line = after
            self.typed = None

    def add(self, spoken: str) -> None:
        """A row after the chosen line: a word by its name or its title, or a row as a plan has it. Raises `Impossible` if there
        is no such word.

        A name alone begins as the last row with this word above does, so that a second convolution needs only its channels.
        """
        name = editing.heard(spoken)
        word = editing.usual(self.plan, name, self.line) if name else read_word(spoken.split())
        gap = editing.gap_after(self.plan, self.chosen.place, self.chosen.closes, word)
        self.put(editing.insert(self.plan, gap, editing.new_row(word)), gap)


def line_of(plan: Plan, place: Place) -> int:
    """The number of the line on which a row begins; the last one where there is no such row."""
    numbers = [number for number, line in enumerate(lines(plan)) if line.place == place]
    return numbers[0] if numbers else len(lines(plan)) - 1
