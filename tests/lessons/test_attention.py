"""The lesson on attention in channels: its numbers and questions against hand arithmetic, torch, timm and the papers."""

from io import BytesIO

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn
from torchvision.models import resnet50

from lib.lessons import pictures
from lib.lessons.attention import questions
from lib.lessons.attention.gates import drift, seen
from lib.lessons.attention.steps import LESSON
from lib.measuring import seeded
from lib.models.resnet import initialize
from lib.models.senet import SEBottleneck
from lib.models.sknet import SelectiveKernel, SKUnit

shown, asked = LESSON.shown, LESSON.asked


def count(*modules: nn.Module) -> int:
    return sum(weight.numel() for module in modules for weight in module.parameters())


def slips(question) -> dict:
    return {slip.name: slip.answer for slip in question.slips}


def test_costs_are_those_of_hand_arithmetic():
    table = shown("costs", radix=2, cardinality=2).picture.frame.set_index("Quantity")
    norms = 2 * (64 + 64 + 256)
    se = 256 * 16 + 16 + 16 * 256 + 256
    sk = 128 * 32 + 32 * 2 * 128
    split = 80 // 2 * 40 + 40 + 40 // 2 * 160 + 160  # in two cardinal groups, with biases
    assert table.loc["Parameters"].iloc[0] == f"{256 * 64 + 9 * 64 * 64 + 64 * 256 + se + norms:,}"
    assert list(table.loc["… in the two layers that decide"]) == [f"{each:,}" for each in (se, sk, split)]
    assert asked("costs", radix=2, cardinality=2).answer == split
    assert slips(asked("costs", radix=2, cardinality=2))["groups forgotten"] == 80 * 40 + 40 + 40 * 160 + 160


@pytest.mark.parametrize("radix, cardinality", [(1, 1), (4, 1), (2, 4)])
def test_the_deciding_layers_are_those_of_timm(radix, cardinality):
    width = {1: 64, 2: 40, 4: 24}[cardinality] * cardinality
    attention = timm.layers.SplitAttn(width, radix=radix, groups=cardinality, rd_ratio=0.25)
    assert asked("costs", radix=radix, cardinality=cardinality).answer == count(attention.fc1, attention.fc2)


def test_the_parts_run_in_the_order_of_the_skeleton():
    calls = []
    with seeded(0):
        unit = SKUnit(256, 64, sk=lambda *args: SelectiveKernel(*args, groups=32), width=128).eval()
    attention = unit.conv2.attn
    attention.register_forward_pre_hook(lambda module, inputs: calls.append(f"{inputs[0].shape[1]} branches"))
    attention.pool.register_forward_pre_hook(lambda module, inputs: calls.append(f"fused to {inputs[0].dim()} dimensions"))
    attention.fc_reduce.register_forward_pre_hook(lambda module, inputs: calls.append(f"squeezed to {inputs[0].shape[-1]}"))
    attention.register_forward_hook(lambda *arguments: calls.append("weights"))
    unit.conv3.register_forward_pre_hook(lambda module, inputs: calls.append(f"selected {inputs[0].shape[1]}"))
    with torch.no_grad():
        unit(torch.randn(1, 256, 8, 8))
    assert calls == ["2 branches", "fused to 4 dimensions", "squeezed to 1", "weights", "selected 128"]
    assert asked("skeleton").answer == ("fuse", "squeeze", "excite", "select")


@pytest.mark.parametrize("channels, reduction, squeezed", [(256, 16, 16), (64, 16, 8), (2048, 4, 512)])
def test_a_gate_holds_two_linear_layers(channels, reduction, squeezed):
    first, second = nn.Linear(channels, squeezed), nn.Linear(squeezed, channels)
    question = asked("squeeze", channels=channels, reduction=reduction)
    assert question.answer == count(first, second)
    assert slips(question)["bias forgotten"] == 2 * channels * squeezed
    assert ("fewest forgotten" in slips(question)) == (squeezed != channels // reduction)
    assert f"for an image of any size: {2 * channels * squeezed:,}." in question.because


def layers_of(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]


@pytest.mark.parametrize("depth, blocks, projections", [(18, 8, 3), (50, 16, 4), (152, 50, 4)])
def test_gates_are_not_counted_as_layers(depth, blocks, projections):
    question = asked("layers", depth=depth)
    assert question.answer == depth
    assert slips(question) == {
        "gates counted": depth + 2 * blocks, "one for each gate": depth + blocks,
        "projections counted": depth + projections, "all counted": depth + 2 * blocks + projections}
    if depth == 50:
        assert len(layers_of(resnet50())) == 50 + projections
        assert len(layers_of(timm.create_model("seresnet50"))) == slips(question)["all counted"]


def network(block: nn.Module) -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 64, 7, 2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                          nn.MaxPool2d(3, 2, padding=1), block).eval()
    initialize(model)
    return model


def image(picture: str = "ball") -> torch.Tensor:
    small = pictures.drawn(picture, 224, 96).resize((64, 64))
    return (torch.from_numpy(np.array(small, np.float32)).permute(2, 0, 1)[None] / 255 - 0.45) / 0.225


