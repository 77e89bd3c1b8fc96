"""Explore without a browser: every control moved, links read and written, refusals explained."""

import json
import re

import pytest

import lib
from lib import catalog
from tests.pages.app import address, checked, open_page, totals


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_shows_the_real_totals():
    app = open_page("explore")
    analysis = lib.analyze("resnet50")
    shown = totals(app)
    assert number(shown["Parameters"]) == analysis.params == 25_557_032
    assert number(shown["MACs"]) == analysis.macs
    assert number(shown["Receptive field, px"]) == 427
    assert shown["Weight layers"] == "50"


@pytest.mark.parametrize("family", list(catalog.families()))
def test_every_control_can_be_moved(family):
    """Each knob of the family, moved alone, changes the link; nothing throws. Every value of a choice is built by the tests
    of the catalogue, so one is enough here."""
    knobs = catalog.families()[family].knobs
    app = open_page("explore", preset=next(iter(catalog.families()[family].presets)))
    assert list(moves(app, "input_size"))
    for name in knobs.model_fields:
        for key, value in dict(reversed(list(moves(app, name)))).items():
            checked(next(w for w in controls(app) if w.key == key).set_value(value).run())
            assert name in address(app) or app.error, name
            checked(app.button(key="reset").click().run())
            assert name not in address(app)


def controls(app):
    return [*app.toggle, *app.slider, *app.number_input, *app.button_group, *app.selectbox]


def moves(app, name, slot=""):
    """(key, another value) for the control or controls of a knob; none for one that a switch has disabled."""
    for widget in controls(app):
        network, _, knob = widget.key.partition("-")
        if widget.disabled or not network.startswith(slot) or not re.fullmatch(name + "(_[0-9])?", knob):
            continue
        if widget.type == "selectbox":
            yield widget.key, next(option for option in widget.options if option != str(widget.value))
        elif widget.type == "button_group":
            yield from ((widget.key, option) for option in widget.options if option != str(widget.value))
        elif isinstance(widget.value, bool):
            yield widget.key, not widget.value
        else:
            yield widget.key, widget.value + (-widget.step if widget.value == getattr(widget, "max", None) else widget.step)


@pytest.mark.parametrize("family", list(catalog.families()))
def test_every_view_of_every_family(family):
    preset = next(iter(catalog.families()[family].presets))
    for view in ("layers", "cost", "training", "field", "graph", "papers", "code"):
        app = open_page("explore", preset=preset, view=view)
        assert not app.warning and not app.error and address(app)["view"] == view


@pytest.mark.slow
@pytest.mark.parametrize("preset", lib.presets())
def test_every_preset_opens_from_a_link(preset):
    app = open_page("explore", preset=preset)
    assert app.selectbox(key="preset").value == preset
    assert number(totals(app)["Parameters"]) == lib.analyze(preset).params
    assert not app.warning and not app.error


def test_a_link_restores_the_knobs():
    app = open_page("explore", preset="resnext50_32x4d", cardinality="16", depths="3,4,6,4", residual="false")
    expected = lib.analyze("resnext50_32x4d", cardinality=16, depths=(3, 4, 6, 4), residual=False)
    assert number(totals(app)["MACs"]) == expected.macs
    assert app.slider(key="resnext50_32x4d-cardinality").value == 16
    assert app.number_input(key="resnext50_32x4d-depths_3").value == 4
    assert app.toggle(key="resnext50_32x4d-residual").value is False


def test_a_moved_knob_is_written_into_the_link():
    app = open_page("explore", preset="resnext50_32x4d")
    app.slider(key="resnext50_32x4d-cardinality").set_value(16).run()
    assert address(app) == {"preset": "resnext50_32x4d", "cardinality": "16"}
    app.slider(key="resnext50_32x4d-cardinality").set_value(32).run()
    assert address(app) == {"preset": "resnext50_32x4d"}


def test_depth_resets_the_blocks_per_stage():
    app = open_page("explore", preset="resnext50_32x4d", depths="2,2,2,2")
    app.button_group(key="resnext50_32x4d-depth").set_value(101).run()
    assert [app.number_input(key=f"resnext50_32x4d-depths_{i}").value for i in range(4)] == [3, 4, 23, 3]


def test_the_difference_is_from_the_preset():
    app = open_page("explore", preset="resnet18", num_classes="10")
    expected = lib.analyze("resnet18", num_classes=10).params - lib.analyze("resnet18").params
    assert app.metric[0].delta.startswith(f"{expected:+,}")
    assert app.metric[4].delta == "as the preset"


