"""Links that ask before they tell, without a browser: what is hidden is nowhere on the page until it is predicted."""

import json
import re
from base64 import b64decode

import numpy as np
import pandas as pd
import pytest

import lib
from lib.questions.totals import QUANTITIES
from lib.ui.asking import without
from tests.pages.app import address, checked, open_page, totals

VIEWS = ("layers", "cost", "training", "field", "graph", "papers", "tools", "code")
EVERY = ",".join(QUANTITIES)
LABELS = dict(zip(QUANTITIES, ("Parameters", "MACs", "Activation bytes", "Weight layers", "Receptive field, px")))
NETWORK = {"preset": "resnet18", "depths": "11,13,15,17"}
"""A network of whose totals none stands on the page for another reason."""


def analysis(**knobs):
    return lib.analyze("resnet18", depths=(11, 13, 15, 17), **knobs)


def lists(value):
    """All lists of numbers in a chart."""
    if isinstance(value, dict) and "bdata" in value:
        yield np.frombuffer(b64decode(value["bdata"]), value["dtype"]).tolist()
    elif isinstance(value, dict):
        for part in value.values():
            yield from lists(part)
    elif isinstance(value, list):
        if value and all(isinstance(part, (int, float, type(None))) for part in value):
            yield [part or 0 for part in value]
        for part in value:
            yield from lists(part)


def told(app) -> set[int]:
    """Every whole number on the page: in texts, tables and charts, and what columns and series sum to."""
    numbers: set[int] = set()
    for node in app._tree:
        if isinstance(value := getattr(node, "value", None), pd.DataFrame):
            texts = value.to_csv(index=False)
            numbers |= {int(value[name].sum()) for name in value if pd.api.types.is_numeric_dtype(value[name])}
        else:
            texts = re.sub(r'id: "[^"]*"|hash: "[^"]*"|<[^>]*>', " ", str(getattr(node, "proto", "")))
            if spec := getattr(getattr(node, "proto", None), "spec", ""):
                numbers |= {int(sum(each)) for each in lists(json.loads(spec)["data"])}
                numbers |= {int(number) for each in lists(json.loads(spec)["data"]) for number in each}
        numbers |= {int(re.sub(r"\D", "", found)) for found in re.findall(r"\d[\d,_]*", texts) if len(found) < 30}
    return numbers


@pytest.mark.parametrize("view", VIEWS)
def test_each_total_is_nowhere_in_any_view(view):
    """All five are hidden; one after the other is shown, and then only that one is there."""
    app, found = open_page("explore", view=view, ask=EVERY, **NETWORK), analysis()
    values = {name: getattr(found, attribute) for name, attribute in QUANTITIES.items()}
    hidden = list(values)
    while hidden:
        numbered = {"layers"} if view == "code" and hidden == ["layers", "field"] else set()  # torchinfo numbers its rows
        assert not {values[name] for name in hidden if name not in numbered} & told(app), (view, hidden)
        assert all(totals(app)[LABELS[name]] == "?" for name in hidden)
        name = hidden.pop(0)
        checked(app.button(key=f"explore_ask_{name}_show").click().run())
        assert totals(app)[LABELS[name]] == f"{values[name]:,}" and values[name] in told(app)
    assert not any("Predict first" in text.value for text in app.markdown)
    assert address(app)["ask"] == EVERY


@pytest.mark.parametrize("name", QUANTITIES)
def test_one_hidden_total_leaves_the_others(name):
    app, found = open_page("explore", ask=name, **NETWORK), analysis()
    assert [label for label, value in totals(app).items() if value == "?"] == [LABELS[name]]
    assert getattr(found, QUANTITIES[name]) not in told(app)
    columns = set(app.dataframe[0].value.columns)
    assert ("params" in columns) == (name != "params") and ("macs share" in columns) == (name != "macs")
    assert ("activation" in columns) == (name != "memory") and ("field height" in columns) == (name != "field")


