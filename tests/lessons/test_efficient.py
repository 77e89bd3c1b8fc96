"""Efficient networks: counts against torch and torchvision, zeros that are exact, races that say when to doubt them."""

import re
from fractions import Fraction

import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import mobilenetv2, resnet, shufflenetv2

from lib.lessons.content import Text
from lib.lessons.efficient import questions
from lib.lessons.efficient.inverted import blocks_in_networks, invert, share_table
from lib.lessons.efficient.race import SEPARABLE, Race, Racer, race_blocks, race_networks, race_table, take_turns
from lib.lessons.efficient.separable import network_fields, networks, split
from lib.lessons.efficient.shuffled import origins, reach, reach_table, units
from lib.lessons.efficient.steps import LESSON
from lib.measuring import measured_by
from lib.records import Spread
from tests.engine.records import BUSY, QUIET

show, ask = LESSON.shown, LESSON.asked


def weights(*convolutions: nn.Module) -> int:
    return sum(each.weight.numel() for each in convolutions)


def macs(model: nn.Module, *shape: int) -> int:
    """By torch's own counter, without memory."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.to("meta").eval()(torch.empty(shape, device="meta"))
    return counter.get_total_flops() // 2


def two_steps(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs), nn.Conv2d(inputs, outputs, 1))


# The depthwise separable convolution

def test_the_split_is_that_of_plain_torch_convolutions():
    pair = split(64, 128, 28)
    full, steps = weights(nn.Conv2d(64, 128, 3)), [weights(each) for each in two_steps(64, 128)]
    assert [pair.full.weights, pair.separable.weights] == [full, sum(steps)] == [73_728, 8_768]
    assert list(pair.table()["MACs"]) == [number * 28 * 28 for number in (full, *steps)]
    fields = pair.fields()
    assert (fields["full"], fields["formula"], fields["ratio"], fields["same"]) == (
        "57,802,752", "0.1189", "0.1189", "the same number")


def test_the_textbook_s_task():
    """64 to 128 channels on a 56 x 56 map: 27,496,448 multiply-adds, 8.41 times fewer."""
    (values,) = LESSON.step("separable").settings.values()
    assert ask("separable", **values).answer == 27_496_448
    assert f"{ask('floor', **values).answer:.2f}" == "8.41"


@pytest.mark.parametrize("inputs, outputs, size", [(64, 128, 28), (512, 16, 7), (16, 16, 56)])
def test_counts_and_ratio_are_torch_s(inputs, outputs, size):
    values = {"inputs": inputs, "outputs": outputs, "size": size}
    shape = (1, inputs, size, size)
    steps, full = macs(two_steps(inputs, outputs), *shape), macs(nn.Conv2d(inputs, outputs, 3, padding=1), *shape)
    assert ask("separable", **values).answer == steps
    assert ask("floor", **values).answer == pytest.approx(full / steps)
    pointwise = macs(nn.Conv2d(inputs, outputs, 1), *shape)
    assert ask("pays", **values).answer == pytest.approx(100 * pointwise / steps)


def test_slips_of_the_two_steps():
    question = ask("separable", inputs=64, outputs=128, size=56)
    assert question.grade("9*64*64*128*56*56*64").slip is None
    assert question.grade(f"{(9 * 64 * 64 + 64 * 128) * 56**2}").slip.name == "groups forgotten"
    assert question.grade("(9*64 + 64*128)*56*56").right
    assert question.grade("2 * 27,496,448").slip.name == "FLOPs for MACs"
    assert question.grade(f"{9 * 64 * 56**2}").slip.name == "pointwise forgotten"


@pytest.mark.parametrize("times, outputs", [(2, 3), (3, 5), (4, 8), (5, 12), (6, 18), (7, 32), (8, 72)])
def test_channels_for_a_saving(times, outputs):
    by_hand = next(number for number in range(1, 100) if Fraction(1, number) + Fraction(1, 9) <= Fraction(1, times))
    assert ask("enough", target=times).answer == ask("enough", target=times, inputs=512).answer == by_hand == outputs


def test_mobilenet_as_its_paper_prints_it():
    table = networks()
    assert list(table["Top-1 accuracy, %"]) == [71.7, 70.6]
    assert [round(macs / 1e6) for macs in table["MACs"]] == [4867, 569]
    assert list(table["Parameters"]) == [29_294_088, 4_231_976]
    assert network_fields()["pointwise"] == "94.9 %"  # the paper's Table 2 has 94.86
    assert ask("network").answer == "little"  # 71.7 - 70.6


# The inverted residual

@pytest.mark.parametrize("narrow, expansion", [(24, 6), (16, 1), (160, 10), (32, 3)])
def test_the_inverted_block_is_torchvision_s(narrow, expansion):
    block = mobilenetv2.InvertedResidual(narrow, narrow, 1, expansion)
    convolutions = [each for each in block.modules() if isinstance(each, nn.Conv2d)]
    question = ask("inverted", narrow=narrow, expansion=expansion)
    assert question.answer == weights(*convolutions)
    assert all(not question.grade(slip.answer).right for slip in question.slips)


def test_by_hand_and_without_expansion():
    narrow, wide = 24, 144
    pair = invert(24, 6, 28)
    assert pair.bottleneck.weights == 2 * narrow * wide + 9 * narrow**2
    assert pair.inverted.weights == 2 * narrow * wide + 9 * wide
    assert pair.fields()["carried"] == f"{24 * 28 * 28:,}" and pair.fields()["carried_wide"] == f"{144 * 28 * 28:,}"
    assert ask("inverted", narrow=16, expansion=1).answer == 9 * 16 + 16 * 16


def test_the_last_convolution_alone_is_linear():
    layers = list(mobilenetv2.InvertedResidual(24, 24, 1, 6).conv)
    assert [any(isinstance(part, nn.ReLU6) for part in each.modules()) for each in layers] == [True, True, False, False]
    assert isinstance(layers[2], nn.Conv2d)
    question = ask("linear")
    assert set(question.answer) == {"2"} and question.options["2"] == "the 1×1, 144 → 24"
    assert question.grade("1").slip.name == "the depthwise"


@pytest.mark.parametrize("narrow", [16, 24])
def test_where_both_hold_as_many(narrow):
    def inverted(expansion: int) -> int:
        wide = narrow * expansion
        with torch.device("meta"):
            return weights(nn.Conv2d(narrow, wide, 1), nn.Conv2d(wide, wide, 3, groups=wide), nn.Conv2d(wide, narrow, 1))

    def bottleneck(expansion: int) -> int:
        wide = narrow * expansion
        with torch.device("meta"):
            return weights(nn.Conv2d(wide, narrow, 1), nn.Conv2d(narrow, narrow, 3), nn.Conv2d(narrow, wide, 1))

    answer = ask("heavier", narrow=narrow).answer
    assert [inverted(t) == bottleneck(t) for t in range(answer - 1, answer + 2)] == [False, True, False]
    assert all(inverted(t) < bottleneck(t) for t in range(2, 11))
    assert share_table(narrow)["Share"].iloc[-1] == "100.0%"


def test_real_blocks_and_their_order():
    found = blocks_in_networks()
    basic = macs(resnet.BasicBlock(64, 64), 1, 64, 56, 56)
    bottleneck = macs(resnet.Bottleneck(256, 64), 1, 256, 56, 56)
    inverted = macs(mobilenetv2.InvertedResidual(24, 24, 1, 6), 1, 24, 56, 56)
    assert list(found["MACs"]) == [basic, bottleneck, inverted] and [basic, bottleneck] == [231_211_008, 218_365_952]
    assert list(found["Numbers in the shortcut"]) == [channels * 56**2 for channels in (64, 256, 24)]
    assert inverted < bottleneck < basic and ask("ends").answer == ("inverted", "bottleneck", "basic")
    assert "MobileNetV2" in ask("ends").solution.partition("→")[0]


# Groups and shuffle

@pytest.mark.parametrize("groups, channels", [(2, 200), (3, 240), (4, 272), (8, 384)])  # Table 1 of the paper
def test_weights_in_groups(groups, channels):
    question = ask("groups", groups=groups)
    assert question.answer == weights(nn.Conv2d(channels, channels // 4, 1, groups=groups))
    assert question.grade(str(channels * channels // 4)).slip.name == "groups forgotten"


@pytest.mark.parametrize("groups", [2, 3, 4, 8])
def test_the_shuffle_is_torch_s(groups):
    channels = groups * max(groups, 4)
    shuffled = nn.ChannelShuffle(groups)(torch.arange(channels).reshape(1, channels, 1, 1)).flatten().tolist()
    assert origins(groups, True) == shuffled
    assert [ask("shuffle", groups=groups, place=place).answer for place in range(1, 8)] == shuffled[1:8]


def test_nothing_crosses_without_the_shuffle_and_all_with_it():
    for groups in (2, 3, 4, 8):
        apart, dealt = (reach(groups, shuffle, seed=1) for shuffle in (False, True))
        assert (apart == torch.eye(groups).numpy()).all()
        assert (dealt > 0).all()
        width = max(groups, 4)
        assert sorted(origins(groups, True)) == origins(groups, False)
        assert all({place // width for place in origins(groups, True)[start:start + width]} == set(range(groups))
                   for start in range(0, groups * width, width))
        assert ask("reach", groups=groups, shuffle=False).answer == groups * groups - groups
        assert ask("reach", groups=groups, shuffle=True).answer == 0
    table = reach_table(reach(4, False, 0))
    assert sum((table[name] == "0, no path").sum() for name in table.columns) == 12


def test_the_parts_are_torchvision_s():
    traced = torch.fx.symbolic_trace(shufflenetv2.InvertedResidual(116, 116, 1))
    convolutions = [each for each in traced.modules() if isinstance(each, nn.Conv2d)]
    words = set(re.findall(r"\w+", " ".join(str(node.target) for node in traced.graph.nodes)))
    has = {"split": "chunk" in words, "joining": "cat" in words, "shuffle": "transpose" in words,
           "addition": "add" in words,
           "grouped": any(each.groups > 1 for each in convolutions if each.kernel_size == (1, 1)),
           "depthwise": any(each.groups == each.in_channels for each in convolutions if each.kernel_size == (3, 3))}
    question = ask("unit")
    assert set(question.answer) == {name for name, there in has.items() if there}
    assert set(question.answer) == {"split", "depthwise", "shuffle", "joining"}
    assert question.grade(["grouped", "depthwise", "shuffle", "addition"]).slip.name == "as before"
    assert units(3)[1].weights == weights(*convolutions)


# The race

def test_the_race_counts_the_same_and_measures_a_ratio():
    blocks, raced = race_blocks(28, 0), race_networks(0)
    table = race_table(blocks, raced)
    assert list(table["MACs"][:2]) == [9 * 64 * 64 * 28 * 28, (SEPARABLE + 9) * SEPARABLE * 28 * 28]
    assert abs(table["MACs, to the first"][1] - 1) < 0.01
    assert list(table["Time, to the first"][::2]) == [1, 1] and (table["Time, to the first"] > 0).all()
    assert table["MACs per number moved"][1] < table["MACs per number moved"][0] / 3


def test_numbers_moved_by_hand():
    full = 2 * 64 * 28 * 28 + 9 * 64 * 64
    separable = 4 * 188 * 28 * 28 + 9 * 188 + 188 * 188
    question = questions.more_numbers(size=28)
    assert (full, separable) == (137_216, 626_604) and question.answer == pytest.approx(separable / full)
    assert question.grade("4.57").right and question.grade("1").slip.name == "as the count"
    assert question.grade(str(188 / 64)).slip.name == "channels alone"


def race(first=(10.0,) * 20, second=(5.0,) * 20, load=QUIET) -> Race:
    """A race whose runs took so many milliseconds."""
    racers = [Racer(name, 100, 10, Spread.of(times)) for name, times in (("one", first), ("other", second))]
    return Race(*racers, load)


@pytest.mark.parametrize("raced, words", [
    (race(), ""), (race(load=BUSY), "Other programs used 4.0 of 8 cores"),
    (race(second=tuple(range(1, 21))), "The runs scatter too much: other.")])
def test_a_disturbed_race_is_no_ground_for_a_conclusion(raced, words):
    found = show("race", blocks=raced, raced=race())
    assert words in found.fields["doubt"] and bool(found.fields["doubt"]) == bool(words)
    assert ("In doubt" in found.picture.title) == bool(words)
    assert [each.section for each in found.more if isinstance(each, Text)] == [
        "race, doubtful" if words else "race, result", "race, why"]
    assert words or found.fields["block_time"] == "0.5000"


def test_what_is_asked_of_a_race_does_not_depend_on_the_clock():
    assert not measured_by(LESSON.step("race").asks.compute)


def test_the_races_can_be_run_again():
    step, seen = LESSON.step("race"), []
    step.show(LESSON.defaults | {"attempt": 7}, lambda measured, arguments: seen.append(arguments) or race())
    assert step.again and seen == [(28, 0, 7), (0, 7)] and not any(measured.lasting for measured in step.measured)


def test_the_clock_knows_which_is_slower():
    shares = []
    (quick, slow), load = take_turns([lambda: None, lambda: sum(range(200_000))], shares.append)
    assert min(quick) < min(slow) and shares == sorted(shares) and shares[-1] <= 1
    assert len(quick) == len(slow) >= 10 and load.needed == 1 and load.present is not None


def test_the_race_runs_on_one_thread_and_changes_no_other():
    seen = []
    with threadpool_limits(2, "openmp"):
        take_turns([lambda: seen.append(torch.get_num_threads())], lambda share: None)
        assert set(seen) == {1} and torch.get_num_threads() == 2


# Links

def test_old_links_still_lead_somewhere():
    for anchor in ("separable", "inverted", "shuffle", "race"):
        assert LESSON.step(LESSON.anchors.get(anchor, anchor))
    start = {"inputs": 64, "outputs": 128, "size": 28, "narrow": 24, "expansion": 6, "groups": 3, "shuffle": True,
             "seed": 0}
    assert start.items() <= LESSON.defaults.items()
