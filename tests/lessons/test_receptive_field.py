"""The lesson on receptive fields: against gradients, torch's own layers, arithmetic by hand and what is in print."""

import pytest
import torch
from torch import nn

import lib
from lib.architecture import Impossible
from lib.lessons.receptive_field import networks, questions, stacks
from lib.lessons.receptive_field.effective import first_narrow
from lib.lessons.receptive_field.gradients import NARROW, chain, of_chain, of_network, summarize
from lib.lessons.receptive_field.steps import LESSON
from lib.text import prose, step_prose

# At the ends of the five stages: r += (k - 1) j by hand.
BY_HAND = {"resnet18": (7, 43, 99, 211, 435), "plain18": (7, 43, 99, 211, 435), "resnet34": (7, 59, 179, 547, 899),
           "plain34": (7, 59, 179, 547, 899), "resnet50": (7, 35, 91, 267, 427), "vgg16": (6, 16, 44, 100, 212)}
BEFORE_THE_HEAD = {"alexnet": 195, "vgg16": 212, "vgg19": 268, "mobilenetv1_100": 315, "googlenet": 379, "resnet50": 427,
                   "resnet18": 435, "resnet50_v1": 483, "mobilenet_v2": 491, "resnet34": 899, "resnet101": 971,
                   "inception_v3": 1311, "resnet152": 1451}


def run(measured, arguments):
    return measured.function(*arguments)


def values(**changed):
    return {**LESSON.defaults, **changed}


def shown(step: str, **changed):
    return LESSON.step(step).show(values(**changed), run)


def asked(step: str, **changed):
    return LESSON.step(step).ask(values(**changed), run)


