"""Changes of a plan, and what is offered where a row does not fit: each offer is tried here by torch's own rules."""

from random import Random

import pytest

import lib
from lib.architecture import Impossible
from lib.plan import editing
from lib.plan.language import WORDS, BranchRow, Holder, Image, Row, lines, read, read_word, write_on_one_line
from lib.plan.mending import mends
from lib.plan.standing import standing

PLAN = read("image 3 32x32; conv 8 3x3; relu; add { branch { conv 8 3x3 padding=same; relu } branch {} }; "
            "repeat 2 { conv 8 1x1; stage inner { relu; batchnorm } }; flatten; linear 10")
PLACES = list(dict.fromkeys(line.place for line in lines(PLAN) if line.place))


def words_of(plan) -> list[str]:
    """All rows as they are written, whatever their order is."""
    return sorted(line.row.word.written() for line in lines(plan) if not line.closes)


@pytest.mark.parametrize("place", PLACES)
def test_a_row_moves_through_all_gaps_and_back(place):
    plan, here, seen = PLAN, place, {write_on_one_line(PLAN)}
    while (moved := editing.move(plan, here, down=True)) != (plan, here):
        plan, here = moved
        assert words_of(plan) == words_of(PLAN) and editing.row_at(plan, here) == editing.row_at(PLAN, place)
        assert read(write_on_one_line(plan)) == plan
        seen.add(write_on_one_line(plan))
    while (moved := editing.move(plan, here, down=False)) != (plan, here):
        plan, here = moved
        seen.add(write_on_one_line(plan))
    row = editing.row_at(PLAN, place)
    gaps = editing.gaps(editing.remove(PLAN, place), row.word)
    expected = {write_on_one_line(editing.insert(editing.remove(PLAN, place), gap, row)) for gap in gaps}
    assert seen == expected and here == gaps[0]


@pytest.mark.parametrize("place", PLACES)
def test_copies_wraps_and_removals(place):
    row = editing.row_at(PLAN, place)
    twice, after = editing.copy(PLAN, place)
    assert editing.row_at(twice, after) == editing.row_at(twice, place) == row
    assert editing.remove(twice, after) == editing.remove(twice, place) == PLAN
    if isinstance(row.word, BranchRow):
        return
    for word in ("repeat 3", "stage outer", "add", "concat"):
        wrapped = editing.wrap(PLAN, place, read_word(word.split()))
        assert editing.unwrap(wrapped, place) == PLAN and read(write_on_one_line(wrapped)) == wrapped
    for name, word in WORDS.items():
        if word not in (Image, BranchRow):
            changed = editing.set_word(PLAN, place, read_word(word.usual.split()))
            assert editing.row_at(changed, place).word.name() == name and read(write_on_one_line(changed)) == changed


def test_a_new_row_stands_right_after_the_chosen_line():
    for number, line in enumerate(lines(PLAN)):
        for word in (read_word(["tanh"]), BranchRow()):
            gap = editing.gap_after(PLAN, line.place, line.closes, word)
            plan = editing.insert(PLAN, gap, Row(word))
            assert read(write_on_one_line(plan)) == plan
            if word != BranchRow():  # within a sum only its branches have room
                between = line.text == "add {" or line.closes and isinstance(line.row.word, BranchRow)
                assert lines(plan)[number + (2 if between else 1)].row.word == word


def test_words_are_heard_by_name_title_and_beginning():
    assert [editing.heard(said) for said in ("conv", "Convolution", "CONV", "linear layer", "Batch", "", "conv 3 3x3")] == [
        "conv", "conv", "conv", "linear", "batchnorm", "", ""]
    assert editing.usual(PLAN, "conv", 5).written() == "conv 8 3x3 padding=same"
    assert editing.usual(PLAN, "linear", 99).written() == "linear 10" and editing.usual(PLAN, "tanh", 0).written() == "tanh"
    assert editing.like(read_word("conv 24 5x5 stride=2".split()), WORDS["maxpool"]).written() == "maxpool 5x5 stride=2"


REFUSED = [
    "conv 8 3x3; linear 10", "conv 8 9x9; conv 8 11x11", "repeat 4 { maxpool 3x3 }", "conv 8 3x3 groups=3", "conv 8 2x2 padding=same",
    "flatten; conv 3 3x3", "conv 64 3x3; add { branch { conv 128 3x3 stride=2 padding=1 } branch {} }", "basic 2 shortcut=A",
    "add { branch { conv 4 3x3 } branch { conv 5 3x3 padding=same } }", "concat { branch { maxpool 2x2 } branch { conv 4 1x1 } }",
    "maxpool 4x4 padding=3", "stage a { relu }; stage a { relu }", "add {}", "conv 12 1x1; split_attention radix=5",
    "conv 8 1x1; shuffle 8 groups=3", "conv 6 1x1; preact 1 zeros=yes bottleneck=no", "conv 240 1x1; resnest 64 radix=7",
    "concat { branch { conv 4 3x3 } branch { conv 5 3x3; linear 4 } }", "conv 6 1x1; sk 8 groups=4", "conv 7 1x1; shuffle_v2",
    "bottleneck 1 base_width=8", "senet154 1"]


@pytest.mark.parametrize("rows", REFUSED)
def test_what_is_offered_helps(rows):
    text = f"image 3 16x16; {rows}"
    before = standing(text).refused
    offered = mends(text)
    assert before and (offered or "shuffle 8" in rows)
    for mend in offered:
        after = standing(write_on_one_line(mend.plan)).refused
        assert after is None or after.place != mend.place, mend.words
        if after is None:
            assert lib.analyze("own", plan=write_on_one_line(mend.plan)).ops
    assert len({mend.plan for mend in offered}) == len(offered) and len({mend.words for mend in offered}) == len(offered)
    assert not mends("image 3 16x16; conv 3 3x3")


def test_random_refusals_are_mended_or_left():
    """Rows after one another at random: whatever is offered builds past the row, and nothing raises."""
    draw, helped = Random(5), 0
    names = [name for name, word in WORDS.items() if not issubclass(word, (Holder, Image))]
    for _ in range(60):
        rows = "; ".join(WORDS[draw.choice(names)].usual for _row in range(4))
        text = f"image {draw.choice((1, 3, 6, 64))} {draw.choice((1, 7, 24))}x{draw.choice((5, 24))}; {rows}"
        try:
            offered = mends(text)
        except Impossible:
            pytest.fail(text)
        for mend in offered:
            after = standing(write_on_one_line(mend.plan)).refused
            assert after is None or after.place > mend.place, (text, mend.words)
            helped += 1
    assert helped > 30
