"""Challenges: goals on a network that a person builds, passed or failed line by line while it is built.

Fifteen come with the app (`lib/data/challenges.toml`); anybody can write another into a link. Whatever comes in a link is
only read: its words are shown as text, its plan and its goals as the languages of plans and of goals say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator, model_validator

from lib.architecture import Declared, Impossible
from lib.once import once
from lib.plan.goals import START, Amount, Goal, Verdict, read_goals, write_goals
from lib.plan.language import Plan, write_on_one_line
from lib.plan.linked import packed, unpacked
from lib.plan.own import OwnKnobs
from lib.plan.standing import standing, whole

FILE = Path(__file__).parent.parent / "data" / "challenges.toml"

OWN = "own"
"""The id of a challenge that is none of ours."""

MOST_GOALS = 12
LONGEST_TITLE, LONGEST_TEXT = 80, 400
SPACES = re.compile("[ \t\r\n\u00a0\u202f]+")
JOINERS = "\u200c\u200d"
"""Letters without a width that some scripts and signs need."""


def _shown(text: str) -> str:
    """The text with plain spaces, on one line. Raises `Impossible` for control characters."""
    text = SPACES.sub(" ", text).strip()
    if not all(letter.isprintable() or letter in JOINERS for letter in text):
        raise Impossible("This challenge has a character that cannot be shown.")
    return text


def _text(most: int, least: int = 0) -> Any:
    """The type of a text of so many characters."""
    def checked(value: Any) -> str:
        text = _shown(str(value))
        if not least <= len(text) <= most:
            raise Impossible(f"A title or a text of this challenge has {len(text):,} characters; it may have "
                             f"{least} to {most}.")
        return text
    return Annotated[str, PlainValidator(checked)]


def _plan(value: Any) -> str:
    return OwnKnobs.read_one("plan", str(value))


def _solution(value: Any) -> str:
    return value and _plan(value)


def _goals(value: Any) -> tuple[Goal, ...]:
    given = read_goals(value) if isinstance(value, str) else value if isinstance(value, (tuple, list)) else ()
    goals = tuple(dict.fromkeys(goal for goal in given if isinstance(goal, Goal)))
    if not 1 <= len(goals) <= MOST_GOALS:
        raise Impossible(f"A challenge has 1 to {MOST_GOALS} goals, and this one has {len(goals)}.")
    return goals


class Challenge(Declared):
    """Goals, and the plan to begin with. One of a person's own has the id `own`, and no solution."""

    id: str = OWN
    level: int = Field(1, ge=1, le=3, title="Level", description="1: easy, 2: some thought, 3: hard.")
    title: _text(LONGEST_TITLE, 1) = Field("A challenge", title="Title", description="A few words.")
    text: _text(LONGEST_TEXT) = Field("", title="Task", description="What is to be built, in a sentence or two.")
    hint: _text(LONGEST_TEXT) = Field("", title="Hint", description="Shown to whoever asks for it.")
    goals: Annotated[tuple[Goal, ...], PlainValidator(_goals)] = Field("output=10", title="Goals", description=(
        "The lines to pass."))
    start: Annotated[str, PlainValidator(_plan)] = Field("image 3 32x32", title="Plan to begin with", description=(
        "Often only the picture."))
    solution: Annotated[str, PlainValidator(_solution)] = ""

    @model_validator(mode="after")
    def start_is_a_network(self) -> Challenge:
        """Where goals are measured by it. Raises `Impossible`."""
        if any(isinstance(goal, Amount) and goal.network == START for goal in self.goals) and not whole(self.start):
            raise Impossible("A goal is measured by the plan to begin with, and that plan builds no network.")
        return self


@once
def challenges() -> tuple[Challenge, ...]:
    """Those that come with the app, from easy to hard."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))["challenge"]
    return tuple(Challenge.read(each) for each in found)


def judge(challenge: Challenge, plan: Plan) -> tuple[Verdict, ...]:
    """The verdict on every goal, in their order. Nothing passes while the plan builds no network: what the rows that stand
    come to is then said, and not counted."""
    built = standing(write_on_one_line(plan))
    return tuple(goal.judged(built, challenge.start) for goal in challenge.goals)


def is_solved(verdicts: Iterable[Verdict]) -> bool:
    """Whether every goal is passed."""
    return all(verdict.passed for verdict in verdicts)


# Links

PART = re.compile(r"((?:[^\\|]|\\[\\|])*)(\||$)")
IN_LINK = ("level", "title", "text", "hint", "goals", "start")
"""What a challenge of one's own is in a link, in this order, with | between."""


def written(challenge: Challenge) -> str:
    """The challenge for a link: the id of one of ours, all of it but a solution otherwise."""
    if challenge in challenges():
        return challenge.id
    parts = (str(challenge.level), challenge.title, challenge.text, challenge.hint, write_goals(challenge.goals),
             challenge.start)
    return packed("|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts))


def read_challenge(text: str) -> Challenge:
    """The challenge that a link names or holds. Raises `Impossible` with one sentence."""
    if ours := next((challenge for challenge in challenges() if challenge.id == text), None):
        return ours
    parts = [_shown(part) for part in _parts(unpacked(text, "challenge"))]
    if len(parts) != len(IN_LINK):
        raise Impossible(f"There is no challenge “{parts[0][:40]}”." if len(parts) == 1 else
                         f"The challenge in this link has {len(parts)} parts in place of {len(IN_LINK)}.")
    return Challenge.read(dict(zip(IN_LINK, parts)))


def _parts(text: str) -> list[str]:
    """What stands between the | of a text. Raises `Impossible` where a \\ stands before anything but | and \\."""
    found, place = [], 0
    while part := PART.match(text, place):
        found.append(re.sub(r"\\(.)", r"\1", part[1]))
        place = part.end()
        if not part[2]:
            return found
    raise Impossible("The challenge in this link is damaged: a \\ stands where none can be.")