def test_flops_are_twice_the_macs():
    app = open_page("explore", count="flops")
    assert number(totals(app)["FLOPs"]) == 2 * lib.analyze("resnet50").macs


@pytest.mark.parametrize("parameters, word", [
    ({"preset": "resnet5o"}, "resnet50"),
    ({"preset": "<script>alert(1)</script>"}, "There is no network"),
    ({"cardinality": "16"}, "There is no knob"),
    ({"width": "100000"}, "from 8 to 256"),
    ({"width": "wide"}, "from 8 to 256"),
    ({"depths": "3,4,6"}, "4 whole numbers"),
    ({"residual": "![x](http://x)"}, "true or false"),
    ({"input_size": "1e309"}, "from 1 to 2048"),
])
def test_a_bad_link_gets_a_plain_sentence_and_the_page_works(parameters, word):
    app = open_page("explore", **parameters)
    assert len(app.warning) == 1
    assert word in app.warning[0].value
    assert number(totals(app)["Parameters"]) == 25_557_032
    app.number_input(key="resnet50-num_classes").set_value(10).run()
    assert number(totals(checked(app))["Parameters"]) < 25_557_032


def test_bad_view_and_selection_in_a_link_are_harmless():
    app = open_page("explore", view="nonsense", count="tons", select="op:nowhere")
    assert number(totals(app)["MACs"]) == 4_089_184_256


def test_an_impossible_combination_is_refused_and_repaired():
    app = open_page("explore", preset="resnext50_32x4d")
    app.slider(key="resnext50_32x4d-width").set_value(24).run()
    assert "layer1.0.conv2" in app.error[0].value and "24·4/64" in app.error[0].value
    assert number(totals(checked(app))["Parameters"]) == 25_028_904  # the last network that worked
    app.button(key="fix_width_32").click().run()
    assert not app.error
    assert number(totals(app)["Parameters"]) == lib.analyze("resnext50_32x4d", width=32).params


@pytest.mark.parametrize("key, typed, says", [
    ("num_classes", 0, "num_classes = 0 is not possible: choose a whole number from 1 to 22000. It stays at 1000."),
    ("num_classes", 8.5, "num_classes = 8.5 is not possible: choose a whole number from 1 to 22000. It stays at 1000."),
    ("input_size", 1e20, "input_size = 100000000000000000000 is not possible: choose a whole number from"),
    ("depths_2", 65, "depths = 3,4,65,3 is not possible: give 4 whole numbers from 1 to 64, such as 2,2,2,2. It stays at 6.")])
def test_a_number_that_cannot_be_is_not_taken_and_a_sentence_says_what_can(key, typed, says):
    app = open_page("explore")
    before = app.number_input(key=f"resnet50-{key}").value
    checked(app.number_input(key=f"resnet50-{key}").set_value(typed).run())
    assert [error.value.strip("` ").startswith(says) for error in app.error] == [True]
    assert app.number_input(key=f"resnet50-{key}").value == before and address(app) == {"preset": "resnet50"}
    assert number(totals(app)["Parameters"]) == 25_557_032
    checked(app.number_input(key=f"resnet50-{key}").set_value(before + 1).run())
    assert not app.error and address(app)


def test_an_image_too_small_is_refused_with_the_size_that_works():
    app = open_page("explore", preset="alexnet", input_size="40")
    assert "features.12" in app.error[0].value.replace("\\", "")
    app.button(key="fix_input_size_63").click().run()
    assert not app.error and not app.exception


@pytest.mark.parametrize("view", ["layers", "cost", "training", "field", "graph", "papers", "code"])
@pytest.mark.parametrize("preset", ["resnet18", "vgg11_bn", "alexnet_2012"])
def test_every_view_shows(view, preset):
    app = open_page("explore", preset=preset, view=view)
    shown = {"layers": "dataframe", "cost": "plotly_chart", "training": "plotly_chart", "field": "plotly_chart", "graph": "bidi_component",
             "papers": "table", "code": "code"}[view]
    shows = len(app.get(shown)) > (view == "graph")  # every page has the component that watches the connection
    assert shows or view == "papers" and "No printed number" in app.info[0].value


def test_what_papers_print_stands_beside_our_recount():
    table = open_page("explore", preset="resnet50", view="papers").table[0].value
    assert {"3,800,000,000", "483"} <= set(table["Printed"])
    assert {"3,857,973,248", "483"} <= set(table["Recounted"])
    assert set(table["Verdict"]) > {"agrees as printed"}


