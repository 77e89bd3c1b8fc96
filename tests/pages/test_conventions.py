"""Why tools disagree, a view of Explore, without a browser."""

import pytest

from tests.pages.app import checked, open_page


def shown(app) -> dict[str, tuple[str, ...]]:
    """The rows of the view's table by what is counted."""
    table = next(table.value for table in app.table if "Who counts so" in table.value.columns)
    return {row[0]: tuple(row[1:]) for row in table.itertuples(index=False)}


def test_the_tools_numbers_for_resnet50():
    """As torchinfo 1.8.0, fvcore 0.1.5 and torch 2.14 print them for torchvision's network."""
    rows = shown(open_page("explore", view="tools", preset="resnet50"))
    assert [rows[name][0] for name in rows] == [
        "4,089,184,256", "4,089,185,256", "4,089,238,376", "4,111,512,576", rows["with all the rest"][0], "8,178,368,512"]
    assert "torchinfo" in rows["with biases, norms once"][2] and "fvcore" in rows["with norms, adaptive pooling"][2]
    assert rows["with norms, adaptive pooling"][1] == "+0.546 %" and rows["Multiply-adds × 2"][1] == "× 2.00"


def test_the_parts_add_up_to_the_totals():
    app = open_page("explore", view="tools", preset="mobilenet_v2")
    parts = next(frame.value for frame in app.dataframe if "normalisation" in frame.value.columns).set_index("Counted")
    assert {name: f"{parts.loc[name].sum():,}" for name in parts.index} == {name: row[0] for name, row in shown(app).items()}
    assert "+8.59 %" in "\n".join(block.value for block in app.markdown)


@pytest.mark.parametrize("preset", ["lenet5_1998", "vgg16", "shufflenet_g3", "resnet50_fpn", "resnest50d"])
def test_every_kind_of_network(preset):
    rows = shown(open_page("explore", view="tools", preset=preset))
    assert len(rows) == 6


def test_follows_the_knobs():
    app = open_page("explore", view="tools", preset="resnet50")
    before = shown(app)
    checked(app.number_input(key="resnet50-input_size").set_value(112).run())
    assert all(shown(app)[name][0] != row[0] for name, row in before.items())
