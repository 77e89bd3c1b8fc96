"""The prose: every heading that a page asks for is there, every field is filled, no number of ours is typed."""

import re
from pathlib import Path

import pytest

from lib.lessons import names
from lib.text import FOLDER, prose, sections

ROOT = FOLDER.parent.parent
CODE = "\n".join(path.read_text() for folder in ("lib", "pages") for path in (ROOT / folder).rglob("*.py"))


FILES = sorted((FOLDER / "en").glob("*.md"))
OF_LESSONS = {*names(), "slips"}
"""Their sections are asked for by steps and questions: tests/lessons/test_steps.py goes over them."""


@pytest.mark.parametrize("file", [file for file in FILES if file.stem not in OF_LESSONS], ids=lambda path: path.stem)
def test_every_section_is_used_and_every_used_one_is_there(file: Path):
    asked = set(re.findall(rf'prose\("{file.stem}", "([^"]+)"', CODE))
    assert asked == {section for section in sections(file.stem) if not section.startswith("ask: ")}


def test_every_common_slip_is_made_somewhere():
    assert not [name for name in sections("slips") if f'"{name}"' not in CODE]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_no_typed_numbers(file: Path):
    assert not re.findall(r"(?<![\w{:/.])\d{1,3}(?:,\d{3})+|\b\d{5,}\b", file.read_text())


def test_a_missing_field_is_an_error():
    with pytest.raises(KeyError):
        prose("bottleneck", "meaning")
