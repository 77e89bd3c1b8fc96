"""Changes in words: percent while small, a factor from twice or half on."""

import random

import pytest

from lib.digits import change


@pytest.mark.parametrize("before, after, words", [
    (25_557_032, 28_088_024, "+9.90 %"), (25_557_032, 25_028_904, "−2.07 %"), (100, 100, "the same"), (100, 199, "+99.0 %"),
    (100, 200, "× 2.00"), (100, 50, "÷ 2.00"), (100, 51, "−49.0 %"), (416_520, 724_406_816, "× 1,740"), (1_230, 100, "÷ 12.3"),
    (10**6, 10**6 + 61, "+0.00610 %"), (0, 4, "from 0 to 4"), (3, 0, "from 3 to 0"), (0, 0, "the same"),
])
def test_a_change_in_words(before, after, words):
    assert change(before, after) == words


def test_the_words_lead_back_to_the_number():
    draw = random.Random(0)
    for _ in range(500):
        before, after = (round(10 ** draw.uniform(2, 9)) for _ in range(2))
        words = change(before, after).replace("−", "-").replace(",", "")
        sign, number = words[:2], float(words.strip("×÷% "))
        ratio = number if sign == "× " else 1 / number if sign == "÷ " else 1 + number / 100
        assert before * ratio == pytest.approx(after, rel=0.006), words