def rows(table, *columns: str) -> np.ndarray:
    return table.frame[list(columns)].astype(float).to_numpy().T


def test_the_gates_are_what_the_blocks_really_multiply_with():
    kept = {}
    with seeded(2):
        block = SEBottleneck(64, 64)
        model = network(block)
    block.se.register_forward_hook(lambda module, inputs, output: kept.update(se=(inputs[0], output)))
    with seeded(2):
        unit = SKUnit(64, 64, sk=lambda *args: SelectiveKernel(*args, groups=32), width=128)
        other = network(unit)
    unit.conv2.attn.register_forward_hook(lambda module, inputs, output: kept.update(sk=inputs[0]))
    with torch.no_grad():
        model(image()), other(image())
    before, after = (each.abs().sum((2, 3))[0] for each in kept["se"])
    assert np.allclose(rows(shown("gates", strength=1, seed=2).more[-1], "gate")[0], (after / before)[:24], atol=2e-4)
    total = float((after / before).sum())
    question = asked("gates", strength=1, seed=2)
    assert question.answer == "free" and abs(float(question.fields["total"]) - total) < 0.2
    pooled = kept["sk"].sum(1).mean((2, 3))[0].double()
    layers = unit.conv2.attn.fc_reduce, unit.conv2.attn.fc_select
    reduced, select = (layer.weight.detach()[:, :, 0, 0].double() for layer in layers)
    weights = (select @ (reduced @ pooled / (1 + 1e-5) ** 0.5).relu()).view(2, 128)
    table = next(each for each in shown("select", strength=1, seed=2).more if hasattr(each, "frame"))
    assert np.allclose(rows(table, "3×3", "5×5"), weights.softmax(0)[:, :24], atol=2e-4)
    hard = asked("strength", seed=2)
    assert hard.answer == "hard" and hard.fields["before"] == f"{weights.softmax(0).amax(0).mean():.3f}"
    assert hard.fields["after"] == f"{(64 * weights).softmax(0).amax(0).mean():.3f}"
    assert (hard.fields["sum_before"], hard.fields["sum_after"]) == ("1.000", "1.000")


@pytest.mark.parametrize("branches", [2, 3])
def test_an_even_choice(branches):
    question = asked("select", branches=branches)
    assert question.answer == pytest.approx(1 / branches) and question.grade(f"1/{branches}").right
    assert ("own gate" in slips(question)) == (branches == 3)


@pytest.mark.parametrize("branches, radix", [(2, 4), (3, 1), (2, 2)])
def test_weights_sum_to_one_in_each_channel(branches, radix):
    fields = shown("select", branches=branches, strength=64).fields
    assert fields["sums"] == "1.000"
    table = shown("one_split", radix=radix, strength=64).more[0].frame
    splits = table[[name for name in table if name.startswith("split")]].astype(float)
    assert splits.shape == (24, radix)
    assert np.allclose(splits.sum(axis=1), 1, atol=3e-4) == (radix > 1)  # one split has a sigmoid
    assert asked("one_split", radix=radix).answer == ("one" if radix > 1 else "free")


