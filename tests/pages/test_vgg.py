"""The lesson on AlexNet and VGG without a browser, against the lecture, the papers and torch built by hand."""

import pytest
import torchvision
from torch import nn

from tests.pages.app import address, checked, open_page


@pytest.fixture(scope="module")
def page():
    return open_page("vgg")


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def table(app, column: str):
    """The table with this column as the page shows it, by its first column."""
    frame = next(frame.value for frame in app.dataframe if column in frame.value)
    return frame.set_index(frame.columns[0])


# Recomputed by hand from the lecture's layers: memory KiB, parameters, multiply-adds.
LECTURE = {"conv1": (784, 23_296, 72_855_552), "pool1": (182.25, 0, 0), "conv2": (546.75, 307_392, 223_948_800),
           "pool2": (126.75, 0, 0), "conv3": (253.5, 663_936, 112_140_288), "conv4": (169, 884_992, 149_520_384),
           "conv5": (169, 590_080, 99_680_256), "fc6": (16, 37_752_832, 37_748_736), "fc7": (16, 16_781_312, 16_777_216)}


def test_the_layers_are_the_lecture_s(page):
    layers = table(page, "Memory, KiB")
    for layer, expected in LECTURE.items():
        assert tuple(layers.loc[layer, ["Memory, KiB", "Parameters", "MACs"]]) == expected
    assert layers.loc["all", "Parameters"] == 61_100_840


def test_trends(page):
    convolutions = sum(macs for layer, (_, _, macs) in LECTURE.items() if "conv" in layer)
    assert f"**{convolutions / 716_767_232:.0%}** of the 716,767,232" in text(page)
    assert "2.28 MiB" in text(page) and "61,100,840" in text(page)


def test_where_the_slides_slip(page):
    slides = table(page, "Slide")
    assert slides.loc["VGG-16, G MACs", "Exact"] == "15.47" and slides.loc["VGG-16, G MACs", "Why"].endswith("13.62")
    assert slides.loc["VGG-16, convolution outputs, MiB", "Why"].endswith("48.6")
    assert slides.loc["AlexNet, conv4, M MACs", "Exact"] == "149.5"
    assert any("not verified" in caption.value for caption in page.caption)


def test_the_rule_and_its_exceptions(page):
    costs = table(page, "Of a full layer")
    for layer in ("conv1_2", "conv2_2", "conv3_2", "conv3_3", "conv4_2"):
        assert costs.loc[layer, "MACs"] == 1_849_688_064
    assert [costs.loc[layer, "Of a full layer"] for layer in ("conv1_1", "conv3_1", "conv5_1")] == ["4.7%", "50.0%", "25.0%"]
    assert "6 of the 13" in text(page)


def test_zfnet(page):
    zfnet = table(page, "zfnet")
    assert zfnet.loc["parameters", "alexnet_2012"] == "60,965,224"
    assert zfnet.loc["conv1", "zfnet"] == "96 of 7×7/2 → 110×110"


def test_heads_are_torchvision_s_and_plain_torch_s():
    app = open_page("vgg", depth="11", classes="100")
    theirs = torchvision.models.vgg11(weights=None, init_weights=False, num_classes=100).classifier
    own = sum(layer.weight.numel() for layer in theirs if isinstance(layer, nn.Linear))
    assert f"{own:,}" in text(app) and f"{512 * 49 * 100:,} weights against {512 * 100:,}: **49 times**" in text(app)


def test_kernels_are_plain_torch_s():
    app = open_page("vgg", width="32")
    kernels = table(app, "Of the one kernel")
    for title, size, count in (("one 5×5", 5, 1), ("2 of 3×3", 3, 2), ("one 7×7", 7, 1), ("3 of 3×3", 3, 3)):
        assert kernels.loc[title, "Weights"] == f"{count * nn.Conv2d(32, 32, size, bias=False).weight.numel():,}"


def test_every_value_of_every_control():
    app = open_page("vgg")
    for name in ("size", "depth", "width", "growth", "classes"):
        for option in app.select_slider(key=f"vgg_{name}").options:
            checked(app.select_slider(key=f"vgg_{name}").set_value(int(option)).run())
            assert not app.error
    app.select_slider(key="vgg_size").set_value(224).run()
    for network in app.selectbox(key="vgg_network").options:
        checked(app.selectbox(key="vgg_network").set_value(network).run())
        assert bool(app.error) == (network == "alexnet_2012")


def test_the_network_of_2012_refuses_224_and_the_page_goes_on():
    app = open_page("vgg", network="alexnet_2012", size="224")
    assert "227" in app.error[0].value and "1,849,688,064" in text(app)
    assert address(app) == {"network": "alexnet_2012", "size": "224"}


def test_a_growth_of_one_leaves_the_work_where_the_maps_are_large():
    ladder = table(open_page("vgg", growth="1"), "Output, MiB (× the first)")
    assert ladder.loc["112×112", "MACs (× the first)"].endswith("(0.25)")


def test_a_bad_link_gets_plain_sentences():
    app = open_page("vgg", depth="12", colour="<script>")
    assert len(app.warning) == 2 and app.select_slider(key="vgg_depth").value == 16
