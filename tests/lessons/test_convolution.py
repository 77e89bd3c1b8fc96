"""The lesson on the arithmetic of a convolution, against torch, torchvision and arithmetic by hand."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.architecture import Impossible
from lib.lessons.content import Table, Written
from lib.lessons.convolution import cost, filters, questions, strides
from lib.lessons.convolution.by_hand import by_hand
from lib.lessons.convolution.equal import equalities
from lib.lessons.convolution.grid import slide
from lib.lessons.convolution.groups import connections, grouped
from lib.lessons.convolution.layer import Unshared, account, built
from lib.lessons.convolution.stack import least_sides, stack, table
from lib.lessons.convolution.steps import LESSON
from lib.lessons.convolution.written import layer, layers, matrix, pair
from lib.lessons.pictures import png
from lib.questions import Kind, Unreadable

show, ask = LESSON.shown, LESSON.asked


def slips_of(question) -> dict[str, float]:
    return {slip.name: slip.answer for slip in question.slips}


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# The tasks of real courses

def test_coursera_s_tasks():
    assert ask("weights", in_channels=3, out_channels=100, window="5").answer == 7600
    assert ask("weights", in_channels=16, out_channels=1, window="1").answer == 17
    assert ask("size", height=63, width=63, in_channels=16, described="32 filters 7x7, stride 2").answer == 29 * 29 * 32
    assert ask("size", height=32, width=32, in_channels=16, described="max pool 2 stride 2").answer == 16 * 16 * 16
    assert ask("fully_connected", height=300, width=300, in_channels=3, neurons=100).answer == 27_000_100
    assert ask("same", kernel=7, dilation=1).answer == 6


def test_the_book_s_tasks():
    # Prince, Understanding Deep Learning, problems 10.9 to 10.11 and 10.14
    assert ask("weights", in_channels=3, out_channels=10, window="5").answer == 750 + 10
    assert ask("stack", layers="3; 3; 3").answer == 7 and ask("stack", layers="7; 7; 7").answer == 19
    assert ask("stack", layers="5 s2; 3; 5 d2").answer == 5 + 2 * 2 + 4 * 2 * 2


def test_d2l_s_rectangles():
    found = built(8, 8, 1, "1 filter, kernel (3, 5), padding (0, 1), stride (3, 4)")
    assert found.output == (1, 2, 2) and found.params == 16


def test_dilation_at_the_stem():
    output = nn.Conv2d(3, 64, 7, 2, 3, dilation=2)(torch.zeros(1, 3, 224, 224))
    assert built(224, 224, 3, "64 filters 7x7 s2 p3 d2").output == tuple(output.shape[1:])


def test_five_convolutions_in_a_row():
    shown = show("stack", height=64, width=64, in_channels=3, layers="3; 3; 3; 3; 3").picture
    assert [text.split(" × ")[0] for text in shown.frame["Output"]] == ["62", "60", "58", "56", "54"]


def test_alexnet_without_shared_weights():
    values = {"height": 227, "width": 227, "in_channels": 3, "described": "96 filters 11x11, stride 4"}
    question = ask("unshared", **values)
    assert question.answer == 105_705_600 and slips_of(question)["shared"] == 34_944
    assert question.grade("55*55*96*(11*11*3 + 1)").right


def test_a_head_of_convolution_and_average():
    question = ask("fully_connected", height=32, width=32, in_channels=3, neurons=128)
    assert question.answer == count(nn.Linear(3072, 128)) == 393_344
    assert slips_of(question)["convolution"] == count(nn.Conv2d(3, 128, 3)) == 3584


# What is typed

@pytest.mark.parametrize("text", ["1 2;3 4", "1,2\n3,4", "[[1, 2], [3, 4]]", " 1  2 ;\n 3 4;", "+1 4/2; 3.0 4."])
def test_a_matrix_is_read(text):
    assert matrix(text) == ((1, 2), (3, 4))


@pytest.mark.parametrize("text, sentence", [
    ("", "no number"), (" ; \n", "no number"), ("1 2; 3", "not equally long"), ("1 two", "“two” is not a number"),
    ("1e5", "not a number"), ("1/0", "divides by zero"), ("1000001", "too large"), ("9" * 500, "too large"),
    ("²", "not a number"), (" ".join("1" * 13), "12 rows and 12 columns"), ("1;" * 13, "12 rows and 12 columns"),
    ("nan", "not a number"),
    ("<b>", "not a number"), ("{x}", "not a number")])
def test_what_is_no_matrix_gets_a_sentence(text, sentence):
    with pytest.raises(Impossible, match=re.escape(sentence)):
        matrix(text)


@pytest.mark.parametrize("text, sides", [
    ("5", (5, 5)), ("3x5", (3, 5)), ("3 × 5", (3, 5)), ("(3, 5)", (3, 5)), ("3, 5", (3, 5)), ("4096", (4096, 4096))])
def test_a_pair_is_read(text, sides):
    assert pair(text) == sides


@pytest.mark.parametrize("text", ["", "0", "x", "3x", "4097", "-3", "1 2 3", "9" * 300, "3.5", "{}"])
def test_what_is_no_pair_gets_a_sentence(text):
    with pytest.raises(Impossible):
        pair(text)


@pytest.mark.parametrize("text, words", [
    ("32 filters 7x7 stride 2", "convolution, 32 filters of 7×7, stride 2"),
    ("Conv2d 3, 64 filters, padding=1", "convolution, 64 filters of 3×3, stride 1, padding 1"),
    ("kernel (3, 5), padding (0, 1), stride (3, 4)", "convolution, 3×5, stride 3×4, padding 0×1"),
    ("max pool 2", "max pooling, 2×2, stride 2"),
    ("3x3 max pooling, stride 2, rounded up", "max pooling, 3×3, stride 2, rounded up"),
    ("average pool 2 s1", "average pooling, 2×2, stride 1"),
    ("global average pooling", "global average pooling"),
    ("fully connected layer with 100 neurons", "linear, 100 neurons"),
    ("linear 10 no bias", "linear, 10 neurons, no bias"),
    ("transposed convolution, 8 filters 2 x 2, s2", "transposed convolution, 8 filters of 2×2, stride 2"),
    ("unshared 96 filters 11*11 s4", "unshared convolution, 96 filters of 11×11, stride 4"),
    ("3 same d2, 4 groups, without bias", "convolution, 3×3, stride 1, padding 2, dilation 2, 4 groups, no bias"),
    ("1 filter 5", "convolution, 1 filter of 5×5, stride 1")])
def test_a_layer_is_read(text, words):
    assert layer(text).words == words


@pytest.mark.parametrize("text, sentence", [
    ("", "no kernel"), ("conv", "no kernel"), ("banana 3", "“banana” is not known"), ("stride", "no number after “stride”"),
    ("3 5", "what “5” means"), ("5000", "from 1 to 4,096"), ("3 s0", "from 1 to 4,096"),
    ("linear", "How many neurons"), ("4 same", "even kernel"), ("filters 3x3 3", "one number"),
    ("(3", "is not known"), ("kernel same", "no number after"),
    ("3 " + "9" * 400, "means"), ("9" * 400, "from 1 to 4,096"), ("²", "not known"), ("{layer}", "not known"),
    ("<script>", "not known")])
def test_what_is_no_layer_gets_a_sentence(text, sentence):
    with pytest.raises(Impossible, match=re.escape(sentence)):
        layer(text)


def test_a_list_of_layers():
    assert [each.kind for each in layers("5; max pool 2\n3;\n")] == ["convolution", "max pooling", "convolution"]
    for text in ("", " ;; \n", "3;" * 21, "3; nothing"):
        with pytest.raises(Impossible):
            layers(text)


@pytest.mark.parametrize("described, sentence", [
    ("32 filters 3 groups 3", "do not divide"), ("max pool 3 padding 2", "at most half"),
    ("64x64", "reaches over 64 cells"), ("average pool 3 dilation 2", "no dilation"),
    ("5 filters max pool 2", "no filters"), ("3 rounded up", "rounds down"),
    ("transposed 1 padding 4000", "cuts off all"), ("10 neurons, 2 groups", "Only convolutions have groups")])
def test_what_torch_refuses_gets_a_sentence(described, sentence):
    for step in ("size", "macs"):
        with pytest.raises(Impossible, match=sentence):
            show(step, described=described)
        with pytest.raises(Impossible, match=sentence):
            ask(step, described=described)


def test_what_is_too_large_to_be_counted_gets_a_sentence():
    with pytest.raises(Impossible, match="too large to be counted"):
        built(4096, 4096, 4096, "unshared 4096 filters 2048x2048")
    assert built(4096, 4096, 4096, "4096 filters 4096x4096").macs == 4096**4


# One layer

TORCH = [
    ("32 filters 7x7 stride 2", nn.Conv2d(3, 32, 7, 2)), ("8 filters (3, 5) padding (0, 1) stride (3, 4)",
                                                          nn.Conv2d(3, 8, (3, 5), (3, 4), (0, 1))),
    ("6 filters 3 d2 groups 3 no bias", nn.Conv2d(3, 6, 3, dilation=2, groups=3, bias=False)),
    ("max pool 3 stride 2", nn.MaxPool2d(3, 2)), ("max pool 3 stride 2 rounded up", nn.MaxPool2d(3, 2, ceil_mode=True)),
    ("max pool 1 s3 rounded up", nn.MaxPool2d(1, 3, ceil_mode=True)), ("average pool 2", nn.AvgPool2d(2)),
    ("max pool (2, 3) s(1, 2) p1 d2", nn.MaxPool2d((2, 3), (1, 2), 1, 2)),
    ("transposed 4 filters 3 s2 p1", nn.ConvTranspose2d(3, 4, 3, 2, 1)), ("gap", nn.AdaptiveAvgPool2d(1)),
    ("transposed 6 filters (2, 5) s(3, 2) d2 groups 3", nn.ConvTranspose2d(3, 6, (2, 5), (3, 2), groups=3, dilation=2)),
    ("10 neurons", nn.Sequential(nn.Flatten(), nn.Linear(3 * 20 * 23, 10)))]


@pytest.mark.parametrize("described, module", TORCH, ids=[described for described, _module in TORCH])
def test_a_layer_is_torch_s(described, module):
    found, image = built(20, 23, 3, described), torch.zeros(1, 3, 20, 23)
    with FlopCounterMode(display=False) as counter:
        output = module(image)
    assert found.output == tuple(output.shape[1:])
    assert (found.params, found.numbers) == (count(module), output.numel())
    assert found.macs == counter.get_total_flops() / 2
    assert ask("size", height=20, width=23, in_channels=3, described=described).answer == output.numel()
    assert ask("macs", height=20, width=23, in_channels=3, described=described).answer == counter.get_total_flops() / 2


@pytest.mark.parametrize("described", [described for described, _module in TORCH])
def test_the_written_out_arithmetic_gives_its_result(described):
    rows = account(built(20, 23, 3, described)).set_index("Quantity")
    for numbers, result in zip(rows["With these numbers"], rows["Result"]):
        if numbers:
            assert calculated(numbers) == int(result.replace(",", "")), numbers


def calculated(words: str) -> int:
    """A formula of the app with its numbers, as Python calculates it."""
    words = words.partition(", as the last")[0].replace(",", "").replace("−", "-").replace("·", "*").replace("/", "//")
    words = words.replace("⌊", "(").replace("⌋", ")")
    return eval(re.sub(r"⌈(.*)// (\d+)⌉", r"-(-(\1)//\2)", words))


@torch.no_grad()
def test_an_unshared_convolution_with_equal_weights_is_a_convolution():
    convolution, image = nn.Conv2d(3, 4, 3, 2, 1), torch.randn(2, 3, 7, 9)
    unshared = Unshared(3, 4, (3, 3), (2, 2), (1, 1), (1, 1), (4, 5))
    unshared.weight[:] = convolution.weight.flatten(1)
    unshared.bias[:] = convolution.bias
    assert torch.allclose(unshared(image), convolution(image), atol=1e-6)
    assert built(7, 9, 3, "unshared 4 filters 3 s2 p1").params == count(unshared) == 20 * count(convolution)


def test_training_costs_three_times_the_macs():
    found, module = built(12, 12, 3, "8 filters 3x3 padding 1"), nn.Conv2d(3, 8, 3, padding=1)
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 3, 12, 12, requires_grad=True)).sum().backward()
    assert cost.training(found)["For one image"][:3].sum() == counter.get_total_flops() / 2


def test_what_makes_a_layer_cheaper():
    costs = cost.cheaper(built(32, 32, 16, "32 filters 3x3 padding 1"))
    whole = nn.Conv2d(16, 32, 3).weight.numel() * 32 * 32
    assert costs == {"this layer": whole, "stride doubled": whole // 4, "no padding": whole * 30 * 30 // 32**2,
                     "half the filters": whole // 2, "2 groups": whole // 2}
    assert cost.cheaper(built(32, 32, 16, "max pool 2")) == {"this layer": 0}


# The first steps: one small map

@pytest.mark.parametrize("kernel, stride, row, column", [
    (3, 2, 1, 2), (3, 1, 2, 3), (7, 1, 3, 3), (1, 4, 12, 1), (2, 3, 2, 2)])
def test_a_cell_is_the_sum_of_products(kernel, stride, row, column):
    question = ask("grid", kernel=kernel, stride=stride, row=row, column=column)
    weights, window = (np.array(matrix(question.fields[name])) for name in ("weights", "window"))
    assert question.answer == (weights * window).sum()
    assert calculated(question.fields["products"]) == question.answer
    turned = (weights[::-1, ::-1] * window).sum()
    assert slips_of(question).get("kernel turned", turned) == turned


def test_the_sum_of_a_dilated_window_is_right():
    slid = slide(7, 3, 2, 2, 2)
    products = slid.products(1, 2).replace("−", "-")
    parts = re.findall(r"(-?\d+)·(\(-\d+\)|\d+)", products)
    assert sum(int(a) * int(b.strip("()")) for a, b in parts) == slid.output[1][2]
    assert len(parts) == 9


def test_a_place_beyond_the_output_is_the_last_one():
    content = show("grid", row=12, column=1)
    assert "Output [4, 1]" in str(content.picture.draw(palette()).to_dict())
    assert content.more[0].fields == {"outputs": 4}


def palette():
    from lib.figures.theme import LIGHT
    return LIGHT


def test_cells_that_no_window_reads():
    assert ask("unread", size=7, padding=0).answer == 0
    # On 8x8 without padding stride 2 leaves the last row and column: 8 + 8 - 1 cells.
    assert ask("unread", size=8, padding=0).answer == 15
    assert {name: value for name, value in slips_of(ask("unread", size=8, padding=0)).items()} == {
        "rows alone": 8, "corner twice": 16, "floor forgotten": 0}


@pytest.mark.parametrize("size, kernel, stride, padding, dilation", [
    (7, 3, 2, 0, 2), (9, 2, 3, 0, 1), (8, 3, 4, 1, 1), (9, 2, 2, 1, 3), (6, 1, 4, 3, 1)])
def test_unread_cells_have_no_gradient(size, kernel, stride, padding, dilation):
    image = torch.zeros(1, 1, size, size, requires_grad=True)
    F.conv2d(image, torch.ones(1, 1, kernel, kernel), None, stride, padding, dilation).sum().backward()
    values = dict(size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    assert ask("unread", **values).answer == (image.grad == 0).sum()


def test_the_corner_of_a_wide_padding_reads_one_cell():
    assert {"outputs": 9, "corner": 1}.items() <= show("unread").more[0].fields.items()


def test_a_kernel_larger_than_the_map_gets_a_sentence():
    for what in (show, ask):
        with pytest.raises(Impossible, match="reaches over 13 cells, but the padded map has only 4"):
            what("unread", kernel=5, dilation=3, size=4, padding=0)


# By hand

def test_a_typed_matrix():
    values = {"typed": "3 0 1 2; 1 5 8 9; 2 7 2 5; 0 1 3 1", "taps": "1 0 -1; 1 0 -1; 1 0 -1", "stride": 1}
    assert by_hand(values["typed"], values["taps"], "convolution", 1).output == ((-5, -4), (-10, -2))
    question = ask("by_hand", **values)
    assert question.answer == (5 + 7 + 1) - (9 + 5 + 1) and slips_of(question)["kernel turned"] == 2
    shown = next(each for each in show("by_hand", **values).more if isinstance(each, Written))
    assert shown.text.split() == ["−5", "−4", "−10", "−2"]


def test_pooling_of_a_typed_matrix():
    values = {"typed": "1 2 3 4 5; 6 7 8 9 1; 2 3 4 5 6; 7 8 9 1 2; 3 4 5 6 7", "taps": "0 0 0; 0 0 0; 0 0 0", "stride": 2}
    assert by_hand(*list(values.values())[:2], "max pooling", 2).output == ((8, 9), (9, 9))
    assert ask("by_hand", operation="max pooling", **values).answer == max(4, 5, 6, 9, 1, 2, 5, 6, 7)
    mean = ask("by_hand", operation="average pooling", **values)
    assert mean.answer == 45 / 9 and slips_of(mean)["maximum for average"] == 9


def test_a_mean_may_be_rounded():
    question = ask("by_hand", typed="1 2; 3 1", taps="1 1; 1 0", operation="average pooling", stride=1)
    assert question.answer == 1.75 and question.grade("1.75").right and question.grade("7/4").right
    question = ask("by_hand", typed="1 1 2", taps="1 1 1", operation="average pooling", stride=1)
    assert question.grade("1.33").right and not question.grade("1.3").right


def test_a_typed_kernel_that_does_not_fit():
    with pytest.raises(Impossible, match="The kernel has 2×2 cells, but the matrix only 1×3"):
        ask("by_hand", typed="1 2 3", taps="1 2; 3 4")


# Pictures

def test_filters_on_a_picture():
    boat = filters.drawn("boat")
    assert np.array_equal(filters.filtered("boat", "identity", "").after, boat)
    pixels = np.array(boat, dtype=float)
    mean = sum(pixels[down:down + 3, across:across + 3] for down, across in [(9, 9)])[..., 1].mean()
    assert abs(np.array(filters.filtered("boat", "blur", "").after)[10, 10, 1] - mean) <= 0.5
    grey = np.array(boat.convert("L"), dtype=float)[60:63, 80:83]
    edge = (grey * np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])).sum() + filters.GREY
    assert np.array(filters.filtered("boat", "vertical edges", "").after)[61, 81] == np.clip(round(edge), 0, 255)


def test_a_step_in_brightness_is_an_edge():
    step = png(Image.fromarray(np.repeat([[0] * 84 + [255] * 84], 168, 0).astype(np.uint8)))
    across = np.array(filters.filtered(step, "vertical edges", "").after)
    along = np.array(filters.filtered(step, "horizontal edges", "").after)
    assert (across != filters.GREY).any(0).nonzero()[0].tolist() == [83, 84] and (along == filters.GREY).all()


@pytest.mark.parametrize("filter, taps, answer", [
    ("identity", "1", "same"), ("blur", "1", "same"), ("sharpen", "1", "same"), ("emboss", "1", "same"),
    ("vertical edges", "1", "nothing"), ("horizontal edges", "1", "nothing"), ("brighten", "1", "brighter"),
    ("typed", "0.25 0.25", "darker"), ("typed", "-1", "darker"), ("typed", "1 1; 1 1", "brighter"),
    ("typed", "1 -1", "nothing")])
def test_what_an_even_area_becomes(filter, taps, answer):
    assert ask("edges", filter=filter, taps=taps).answer == answer


def test_a_file_that_is_no_picture_gets_a_sentence():
    with pytest.raises(Impossible, match="not a picture"):
        show("edges", picture=b"no picture")


# Padding, real strides, AlexNet

@pytest.mark.parametrize("kernel, dilation", [(1, 1), (2, 1), (3, 1), (4, 2), (7, 3)])
def test_the_padding_that_keeps_the_size(kernel, dilation):
    zeros = ask("same", kernel=kernel, dilation=dilation).answer
    padded = F.pad(torch.zeros(1, 1, 20), (0, zeros))
    assert F.conv1d(padded, torch.zeros(1, 1, kernel), dilation=dilation).shape[-1] == 20
    sizes = next(each for each in show("same", kernel=kernel, dilation=dilation).more if isinstance(each, Table)).frame
    assert sizes.set_index("Zeros in all")["Cells of the output"][zeros] == 32


def test_real_strides():
    fields = show("strides", layer="resnet50 layer2.0.downsample.0").more[0].fields
    assert (fields["unread_map"], fields["unread_padding"]) == (28, 0)
    rows = strides.strided().set_index("Layer")
    assert rows.loc["resnet50 conv1"].tolist() == ["(224 + 2·3 − 7) / 2 = 111.5", "down", 112, 0, 1]
    assert rows.loc["alexnet features.0", "Output rows"] == rows.loc["alexnet_2012 features.0", "Output rows"] == 55
    assert rows.loc["googlenet maxpool1", "Rounded"] == "up"


def test_the_layer_that_skips_rows_of_its_map():
    read = {}
    for name in strides.STRIDED:
        axis = strides.edge(name)
        image = torch.zeros(1, 1, axis.size, 20, requires_grad=True)
        kernel, stride, padding = axis.window.kernel[0], axis.window.stride[0], axis.window.padding[0]
        width = torch.ones(1, 1, kernel, 1)
        F.conv2d(F.pad(image, (0, 0, padding, padding + stride if axis.window.ceil_mode else padding)), width,
                 stride=(stride, 1)).sum().backward()
        read[name] = (image.grad != 0).any(-1).all().item()
    question = ask("strides")
    left = {name for name, all_rows in read.items() if not all_rows}
    assert question.answer == left == {"resnet50 layer2.0.downsample.0"}
    assert question.fields["rows"] == 28 and set(slips_of(question)) == {"padding", "nothing"}


def test_alexnet_s_55_rows():
    layer = nn.Conv2d(1, 1, 11, 4)
    rows = {}
    for image, padding in ((224, 0), (224, 1), (224, 2), (227, 0), (227, 2)):
        rows[f"{image}-{padding}"] = layer(torch.zeros(1, 1, image + 2 * padding, image + 2 * padding)).shape[-1]
    question = ask("alexnet")
    assert set(question.answer) == {name for name, number in rows.items() if number == 55} == {"224-2", "227-0"}
    assert set(question.options) - {"none"} == set(rows)
    assert (question.fields["without"], question.fields["one"], question.fields["both"]) == (54, 54, 56)
    assert question.grade(["227-0"]).slip.name == "no remainder"
    with torch.device("meta"):
        assert torchvision.models.alexnet().features[0].padding == (2, 2)


# Weights and groups

@pytest.mark.parametrize("in_channels, out_channels, window, bias", [
    (16, 32, "3", True), (3, 64, "7", False), (1, 1, "1", True), (48, 5, "3 x 5", True), (512, 4096, "7", True)])
def test_parameters_are_torch_s(in_channels, out_channels, window, bias):
    sides = tuple(map(int, window.split(" x "))) if "x" in window else int(window)
    module = nn.Conv2d(in_channels, out_channels, sides, bias=bias, device="meta")
    values = {"in_channels": in_channels, "out_channels": out_channels, "window": window, "bias": bias}
    assert ask("weights", **values).answer == count(module)
    assert show("weights", **values).more[1].fields["shape"] == " × ".join(map(str, module.weight.shape))


def test_slips_of_parameters():
    assert slips_of(ask("weights", in_channels=3, out_channels=100, window="5")) == {
        "bias forgotten": 7500, "one bias": 7501, "kernel once": 1600, "input channels forgotten": 2600,
        "output channels forgotten": 76, "bias of inputs": 7503}


@pytest.mark.parametrize("channels, groups, order", [
    (16, 4, ["depthwise", "pointwise", "grouped", "full"]), (64, 16, ["depthwise", "grouped", "pointwise", "full"]),
    (16, 16, ["grouped", "pointwise", "full"]), (16, 1, ["depthwise", "pointwise", "full"]), (1, 1, ["pointwise", "full"])])
def test_the_order_of_weights(channels, groups, order):
    module = {"full": nn.Conv2d(channels, channels, 3), "grouped": nn.Conv2d(channels, channels, 3, groups=groups),
              "depthwise": nn.Conv2d(channels, channels, 3, groups=channels), "pointwise": nn.Conv2d(channels, channels, 1)}
    question = ask("groups", in_channels=channels, groups=groups)
    assert list(question.answer) == order
    weights = [module[name].weight.numel() for name in question.answer]
    assert weights == sorted(set(weights))
    assert question.grade(order[::-1]).slip.name == "reversed"


@pytest.mark.parametrize("in_channels, out_channels, groups", [(16, 32, 4), (8, 8, 8), (4, 2, 1)])
def test_groups_are_torch_s(in_channels, out_channels, groups):
    module = nn.Conv2d(in_channels, out_channels, 3, padding=1, groups=groups, bias=False)
    block = grouped(in_channels, out_channels, groups)
    assert (block.weights, block.macs) == (module.weight.numel(), module.weight.numel() * 14 * 14)
    images = torch.eye(in_channels)[:, :, None, None].expand(-1, -1, 3, 3)
    answers = F.conv2d(images, torch.ones_like(module.weight), groups=groups)[:, :, 0, 0].T
    assert connections(in_channels, out_channels, groups) == (answers > 0).int().tolist()
    told = show("groups", in_channels=in_channels, out_channels=out_channels, groups=groups).more[0].fields
    assert told["shape"] == " × ".join(map(str, module.weight.shape))


def test_groups_that_do_not_divide_get_a_sentence():
    with pytest.raises(Impossible, match="64 groups do not divide 16 channels in and 32 out"):
        show("groups", groups=64)
    assert show("groups", in_channels=512, out_channels=512, groups=32).before is None  # too many to draw


# Costs

@pytest.mark.parametrize("height, width, in_channels, described", [
    (14, 9, 3, "8 filters 3x3"), (13, 13, 4, "6 filters 5 s3 p2 d2 no bias")])
def test_parameters_without_sharing(height, width, in_channels, described):
    found = layer(described)
    places = nn.Conv2d(in_channels, found.filters, found.kernel, found.stride, found.padding, found.dilation)(
        torch.zeros(1, in_channels, height, width)).shape[2:]
    one = nn.Linear(in_channels * found.kernel[0] * found.kernel[1], found.filters, bias=found.bias)  # a place's filters
    question = ask("unshared", height=height, width=width, in_channels=in_channels, described=described)
    assert question.answer == places.numel() * count(one)


def test_what_shares_no_weights_gets_a_sentence():
    for described in ("max pool 2", "10 neurons", "transposed 2", "3 groups 2"):
        for what in (show, ask):
            with pytest.raises(Impossible, match="Weights are shared by convolutions"):
                what("unshared", described=described)


@pytest.mark.parametrize("height, width, in_channels, neurons", [(28, 28, 1, 10), (5, 7, 3, 4096), (1, 1, 1, 1)])
def test_parameters_of_a_linear_layer(height, width, in_channels, neurons):
    question = ask("fully_connected", height=height, width=width, in_channels=in_channels, neurons=neurons)
    assert question.answer == count(nn.Linear(height * width * in_channels, neurons))


# A linear layer is a convolution

@pytest.mark.parametrize("seed", [0, 3])
def test_two_ways_give_the_same_numbers(seed):
    pairs = equalities(9, 2, 64, 32, seed)
    assert all(0 <= pair.difference < 1e-5 and pair.largest > 1 for pair in pairs)
    assert [pair.weights for pair in pairs] == [64 * 81 * 32] * 2 + [64 * 32]
    assert [pair.count for pair in pairs] == [8 * 32, 8 * 32 * 9, 8 * 32 * 121]


def test_too_many_channels_to_run_get_a_sentence():
    with pytest.raises(Impossible, match="at most 64 channels"):
        show("linear", in_channels=65)


@pytest.mark.parametrize("size, larger", [(7, 5), (4, 0), (9, 6)])
def test_places_of_a_linear_layer(size, larger):
    output = nn.Conv2d(2, 3, size)(torch.zeros(1, 2, size + larger, size + larger))
    assert ask("linear", size=size, larger=larger).answer == output.shape[2] * output.shape[3]


# Transposed convolutions and stacks

@pytest.mark.parametrize("height, kernel, stride, padding", [(63, 3, 2, 1), (1, 2, 4, 0), (20, 5, 3, 2), (4096, 7, 1, 3)])
def test_rows_of_a_transposed_convolution(height, kernel, stride, padding):
    module = nn.ConvTranspose2d(1, 1, (kernel, 1), (stride, 1), (padding, 0))
    question = ask("transposed", height=height, kernel=kernel, stride=stride, padding=padding)
    assert question.answer == module(torch.zeros(1, 1, height, 1)).shape[2]
    back = nn.Conv2d(1, 1, (kernel, 1), (stride, 1), (padding, 0))(torch.zeros(1, 1, int(question.answer), 1))
    assert question.fields["back"] == back.shape[2] == height


def test_a_stride_that_does_not_divide_the_kernel_covers_unequally():
    covered = F.conv_transpose1d(torch.ones(1, 1, 9), torch.ones(1, 1, 3), stride=2)[0, 0, 2:-2]
    even = F.conv_transpose1d(torch.ones(1, 1, 9), torch.ones(1, 1, 4), stride=2)[0, 0, 2:-2]
    assert len(covered.unique()) == 2 and len(even.unique()) == 1


@pytest.mark.parametrize("text", [
    "5; max pool 2; 3; max pool 2", "7 s2 p3; max pool 3 s2 p1; 3 same; average pool 3 s2 rounded up", "3; 3 d2; 3 d4",
    "5 s2; 3; 5 d2; global average pooling; 10 neurons"])
def test_the_field_is_where_the_gradient_is(text):
    field = ask("stack", height=64, width=64, in_channels=1, layers=text).answer
    image = torch.rand(1, 1, 64, 64, dtype=torch.float64, requires_grad=True)
    output = image
    for each in layers(text):
        if each.pools and not each.kind.startswith("global"):  # a mean reads the whole window
            output = F.avg_pool2d(output, each.kernel, each.stride, each.padding, each.ceil)
        elif each.kind == "convolution":
            weight = torch.ones(1, 1, *each.kernel, dtype=torch.float64)
            output = F.conv2d(output, weight, None, each.stride, each.padding, each.dilation)
    output[0, 0, output.shape[2] // 2, output.shape[3] // 2].backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero()
    assert field == rows.max() - rows.min() + 1


def test_a_stack_is_torch_s_lenet():
    lenet = nn.Sequential(nn.Conv2d(1, 6, 5), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.AvgPool2d(2), nn.Flatten(),
                          nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10))
    found = stack(32, 32, 1, "6 filters 5; average pool 2; 16 filters 5; average pool 2; 120 neurons; fc 84; linear 10")
    with FlopCounterMode(display=False) as counter:
        lenet(torch.zeros(1, 1, 32, 32))
    assert found.params == count(lenet) == 61_706
    shown = table(found)
    assert shown["Parameters"].tolist() == [156, 0, 2416, 0, 48120, 10164, 850]
    assert shown["MACs"].sum() == counter.get_total_flops() / 2
    assert shown["Field"].tolist()[:5] == ["5", "6", "14", "16", "whole image"]


@pytest.mark.parametrize("text, module", [
    ("5; max pool 2; 3; max pool 2",
     nn.Sequential(nn.Conv2d(1, 1, 5), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3), nn.MaxPool2d(2))),
    ("7 s2 p3; 3; 3", nn.Sequential(nn.Conv2d(1, 1, 7, 2, 3), nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)))])
def test_the_least_image(text, module):
    least = stack(64, 64, 1, text).least_side
    module(torch.zeros(1, 1, least, least))
    with pytest.raises(RuntimeError):
        module(torch.zeros(1, 1, least - 1, least - 1))


@pytest.mark.parametrize("text, sentence", [
    ("5; 100x100; 3", "Layer 2: The kernel reaches over 100"), ("10 neurons; 3", "Layer 2: after a linear layer"),
    ("3; transposed 2", "Layer 2: a stack here takes"), ("10 neurons", "no convolution and no pooling"),
    ("hello", "not known")])
def test_a_stack_that_cannot_be_gets_a_sentence(text, sentence):
    for what in (show, ask):
        with pytest.raises(Impossible, match=sentence):
            what("stack", layers=text)


def test_the_least_sides_are_torchvision_s():
    models = torchvision.models
    found = [weights.IMAGENET1K_V1.meta["min_size"][0] for weights in (
        models.AlexNet_Weights, models.VGG16_Weights, models.Inception_V3_Weights)]
    assert least_sides()["Least side in pixels"].tolist() == found


# Old links

def test_the_controls_of_old_links_have_their_values():
    old = {"size": "9", "kernel": "5", "stride": "4", "padding": "3", "dilation": "2", "in_channels": "64",
           "out_channels": "1", "groups": "16", "row": "12", "column": "7", "layer": "resnet50 maxpool", "seed": "4"}
    for name, text in old.items():
        knob = LESSON.knobs[name]
        assert knob.write(knob.read(text)) == text
        with pytest.raises(Impossible):
            knob.read("99999" if name != "layer" else "resnet50")
    assert set(LESSON.anchors.values()) <= {step.id for step in LESSON.steps}


def test_every_kind_is_asked_by_a_step():
    kinds = {each.name for each in vars(questions).values() if isinstance(each, Kind)}
    assert kinds == {step.asks.name for step in LESSON.steps}


def test_an_answer_that_is_none_is_no_attempt():
    with pytest.raises(Unreadable):
        ask("size").read("many")
