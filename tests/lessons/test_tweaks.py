"""The lesson on ResNet's tweaks: what its steps show and ask, against plain torch and arithmetic by hand."""

from functools import cache
from itertools import product

import pytest
import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.lessons.tweaks import questions
from lib.lessons.tweaks.networks import alone, chosen, ladder, printed
from lib.lessons.tweaks.reading import GRADIENTS, gradients, strided_block, unread
from lib.lessons.tweaks.stems import WIDTHS, block_in_stem, share_fields, stems, strided_stem, weight_uses
from lib.lessons.tweaks.steps import LESSON

measure = cache(gradients)


def run(measured, arguments):
    return measure(*arguments)


def ask(step: str, **values):
    return LESSON.step(step).ask(LESSON.defaults | values, run)


def macs(layers: nn.Module, *shape: int) -> int:
    """Multiply-adds by torch's own counter."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        layers.to("meta")(torch.empty(1, *shape))
    return counter.get_total_flops() // 2


def three(width: int, *strides: int) -> nn.Sequential:
    widths = (3, width // 2, width // 2, width)
    return nn.Sequential(*(nn.Conv2d(*ends, 3, stride, padding=1, bias=False)
                           for ends, stride in zip(zip(widths, widths[1:]), strides)))


def seven(width: int) -> nn.Conv2d:
    return nn.Conv2d(3, width, 7, 2, padding=3, bias=False)


def extent(layers: nn.Module, channels: int, size: int) -> int:
    """How many pixels of a row the middle cell of the output sees: where the gradient is not zero."""
    x = torch.zeros(1, channels, size, size, requires_grad=True)
    for parameter in layers.parameters():
        nn.init.ones_(parameter)
    output = layers(x)
    (gradient,) = torch.autograd.grad(output[0, 0, output.shape[2] // 2, output.shape[3] // 2], x)
    return int((gradient[0, 0].abs().sum(0) > 0).sum())


# What is read

def test_a_never_reads_three_quarters():
    maps = measure(8, 0)
    assert unread(maps[False, False].block) == "48 of 64 (75.0 %)"
    assert "48 of 64" in LESSON.step("read").show(LESSON.defaults, run).picture.alt


def test_gradients_are_those_of_plain_torch_convolutions():
    x = torch.rand(1, 3, 7, 7, requires_grad=True)
    for layers, switches, part in (
            (nn.Conv2d(3, 2, 1, stride=2), (False, False), "shortcut"),
            (nn.Conv2d(3, 2, 3, stride=2, padding=1), (True, False), "path"),
            (nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(3, 2, 1)), (True, True), "shortcut")):
        gradient, = torch.autograd.grad(layers(x).sum(), x)
        ours = getattr(measure(7, 0)[switches], part)
        assert ((ours == 0) == (gradient[0, 0] == 0).numpy()).all()


def test_the_seed_gives_the_measurement():
    first, again, other = gradients(8, 1), gradients(8, 1), gradients(8, 2)
    assert (first[True, True].block == again[True, True].block).all()
    assert (first[True, True].block != other[True, True].block).any()


@pytest.mark.parametrize(("size", "never"), [(7, 33), (8, 48), (14, 147), (28, 588)])
def test_cells_never_read(size, never):
    x = torch.rand(1, 1, size, size, requires_grad=True)
    (gradient,) = torch.autograd.grad(nn.Conv2d(1, 1, 1, stride=2)(x).sum(), x)
    question = ask("read", size=size)
    assert question.answer == never == int((gradient == 0).sum())
    assert question.grade(str(size * size - never)).slip.name == "those read"


@pytest.mark.parametrize(("b", "d", "all_read"), [
    (False, False, set()), (True, False, {"path", "block"}), (False, True, {"shortcut", "block"}),
    (True, True, {"path", "shortcut", "block"})])
def test_who_reads_every_cell(b, d, all_read):
    question = ask("mend", b=b, d=d)
    assert question.answer == all_read and question.grade(sorted(all_read) or ["none"]).right
    if b != d:
        assert question.grade(sorted(all_read - {"block"})).slip.name == "block forgotten"
    table = LESSON.step("mend").show(LESSON.defaults, run).more[1].frame.set_index("Block")
    assert table.loc["D without B"].tolist() == ["48 of 64 (75.0 %)", "0 of 64 (0.0 %)", "0 of 64 (0.0 %)"]


def test_an_untrained_network_s_fields_overlap():
    """conv1, the pooling and conv2_x of the ResNet of 2015: a 7x7 with stride 2, a 3x3 with stride 2, three 3x3."""
    layers = nn.Sequential(nn.Conv2d(1, 1, 7, 2, 3), nn.AvgPool2d(3, 2, 1), *(nn.Conv2d(1, 1, 3, 1, 1) for _ in range(3)))
    field = extent(layers, 1, 128)
    assert field == 35 and ask("image").answer == field - 2 * 4 == 27
    later = nn.Sequential(layers, nn.Conv2d(1, 1, 1, 2), *(nn.Conv2d(1, 1, 3, 1, 1) for _ in range(4)))
    assert ask("image", stage="conv4_x").answer == extent(later, 1, 256) - 2 * 8
    assert ask("image", stage="conv5_x").answer == 99 + 6 * 2 * 16 - 2 * 16


# What it costs

@pytest.mark.parametrize(("stage", "channels", "size"), [("conv3_x", 128, 56), ("conv4_x", 256, 28), ("conv5_x", 512, 14)])
def test_price_of_b(stage, channels, size):
    def path(first, second):
        return nn.Sequential(nn.Conv2d(2 * channels, channels, 1, first, bias=False),
                             nn.Conv2d(channels, channels, 3, second, padding=1, bias=False))
    more = macs(path(1, 2), 2 * channels, size, size) - macs(path(2, 1), 2 * channels, size, size)
    question = ask("blocks", stage=stage)
    assert question.answer == more == 256 * 128 * (56 * 56 - 28 * 28)
    assert question.grade("77.07 million").right and question.grade("77").slip.name == "in millions"
    for b in (False, True):
        assert strided_block(b, False, stage).macs == strided_block(b, True, stage).macs  # D adds none


def test_stems_by_hand():
    assert stems(64).plain.macs == 7 * 7 * 3 * 64 * 112**2 == 118_013_952
    assert stems(64).deep.macs == 9 * (3 * 32 + 32 * 32 + 32 * 64) * 112**2 == 357_654_528
    content = LESSON.step("stem").show(LESSON.defaults, run)
    assert content.fields["per_7x7"] == "5.4" and content.fields["per_three"] == "1.8"
    assert "118,013,952" in content.picture.alt and "357,654,528" in content.picture.alt


@pytest.mark.parametrize("width", WIDTHS)
def test_dearer_stem(width):
    question = ask("stem", width=width)
    deep, plain = macs(three(width, 2, 1, 1), 3, 224, 224), macs(seven(width), 3, 224, 224)
    assert question.answer == pytest.approx(deep / plain) and question.grade(f"{deep}/{plain}").right
    last = macs(three(width, 1, 1, 2), 3, 224, 224)
    assert question.grade(f"{last}/{plain}").slip.name == "stride in the last"


def test_cheap_until():
    dearer = [width for width in WIDTHS
              if sum(p.numel() for p in three(width, 2, 1, 1).parameters()) > seven(width).weight.numel()]
    question = ask("narrow")
    assert question.answer == str(dearer[0]) == "24"
    meeting = 147 / 6.75 - 2
    assert 49 * 3 * meeting == pytest.approx(9 * (3 * meeting / 2 + meeting**2 / 4 + meeting**2 / 2))
    assert f"w = {meeting:.1f}" in question.because and "2,352" in question.grade("16").remark


@pytest.mark.parametrize(("strided", "strides", "field"), [
    ("first", (2, 1, 1), 11), ("second", (1, 2, 1), 9), ("third", (1, 1, 2), 7)])
def test_stem_field(strided, strides, field):
    assert ask("field", strided=strided).answer == field == extent(three(4, *strides), 3, 32)
    assert strided_stem(strided, 64).macs == macs(three(64, *strides), 3, 224, 224)


@pytest.mark.parametrize(("stage", "side"), [("conv3_x", 28), ("conv4_x", 14), ("conv5_x", 7)])
def test_uses_of_a_weight(stage, side):
    assert ask("early", stage=stage).answer == (112 // side)**2
    layer = nn.Conv2d(8, 8, 3, padding=1, bias=False)
    assert weight_uses()[stage].uses == macs(layer, 8, side, side) / layer.weight.numel()


def test_a_block_in_the_stem():
    assert block_in_stem().macs == 2 * 9 * 64 * 64 * 112**2
    assert "7.8 times" in ask("early").because  # 18 * 64 / 147


def test_weights_and_multiply_adds_of_the_stages_add_up():
    found = weight_uses().values()
    network = timm.create_model("resnet50", num_classes=0)
    convolutions = sum(module.weight.numel() for module in network.modules() if isinstance(module, nn.Conv2d))
    assert sum(use.weights for use in found) == convolutions
    assert sum(use.macs for use in found) == 3_857_973_248 - 2048 * 1000
    assert share_fields()["stem_macs"] == f"{100 * 118_013_952 / (3_857_973_248 - 2048 * 1000):.2g}"
    assert share_fields()["stem_weights"] == f"{100 * 7 * 7 * 3 * 64 / convolutions:.2g}"


# The whole network

@pytest.mark.parametrize("width", [16, 64])
def test_what_is_added(width):
    with torch.device("meta"):
        a, c = timm.create_model("resnet50"), timm.create_model("resnet50c")
        d = timm.create_model("resnet50d", stem_type="", stem_width=32)
    params = {name: sum(p.numel() for p in network.parameters()) for name, network in (("a", a), ("c", c), ("d", d))}
    assert alone(64)["c"][0] == params["c"] - params["a"] == 19_232 and alone(64)["d"][0] == params["d"] - params["a"] == 0
    dearer = macs(three(width, 2, 1, 1), 3, 224, 224) > macs(seven(width), 3, 224, 224)
    expected = {"b_macs"} | ({"c_params", "c_macs"} if dearer else set())
    question = ask("totals", width=width)
    assert question.answer == expected and dearer == (width == 64)
    assert question.grade(sorted(expected | {"d_macs"})).slip.name == "pooling counted"


def test_b_adds_the_same_in_three_blocks():
    assert alone(64)["b"] == (0, 3 * 256 * 128 * (56 * 56 - 28 * 28))
    assert alone(64)["c"][1] == 357_654_528 - 118_013_952


def test_every_mix_of_the_switches():
    totals = {mix: chosen(*mix, 64) for mix in product((False, True), repeat=3)}
    assert totals[False, False, False]["params"] == "25,557,032" and totals[False, False, False]["tweaks"] == "none (A)"
    assert totals[False, False, False]["macs"] == "3,857,973,248" and totals[True, False, False]["macs"] == "4,089,184,256"
    assert totals[False, False, True]["tweaks"] == "D"
    assert len({total["macs"] for total in totals.values()}) == 4  # D adds none


def test_the_paper_s_networks():
    fields = LESSON.step("cost").show(LESSON.defaults, run).fields
    assert [fields[name] for name in ("a", "b", "c", "percent")] == ["3.86", "4.09", "4.33", "12.2"]
    assert ladder()["Parameters"].tolist() == ["25,557,032"] * 2 + ["25,576,264"] * 2
    assert printed()["Top-1 accuracy, %"].tolist()[-1] == "77.16"


def test_best_bargain():
    b, c = 3 * 256 * 128 * (56 * 56 - 28 * 28) / 0.5, (357_654_528 - 118_013_952) / 0.2
    question = ask("cost")
    assert question.answer == ("d", "b", "c") and 0 < b < c
    assert f"{b / 1e6:.0f} million with B" in question.because and f"{c / 1e6:,.0f} million with C" in question.because
    assert question.grade(["b", "d", "c"]).slip.name == "points alone"


def test_every_kind_draws():
    for step in LESSON.steps:
        for level in (1, 2, 3):
            question = step.asks.draw(3, level)
            assert question.words and question.because and question.slips
    assert questions.never_read.draw(1, 3).values["size"] in (7, 28) and GRADIENTS.arguments == ("size", "seed")
