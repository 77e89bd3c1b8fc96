"""Which pictures a plan with sums and joinings takes: against trying every size with the network that torch builds."""

import os
import random

import pytest
import torch
from torch import nn

import lib
from lib import catalog
from lib.analysis.fitting import heights_at, input_sizes, smallest_image, widths_at
from lib.architecture import Impossible
from lib.plan.own import OwnKnobs
from tests.plan.byhand import ByHand, Description, Fails, Row, conv, draw_plan

FAMILY, PLANS, SEED = catalog.get("own"), int(os.environ.get("PLANS", 2000)) // 100, int(os.environ.get("SEED", 0))


def takes(plan: Description, height: int, width: int) -> bool:
    try:
        ByHand().run(Description(plan.channels, (height, width), plan.rows), torch.zeros(1, plan.channels, height, width))
    except Fails:
        return False
    return True


def computes(plan: Description) -> bool:
    """Whether there is anything to be found in it, be it a row that fails."""
    hand = ByHand()
    try:
        hand.run(plan, torch.zeros(1, plan.channels, *plan.sides))
    except Fails:
        return True
    return hand.operations


def draw_meeting(draw: random.Random) -> Description:
    """A plan whose branches meet for some pictures: they come down by the same factors, each in its own way, and up again."""
    channels, rows = draw.choice([1, 2]), []
    for _ in range(draw.choice([1, 1, 2])):
        if draw.random() < 0.4:
            rows.append(conv(draw, (channels, 9, 9)))
        factors, back = [draw.choice([2, 2, 3]) for _ in range(draw.choice([1, 1, 2]))], draw.random() < 0.5
        branches = [Row("branch", rows=[*way(draw, factors, back), conv_1x1(2)]) for _ in range(draw.choice([2, 2, 3]))]
        rows.append(Row(draw.choice(["add", "concat"]), rows=branches))
    if draw.random() < 0.3:
        rows += [Row("flatten", lambda shape: nn.Flatten()), Row("linear 3", lambda shape: nn.Linear(shape[0], 3))]
    return Description(channels, (9, 9), rows)


def way(draw: random.Random, factors: list[int], back: bool) -> list[Row]:
    """Down by each factor and, with `back`, up by all; or straight there, where nothing is left to do."""
    if back and draw.random() < 0.4:
        return []
    return [down(draw, factor) for factor in factors] + [up(factor) for factor in factors if back]