def test_the_download_leaves_out_what_is_hidden():
    table = analysis().table()
    assert not any("param" in column for column in without(table, {"params"}))
    assert not any("mac" in column for column in without(table, {"macs"}))
    assert not any("activation" in column for column in without(table, {"activation_bytes"}))
    assert not any("field" in column or "jump" in column for column in without(table, {"receptive_field"}))
    assert list(without(table, ())) == list(table)


def answer(app, name: str, given: str):
    app.text_input(key=f"explore_ask_{name}_given").set_value(given)
    return checked(app.button(key=f"explore_ask_{name}_answer").click().run())


def said(app) -> str:
    return "\n".join([*(each.value for each in app.markdown), *(each.value for each in app.caption)])


def noted(app) -> list[dict]:
    """What the browser is told to keep."""
    return [each for element in app.get("bidi_component") if "noted" in (data := element.proto.json or "{}")
            for each in json.loads(data)["noted"]]


def test_right():
    app = answer(open_page("explore", preset="resnet18", ask="params"), "params", "11.7 million")
    assert "**11,689,512 parameters.** Right." in said(app) and "conv5_x 71.8%" in said(app)
    assert totals(app)["Parameters"] == "11,689,512" and "params" in app.dataframe[0].value
    assert noted(app) == [{"question": "totals.params.resnet18", "result": "first"}]


def test_a_slip_is_named():
    app = answer(open_page("explore", preset="vgg16", ask="params"), "params", "14.7M")
    assert "You said 14,700,000 parameters. It is **138,357,544 parameters**. The linear layers at the end" in said(app)
    app = answer(open_page("explore", preset="resnet18", ask="macs"), "macs", "3.6 G")
    assert "That counts a multiply-add as two operations" in said(app)
    assert noted(app) == [{"question": "totals.macs.resnet18", "result": "shown"}]


def test_nonsense_is_no_answer():
    app = answer(open_page("explore", preset="resnet18", ask="params"), "params", "a lot")
    assert totals(app)["Parameters"] == "?" and "cannot be read as a number" in said(app)
    assert not noted(app)


def test_a_knob_does_not_hide_again_and_asking_again_does():
    app = answer(open_page("explore", preset="resnet18", ask="params"), "params", "11.7M")
    checked(app.number_input(key="resnet18-num_classes").set_value(10).run())
    assert totals(app)["Parameters"] == f"{lib.analyze('resnet18', num_classes=10).params:,}"
    assert address(app) == {"preset": "resnet18", "num_classes": "10", "ask": "params"}
    checked(app.button(key="explore_ask_params_again").click().run())
    assert totals(app)["Parameters"] == "?" and "**resnet18 with Classes = 10**" in said(app)


def test_flops_are_asked_for_where_they_are_counted():
    app = open_page("explore", preset="resnet18", ask="macs", count="flops")
    assert "How many FLOPs" in said(app) and 2 * 1_814_073_344 not in told(app)
    assert "**3,628,146,688 FLOPs.** Right." in said(answer(app, "macs", "3.6 G"))


def test_a_refused_network_is_asked_about_as_the_last_one_that_worked():
    app = open_page("explore", preset="resnext50_32x4d", ask="params")
    app.slider(key="resnext50_32x4d-width").set_value(24).run()
    assert checked(app).error and "**resnext50_32x4d**" in said(app)
    assert totals(answer(app, "params", "25M"))["Parameters"] == "25,028,904"


@pytest.mark.parametrize("page, control, value", [("explore", "count", "flops"), ("compare", "bars", "activation_bytes")])
def test_a_bad_value_gets_one_plain_sentence(page, control, value):
    app = open_page(page, ask="params,<b>weight</b>, ,colour,params")
    assert [warning.value.strip("` ") for warning in app.warning] == [
        "A link cannot ask for “<b>weight</b>, colour”, so that was left out; it can ask for "
        "params, macs, memory, layers, field."]
    checked(app.button_group(key=control).set_value(value).run())
    assert address(app)["ask"] == "params"


