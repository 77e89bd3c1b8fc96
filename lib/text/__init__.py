"""The prose of the pages: one Markdown file a page, cut into sections by its headings, our numbers as {fields}."""

import gettext
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent

_ = gettext.translation("backbone_lab", localedir=FOLDER / "locale", fallback=True).gettext
"""Translates a short label; English is the fallback."""


@cache
def sections(page: str, language: str = "en") -> dict[str, str]:
    """The sections of a page's text by their `## ` headings."""
    text = (FOLDER / language / f"{page}.md").read_text(encoding="utf-8")
    parts = text.split("\n## ")[1:]
    return {heading.strip(): body.strip() for heading, _, body in (part.partition("\n") for part in parts)}


def prose(page: str, heading: str, **fields: object) -> str:
    """A section with its fields filled in. Raises KeyError for a heading or field that is not there."""
    return sections(page)[heading].format_map(fields)


def step_prose(lesson: str, step: str, **fields: object) -> tuple[str, str]:
    """A step's heading, which is the first line of its section, and what it says."""
    heading, _newline, body = prose(lesson, step, **fields).partition("\n")
    return heading.strip(), body.strip()


@cache
def asked(lesson: str, question: str) -> dict[str, str]:
    """The parts of a question's words, its fields not filled in: `words`, `hint`, `because`, `slip: ...`, `options`."""
    first, *others = sections(lesson)[f"ask: {question}"].split("\n### ")
    parts = {heading.strip(): body.strip() for heading, _newline, body in (part.partition("\n") for part in others)}
    return {"words": first.strip(), **parts}


def common_slips(name: str) -> str:
    """What a slip that many questions know is met with. Raises KeyError for a name that is not there."""
    return sections("slips")[name]


def literal(text: str) -> str:
    """Words of ours that are not written as Markdown, such as `3*3` from a table: their signs are shown as signs. For words
    of strangers it is not enough, as a bare address still becomes a link: `lib.ui.address.plain`."""
    return re.sub(r"([\\`*_{}\[\]()#+\-!|<>~$:&])", r"\\\1", text)
