"""The lesson on the arithmetic of a convolution, without a browser."""

import re

import pytest
import torch
from torch import nn

from tests.pages.app import address, checked, open_page

IMPOSSIBLE = re.compile(r"The kernel reaches over \d+ cells, but the padded map has only \d+|\d+ groups do not divide")
SLIDERS = ("size", "kernel", "stride", "padding", "dilation", "in_channels", "out_channels", "groups", "row", "column", "seed")


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def results(app) -> dict[str, str]:
    """The layer's table: what each quantity comes to."""
    return dict(app.table[0].value["Result"])


@pytest.mark.parametrize("size, kernel, stride, padding, dilation, groups", [
    (7, 3, 2, 1, 1, 4), (8, 3, 2, 0, 1, 1), (9, 5, 3, 3, 2, 16), (4, 1, 4, 0, 3, 2), (9, 4, 1, 2, 1, 8)])
def test_the_layer_is_torch_s(size, kernel, stride, padding, dilation, groups):
    values = {"size": size, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    app = open_page("convolution", **{name: str(value) for name, value in values.items()})
    layer = nn.Conv2d(16, 32, kernel, stride, padding, dilation, groups, bias=False)
    output = layer(torch.zeros(1, 16, size, size))
    side, weights = output.shape[-1], layer.weight.numel()
    assert results(app) == {"Output H and W": f"{side}", "Output": f"32×{side}×{side}", "Parameters": f"{weights:,}",
                            "MACs": f"{weights * side * side:,}"}
    assert f"**{side}×{side}**" in text(app)
    assert " × ".join(map(str, layer.weight.shape)) in text(app)


def test_the_sum_under_the_grid_is_right():
    app = open_page("convolution", row="2", column="3", padding="2", dilation="2")
    written = app.code[0].value.replace("−", "-")
    products, total = written.removeprefix("output[2, 3]\n= ").rsplit("\n= ", 1)
    assert sum(int(a) * int(b.strip("()")) for a, b in re.findall(r"(-?\d+)·(\(-\d+\)|\d+)", products)) == int(total)
    assert products.count("·") == 9


def test_a_place_beyond_the_output_is_the_last_one():
    app = open_page("convolution", row="12", column="1")
    assert any("only 4 rows and columns" in block.value for block in app.caption)
    assert app.code[0].value.startswith("output[4, 1]")


def test_cells_that_no_window_reads():
    assert "**0** here" in text(open_page("convolution", padding="0", size="7"))
    # On 8x8 without padding stride 2 leaves the last row and column: 8 + 8 - 1 cells.
    assert "**15** here, **15** of them" in text(open_page("convolution", padding="0", size="8"))


def test_real_strides():
    app = open_page("convolution", layer="resnet50 layer2.0.downsample.0")
    assert "(224 + 2·3 − 7) / 2 = 111.5" in text(app)
    assert "28 of the map and 0 of the padding" in text(app)
    rows = app.dataframe[0].value.set_index("Layer")
    assert rows.loc["resnet50 conv1"].tolist() == ["(224 + 2·3 − 7) / 2 = 111.5", "down", 112, 0, 1]
    assert rows.loc["alexnet features.0", "Output rows"] == rows.loc["alexnet_2012 features.0", "Output rows"] == 55
    assert rows.loc["googlenet maxpool1", "Rounded"] == "up"


@pytest.mark.parametrize("seed", ["0", "3"])
def test_two_ways_give_the_same_numbers(seed):
    table = open_page("convolution", seed=seed, size="9", in_channels="64").dataframe[1].value
    assert all(0 <= float(difference) < 1e-5 for difference in table["Largest difference"])
    assert all(float(largest) > 1 for largest in table["Largest number"])
    assert table["Weights of either"].tolist() == [f"{64 * 81 * 32:,}"] * 2 + [f"{64 * 32:,}"]


def test_controls_one_after_another():
    app = open_page("convolution", padding="0")
    for name in SLIDERS:
        slider = app.select_slider(key=f"convolution_{name}")
        start, options = slider.value, slider.options
        for option in options if len(options) < 7 else options[::5]:
            checked(app.select_slider(key=f"convolution_{name}").set_value(int(option)).run())
            assert all(IMPOSSIBLE.search(error.value) for error in app.error)
        app.select_slider(key=f"convolution_{name}").set_value(start)
    for option in app.selectbox(key="convolution_layer").options:
        checked(app.selectbox(key="convolution_layer").set_value(option).run())


def test_impossible_values_get_a_sentence_and_the_page_goes_on():
    app = open_page("convolution", kernel="5", dilation="3", size="4", padding="0")
    assert len(app.error) == 2 and "reaches over 13 cells" in app.error[0].value
    assert len(app.dataframe) == 2
    app = open_page("convolution", groups="64")
    assert ["64 groups do not divide 16 channels in and 32 out" in error.value for error in app.error] == [True]


def test_the_link_is_read_and_written():
    app = open_page("convolution", kernel="5", layer="resnet50 maxpool")
    assert app.select_slider(key="convolution_kernel").value == 5
    app.select_slider(key="convolution_stride").set_value(1).run()
    assert address(app) == {"kernel": "5", "layer": "resnet50 maxpool", "stride": "1"}


def test_a_bad_link_gets_plain_sentences():
    app = open_page("convolution", kernel="99", colour="<script>")
    assert len(app.warning) == 2
    assert app.select_slider(key="convolution_kernel").value == 3
