"""Feature pyramid without a browser."""

import pytest
import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from lib.models.fpn import BACKBONES
from tests.pages.app import address, checked, open_page


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def frame(app, column: str):
    """The table on the page that has this column."""
    return next(table.value for table in app.dataframe if column in table.value)


def macs(model, *shape: int) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.empty(1, 3, *shape, device="meta"))
    return counter.get_total_flops() // 2


def test_costs_are_torchvision_s():
    with torch.device("meta"):
        fpn = resnet_fpn_backbone(backbone_name="resnet50", weights=None)
        fpn.fpn.extra_blocks = None
        trunk = torchvision.models.resnet50()
        trunk.fc = torch.nn.Identity()
    table = frame(open_page("pyramid", scales="2", size="256"), "GMACs").set_index("Design")
    once, twice = macs(trunk, 256, 256), macs(trunk, 512, 512)
    assert list(table["GMACs"]) == [f"{count / 10**9:.2f}" for count in (once + twice, once, once, macs(fpn, 256, 256))]
    trained = sum(p.numel() for p in fpn.parameters()) + sum(b.numel() for name, b in fpn.named_buffers()
                                                            if name.endswith((".weight", ".bias")))  # frozen norms
    assert table["Parameters"].iloc[3] == f"{trained:,}"
    assert table["MACs against (b)"].iloc[0] == "× 5.00"


def test_shapes_strides_and_fields_of_resnet_50():
    app = open_page("pyramid", p6="true")
    levels = frame(app, "Field of C, px").set_index("Level")
    assert list(levels["C"]) == ["256×56×56", "512×28×28", "1024×14×14", "2048×7×7", "–"]
    assert list(levels["P"]) == [f"256×{side}×{side}" for side in (56, 28, 14, 7, 4)]
    assert list(levels["Stride"]) == ["4", "8", "16", "32", "64"]
    assert list(levels["Field of C, px"][:4]) == ["35", "91", "267", "427"]  # by hand: r += (k - 1) j along the 3x3s
    assert list(levels["Layers to C"][:4]) == ["10", "22", "40", "49"]
    assert levels["Lateral 1×1"]["5"] == f"{2048 * 256 + 256:,}" and levels["3×3"]["2"] == f"{9 * 256 * 256 + 256:,}"
    assert "4 images" in text(app) and "**85.0 times**" in text(app)  # 1 + 4 + 16 + 64


@pytest.mark.parametrize("side, cells, touched", [("32", ["8", "4", "2", "1"], [64, 16, 4, 1]),
                                                  ("8", ["2", "1", "1/2", "1/4"], [4, 4, 4, 1])])
def test_an_object_at_each_level(side, cells, touched):
    table = frame(open_page("pyramid", object=side), "Cells it reaches into")
    assert list(table["The object is, in cells"]) == [f"{each} × {each}" for each in cells]
    assert list(table["Cells it reaches into"]) == touched


@pytest.mark.parametrize("number, rows, printed", [
    ("1", 6, {"(c) FPN": "44.0 56.3 44.9 63.4 66.2", "(d) no top-down path": "37.4 49.5 30.5 59.9 68.0"}),
    ("2", 6, {"(e) no lateral connections": "54.0 31.3 13.3 35.2 45.3",
              "(f) only the finest level P2": "56.3 33.4 17.3 37.3 45.6"}),
    ("3", 4, {"(*) He et al., single map C4": "47.3 26.3 – – –", "(b) single map C5": "51.7 28.0 9.6 31.9 43.1"})])
def test_the_ablations_are_the_paper_s(number, rows, printed):
    table = frame(open_page("pyramid", table=f"Table {number}"), "AR large" if number == "1" else "AP large").set_index("")
    assert len(table) == rows
    assert {name: " ".join(table.loc[name]) for name in printed} == printed


def test_every_value_of_every_control():
    app = open_page("pyramid", size="128")
    assert app.selectbox(key="pyramid_backbone").options == list(BACKBONES)
    for backbone in ("resnet18", "resnetv2_18", "seresnet18", "skresnet18", "resnest14d", "resnet50"):
        checked(app.selectbox(key="pyramid_backbone").set_value(backbone).run())
    for name in ("level", "table"):
        for option in app.segmented_control(key=f"pyramid_{name}").options:
            checked(app.segmented_control(key=f"pyramid_{name}").set_value(option).run())
    checked(app.toggle(key="pyramid_p6").set_value(True).run())
    for name in ("channels", "scales", "object", "size"):  # the largest image last: it takes longest
        for option in app.select_slider(key=f"pyramid_{name}").options:
            checked(app.select_slider(key=f"pyramid_{name}").set_value(int(option)).run())
    assert address(app) == {"size": "640", "channels": "512", "object": "128", "level": "P5", "table": "Table 3", "p6": "true"}


def test_a_bad_link_gets_plain_sentences():
    app = open_page("pyramid", backbone="vgg16", scales="1", colour="<script>")
    assert len(app.warning) == 3
    assert app.selectbox(key="pyramid_backbone").value == "resnet50"
