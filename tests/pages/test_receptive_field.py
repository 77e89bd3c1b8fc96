"""The lesson on receptive fields, without a browser."""

import pytest
import torch
from torch import nn

from lib.lessons.receptive_field import of_chain, of_network, summarize
from tests.pages.app import address, checked, open_page

# resnet18 at the end of its five stages, and VGG-16 after its poolings: r += (k - 1) j by hand.
BY_HAND = {"resnet18": (7, 43, 99, 211, 435), "vgg16": (6, 16, 44, 100, 212)}


@pytest.fixture(scope="module")
def app():
    return open_page("receptive_field")


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def tables(app) -> dict[str, object]:
    return {frame.value.columns[0]: frame.value for frame in app.dataframe}


def test_theoretical_fields_are_those_worked_out_by_hand(app):
    assert f"**{BY_HAND['resnet18'][2]} px**" in text(app)
    layers = tables(app)["Stage"]
    assert layers["Field, px"].iloc[-1] == "83 + (3 − 1)·8 = 99"
    page = open_page("receptive_field", network="vgg16", stage="4")
    assert f"**{BY_HAND['vgg16'][3]} px** and the jump 16 px" in text(page)


def test_stacks_are_torch_s(app):
    app.select_slider(key="receptive_field_channels").set_value(128).run()
    stacks = tables(app)["Stack"].set_index("Stack")
    for name, kernel, count in (("One 5×5", 5, 1), ("Two 3×3", 3, 2), ("One 7×7", 7, 1), ("Three 3×3", 3, 3)):
        weights = count * nn.Conv2d(128, 128, kernel, bias=False, device="meta").weight.numel()
        assert stacks.loc[name, "Weights"] == f"{weights:,}" and stacks.loc[name, "MACs"] == f"{weights * 56 * 56:,}"
    assert stacks["Field"].tolist() == ["5 px", "5 px", "7 px", "7 px"]
    assert stacks.loc["Two 3×3", "Of the single"] == "72.0%"


def test_published_fields_are_ours(app):
    listed = tables(app)["Network"]
    published = listed[listed["Published"] != ""]
    assert len(published) == 6
    assert (published["Published"].astype(int) == published["Field, px"]).all()
    assert listed.set_index("Network").loc["resnet50", "Field, px"] == 427
    assert "13 have a theoretical field larger" in text(app)


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


def test_controls_one_after_another(app):
    for name, values in {"stage": (1, 5), "depth": (1, 8), "strided": (2,), "channels": (512,), "seed": (1,)}.items():
        for value in values:
            checked(app.select_slider(key=f"receptive_field_{name}").set_value(value).run())
    assert "**115 px** wide" in text(app)
    checked(app.toggle(key="receptive_field_shortcuts").set_value(True).run())
    for network in app.selectbox(key="receptive_field_network").options:
        checked(app.selectbox(key="receptive_field_network").set_value(network).run())
    assert address(app) == {"network": "plain34", "stage": "5", "channels": "512", "depth": "8", "strided": "2",
                            "shortcuts": "true", "seed": "1"}


def test_a_bad_link_gets_plain_sentences():
    page = open_page("receptive_field", stage="9", colour="<script>")
    assert len(page.warning) == 2
    assert page.select_slider(key="receptive_field_stage").value == 3
