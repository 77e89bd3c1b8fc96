"""Feature pyramid: costs, maps and order against torchvision's, fields and cells by hand, the paper's tables as printed."""

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FeaturePyramidNetwork

from lib.architecture import Impossible
from lib.lessons.content import Images, Table
from lib.lessons.pyramid.added import added
from lib.lessons.pyramid.designs import designs
from lib.lessons.pyramid.levels import levels
from lib.lessons.pyramid.published import ablations, anchor_table, small_objects
from lib.lessons.pyramid.steps import LESSON, NAMES
from lib.models.fpn import BACKBONES

WIDE = {"resnet18": (64, 128, 256, 512), "resnet50": (256, 512, 1024, 2048)}

show, ask = LESSON.shown, LESSON.asked


def trunk(name: str) -> nn.Module:
    """torchvision's network without its classifier."""
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None)
        network.fc = nn.Identity()
    return network


def with_pyramid(name: str) -> nn.Module:
    """torchvision's pyramid of 256 channels on a network, P2 to P5."""
    with torch.device("meta"):
        network = resnet_fpn_backbone(backbone_name=name, weights=None)
    network.fpn.extra_blocks = None
    return network


def macs(model: nn.Module, *inputs) -> int:
    """By torch's own counter."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(*inputs)
    return counter.get_total_flops() // 2


def image(size: int) -> torch.Tensor:
    return torch.empty(1, 3, size, size, device="meta")


# Four designs

def test_costs_are_torchvision_s():
    fpn = with_pyramid("resnet50")
    table = designs("resnet50", 256, 256, 2).table(NAMES).set_index("Design")
    once, twice = macs(trunk("resnet50"), image(256)), macs(trunk("resnet50"), image(512))
    assert list(table["GMACs"]) == [f"{count / 10**9:.2f}" for count in (once + twice, once, once, macs(fpn, image(256)))]
    trained = sum(p.numel() for p in fpn.parameters()) + sum(b.numel() for name, b in fpn.named_buffers()
                                                            if name.endswith((".weight", ".bias")))  # frozen norms
    assert table["Parameters"].iloc[3] == f"{trained:,}"
    assert table["MACs against (b)"].iloc[0] == "× 5.00"
    assert ask("costs", size=256, scales=2).answer == pytest.approx((once + twice) / once)


@pytest.mark.parametrize("scales, times", [(2, 5), (3, 21), (4, 85)])  # 1 + 4, + 16, + 64
def test_what_more_images_cost(scales, times):
    question = ask("costs", scales=scales)
    assert question.answer == pytest.approx(times) and question.grade(str(times)).right
    assert question.grade(str(scales)).slip.name == "each as much"
    assert question.grade(str(2**scales - 1)).slip.name == "doubling"
    assert show("costs", scales=scales).fields["image_times"] == f"{times}"


@pytest.mark.parametrize("scales, found", [(2, {"d"}), (3, {"d"}), (4, {"a", "d"})])
def test_which_are_fine_and_deep(scales, found):
    """C5 of an image enlarged 2, 4 and 8 times has strides 16, 8 and 4; C2's is 4, with 1 + 3 * 3 layers behind it."""
    assert set(ask("designs", scales=scales).answer) == found
    fields = show("designs", scales=scales).fields
    assert (fields["c2_layers"], fields["c5_layers"]) == (10, 49)
    assert fields["image_sides"].startswith(f"{7 * 2 ** (scales - 1)}×")


# What the pyramid adds

def test_the_largest_share_is_torchvision_s():
    shares = {}
    for name in ("resnet18", "resnet34", "resnet50", "resnet101"):
        alone = macs(trunk(name), image(224))
        shares[name] = 100 * (macs(with_pyramid(name), image(224)) / alone - 1)
    question = ask("adds")
    assert question.answer == max(shares, key=shares.get) == "resnet18"
    assert all(question.fields[name] == f"{share:.1f}" for name, share in shares.items())


@pytest.mark.parametrize("backbone, percent, channels", [
    ("resnet50", 25, 144), ("resnet18", 50, 144), ("resnet50", 10, 80)])