@pytest.mark.parametrize("page, link", [("explore", "/explore?preset=resnet50&ask="),
                                        ("compare", "/compare?a=resnet50&b=resnext50_32x4d&ask=")])
def test_the_menu_makes_a_link_and_opens_it_here(page, link):
    app = open_page(page)
    app.session_state[f"{page}_ask_menu"] = True  # a person opens it
    checked(app.run())
    assert app.code[0].value == f"{link}params,macs"
    checked(app.button_group(key=f"{page}_ask_these").set_value(["field", "layers"]).run())
    assert app.code[0].value == f"{link}layers,field" and "ask" not in address(app)
    checked(app.button(key=f"{page}_ask_here").click().run())
    assert address(app)["ask"] == "layers,field" and 427 not in told(app)
    shown = [label for label, value in totals(app).items() if value != "?"] if page == "explore" else [
        each[0] for each in app.table[0].value.itertuples(index=False) if each[1] != "?"]
    step = ["MACs of a training step", "Training step ÷ forward pass"] if page == "compare" else []
    assert shown == ["Parameters", "MACs", *step, "Activation bytes"]


def test_another_network_in_a_link_is_asked_anew():
    app = answer(open_page("explore", preset="resnet18", ask="params"), "params", "11.7M")
    app.query_params["preset"] = "vgg11"
    checked(app.run())
    assert totals(app)["Parameters"] == "?" and "**vgg11**" in said(app)


def test_neither_note_nor_remark_tells_the_layers():
    shown, hidden = (said(open_page("explore", preset="resnet50d", **ask)) for ask in ({}, {"ask": "layers"}))
    assert "has 52 weight layers" in shown and "52 weight" not in hidden
    assert "18 weight layers" not in said(open_page("explore", preset="resnet18", ask="layers"))


# Compare

def row(app, label: str) -> list[str]:
    return next(list(each[1:]) for each in app.table[0].value.itertuples(index=False) if each[0] == label)


NETWORKS = {"a": "resnet18", "a.depths": "11,13,15,17", "b": "resnet50"}


def test_compare_hides_each_total_until_it_is_predicted():
    app = open_page("compare", ask=EVERY, **NETWORKS)
    values = {name: [getattr(each, attribute) for each in (analysis(), lib.analyze("resnet50"))]
              for name, attribute in QUANTITIES.items()}
    values["layers"][1] = values["layers"][0]  # resnet50 tells its own
    hidden = list(values)
    while hidden:
        assert not {value for name in hidden for value in values[name]} & told(app), hidden
        assert all(row(app, LABELS[name]) == ["?", "?"] for name in hidden)
        name = hidden.pop(0)
        larger = "ab"[values[name][1] > values[name][0]]
        app.radio(key=f"compare_ask_{name}_given").set_value(larger)
        checked(app.button(key=f"compare_ask_{name}_answer").click().run())
        assert row(app, LABELS[name])[0] == f"{values[name][0]:,}" and "Right." in said(app)
    assert address(app) == NETWORKS | {"ask": EVERY}
    assert len(noted(app)) == 5 and noted(app)[0] == {"question": "totals.params.resnet18+resnet50", "result": "first"}


def test_compare_names_the_misconception():
    app = open_page("compare", a="resnet50", b="vgg16", ask="params")
    app.radio(key="compare_ask_params_given").set_value("a")
    checked(app.button(key="compare_ask_params_answer").click().run())
    assert "It is **b: vgg16**. That is the deepest one." in said(app)


def test_explore_and_compare_hand_on_what_is_asked():
    links = [item.proto for item in open_page("explore", ask="macs").get("page_link")]
    assert [("ask=macs" in link.query_string) for link in links if "compare" in link.page] == [True]
    links = [item.proto for item in open_page("compare", ask="macs").get("page_link")]
    assert [("ask=macs" in link.query_string) for link in links if "explore" in link.page] == [True, True]
