"""The textbook's kinds of questions: their answers against torchvision's networks, hand arithmetic and the data; what each
wrong answer is met with."""

import json
import re

import pytest
from torch import nn

from lib.architecture import Impossible
from lib.lessons import textbook
from lib.lessons.textbook import DATA, questions
from lib.questions import Unreadable, generate, kinds
from lib.text import literal
from tests.engine.textbook_sources import convolutions, kib, macs, theirs

OPTIONS = ["holds", "imprecise", "wrong", "unchecked"]


def test_they_are_among_all_kinds():
    assert {"textbook.verdict", "textbook.forgotten", "textbook.left_out"} <= set(kinds())
    drawn = [generate("textbook.verdict", seed) for seed in range(40)]
    assert len({question.id for question in drawn}) > 20 and generate("textbook.verdict", 3).id == drawn[3].id
    with pytest.raises(Impossible):
        generate("textbook.verdict", 1, 4)


@pytest.mark.parametrize("card", json.loads(DATA.read_text())["cards"], ids=lambda card: card["id"])
def test_every_card_is_graded_by_its_data(card):
    """A right answer is right; each wrong one is met with words of its own, and numbers of the check."""
    question = questions.verdict(card=card["id"])
    assert list(question.options) == OPTIONS and question.id == f"textbook.verdict(card={card['id']})"
    assert literal(card["statement"]) in question.words and literal(card["right"]) in question.because
    assert question.words.endswith("?") and len(question.words) < 420
    told = set()
    for option in OPTIONS:
        grade = question.grade(option)
        assert grade.right == (option == card["verdict"])
        if not grade.right:
            assert grade.slip.name == option and len(grade.remark) > 30 and not re.search("[{}]", grade.remark)
            told.add(grade.remark)
    assert len(told) == 3
    with pytest.raises(Unreadable):
        question.grade(None)


def test_a_wrong_choice_is_met_with_the_line_that_speaks_against_it():
    imprecise, wrong, right, open_ = (questions.verdict(card=card) for card in (
        "bottleneck-percent", "vgg-memory", "two-threes", "resnext-spelling"))
    assert "does not hold as it stands" in imprecise.grade("holds").remark and "94.444 %" in imprecise.grade("holds").remark
    assert "not all wrong" in imprecise.grade("wrong").remark and "5.903 %" in imprecise.grade("wrong").remark
    assert "the notes have 24, the check finds 15.24" in wrong.grade("holds").remark
    assert "no part of it agrees" in wrong.grade("imprecise").remark
    assert "It holds, the numbers agree" in right.grade("wrong").remark
    assert "It is more than imprecise" in right.grade("imprecise").remark
    assert "can be checked here" in right.grade("unchecked").remark
    assert all("built and counted here" in open_.grade(option).remark for option in OPTIONS[:3])
    assert "agree: 0 of 3" in wrong.because and "spelling" in open_.because


def test_the_forgotten_convolution():
    """torchvision's layers: whose loss brings 13.6 billion and 48.6 MiB."""
    found, linear = convolutions("vgg16"), 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    cost, memory = sum(map(macs, found)) + linear, sum(map(kib, found)) / 1024
    names = [f"conv{stage}_{i}" for stage, depth in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, depth + 1)]
    by_cost = {name for name, layer in zip(names, found) if f"{(cost - macs(layer)) / 1e9:.1f}" == "13.6"}
    by_memory = {name for name, layer in zip(names, found) if f"{memory - kib(layer) / 1024:.1f}" == "48.6"}
    question = questions.forgotten()
    assert list(question.options) == names and set(question.answer) == by_cost & by_memory == {"conv3_2", "conv3_3"}
    assert by_cost == {"conv1_2", "conv2_2", "conv3_2", "conv3_3", "conv4_2", "conv4_3"}
    for name in names:
        grade = question.grade(name)
        slip = "cost alone" if name in by_cost else "memory alone" if name in by_memory else None
        assert grade.right if name in question.answer else (grade.slip and grade.slip.name) == slip and grade.remark
    assert "13.62" in question.because and "48.62" in question.because


@pytest.mark.parametrize("layer, place", [("fc6", 1), ("fc7", 4), ("fc8", 6)])
def test_what_the_table_leaves_out(layer, place):
    theirs_: nn.Linear = theirs("alexnet").classifier[place]
    question = questions.left_out(layer=layer)
    assert question.answer == theirs_.bias.numel() and question.grade(f"{theirs_.bias.numel()}").right
    printed = textbook.find(f"alexnet-{layer}").arguments[2]
    whole = theirs_.bias.numel() + theirs_.weight.numel()
    slips = {slip.name: slip.answer for slip in question.slips}
    assert slips.get("difference", theirs_.bias.numel()) == whole - 1000 * printed
    assert slips.get("inputs", theirs_.bias.numel()) == theirs_.in_features
    assert f"{printed:,} thousand" in question.words
