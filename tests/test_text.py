"""The prose: every heading that a page asks for is there, every field is filled, no number of ours is typed."""

import re
from pathlib import Path

import pytest

from lib.text import FOLDER, prose, sections

ROOT = FOLDER.parent.parent
CODE = "\n".join(path.read_text() for folder in ("lib", "pages") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("file", sorted((FOLDER / "en").glob("*.md")), ids=lambda path: path.stem)
def test_every_section_is_used_and_every_used_one_is_there(file: Path):
    asked = set(re.findall(rf'prose\("{file.stem}", "([^"]+)"', CODE))
    assert asked == set(sections(file.stem))


@pytest.mark.parametrize("file", sorted((FOLDER / "en").glob("*.md")), ids=lambda path: path.stem)
def test_no_typed_numbers(file: Path):
    assert not re.findall(r"(?<![\w{:/.])\d{1,3}(?:,\d{3})+|\b\d{5,}\b", file.read_text())


def test_a_missing_field_is_an_error():
    with pytest.raises(KeyError):
        prose("bottleneck", "Answer")
