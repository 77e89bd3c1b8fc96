"""The contract of questions: numbers as people type them, the five kinds of answers, slips, drawing from a seed."""

import pytest

from lib.architecture import Impossible
from lib.questions import Choice, Levels, Number, Order, Place, Several, Unreadable, generate, kinds
from lib.questions.reading import read_number

WORDS = {"a": "the first", "b": "the second", "c": "the third"}


@pytest.mark.parametrize("text, unit, value", [
    ("7,600", "", 7600), ("7 600", "", 7600), ("1,179,648", "", 1179648), ("12,5", "", 12.5), ("1,234.5", "", 1234.5), ("0.5", "", 0.5),
    ("-3", "", -3), ("−3", "", -3), ("= 42", "", 42), ("25.6 million", "", 25.6e6), ("25.6M", "", 25.6e6), ("4 billion", "", 4e9),
    ("12k", "", 12e3), ("5.9 %", "%", 5.9), ("5.9", "%", 5.9), ("5.9 %", "", 0.059), ("33 MB", "MB", 33), ("29 px", "px", 29),
    ("1/4", "", 0.25), ("3*3*64*64 + 64", "", 36928), ("3·3·64", "", 576), ("3×3×64", "", 576), ("3x3x64", "", 576),
    ("2^10", "", 1024), ("2**10", "", 1024), ("(224 + 2·3 − 7) / 2 + 1", "", 112.5), ("1,179,648 / 69,632", "", 1179648 / 69632),
])
def test_numbers_as_they_are_typed(text, unit, value):
    assert read_number(text, unit) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "  ", "many", "7 apples", "1/0", "9**9**9", "9^99", "(1", "1e999", "x" * 101, "().__class__",
                                  "lambda: 1", "[1]", "1 if 2 else 3", "~5", "True", "nan", "inf", "'7'", "__import__('os')"])
def test_what_is_no_number_gets_one_plain_sentence(text):
    with pytest.raises(Unreadable) as refused:
        read_number(text)
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


class Known:
    """A question's words without a file."""

    def part(self, name, **more):
        return {"hint": "Think.", "because": "So it is.", "words": "What?"}.get(name, f"about {name}")

    def slip_words(self, name):
        return f"met: {name}"


class KnownNumber(Known, Number): ...
class KnownChoice(Known, Choice): ...
class KnownSeveral(Known, Several): ...
class KnownOrder(Known, Order): ...
class KnownPlace(Known, Place): ...


def test_a_number_is_right_within_its_tolerance_and_slips_are_named():
    question = KnownNumber(100, {"double": 200, "same": 100, "close": 100.5, "again": 200, "none": None}, unit="px", tolerance=0.01)
    assert [slip.name for slip in question.slips] == ["double"]  # one that gives the answer, or another's value, is none
    assert question.grade("99").right and question.grade("101 px").right and question.solution == "100 px"
    wrong = question.grade("199")
    assert (wrong.points, wrong.of, wrong.slip.name, wrong.remark) == (0, 1, "double", "met: double")
    assert question.grade("50").remark == "Too small. Think." and question.grade("5000").remark == "Too large. Think."
    exact = KnownNumber(7)
    assert exact.grade("7.0").right and not exact.grade("7.01").right
    assert KnownNumber(0, tolerance=0.1).grade("0").right and not KnownNumber(0, tolerance=0.1).grade("0.01").right
    with pytest.raises(ValueError):
        Number(float("nan"))


def test_a_choice_meets_each_wrong_option():
    question = KnownChoice("b", WORDS)
    assert question.grade("b").right and question.solution == "the second"
    assert question.grade("a").remark == "about slip: a"
    with pytest.raises(Unreadable):
        question.grade(None)


def test_several_give_points_for_what_is_right():
    question = KnownSeveral(answer={"a", "b"}, names=WORDS, points=2, slip_values={"all": ("a", "b", "c")})
    assert question.grade(["b", "a"]).points == 2
    assert question.grade(["a", "b", "c"]).slip.name == "all"
    part = question.grade(["a"])
    assert 0 < part.points < 2 and part.remark.startswith("1 missing.")
    assert question.grade(["c"]).points == 0 and question.grade(["none"]).points == 0
    for nonsense in (["z"], [], ["none", "a"], "a"):
        with pytest.raises(Unreadable):
            question.grade(nonsense)
    nothing = KnownSeveral(answer=(), names=WORDS)
    assert nothing.grade(["none"]).right and nothing.solution == "None of these" and not nothing.grade(["a"]).right


def test_an_order_gives_points_for_pairs_in_their_order():
    question = KnownOrder(answer=("c", "a", "b"), names=WORDS, points=3, slip_values={"by name": ("a", "b", "c")})
    assert question.grade(["c", "a", "b"]).right and question.solution == "the third → the first → the second"
    assert question.grade(("a", "b", "c")).slip.name == "by name"
    assert question.grade(("c", "b", "a")).points == pytest.approx(1)
    assert question.grade(("b", "a", "c")).points == 0
    for unfinished in (["c", "a"], ["c", "a", "a"], "cab"):
        with pytest.raises(Unreadable):
            question.grade(unfinished)


def test_a_place_may_be_one_of_several():
    question = KnownPlace(answer={"a", "c"}, names=WORDS, slip_values={"middle": ("b",)})
    assert question.grade("a").right and question.grade("c").right and question.grade("b").slip.name == "middle"
    assert question.solution == "the first or the third"


def test_a_kind_or_a_level_that_does_not_exist_is_refused_in_a_sentence():
    for name, level in (("bottleneck.nothing", 1), ("<script>", 1), ("bottleneck.weights", 4), ("bottleneck.weights", 0)):
        with pytest.raises(Impossible) as refused:
            generate(name, 1, level)
        assert str(refused.value).endswith(".")


def test_levels_are_drawn_from_their_own_values():
    kind = kinds()["bottleneck.weights"]
    assert isinstance(kind.drawn["outer"], Levels) and (kind.name, kind.lesson) == ("bottleneck.weights", "bottleneck")
    for place, level in enumerate((1, 2, 3)):
        drawn = {generate(kind.name, seed, level).values["outer"] for seed in range(30)}
        assert drawn <= set(kind.drawn["outer"][place]) and len(drawn) > 1


def test_a_picture_that_a_person_brings_does_not_make_a_long_name():
    assert len(KnownNumber(1, kind="a.b", values={"picture": b"x" * 100_000}).id) < 60