@pytest.mark.parametrize("channels, branches, reduction, z", [(256, 2, 16, 32), (1024, 3, 16, 64), (64, 2, 8, 32)])
def test_z_has_the_numbers_of_equation_4(channels, branches, reduction, z):
    assert z == max(channels // reduction, 32)
    question = asked("decide", channels=channels, branches=branches, reduction=reduction)
    assert question.answer == z
    assert slips(question)["as many as kernels"] == branches and slips(question)["weights given"] == branches * channels
    if reduction == 16:
        unit = timm.layers.SelectiveKernel(channels, channels, rd_ratio=1 / 16, rd_divisor=32)
        assert unit.attn.fc_reduce.out_channels == z


def test_the_picture_moves_the_weights_and_the_draw_decides_which_way():
    found = drift("ball", 16, 2)
    assert found.weights.shape == (4, 6, 2, 128)
    rises = [bool(row[-1] > row[0]) for row in found.weights[:, :, -1].mean(-1)]
    question = asked("growth")
    assert question.answer == ("draw" if len(set(rises)) == 2 else "up" if rises[0] else "down")
    assert f"rises {sum(rises)} times" in question.because and "drawn ball" in question.words
    words = shown("growth", seed=1).fields
    assert words["rising"] + words["falling"] == words["channels"] == 128
    assert not np.array_equal(found.weights, drift("checkerboard", 16, 2).weights)


@pytest.mark.parametrize("radix, cardinality", [(2, 2), (1, 4), (4, 1)])
def test_the_groups_are_those_of_a_grouped_convolution(radix, cardinality):
    channels = {1: 64, 2: 80, 4: 96}[cardinality]
    convolution = nn.Conv2d(channels, radix * channels, 3, groups=radix * cardinality, bias=False)
    nn.init.ones_(convolution.weight)
    question = asked("splits", radix=radix, cardinality=cardinality)
    for row in shown("splits", radix=radix, cardinality=cardinality).more[0].frame.to_dict("records"):
        first, last = map(int, row["Gives channels"].split("–"))
        image = torch.ones(1, channels, 3, 3, requires_grad=True)
        convolution(image)[:, first - 1:last].sum().backward()
        seen = image.grad.sum((0, 2, 3)).nonzero().flatten() + 1
        assert row["Reads channels"] == f"{seen[0]}–{seen[-1]}" and len(seen) == question.answer
    if (radix, cardinality) == (2, 2):  # within a cardinal group over the splits
        table = shown("splits", radix=2, cardinality=2).more[0].frame
        assert list(table["Added into channels"]) == ["1–40", "41–80"] * 2


def test_four_groups_in_three_ways():
    table = shown("four_groups").picture.frame
    assert list(table["Each group reads"]) == [64 // 4, 80 // 4, 96 // 4]
    assert list(table["Weights of the softmax"]) == [4 * 64, 2 * 80, 0]
    assert asked("four_groups").answer == "4x1"


def test_splits_are_added_and_cardinal_groups_are_not():
    """The block by hand: the last 1x1 reads both cardinal groups, each the weighted sum of its splits."""
    block = timm.models.resnest.ResNestBottleneck(256, 64, radix=2, cardinality=2, base_width=40).eval()
    kept = {}
    block.conv2.conv.register_forward_hook(lambda module, inputs, output: kept.update(splits=output.shape[1]))
    block.conv3.register_forward_pre_hook(lambda module, inputs: kept.update(read=inputs[0].shape[1]))
    with torch.no_grad():
        block(torch.randn(1, 256, 8, 8))
    assert kept == {"splits": 2 * 80, "read": 80}  # half as many: added; 80 and not 40: concatenated
    question = asked("added", radix=2, cardinality=2)
    assert question.answer == {"splits", "resnest", "resnext"}
    assert question.grade(["resnext"]).slip.name == "ResNeSt concatenates"
    assert asked("added", radix=1).answer == {"resnest", "resnext"}
    met = shown("added", radix=2, cardinality=2).picture.frame
    assert list(met["Channels in"]) == ["2 × 40", "2 × 40", "2 × 256", "2 × 256"]
    assert list(met["Channels out"]) == [40, 80, 256, 256]


def test_the_parts_of_the_three_blocks_by_hand():
    table = shown("skeleton", branches=3, radix=1, cardinality=2).picture.frame.set_index("Part")
    assert list(table.loc["Branches"]) == ["1", "3", "1"]
    assert list(table.loc["Excite"]) == [f"256 → {256 // 16} → 256", f"128 → 32 → {3 * 128}", "80 → 32 → 80"]
    assert list(table.loc["Select"]) == ["multiply", "multiply, add up", "multiply"]


def test_the_published_numbers():
    step = shown("free")
    assert (step.fields["params_before"], step.fields["params_after"]) == ("25,576,264", "27,483,240")  # timm's metadata
    assert asked("free").answer == "both" and asked("free", radix=1, cardinality=4).answer == "macs"
    assert (asked("free").fields["macs_before"], asked("free").fields["macs_after"]) == ("4.33", "5.37")
    row = step.more[0].frame.set_index("Setting").loc["4s2x40d"]
    assert list(row) == ["30.4 M", "4.41 G", "81.14 %"]
    models = [timm.create_model(name) for name in ("resnet50d", "resnest50d", "resnest50d_1s4x24d")]
    before, after, grouped = map(count, models)
    assert (f"{before:,}", f"{after:,}") == (step.fields["params_before"], step.fields["params_after"])
    assert after > 1.01 * before > grouped


def test_a_picture_of_one_s_own_moves_the_gates_and_stays_out_of_the_link():
    stripes = Image.fromarray((np.indices((90, 120)).sum(0) // 8 % 2 * 255).astype(np.uint8))
    kept = BytesIO()
    stripes.save(kept, "JPEG")
    own = pictures.png(pictures.read(kept.getvalue(), LESSON.knobs["picture"].side))
    assert not shown("gates", picture=own).more[-1].frame.equals(shown("gates").more[-1].frame)
    assert np.array_equal(np.array(seen(own, 100)), np.array(pictures.read(kept.getvalue(), 224)))
    assert LESSON.knobs["picture"].write(own) == "ball"
    assert "your picture" in asked("growth", picture=own).words
    for step in ("select", "strength", "one_split"):
        assert shown(step, picture=own).picture and asked(step, picture=own).words


def test_old_anchors_and_links_lead_on():
    assert {"skeleton", "gates", "growth", "groups"} <= set(LESSON.anchors)
    assert set(LESSON.anchors.values()) <= {step.id for step in LESSON.steps}
    old = {"picture": "checkerboard", "zoom": "200", "strength": "64", "seed": "3", "branches": "3", "radix": "4",
           "cardinality": "4"}
    values = {name: LESSON.knobs[name].read(text) for name, text in old.items()}
    assert shown("gates", **values).picture and shown("splits", **values).picture


def test_the_question_can_be_asked_without_the_lesson():
    question = questions.numbers_of_z(channels=1024, branches=2, reduction=16)
    assert question.answer == 64 and "1024 channels" in question.words