def down(draw: random.Random, factor: int) -> Row:
    kernel = draw.randint(1, 5)
    padding, ceil = draw.randint(0, kernel // 2), draw.random() < 0.4
    if draw.random() < 0.5:
        return Row(f"maxpool {kernel}x{kernel} stride={factor} padding={padding} ceil={'yes' if ceil else 'no'}",
                   lambda shape: nn.MaxPool2d(kernel, factor, padding, ceil_mode=ceil))
    return Row(f"conv 2 {kernel}x{kernel} stride={factor} padding={padding}",
        lambda shape: nn.Conv2d(shape[0], 2, kernel, factor, padding))


def up(factor: int) -> Row:
    return Row(f"upsample {factor}", lambda shape: nn.Upsample(scale_factor=factor))


def conv_1x1(channels: int) -> Row:
    return Row(f"conv {channels} 1x1", lambda shape: nn.Conv2d(shape[0], channels, 1))


def knobs(text: str) -> OwnKnobs:
    return OwnKnobs.read({"plan": text})


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("drawn", [draw_meeting, draw_plan])
def test_the_sizes_that_fit_are_those_that_torch_takes(drawn):
    """Of squares up to 60 pixels all, of larger ones some; and of rectangles of one height and of one width."""
    threads, kinds = torch.get_num_threads(), set()
    torch.set_num_threads(1)
    for number in range(PLANS):
        draw = random.Random(f"{SEED} {number}")
        plan = drawn(draw)
        if not computes(plan):
            continue
        found, side = input_sizes(FAMILY, knobs(plan.text)), draw.randint(3, 40)
        tried = [*range(1, 60 if drawn is draw_meeting else 24), *(draw.randint(60, 200) for _ in range(6))]
        assert [size for size in tried if size in found] == [size for size in tried if takes(plan, size, size)], plan.text
        few = tried[::6]
        assert [size for size in few if size in widths_at(FAMILY, knobs(plan.text), side)] == [
            size for size in few if takes(plan, side, size)], plan.text
        assert [size for size in few if size in heights_at(FAMILY, knobs(plan.text), side)] == [
            size for size in few if takes(plan, size, side)], plan.text
        kinds.add(type(found) if not isinstance(found, range) else found.step > 1 if found else None)
    torch.set_num_threads(threads)
    assert kinds == {tuple, True, False, None} if drawn is draw_meeting else False in kinds


@pytest.mark.parametrize("rows, sizes, words", [
    ("add { branch { maxpool 2x2; upsample 2 }; branch {} }", range(2, 2049, 2),
    "Input sizes that work: 2 to 2,048 in steps of 2."),
    ("add { branch { adaptivepool 7x7 }; branch { maxpool 3x3 } }", range(21, 24), "Input sizes that work: 21 to 23."),
    ("add { branch { conv 3 3x3 }; branch {} }", range(0), "No input size works with these knobs."),
    ("add { branch { conv 3 2x2 stride=2 padding=1 }; branch { conv 3 3x3 stride=2 padding=1 } }", range(1, 2048, 2),
     "Input sizes that work: 1 to 2,047 in steps of 2."),
    ("add { branch { adaptivepool 3x3; upsample 2 }; branch { maxpool 3x3 stride=1; maxpool 3x3 } }", range(20, 23), ""),
])
def test_a_refusal_says_which_sizes_fit(rows, sizes, words):
    plan = f"image 3 33x33; {rows}" if words.count("2,047") == 0 else f"image 3 32x32; {rows}"
    assert input_sizes(FAMILY, knobs(plan)) == sizes
    with pytest.raises(Impossible) as raised:
        lib.analyze("own", plan=plan)
    assert words in str(raised.value) and "branches that are added need equal shapes, and these give 3×" in str(raised.value)
    for fix in raised.value.fixes["input_size"]:
        lib.analyze("own", plan=plan, input_size=fix)
    if smallest := smallest_image(FAMILY, knobs(plan)):
        assert smallest.side == sizes[0]


def test_sizes_that_are_not_equally_far_apart_are_counted():
    """⌊(n − 2) / 3⌋ + 1 cells and ⌈n / 3⌉, which agree unless 3 divides n − 1."""
    plan = "image 2 31x31; concat { branch { conv 2 2x2 stride=3 }; branch { conv 2 5x5 stride=3 padding=2 } }"
    assert input_sizes(FAMILY, knobs(plan)) == tuple(size for size in range(2, 2049) if size % 3 != 1)
    with pytest.raises(Impossible, match="Input sizes that work: 1,365 sizes from 2 to 2,048, the first of them 2, 3, 5.") as raised:
        lib.analyze("own", plan=plan)
    assert raised.value.fixes == {"input_size": (30,)}


@pytest.mark.parametrize("rows, most", [
    ("conv 8 3x3 padding=same; flatten; linear 65536", 30),
    ("add { branch { maxpool 2x2; upsample 2 }; branch {} }; flatten; linear 65536", 50),
    ("flatten; radial_basis 10", 25)])
def test_too_large_a_picture_is_one_for_which_the_server_has_a_limit(rows, most):
    sizes = input_sizes(FAMILY, knobs(f"image 3 4x4; {rows}"))
    assert sizes[-1] == most
    lib.analyze("own", plan=f"image 3 4x4; {rows}", input_size=most)
    with pytest.raises(Impossible, match="this server allows|are more than"):
        lib.analyze("own", plan=f"image 3 4x4; {rows}", input_size=most + sizes.step)
