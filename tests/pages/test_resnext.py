"""The lesson on ResNeXt without a browser."""

import pytest
import torch
from torch import nn

from lib.lessons.resnext import PathsAdded, PathsConcatenated, dense_weight, differences, grouped
from tests.pages.app import address, checked, open_page


def text(app) -> str:
    return "\n".join(block.value for block in [*app.markdown, *app.caption])


def table(app, first_column: str) -> list[dict[str, str]]:
    """The rows of the table on the page whose first column has this name."""
    return next(frame.value for frame in app.dataframe if frame.value.columns[0] == first_column).to_dict("records")


def test_the_three_forms_agree_to_rounding():
    rows = table(open_page("resnext"), "Against the grouped form")
    assert len(rows) == 3
    assert all(float(row["float32"]) < 1e-5 and float(row["float64"]) < 1e-13 for row in rows)


def test_the_forms_are_the_block_and_share_its_weights():
    block = grouped(4, 14)
    x = torch.randn(2, 256, 5, 5)
    wide = torch.relu(block.bn1(block.conv1(x)))
    parts = zip(wide.chunk(4, 1), block.conv2.weight.chunk(4))
    groups = [nn.functional.conv2d(part, weight, padding=1) for part, weight in parts]
    by_hand = torch.relu(block.bn3(block.conv3(torch.relu(block.bn2(torch.cat(groups, 1))))) + x)
    for form in (PathsAdded(block), PathsConcatenated(block)):
        assert torch.allclose(form(x), by_hand, atol=1e-5)
        before = form(x)
        with torch.no_grad():
            block.conv1.weight.mul_(1.5)
            block.conv3.weight.neg_()
        assert not torch.allclose(form(x), before, atol=1e-2)
        with torch.no_grad():
            block.conv1.weight.div_(1.5)
            block.conv3.weight.neg_()


def test_a_wrong_slice_would_show():
    block = grouped(4, 14)
    form = PathsConcatenated(block)
    form.paths = nn.ModuleList(reversed(form.paths))
    x = torch.randn(2, 256, 5, 5)
    assert (form(x) - block(x)).abs().max() > 0.1


def test_the_dense_weight_is_block_diagonal():
    convolution = nn.Conv2d(12, 12, 3, groups=3, bias=False)
    dense = dense_weight(convolution).square().sum((2, 3))
    assert (dense != 0).sum() == 3 * 4 * 4
    assert (torch.block_diag(*[torch.ones(4, 4)] * 3).bool() == (dense != 0)).all()


def test_says_equation_4_and_the_paper_s_templates():
    page = text(open_page("resnext"))
    assert 32 * (256 * 4 + 9 * 4 * 4 + 4 * 256) == 70_144
    for words in ("70,144 weights, where the plain bottleneck (one path of 64) holds 69,632: **+0.735 %**",
                  "15,872 of these 16,384 kernels", "it is 96.9 %",
                  "23.9 %", "**22.2 %**"):
        assert words in page
    rows = table(open_page("resnext"), "C×d")
    assert [row["C×d"] for row in rows] == ["1×64d", "2×40d", "4×24d", "8×14d", "16×8d", "32×4d", "64×2d", "yours"]
    assert [row["Channels inside"] for row in rows][:4] == [64, 80, 96, 112]


def test_forms_cost_the_same():
    rows = table(open_page("resnext", cardinality="8", width="14"), "Form")
    weights = 8 * (256 * 14 + 9 * 14 * 14 + 14 * 256)
    assert {row["Weights"] for row in rows} == {f"{weights:,}"}
    assert {row["MACs"] for row in rows} == {f"{weights * 56 * 56:,}"}
    assert [row["Convolutions"] for row in rows] == [24, 17, 3]


def test_the_network_of_the_controls():
    app = open_page("resnext", cardinality="1", width="64", depth="101")
    assert {metric.label: metric.value for metric in app.metric}["Parameters"] == "44,549,160"  # torchvision's resnet101
    assert "At 101 layers the paper reports 22.0 %" in text(app) and "**21.2 %**" in text(app)


def test_resnest_costs_for_other_reasons():
    rows = {row["Network"]: row for row in table(open_page("resnext"), "Network")}
    assert rows["ResNeSt, R 2, K 1"]["Parameters"] == "27,483,240"  # timm's resnest50d
    assert rows["ResNeSt, R 2, K 1"]["MACs"].startswith("5,37")
    assert rows["ResNet-50-D"]["MACs"] == "4,328,824,832"


def test_the_seed_gives_the_measurement():
    assert differences(2, 4, 1).largest == differences(2, 4, 1).largest
    assert (differences(2, 4, 1).matrix != differences(2, 4, 2).matrix).any()


@pytest.mark.parametrize(("name", "step"), [("cardinality", 1), ("width", 1), ("depth", 1), ("seed", 4)])
def test_the_values_of_every_control(name, step):
    app = open_page("resnext", cardinality="2")
    for option in app.select_slider(key=f"resnext_{name}").options[::step]:
        checked(app.select_slider(key=f"resnext_{name}").set_value(int(option)).run())


def test_the_widest_block_works():
    app = open_page("resnext")
    checked(app.select_slider(key="resnext_width").set_value(64).run())
    assert "128 of the 2048 channels" in text(app)
    assert address(app) == {"width": "64"}


def test_a_bad_link_gets_plain_sentences():
    app = open_page("resnext", cardinality="3", k="2")
    assert len(app.warning) == 2
    assert app.select_slider(key="resnext_cardinality").value == 32