def extent(*layers: nn.Module, side: int = 180) -> int:
    """Pixels from the first to the last with a gradient from the middle of the last map; all weights are positive."""
    module = nn.Sequential(*layers).double()
    for parameter in module.parameters():
        nn.init.constant_(parameter, 1.0 / parameter.numel())
    image = torch.ones(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    output = module(image)
    output[0, 0, output.shape[2] // 2, output.shape[3] // 2].backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero()
    return (rows.max() - rows.min()).item() + 1


def conv(kernel: int, stride: int = 1, dilation: int = 1) -> nn.Module:
    return nn.Conv2d(1, 1, kernel, stride, dilation=dilation, bias=False)


def test_layers_of_one_kernel_see_what_the_gradient_reaches():
    for kernel in (3, 5, 7):
        for layers in (1, 2, 3, 4):
            question = questions.field_of_layers(kernel=kernel, layers=layers)
            assert question.answer == extent(*(conv(kernel) for _ in range(layers)))
    assert questions.field_of_layers(kernel=3, layers=3).answer == 7, "Prince, problem 10.9"
    assert questions.field_of_layers(kernel=7, layers=3).answer == 19, "Prince, problem 10.10"


def test_stacks_are_torch_s():
    table = shown("stacks", channels=128).picture.frame.set_index("Stack")
    for name, kernel, count in (("One 5×5", 5, 1), ("Two 3×3", 3, 2), ("One 7×7", 7, 1), ("Three 3×3", 3, 3)):
        weights = count * nn.Conv2d(128, 128, kernel, bias=False, device="meta").weight.numel()
        assert table.loc[name, "Weights"] == f"{weights:,}" and table.loc[name, "MACs"] == f"{weights * 56 * 56:,}"
    assert table["Field"].tolist() == ["5 px", "5 px", "7 px", "7 px"]
    assert table.loc["Two 3×3", "Of the one large"] == "72.0%"


@pytest.mark.parametrize("single, count", [(5, 2), (7, 3)])
def test_the_share_of_weights(single, count):
    def weights(kernel):
        return nn.Conv2d(32, 32, kernel, bias=False).weight.numel()
    for channels in (16, 32, 512):
        answer = questions.share_of_weights(channels=channels, single=single).answer
        assert answer == pytest.approx(100 * count * weights(3) / weights(single))
    assert extent(*(conv(3) for _ in range(count))) == extent(conv(single)) == single


@pytest.mark.parametrize("dilated", [2, 3, 4, 5])
def test_as_many_plain_layers_see_exactly_as_far(dilated):
    count = asked("dilated", dilated=dilated).answer
    far = extent(*(conv(3, dilation=2**place) for place in range(dilated)))
    assert extent(*(conv(3) for _ in range(count))) == far
    assert count == {2: 3, 3: 7, 4: 15, 5: 31}[dilated]


def pool(kernel: int, stride: int) -> nn.Module:
    return nn.AvgPool2d(kernel, stride)


STACKS = {
    "conv3 pool2/2 conv3": [conv(3), pool(2, 2), conv(3)],
    "conv3/2 conv3/2 conv3": [conv(3, 2), conv(3, 2), conv(3)],
    "conv5 pool2/2 conv5 pool2/2": [conv(5), pool(2, 2), conv(5), pool(2, 2)],
    "conv5 pool2/2 conv3 pool2/2": [conv(5), pool(2, 2), conv(3), pool(2, 2)],
    "conv7/2 pool3/2 conv3 conv3": [conv(7, 2), pool(3, 2), conv(3), conv(3)],
    "conv11/4 pool3/2 conv5 pool3/2": [conv(11, 4), pool(3, 2), conv(5), pool(3, 2)],
    "conv5/2 conv3 conv5d2": [conv(5, 2), conv(3), conv(5, dilation=2)],
    "conv3/2 conv3d2 pool2/2 conv3": [conv(3, 2), conv(3, dilation=2), pool(2, 2), conv(3)],
    "conv7/2 pool3/2 conv3d2 conv3d4": [conv(7, 2), pool(3, 2), conv(3, dilation=2), conv(3, dilation=4)],
}


@pytest.mark.parametrize("stack", LESSON.knobs["stack"].values)
def test_a_stack_s_field_is_the_extent_of_its_gradient(stack):
    question = asked("jump", stack=stack)
    assert question.answer == extent(*STACKS[stack])
    assert question.grade(f"{question.answer} px").right
    assert question.because.endswith(f"= {question.answer}. So **{question.answer} px**.")


def test_stacks_from_courses():
    assert asked("jump", stack="conv5 pool2/2 conv3 pool2/2").answer == 12, "textbookofai, 7: 1 + 4 + 1 + 2·2 + 1·2"
    assert asked("jump", stack="conv5/2 conv3 conv5d2").answer == 25, "Prince, problem 10.11: 1 + 4 + 2·2 + 4·2·2"
    assert stacks.sides("conv11/4 pool3/2 conv5 pool3/2")[:3] == [11, 19, 51], "AlexNet"


def test_slips_of_a_stack_by_hand():
    slips = {slip.name: slip.answer for slip in asked("jump", stack="conv5/2 conv3 conv5d2").slips}
    assert slips == {"stride forgotten": 1 + 4 + 2 + 8, "stride too early": 1 + 8 + 4 + 16,
                     "dilation forgotten": 1 + 4 + 4 + 8, "whole kernels": 5 + 6 + 20, "first cell forgotten": 24}
    pooled = asked("jump", stack="conv7/2 pool3/2 conv3 conv3").grade(str(1 + 6 + 8 + 8))
    assert pooled.slip.name == "pooling forgotten" and "kernel without weights" in pooled.remark
    assert "Neighbouring windows overlap" in asked("kernels").grade("9").remark


@pytest.mark.parametrize("text", ["", "conv", "conv3/", "pool2/2,conv3", "conv3 <b>"])
def test_a_stack_that_cannot_be_read(text):
    with pytest.raises(Impossible):
        stacks.slides(text)


@pytest.mark.parametrize("network", networks.NETWORKS)
def test_where_a_network_outgrows_its_image(network):
    assert tuple(networks.sides(network)) == BY_HAND[network]
    larger = [name for name, side in zip(networks.stage_names(network), BY_HAND[network]) if side > 224]
    question = asked("theory", network=network)
    assert question.answer == ((larger or ["none"])[0],) and question.grade(question.answer[0]).right
    assert all(str(side) in question.because for side in BY_HAND[network])


@pytest.mark.parametrize("network", networks.NETWORKS)
def test_the_windows_that_are_listed_add_up_to_the_field(network):
    field = 1
    for _, windows, jump in networks.windows(network).itertuples(index=False):
        count, kernel = windows.split(" × ")
        field += int(count) * (int(kernel.split("×")[0]) - 1) * jump
    assert field == BY_HAND[network][-1]


def test_the_table_of_layers_is_written_out():
    content = shown("theory")
    layers = next(each.frame for each in content.more if getattr(each, "title", "").startswith("Every layer"))
    assert layers["Field, px"].iloc[-1] == "83 + (3 − 1)·8 = 99"
    assert "**99 px** and the jump 8 px" in prose("receptive_field", "theory, at this stage", **content.fields)
    content = shown("theory", network="vgg16", stage=4)
    assert "**100 px** and the jump 16 px" in prose("receptive_field", "theory, at this stage", **content.fields)


def half(gradient: torch.Tensor, first: int, last: int) -> int:
    """The side of the smallest square in the middle of pixels first to last that holds half of the gradient, one by one."""
    for cut in reversed(range((last - first) // 2 + 1)):
        rows = slice(max(0, first + cut), last + 1 - cut)
        if gradient[rows, rows].sum() >= gradient.sum() / 2:
            return min(last - first + 1 - 2 * cut, len(gradient))


def gradient_of(features, images: torch.Tensor) -> torch.Tensor:
    """Mean |gradient| of the cell in the middle, its channels mixed at random."""
    middle = (output := features(images))[:, :, output.shape[2] // 2, output.shape[3] // 2]
    (middle * torch.randn_like(middle)).sum().backward()
    found = images.grad.abs().mean((0, 1))
    images.grad = None
    return found


def start(preset: str, seed: int) -> tuple[nn.Module, torch.Tensor]:
    """A network with initial weights, and images."""
    torch.manual_seed(seed)
    model = lib.build(preset, width=NARROW, num_classes=10).eval()
    return model, torch.randn(2, 3, 224, 224, requires_grad=True)


def up_to_layer2(model: nn.Module):
    return nn.Sequential(*list(model.children())[:6])


def test_half_of_the_gradient_of_a_network():
    model, images = start("resnet18", 0)
    features = up_to_layer2(model)
    assert features[-1] is model.layer2
    first, side = 14 * 8 - 49, 99  # the cell in the middle of 28 x 28 lies at pixel 112; 49 to each side of it
    answer = questions.half_of_gradient(network="resnet18", stage=3, seed=0).answer
    assert answer == half(gradient_of(features, images), first, first + side - 1)
    assert asked("listens").answer == answer and asked("listens").grade("99").slip.name == "all of it"


def test_the_residual_core_is_narrower():
    found = []
    for preset in ("plain34", "resnet34"):
        model, images = start(preset, 1)
        found.append(half(gradient_of(up_to_layer2(model), images), 112 - 89, 112 + 89))
    question = asked("shortcuts", seed=1)
    assert found[1] < found[0] and question.answer == "residual"
    assert f"{found[0]} px of plain34, and in {found[1]} px of resnet34" in question.because
    for of_step in (asked, shown):
        with pytest.raises(Impossible, match="no blocks"):
            of_step("shortcuts", stage=1)


@pytest.mark.parametrize("strided, shortcuts, fields", [
    (0, True, (5, 9, 13, 17, 21, 25, 29, 33)), (1, False, (7, 15, 23, 31, 39, 47, 55, 63))])
def test_after_how_many_convolutions_the_core_is_narrow(strided, shortcuts, fields):
    """The fields are worked out by hand; the gradient and the squares that hold half of it are taken once more here."""
    found = of_chain(strided, shortcuts, 2)
    side = max(found[0].image)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        blocks = chain(8, strided, shortcuts).eval()
        images, halves = torch.randn(4, 3, side, side, requires_grad=True), []
        for depth, field in enumerate(fields, 1):
            jump = 2**min(depth, strided)
            middle = side // jump // 2 * jump
            halves.append(half(gradient_of(blocks[:depth], images), middle - field // 2, middle + field // 2))
    expected = next(2 * depth for depth, (half_, field) in enumerate(zip(halves, fields), 1) if half_ / field < 0.5)
    assert questions.narrow_after(strided=strided, shortcuts=shortcuts, found=found).answer == expected
    assert [each.half for each in found] == halves


def test_a_core_that_is_never_narrow_is_no_question():
    even = torch.zeros(31, 31)
    even[5:26, 5:26] = 1
    found = (summarize(even, (5, 25)),) * 8
    assert first_narrow(found) is None
    with pytest.raises(Impossible):
        questions.narrow_after(strided=0, shortcuts=False, found=found)


def test_what_another_seed_changes():
    first, second = (of_chain(1, False, seed)[2] for seed in (0, 1))
    assert first.theory == second.theory and first.size == 23 and first.outside == second.outside == 0
    assert first.columns != second.columns
    question = asked("effective", depth=3, strided=1)
    assert question.answer == {"middle", "spread"} and question.grade({"middle", "spread"}).right
    assert question.grade({"theory", "outside", "middle", "spread"}).slip.name == "everything"


def test_spread_and_middle_by_hand():
    gradient = torch.zeros(5, 5)
    gradient[2, 1:4] = torch.tensor([1.0, 2.0, 1.0])
    found = summarize(gradient, (0, 4))
    assert found.middle == 0.5 and found.spread == pytest.approx(0.5**0.5)


def test_the_gradient_stays_in_the_theoretical_field_and_is_a_bell():
    found = of_chain(1, False, 0)
    for each in found:
        assert each.outside == 0 and each.half <= each.most <= each.size
        assert sum(each.columns) == pytest.approx(1, abs=1e-4)
    # The share that counts shrinks with the depth, and the bell of the deepest is near its Gaussian.
    assert found[-1].half / found[-1].size < 0.4 < found[0].half / found[0].size
    assert max(abs(a - b) for a, b in zip(found[-1].columns, found[-1].gauss)) < 0.35 * max(found[-1].gauss)


def test_the_network_s_gradient_ends_where_the_theory_says():
    effective = of_network("resnet18", 2, 0)
    assert effective.size == 43 and effective.outside == 0 and 10 < effective.half < 30


def test_an_even_gradient_gives_the_square_of_half_its_area():
    gradient = torch.zeros(31, 31)
    gradient[5:26, 5:26] = 1  # 21 x 21; 15 x 15 is the first that holds half
    effective = summarize(gradient, (5, 25))
    assert (effective.size, effective.half, effective.most, effective.outside) == (21, 15, 21, 0)


def test_on_a_wide_image_the_square_stands_where_the_field_does():
    gradient = torch.zeros(31, 63)
    gradient[5:26, 21:42] = 1
    effective = summarize(gradient, (21, 41), (5, 25))
    assert (effective.size, effective.half, effective.most, effective.outside) == (21, 15, 21, 0)
    assert effective.square(15) == ((24, 39), (8, 23)) and effective.image == (31, 63)


@pytest.mark.parametrize("group", networks.GROUPS)
def test_networks_in_the_order_of_their_fields(group):
    question = asked("outgrow", group=group)
    assert list(question.answer) == sorted(networks.GROUPS[group], key=BEFORE_THE_HEAD.get)
    assert tuple(question.options) == networks.GROUPS[group] != question.answer, "as they are offered, they do not tell"
    assert {slip.name for slip in question.slips} <= {"largest first", "by depth"}


def test_deeper_is_not_always_more():
    grade = asked("outgrow", group="resnets").grade(("resnet18", "resnet34", "resnet50", "resnet101"))
    assert not grade.right and grade.slip.name == "by depth"


def test_published_fields_are_ours():
    content = shown("outgrow")
    listed = next(each.frame for each in content.more if hasattr(each, "frame"))
    published = listed[listed["Published"] != ""]
    assert len(published) == 6
    assert (published["Published"].astype(int) == published["Field, px"]).all()
    assert {**BEFORE_THE_HEAD}.items() <= dict(zip(listed["Network"], listed["Field, px"])).items()
    text = prose("receptive_field", "outgrow, no goal", **content.fields)
    assert "13 have a theoretical field larger" in text and "has 483 px" in text and "has 427 px" in text


def test_the_chain_at_its_deepest():
    _, body = step_prose("receptive_field", "effective", **shown("effective", depth=8, strided=2).fields)
    assert "**115 px** wide" in body