def test_the_widest_pyramid(backbone, percent, channels):
    alone = macs(trunk(backbone), image(224))
    maps = {str(level): torch.empty(1, wide, 56 // 2**level, 56 // 2**level, device="meta")
            for level, wide in enumerate(WIDE[backbone])}

    def share(width: int) -> float:
        with torch.device("meta"):
            return 100 * macs(FeaturePyramidNetwork(list(WIDE[backbone]), width), maps) / alone

    question = ask("width", backbone=backbone, percent=percent)
    assert question.answer == channels and share(channels) < percent <= share(channels + 8)
    assert added(backbone).percent(channels) == pytest.approx(share(channels))


def test_a_share_that_no_pyramid_reaches():
    with pytest.raises(Impossible, match="Even 512 channels"):
        ask("width", backbone="wide_resnet101_2", percent=50)


# The levels

def test_shapes_strides_and_fields_of_resnet_50():
    found = levels("resnet50", 224, 256, True)
    table, fields = found.table().set_index("Level"), found.field_table().set_index("Level")
    assert list(table["C"]) == ["256×56×56", "512×28×28", "1024×14×14", "2048×7×7", "–"]
    assert list(table["P"]) == [f"256×{side}×{side}" for side in (56, 28, 14, 7, 4)]
    assert list(fields["Stride, px"]) == ["4", "8", "16", "32", "64"]
    assert list(fields["Field of C, px"][:4]) == ["35", "91", "267", "427"]  # by hand: r += (k - 1) j along the 3x3s
    assert list(fields["Layers to C"][:4]) == ["10", "22", "40", "49"]
    assert table["Lateral 1×1"]["5"] == f"{2048 * 256 + 256:,}" and table["3×3"]["2"] == f"{9 * 256 * 256 + 256:,}"


@pytest.mark.parametrize("backbone, channels, number", [("resnet50", 256, 3), ("resnet18", 64, 2), ("resnet50", 512, 5)])
def test_parameters_of_a_lateral(backbone, channels, number):
    with torch.device("meta"):
        lateral = nn.Conv2d(WIDE[backbone][number - 2], channels, 1)
    question = ask("levels", backbone=backbone, channels=channels, level=f"P{number}")
    assert question.answer == sum(parameter.numel() for parameter in lateral.parameters())
    assert question.grade(str(lateral.weight.numel())).slip.name == "bias forgotten"


def test_the_order_is_torchvision_s():
    network, seen = with_pyramid("resnet50").eval(), []
    blocks = network.fpn.inner_blocks
    watched = {"c2": network.body.layer1, "c5": network.body.layer4, "lateral": blocks[3], "sum3": blocks[1],
               "sum2": blocks[0]}
    for name, module in watched.items():  # a sum is made as soon as its lateral is there
        module.register_forward_hook(lambda *_each, name=name: seen.append(name))
    with torch.no_grad():
        network(image(64))
    assert list(ask("way").answer) == seen == ["c2", "c5", "lateral", "sum3", "sum2"]
    assert ask("way").grade(["c2", "c5", "sum2", "sum3", "lateral"]).slip.name == "finest first"


def test_fields_by_hand():
    """P5's 3x3 reaches one cell of 32 pixels further than C5 on both sides; the three cells of the 3x3 on P2, together 12
    pixels wide, lie in two cells of C5."""
    c2, c5 = 35, 427
    fields = ask("fields").fields
    assert (fields["c2_field"], fields["c5_field"]) == (c2, c5)
    assert (fields["p2_field"], fields["p5_field"]) == (c5 + 32, c5 + 2 * 32)
    assert ask("fields").answer == "c" and c5 / c2 > 10 and (c5 + 64) / (c5 + 32) < 1.1
    assert len(show("fields", backbone="seresnet50").more) == len(show("fields").more) + 1  # a word on the gates


@pytest.mark.parametrize("size", [128, 320, 640])
def test_cells_are_torchvision_s(size):
    with torch.no_grad():
        maps = list(with_pyramid("resnet18").eval()(image(size)).values())
    asked = [ask("picture", size=size, level=f"P{index + 2}").answer for index in range(4)]
    assert asked == [each.shape[2] for each in maps]


# An object

@pytest.mark.parametrize("side, cells, touched", [(32, ["8", "4", "2", "1"], [64, 16, 4, 1]),
                                                  (8, ["2", "1", "1/2", "1/4"], [4, 4, 4, 1])])
def test_an_object_at_each_level(side, cells, touched):
    table = levels("resnet50", 224).object_table(side)
    assert list(table["The object is, in cells"]) == [f"{each} × {each}" for each in cells]
    assert list(table["Cells it reaches into"]) == touched


@pytest.mark.parametrize("size", [128, 224, 320, 512])
@pytest.mark.parametrize("side", [8, 32, 128])
def test_cells_reached_are_those_of_its_pixels(size, side):
    pixels = np.zeros((size, size), bool)
    start = (size - side) // 2
    pixels[start:start + side, start:start + side] = True
    for level, stride in (("P2", 4), ("P3", 8), ("P4", 16), ("P5", 32)):
        cells = pixels.reshape(size // stride, stride, size // stride, stride).any((1, 3)).sum()
        assert ask("object", object=side, level=level, size=size).answer == cells


def test_four_small_pictures():
    shown = show("object").picture
    assert isinstance(shown, Images) and len(shown.pictures) == 4 and "P5: cells of 32 px" in shown.pictures


@pytest.mark.parametrize("side, level", [(8, "none"), (16, "P2"), (32, "P3"), (64, "P4"), (128, "P5")])
def test_the_level_of_an_object(side, level):
    """16 pixels are four cells of P2."""
    question = ask("assigned", object=side)
    assert set(question.answer) == {level} and question.grade(level).right
    assert level in ("P2", "none") or question.grade("P2").slip.name == "too fine"


def test_anchors_are_eight_cells_wide():
    assert set(anchor_table()["Anchor, cells"]) == {8} and list(anchor_table()["Anchor, px"]) == [32, 64, 128, 256, 512]
    (quoted,) = (each for each in show("assigned").more if isinstance(each, Table))
    assert quoted.origin.kind == "unverified"


# The paper's tables

@pytest.mark.parametrize("number, rows, printed", [
    ("1", 6, {"(c) FPN": "44.0 56.3 44.9 63.4 66.2", "(d) no top-down path": "37.4 49.5 30.5 59.9 68.0"}),
    ("2", 6, {"(e) no lateral connections": "54.0 31.3 13.3 35.2 45.3",
              "(f) only the finest level P2": "56.3 33.4 17.3 37.3 45.6"}),
    ("3", 4, {"(*) He et al., single map C4": "47.3 26.3 – – –", "(b) single map C5": "51.7 28.0 9.6 31.9 43.1"})])
def test_the_ablations_are_the_paper_s(number, rows, printed):
    table = ablations()[f"Table {number}"].table().set_index("")
    assert len(table) == rows
    assert {name: " ".join(table.loc[name]) for name in printed} == printed


@pytest.mark.parametrize("number, order", [("1", "cfadeb"), ("2", "cfaebd"), ("3", "cab")])
def test_the_best_on_small_objects(number, order):
    """AR small: 44.9, 35.1, 32.0, 30.5, 26.5, 25.3; AP small: 17.8, 17.3, 15.7, 13.3, 11.9, 10.9; and 17.8, 13.2, 9.6."""
    question = ask("ablations", table=f"Table {number}")
    assert list(question.answer) == list(order)
    assert small_objects() == {"a": "15.7", "b": "11.9", "c": "17.8", "d": "10.9", "e": "13.3", "f": "17.3"}


# Links

def test_old_links_still_lead_somewhere():
    for anchor in ("designs", "levels", "picture", "object", "ablations"):
        assert LESSON.step(LESSON.anchors.get(anchor, anchor))
    start = {"backbone": "resnet50", "size": 224, "channels": 256, "p6": False, "scales": 4, "object": 32, "level": "P3",
             "table": "Table 2"}
    assert start.items() <= LESSON.defaults.items() and LESSON.knobs["backbone"].values == tuple(BACKBONES)
