"""Every word with random values, where random shapes arrive: it is built and runs as torch runs it, or one sentence says why not.

More of them: `PLANS=50000 SEED=7 pytest tests/plan/test_words.py`.
"""

import os
import random
import re
from math import prod
from typing import Any

import pytest
import torch

from lib.architecture import Impossible, options
from lib.plan.growing import Refused, ran
from lib.plan.language import WORDS, Holder, Image, Row, read_word
from lib.plan.word import Unfit, Word

TRIES, SEED = int(os.environ.get("PLANS", 2000)) // 80, int(os.environ.get("SEED", 0))
LAYERS = {name: word for name, word in WORDS.items() if not issubclass(word, (Holder, Image))}


def value(draw: random.Random, word: type[Word], name: str) -> Any:
    """A value that a field may have: an end of its range, a small one, or one that goes well with others."""
    rules = {type(rule).__name__: rule for rule in word.model_fields[name].metadata}
    if choices := options(word, name) or word.model_fields[name].annotation is bool and (True, False):
        return draw.choice(choices)
    if "Range" in rules:
        sides = [draw.choice((rules["Range"].low, draw.randint(rules["Range"].low, 9))) for _ in range(2)]
        return draw.choice((*rules["Range"].words, sides[0], f"{sides[0]}x{sides[1]}"))
    if word.model_fields[name].annotation is float:
        low, high = rules["Ge"].ge if "Ge" in rules else 1e-6, rules["Le"].le
        return draw.choice((low, high, draw.uniform(low, high), round(draw.uniform(low, high), 2)))
    low, high = rules["Ge"].ge, rules["Le"].le
    return min(high, max(low, draw.choice((1, draw.randint(0, 8), draw.randint(0, 64), 2**draw.randint(0, 6),
        3 * 2**draw.randint(0, 4)))))


def drawn(draw: random.Random, word: type[Word]) -> Word:
    """The word with random values; those with a default are mostly left out."""
    while True:
        some = [name for name in word.model_fields if name in word.positional() or draw.random() < 0.3]
        try:
            return word.read({name: value(draw, word, name) for name in some})
        except Impossible:  # values of a word that exclude one another
            continue


def arriving(draw: random.Random, word: type[Word]) -> tuple[int, ...]:
    channels = draw.choice((1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 60, 64, 100, 128))
    if draw.random() < (0.7 if word.name() in ("linear", "radial_basis") else 0.1):
        return (channels,)
    side = draw.choice((1, 2, 3, 7, 8, draw.randint(1, 14)))
    return channels, side, draw.choice((side, draw.randint(1, 14)))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_word_runs_as_torch_runs_it_or_says_why_not(name):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    draw = random.Random(f"{SEED} {name}")
    for _ in range(TRIES):
        word, shape = drawn(draw, WORDS[name]), arriving(draw, WORDS[name])
        assert read_word(word.written().split()) == word
        try:
            call = word.call(shape)
            given, _operations, params = ran(call, Row(word), shape, (0,), "row")
        except (Unfit, Refused) as error:
            assert re.search("[0-9]", str(error)) or "has a shortcut always" in str(error), (word.written(), shape,
                str(error))
            assert str(error).endswith(".") and "\n" not in str(error)
            if isinstance(error, Refused):
                with pytest.raises(RuntimeError), torch.no_grad():
                    call.build().eval()(torch.zeros(1, *shape))
            continue
        if params < 300_000 and prod(given) < 300_000:
            module = call.build().eval()
            with torch.no_grad():
                assert tuple(module(torch.zeros(1, *shape)).shape[1:]) == given, (word.written(), shape)
            assert sum(parameter.numel() for parameter in module.parameters()) == params, (word.written(), shape)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("line, arrives, says", [
    ("conv 6 3x3 groups=4", (8, 9, 9), "Its 6 channels do not go into 4 equal parts: 6 / 4 = 1.5."),
    ("conv 8 3x3 groups=4", (6, 9, 9), "The arriving 6 channels do not go into 4 equal parts: 6 / 4 = 1.5."),
    ("conv 8 2x2 padding=same", (6, 9, 9), "1 has no whole half"),
    ("conv 8 12x12", (6, 9, 9), "⌊(9 + 2·0 − 1·(12 − 1) − 1) / 1⌋ + 1 = -2 cells"),
    ("maxpool 3x3 padding=2", (6, 9, 9), "padded by half of its kernel at most, and padding is 2"),
    ("linear 10", (6, 9, 9), "flatten makes 6·9·9 = 486 of it"), ("conv 8 3x3", (486,), "486 numbers arrive"),
    ("bottleneck 1 base_width=1", (8, 9, 9), "channels·width / 64 = 1·1/64 = 0.016 channels, which is less than one"),
    ("resnext 3", (8, 9, 9), "3·4/64 = 0.19 channels"), ("se_bottleneck 1 base_width=63", (8, 9, 9), "1·63/64"),
    ("senet154 1", (8, 9, 9), "1·4/64"), ("senet154 16", (8, 9, 9),
    "The first 1×1's 32 channels do not go into 64 equal parts"),
    ("senet154 1 base_width=64 groups=1", (8, 9, 9), "⌊1·64 / 64⌋·1 = 1 has no half"),
    ("sk_unit 1 width=32", (8, 9, 9), "1·32/64 = 0.5 channels"), ("resnest 1 base_width=32", (8, 9, 9),
    "1·32/64 = 0.5 channels"),
    ("basic 4 shortcut=A", (8, 9, 9), "8 arrive and 4 leave"), ("preact 1 zeros=yes", (8, 9, 9), "8 arrive and 4 leave"),
    ("shuffle 8 groups=1", (4, 9, 9), "4 channels arrive, so it needs 4, not 8"),
    ("shuffle 16 stride=2 groups=3 first_groups=1", (4, 9, 9),
    "The inner 4 channels do not go into 3 equal parts: 4 / 3 = 1.333."),
    ("shuffle_v2", (7, 9, 9), "7 / 2 = 3.5"), ("shuffle_down 7", (7, 9, 9), "7 / 2 = 3.5"),
    ("split_attention radix=3", (8, 9, 9), "8 / 3 = 2.667"), ("sparse_c3", (3, 9, 9),
    "six maps of S2, and 3 channels arrive"),
    ("transition compression=10", (8, 9, 9), "10 % of 8 channels is less than one channel"),
    ("radial_basis 1000", (486,), "1000·486 = 486,000 numbers are more than 20,000")])
def test_a_refusal_says_the_arithmetic(line, arrives, says):
    word = read_word(line.split())
    with pytest.raises((Unfit, Refused)) as raised:
        ran(word.call(arrives), Row(word), arrives, (0,), "row")
    assert says in str(raised.value)
