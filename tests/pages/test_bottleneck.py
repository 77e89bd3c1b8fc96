"""The first lesson without a browser."""

import pytest
from torch import nn

from lib.lessons.bottleneck import compare
from tests.pages.app import address, checked, open_page


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def test_says_the_paper_s_numbers():
    app = open_page("bottleneck")
    for number in ("1,179,648", "69,632", "5.9 %", "16.94 times", "70,144", "94.4 %", "73,728"):
        assert number in text(app)
    assert "1·1·256·64" in "".join(block.value for block in app.code)


def test_weights_are_those_of_plain_torch_convolutions():
    for outer, inner, groups in ((256, 64, 32), (128, 16, 8), (1024, 512, 64), (64, 512, 2)):
        blocks = compare(outer, inner, groups, 14)
        assert blocks.basic.weights == 2 * nn.Conv2d(outer, outer, 3, bias=False, device="meta").weight.numel()
        width = blocks.fields()["grouped_width"]
        for block, middle, count in ((blocks.bottleneck, inner, 1), (blocks.grouped, width, groups)):
            layers = (nn.Conv2d(outer, middle, 1, device="meta"), nn.Conv2d(middle, middle, 3, groups=count, device="meta"),
                      nn.Conv2d(middle, outer, 1, device="meta"))
            assert block.weights == sum(layer.weight.numel() for layer in layers)
            assert block.macs == block.weights * 14 * 14


@pytest.mark.parametrize("name", ["outer", "inner", "cardinality", "size"])
def test_every_value_of_every_control(name):
    app = open_page("bottleneck")
    slider = app.select_slider(key=f"bottleneck_{name}")
    for option in slider.options:
        checked(app.select_slider(key=f"bottleneck_{name}").set_value(int(option)).run())


def test_the_link_is_read_and_written():
    app = open_page("bottleneck", inner="32")
    assert app.select_slider(key="bottleneck_inner").value == 32
    app.select_slider(key="bottleneck_size").set_value(14).run()
    assert address(app) == {"inner": "32", "size": "14"}


def test_a_bad_link_gets_plain_sentences():
    app = open_page("bottleneck", inner="33", colour="<script>")
    assert len(app.warning) == 2
    assert app.select_slider(key="bottleneck_inner").value == 64