def test_the_selected_part_is_derived():
    app = open_page("explore", select="block:layer1.1")
    steps = next(text.value for text in app.markdown if "Weights" in text.value and "Jump" not in text.value
                 and "1·1·256·64" in text.value)
    assert "Weights **69,632**  \n" in steps and "= 1·1·256·64 + 3·3·64·64 + 1·1·64·256]" in steps


@pytest.mark.parametrize("level, rows", [("stage", 6), ("block", 23), ("layer", 175)])
def test_the_table_folds(level, rows):
    app = open_page("explore", preset="resnet50")
    app.button_group(key="level").set_value(level).run()
    table = checked(app).dataframe[0].value
    assert len(table) == rows
    assert table["params"].sum() == 25_557_032
    assert table["macs share"].sum() == pytest.approx(100)


def test_the_table_can_be_limited_to_stages():
    app = open_page("explore")
    app.multiselect(key="stages").set_value(["conv5_x"]).run()
    assert set(app.dataframe[0].value["stage"]) == {"conv5_x"}


def test_a_network_that_nobody_printed_shows_its_nearest_relative():
    app = open_page("explore", preset="zfnet_512", view="papers")
    assert "zfnet_512" in app.info[0].value and "**zfnet**" in app.info[0].value
    assert app.table[0].value.loc[0, ["Quantity", "Printed", "Recounted", "With"]].tolist() == ["weight layers", "8", "8", "224\u00a0px"]


@pytest.mark.parametrize("name, preset", [("inception_v1", "googlenet"), ("sknet50", "skresnext50_32x4d"),
                                          ("ResNet-20", "resnet20_cifar")])
def test_a_usual_other_name_in_a_link_opens_its_network(name, preset):
    app = open_page("explore", preset=name)
    assert app.selectbox(key="preset").value == preset and not app.warning
    assert number(totals(app)["Parameters"]) == lib.analyze(preset).params


def said(app) -> str:
    return "\n".join(block.value for block in app.markdown)


@pytest.mark.parametrize("parameters, sentences", [
    ({"preset": "resnet50"}, ["last feature map before the head", "**layer4.2.relu_3** gives a map of 7 × 7 cells", "427 × 427 pixels",
                              "moved on by 32 px"]),
    ({"preset": "inception_v3", "select": "op:Mixed_6b.branch7x7dbl_2.conv"}, ["255 × 159 pixels", "0% lies in the padding"]),
    ({"preset": "resnet50", "select": "op:fc"}, ["belong to no place", "middle cell of the map before it (7 × 7 cells)", "427 × 427"]),
    ({"preset": "seresnet50", "select": "op:layer1.0.relu_3"}, ["56 × 56 cells", "A gate before it"]),
    ({"preset": "vgg16", "input_size": "32", "select": "op:avgpool"}, ["They do not all see equally much"])])
def test_the_field_of_what_is_selected(parameters, sentences):
    """Of a whole network that of its last map; of what has no place that of the map before it; height and width."""
    text = said(open_page("explore", view="field", **parameters))
    assert all(sentence in text for sentence in sentences), text
    assert ("neighbour" in text) == ("moved on by" in text or "on average" in text)


def test_the_input_size_says_what_the_network_takes_and_copies_are_told():
    app = open_page("explore", preset="vgg16", input_size="64", view="field")
    said = next(caption for caption in app.caption if caption.value == "It takes squares of 32 to 2,048 px.")
    why = "With 31 × 31 pixels, features.30 has too little: its input is 512×1×1"
    assert why in said.help and any(f"32 × 32 pixels. {why}" in text.value for text in app.markdown)
    assert any("pools a map of 2×2 to 7×7" in caption.value for caption in app.caption)
    checked(app.number_input(key="vgg16-input_size").set_value(31).run())
    assert "Input sizes that work: 32 to 2,048" in app.error[0].value
    checked(app.button(key="fix_input_size_32").click().run())
    assert not app.error and address(app)["input_size"] == "32"


@pytest.mark.parametrize("rows, says", [
    ("add { branch { maxpool 2x2; upsample 2 } branch {} }", "It takes squares of 2 to 2,048 px in steps of 2."),
    ("concat { branch { conv 2 2x2 stride=3 } branch { conv 2 5x5 stride=3 padding=2 } }",
     "It takes squares of 1,365 sizes from 2 to 2,048 px, the first of them 2, 3, 5.")])
def test_sizes_with_gaps_are_told_as_such(rows, says):
    """Branches that come down in different ways agree for some pictures only."""
    app = open_page("explore", preset="own", plan=f"image 3 24x24; {rows}")
    assert says in [caption.value for caption in app.caption]


