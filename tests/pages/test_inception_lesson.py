"""The lesson on Inception without a browser, against the paper's Table 1, torchvision and torch built by hand."""

import pytest
import torch
from torch import nn

import lib
from lib.lessons import inception
from tests.pages.app import address, checked, open_page


@pytest.fixture(scope="module")
def page():
    return open_page("inception")


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def table(app, column: str):
    """The table with this column as the page shows it, by its first column."""
    frame = next(frame.value for frame in app.dataframe if column in frame.value)
    return frame.set_index(frame.columns[0])


def weights(*layers: tuple[int, int, int]) -> int:
    """Weights of plain convolutions, each given by its channels in, filters and kernel."""
    return sum(nn.Conv2d(*layer, bias=False, device="meta").weight.numel() for layer in layers)


def test_module_3a_is_plain_torch_s(page):
    branches = table(page, "MACs, naive")
    naive = [weights((192, 64, 1)), weights((192, 128, 3)), weights((192, 32, 5)), 0]
    reduced = [naive[0], weights((192, 96, 1), (96, 128, 3)), weights((192, 16, 1), (16, 32, 5)), weights((192, 32, 1))]
    for suffix, expected in (("naive", naive), ("reduced", reduced)):
        assert list(branches[f"Weights, {suffix}"]) == [*expected, sum(expected)]
        assert list(branches[f"MACs, {suffix}"]) == [28 * 28 * count for count in (*expected, sum(expected))]
    assert list(branches["Channels out, reduced"]) == [64, 128, 32, 32, 256]
    assert list(branches["Channels out, naive"]) == [64, 128, 32, 192, 416]


# Szegedy et al. 2014, Table 1: million operations. The row 5a does not follow from its filters.
TABLE_1 = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}


def test_rows_of_table_1_cost_what_the_paper_says():
    for row, mega in TABLE_1.items():
        values = inception.rows()[row]
        assert all(values[name] in choices for name, choices in inception.FILTERS.items())
        assert values["channels"] in inception.CHANNELS and values["size"] in inception.SIZES
    app = checked(open_page("inception").button(key="row_4e").click().run())
    assert address(app)["n3x3"] == "320" and app.select_slider(key="inception_channels").value == 528
    assert table(app, "MACs, naive").loc["all", "MACs, reduced"] / 1e6 == pytest.approx(TABLE_1["4e"], abs=1)


def test_stem_growth_and_totals(page):
    stem = table(page, "Ratio")
    assert list(stem["GoogLeNet"]) == ["6.12", "7.46", "124,416", "478"]
    assert list(stem["VGG-16"])[2:] == ["1,735,488", "9,335"]
    assert "two convolutions in stage 3 (7485 million)" in text(page)
    assert "481 if the comparisons" in text(page)
    growth = table(page, "googlenet_naive")
    assert list(growth["googlenet_2014"]) == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert "13,378,280" in text(page) and "6,998,552" in text(page)
    assert any("not verified" in caption.value for caption in page.caption)


def test_kernels_taken_apart(page):
    shares = table(page, "Of the whole kernel")
    assert set(shares.loc["5×5", "Of the whole kernel"]) == {"100.0%", f"{18 / 25:.1%}", f"{2 / 5:.1%}"}
    assert set(shares.loc["7×7", "Of the whole kernel"]) == {"100.0%", f"{27 / 49:.1%}", f"{2 / 7:.1%}"}
    assert set(shares.loc["7×7", "Sees, cells"]) == {7}


def test_gradients_are_those_of_the_summed_loss():
    app = open_page("inception", start="he", batch_norm="true", seed="3", auxiliary="1")
    shown = table(app, "Main loss alone").loc["conv1"]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = lib.build("googlenet_2014", batch_norm=True, auxiliary=True)
        images, labels = torch.randn(4, 3, 64, 64), torch.randint(1000, (4,))
    for module in model.train().modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    losses = [nn.CrossEntropyLoss()(logits, labels) for logits in model(images)]
    weight = model.conv1.conv.weight
    for column, loss in (("Main loss alone", losses[0]), ("With auxiliary losses", sum(losses))):
        gradient, = torch.autograd.grad(loss, weight, retain_graph=True)
        assert float(shown[column]) == pytest.approx(gradient.norm().item(), rel=0.01)


def test_classifiers_help_below_them_only():
    app = open_page("inception", start="small")
    ratio = table(app, "Main loss alone")["Ratio"].str.replace(",", "").astype(float)
    assert (ratio.loc[["conv1", "inception3a", "inception4a"]] > 100).all()
    assert (ratio.loc[["inception4e", "inception5a", "inception5b"]] == 1).all()


def test_every_value_of_every_control():
    app = open_page("inception", batch_norm="true")
    for name in ("channels", "size", *inception.FILTERS):
        options = app.select_slider(key=f"inception_{name}").options
        for option in (options[0], options[-1]):
            checked(app.select_slider(key=f"inception_{name}").set_value(int(option)).run())
    for name, values in (("auxiliary", inception.WEIGHTS), ("start", tuple(inception.STARTS))):
        for value in values:
            checked(app.segmented_control(key=f"inception_{name}").set_value(value).run())
    checked(app.select_slider(key="inception_seed").set_value(9).run())
    checked(app.toggle(key="inception_batch_norm").set_value(False).run())
    assert not app.error and address(app)["seed"] == "9" and "batch_norm" not in address(app)


def test_a_bad_link_gets_plain_sentences():
    app = open_page("inception", n5x5="33", colour="<script>")
    assert len(app.warning) == 2 and app.select_slider(key="inception_n5x5").value == 32
