"""What training costs, a view of Explore and two rows of Compare, without a browser."""

import json
from base64 import b64decode

import numpy as np
import pytest

import lib
from lib import catalog
from lib.analysis import saved
from tests.pages.app import address, checked, open_page


def said(app) -> str:
    return "\n".join(each.value for each in (*app.markdown, *app.caption, *app.info))


def table(app, column: str):
    return next(frame.value for frame in (*app.dataframe, *app.table) if column in frame.value.columns)


def chart(app, key: str) -> list[list]:
    """The heights of each series of a chart."""
    spec = json.loads(next(each.proto.spec for each in app.get("plotly_chart") if each.key == key))
    heights = [trace["y"] for trace in spec["data"]]
    return [np.frombuffer(b64decode(each["bdata"]), each["dtype"]).tolist() if isinstance(each, dict) else each for each in heights]


@pytest.fixture(scope="module")
def opened():
    return open_page("explore", preset="mobilenet_v2", view="training")


def test_the_rule_of_thumb_is_judged(opened):
    analysis = lib.analyze("mobilenet_v2")
    first, text = analysis.ops[0].macs, said(opened)
    step = 3 * analysis.macs - first
    assert all(f"{number:,}" in text for number in (analysis.macs, analysis.macs - first, step))
    assert f"**{step / analysis.macs:.3f} times**" in text and f"rule is {3 * analysis.macs / step - 1:.1%} too high" in text
    assert "FlopCounterMode" in text and address(opened)["view"] == "training"


def test_a_network_without_groups_has_no_word_on_the_counter():
    assert "FlopCounterMode" not in said(open_page("explore", preset="lenet5", view="training"))


def test_picture_and_table_hold_the_same(opened):
    rows = table(opened, "weight_gradient")
    assert chart(opened, "training") == [rows[name].tolist() for name in ("forward", "input_gradient", "weight_gradient")]
    assert rows["total"].sum() == lib.analyze("mobilenet_v2").training_macs
    assert rows["times"][0] < 3 and rows["times"][1:].tolist() == [3.0] * (len(rows) - 1)


def test_levels_and_what_is_selected():
    app = open_page("explore", preset="resnet18", view="training", select="op:layer1.0.conv1")
    assert "conv2_x › layer1.0 › conv1" in said(app) and "Gradient of its weights **115,605,504**" in said(app)
    rows = len(table(app, "weight_gradient"))
    checked(app.button_group(key="training_level").set_value("layer").run())
    layers = table(app, "weight_gradient")
    assert rows < len(layers) == sum(op.macs > 0 for op in lib.analyze("resnet18").ops)
    assert layers["times"].tolist() == [2.0] + [3.0] * (len(layers) - 1)


def test_the_memory_follows_batch_and_optimiser():
    app = open_page("explore", preset="mobilenet_v2", view="training", input_size="64")
    knobs = catalog.configure("mobilenet_v2", {"input_size": 64})
    assert table(app, "Bytes")["Bytes"].iloc[-1] == f"{saved.budget('mobilenet_v2', knobs, 'float32', 32, 'momentum').total:,}"
    app.select_slider(key="training_batch").set_value(128)
    app.button_group(key="timing_optimiser").set_value("adam")
    checked(app.run())
    assert table(app, "Bytes")["Bytes"].iloc[-1] == f"{saved.budget('mobilenet_v2', knobs, 'float32', 128, 'adam').total:,}"
    assert "With 128 images of 64 × 64 pixels" in said(app) and "8 GB card" in said(app)


def test_a_batch_that_cannot_be_trained_is_said():
    app = open_page("explore", preset="skresnet18", view="training", input_size="64")
    checked(app.select_slider(key="training_batch").set_value(1).run())
    assert "cannot be trained at batch 1" in said(app) and not any("Bytes" in each.value for each in app.table)


def test_every_network_is_judged(opened):
    judged = table(opened, "off")
    assert sorted(judged["preset"]) == sorted(lib.catalog.published())
    analysis = lib.analyze(judged["preset"][0])
    assert judged["ratio"][0] == min(judged["ratio"]) == analysis.training_macs / analysis.macs
    spec = json.loads(next(each.proto.spec for each in opened.get("plotly_chart") if each.key == "rule_of_three"))
    assert spec["layout"]["xaxis"]["categoryarray"] == judged["preset"].tolist()
    assert chart(opened, "rule_of_three")[1:] == [judged["ratio"].tolist(), [lib.analyze("mobilenet_v2").training.ratio]]
    counted = [(judged["off"] > percent).sum() for percent in (1, 5)]
    assert f"For **{counted[0]}** of them the rule of 3 times is off by more than 1%, for **{counted[1]}** by more than 5%." in said(opened)


@pytest.mark.parametrize("ask", ["macs", "params", "memory"])
def test_what_tells_a_hidden_total_is_not_there(ask):
    app = open_page("explore", preset="resnet18", view="training", ask=ask)
    assert "Predict first" in said(app)
    told = [name for name, words in {"macs": "rule of thumb", "memory": "saved for backward"}.items() if words in said(app)]
    assert told == (["memory"] if ask == "macs" else ["macs"])
    assert [any(column in each.value for each in (*app.dataframe, *app.table)) for column in ("weight_gradient", "Bytes")] == [
        "macs" in told, "memory" in told]


def test_compare_tells_a_step_of_each_network():
    app = open_page("compare", a="vgg16", b="resnet18")
    rows = {row[0]: list(row[1:]) for row in app.table[0].value.itertuples(index=False)}
    ours, theirs = lib.analyze("vgg16"), lib.analyze("resnet18")
    assert rows["MACs of a training step"][0] == f"{ours.training_macs:,}"
    less = theirs.training_macs - ours.training_macs
    assert rows["MACs of a training step"][1].startswith(f"{theirs.training_macs:,}  ({less:+,}")
    assert rows["Training step ÷ forward pass"] == [f"{each.training_macs / each.macs:.3f}" for each in (ours, theirs)]
    hidden = open_page("compare", a="vgg16", b="resnet18", ask="macs").table[0].value
    assert [list(row[1:]) for row in hidden.itertuples(index=False) if "raining step" in row[0]] == [["?", "?"]] * 2