def test_height_and_width_can_differ():
    app = open_page("explore", preset="resnet18")
    checked(app.toggle(key="resnet18-input_size_square").set_value(False).run())
    assert address(app) == {"preset": "resnet18"}
    checked(app.number_input(key="resnet18-input_size_width").set_value(640).run())
    checked(app.number_input(key="resnet18-input_size_height").set_value(480).run())
    assert address(app)["input_size"] == "480x640"
    assert number(totals(app)["MACs"]) == lib.analyze("resnet18", input_size=(480, 640)).macs
    app.number_input(key="resnet18-input_size_height").set_value(5000).run()
    assert "input_size = 5000x640 is not possible" in app.error[0].value and address(app)["input_size"] == "480x640"
    checked(app.toggle(key="resnet18-input_size_square").set_value(True).run())
    assert address(app)["input_size"] == "480" and app.number_input(key="resnet18-input_size").value == 480


def test_two_fields_that_were_typed_in_before_the_page_could_follow_both_count():
    app = open_page("explore", preset="resnet18", input_size="200x300")
    app.number_input(key="resnet18-input_size_width").set_value(640)
    checked(app.number_input(key="resnet18-input_size_height").set_value(480).run())
    assert address(app)["input_size"] == "480x640"
    app.number_input(key="resnet18-input_size_height").set_value(5000)
    checked(app.toggle(key="resnet18-input_size_square").set_value(True).run())
    assert address(app)["input_size"] == "480x640" and "input_size = 5000 is not possible" in app.error[0].value
    app.number_input(key="resnet18-input_size_height").set_value(96)
    checked(app.toggle(key="resnet18-input_size_square").set_value(True).run())
    assert address(app)["input_size"] == "96"
    app.number_input(key="resnet18-depths_0").set_value(3)
    checked(app.number_input(key="resnet18-depths_3").set_value(4).run())
    assert address(app)["depths"] == "3,2,2,4"


def test_a_link_with_a_rectangle_shows_both_sides_and_draws_the_field_on_it():
    app = open_page("explore", preset="vgg11", input_size="160x256", view="field")
    assert not app.warning and app.toggle(key="vgg11-input_size_square").value is False
    assert app.number_input(key="vgg11-input_size_height").value == 160
    image = json.loads(app.get("plotly_chart")[1].proto.spec)["layout"]["shapes"][0]
    assert (image["x1"], image["y1"]) == (256, 160)


def test_a_rectangle_that_does_not_fit_says_which_do():
    app = open_page("explore", preset="alexnet_2012", input_size="163x400")
    assert "squares of 227 to 258; 163 high and 323 to 354 wide; none that is 400 wide." in app.error[0].value
    checked(app.button(key="fix_input_size_163x354").click().run())
    assert not app.error and address(app)["input_size"] == "163x354"


def test_what_a_beginner_turns_first_stands_open_and_the_rest_is_folded():
    app = open_page("explore", preset="seresnet50", se_stages="2,3")
    folded = {box.label: box for box in app.sidebar.expander}
    assert {label: box.proto.expanded for label, box in folded.items()} == {
        "Inside the blocks": True, "Stem and head": False, "Image and classes": False}, "open where the link changed a knob"
    hidden = {widget.key for box in folded.values() for kind in ("slider", "toggle", "selectbox", "button_group", "number_input")
              for widget in getattr(box, kind)}
    for name in ("depth", "depths_0", "width", "cardinality", "input_size"):
        assert f"seresnet50-{name}" not in hidden
    for name in ("stem", "output_stride", "head", "in_channels", "num_classes", "se_stages", "reduction"):
        assert f"seresnet50-{name}" in hidden


def test_a_network_of_thousands_of_operations_does_not_wait_for_torchinfo(monkeypatch):
    counted = []
    monkeypatch.setattr("lib.ui.panels.torchinfo_of", lambda *network: counted.append(network))
    app = open_page("explore", preset="resnetv2_1001_cifar", view="code")
    assert not counted and app.toggle(key="torchinfo").label == "Let torchinfo count"


@pytest.mark.parametrize("knob", ["width", "depth"])
def test_a_late_word_about_the_network_before_is_not_heard(knob):
    """A browser may send the value of a control together with another network, which has such a knob too, or has not."""
    app = open_page("explore", preset="vgg16")
    key, value = next(moves(app, knob))
    next(widget for widget in controls(app) if widget.key == key).set_value(value)
    checked(app.selectbox(key="family").set_value("googlenet").run())
    first = next(iter(catalog.get("googlenet").presets))
    assert address(app) == {"preset": first} and number(totals(app)["Parameters"]) == lib.analyze(first).params
