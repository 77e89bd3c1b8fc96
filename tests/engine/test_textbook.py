"""Every card of the textbook: its check gives its verdict, and its numbers are those of other sources.

The other sources are torchvision's and timm's networks, torch's own layers and counters, published tables, and
arithmetic written out: `textbook_notes` and `textbook_slides`.
"""

import re
from collections import Counter

import pytest

import lib
from lib import catalog
from lib.lessons import textbook
from lib.lessons.textbook import memory
from tests.engine import textbook_notes  # noqa: F401  fills EXPECTED
from tests.engine.textbook_slides import SLIDE, sums
from tests.engine.textbook_sources import EXPECTED

CARDS = {card.id: card for card in textbook.cards()}
CHECKED = [card.id for card in textbook.cards() if card.check]


def agree(found: str, expected) -> bool:
    """Whether the text that a row shows says what is expected, to the digits that it shows."""
    if isinstance(expected, str):
        return found == expected
    shown = re.findall(r"-?\d[\d,]*(?:\.\d+)?", re.sub(r"ResNet-50(-D)?", "", found))
    numbers = [float(text.replace(",", "")) for text in shown]
    if callable(expected):
        return expected(numbers[0])
    wanted = expected if isinstance(expected, tuple) else (expected,)
    digits = [len(text.partition(".")[2]) for text in shown]
    return len(numbers) >= len(wanted) and all(
        abs(number - float(want)) <= 0.5 * 10**-places + 1e-9 for number, want, places in zip(numbers, wanted, digits))


def test_every_check_is_expected_and_every_other_card_says_why():
    assert set(EXPECTED) == set(CHECKED)
    for card in CARDS.values():
        assert bool(card.check) != bool(card.reason), card.id


@pytest.mark.parametrize("name", CHECKED)
def test_evidence_is_that_of_other_sources(name):
    rows, expected = textbook.evidence(name), EXPECTED[name]()
    assert len(rows) == len(expected)
    for row, value in zip(rows, expected):
        assert agree(row.found, value), (row, value)


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id)
def test_the_verdict_is_what_the_lines_say(card):
    graded = [row.agrees for row in textbook.evidence(card.id) if row.agrees is not None]
    verdict = "unchecked" if not graded else "holds" if all(graded) else "imprecise" if any(graded) else "wrong"
    assert card.verdict == verdict == textbook.verdict(textbook.evidence(card.id))


@pytest.mark.parametrize("name", SLIDE)
def test_the_slide_s_rows_are_those_that_are_printed(name):
    card = CARDS[f"alexnet-{name}"]
    assert card.arguments == (name, *SLIDE[name][1:]) and not card.verified
    for number in filter(None, SLIDE[name][1:]):
        assert f"{number:,}" in card.statement


def test_the_slides_sums_are_those_of_a_vgg_with_a_convolution_missing():
    """By hand: two convolutions in stage 3. The printed 13.6 billion, 48.6 MiB, 7485 million and 42.9 MiB come out."""
    stages, size, channels, cost, memory = (2, 2, 2, 3, 3), 224, 3, [], []
    for depth, width in zip(stages, (64, 128, 256, 512, 512)):
        for _ in range(depth):
            cost.append(9 * channels * width * size**2)
            memory.append(4 * width * size**2 / 2**20)
            channels = width
        size //= 2
    linear = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    found = textbook.drawn_and_true().table(["Printed", "drawn", "true"])
    assert list(found["drawn"][:2]) == [f"{(sum(cost) + linear) / 1e9:.3f}", f"{sum(memory):.3f}"] == ["13.621", "48.617"]
    assert list(found["drawn"][3:5]) == [f"{sum(cost[:6]) / 1e6:.3f}", f"{sum(memory[:6]):.3f}"] == ["7485.456", "42.875"]
    assert list(found["Printed"]) == ["13.6", "48.6", "138", "7485", "42.9", "1.1"]
    memory, count, cost = sums("vgg16")
    assert list(found["true"][:3]) == [f"{cost / 1e9:.3f}", f"{memory:.3f}", f"{count / 1e6:.3f}"]


def test_every_card_leads_somewhere_and_says_its_source():
    for card in CARDS.values():
        assert card.source and card.right and card.document in textbook.documents()
        if card.explore:
            preset, knobs = card.explore
            assert catalog.configure(preset, knobs) and preset in lib.presets()


def test_all_reviewed_statements_are_there():
    """54 statements of five documents, 12 rows of AlexNet's table, the sums and formulas of the slides, and CS231n's sum."""
    assert Counter(card.document for card in CARDS.values()) == {
        "variants": 15, "structure": 8, "backbones": 13, "versions": 6, "lecture": 12, "slides": 21, "cs231n": 1}
    assert len(CARDS) == len(textbook.cards()) == 76


def test_cs231n_s_list_is_right_but_its_sum_is_not():
    """By hand, from the notes' own products: 15,237,608 numbers, not 24 million; and the gap to Explore to the last byte."""
    convolutions = 2 * 224**2 * 64 + 2 * 112**2 * 128 + 3 * 56**2 * 256 + 3 * 28**2 * 512 + 3 * 14**2 * 512
    poolings = 112**2 * 64 + 56**2 * 128 + 28**2 * 256 + 14**2 * 512 + 7**2 * 512
    numbers = 224 * 224 * 3 + convolutions + poolings + 4096 + 4096 + 1000
    assert sum(memory.listed()) == numbers == 15_237_608 and len(memory.listed()) == len(memory.ENTRIES) == 22
    assert sum(memory.ENTRIES) == pytest.approx(numbers, rel=0.01)  # as printed, rounded, the list comes to the same
    assert 4 * numbers == 60_950_432
    assert lib.analyze("vgg16").activation_bytes == 4 * (numbers - 3 * 224**2 + 7**2 * 512) == 60_448_672
    assert numbers / 24e6 < 2 / 3 and 4 * numbers / 93e6 < 2 / 3  # "less than two thirds"
    assert CARDS["vgg-memory"].verdict == "wrong" and CARDS["vgg-memory"].verified


def test_shuffled_is_the_same_cards_in_another_order():
    cards = textbook.cards()
    assert textbook.shuffled(cards, 0) == cards and textbook.shuffled(cards, 3) == textbook.shuffled(cards, 3) != cards
    assert {card.id for card in textbook.shuffled(cards, 3)} == set(CARDS)
    assert textbook.shuffled(cards, 4) != textbook.shuffled(cards, 3)
