"""Compare without a browser."""

from urllib.parse import parse_qsl

import pytest
import streamlit as st

import lib
from lib import catalog
from tests.pages.app import address, checked, open_page
from tests.pages.test_explore import controls, moves


def rows(table) -> dict[str, list[str]]:
    """A table's rows by their first cell."""
    return {row[0]: list(row[1:]) for row in table.value.itertuples(index=False)}


def test_opens_with_resnet_and_resnext():
    app = open_page("compare")
    shown = rows(app.table[0])
    ours, theirs = lib.analyze("resnet50"), lib.analyze("resnext50_32x4d")
    assert shown["Parameters"][0] == "25,557,032"  # torchvision's
    assert shown["Parameters"][1] == f"25,028,904  ({25_028_904 - 25_557_032:+,}, −2.07 %)"
    assert shown["MACs"][1].startswith(f"{theirs.macs:,}  ({theirs.macs - ours.macs:+,}")
    assert rows(app.table[2])["Cardinality C"] == ["none", "32"]


def published(app) -> dict[str, list[str]]:
    """The table of published accuracies, without the signs that keep it from being Markdown."""
    return {protocol: [cell.replace("\\", "") for cell in cells] for protocol, cells in rows(app.table[1]).items()}


def texts(app) -> str:
    return "\n".join(shown.value for shown in (*app.markdown, *app.caption)).replace("\\", "")


def test_published_accuracies_stand_in_a_row_for_each_protocol():
    shown = published(open_page("compare", a="vgg16", b="resnet18", c="mobilenetv1_100"))
    torchvision = shown["torchvision's first weights, 224 px"]
    assert torchvision[0].startswith("top-1 71.592 %, top-5 90.382 %") and "IMAGENET1K_V1" in torchvision[0]
    assert torchvision[1].startswith("top-1 69.758 %, top-5 89.078 %") and torchvision[2] == "not published"
    paper = shown["Paper, 224 px"]
    assert paper[0] == "not published" and paper[1].startswith("top-1 69.57 %") and "fb.resnet.torch" in paper[1]
    assert paper[2].startswith("top-1 70.6 %, top-5 not printed") and len(shown) == 2
    assert list(published(open_page("compare", a="vgg16", b="inception_v3"))) == [
        "torchvision's first weights, 224 px", "Paper, 299 px", "torchvision's first weights, 299 px"]


def test_an_accuracy_of_a_variant_is_called_that_and_of_turned_knobs_none_is_known():
    app = open_page("compare", a="resnet50", b="resnet50", c="resnet50", **{"b.stride_in_1x1": "true", "c.width": "32"})
    paper, torchvision = published(app).values()
    assert "75.3 %" in paper[0] and "of a variant with Stride in the 1x1: on" in paper[0]
    assert "75.3 %" in paper[1] and "variant" not in paper[1]
    assert paper[2] == torchvision[1] == torchvision[2] == "unknown" and "76.13 %" in torchvision[0]
    assert "Unknown for ` c: resnet50 (changed) `: nobody published one for these knobs." in texts(app)


def test_without_any_published_accuracy_it_is_said():
    app = open_page("compare", a="lenet5", b="resnet50", **{"b.num_classes": "10"})
    assert "Nobody has published an accuracy of these very networks" in texts(app)
    assert list(app.table[1].value.columns)[0] == "Knob"


def test_every_family_can_be_chosen():
    app = open_page("compare")
    for preset in (next(iter(family.presets)) for family in catalog.families().values()):
        checked(app.selectbox(key="b_preset").set_value(preset).run())
        assert address(app)["b"] == preset
        assert f"{lib.analyze(preset).params:,}" in rows(app.table[0])["Parameters"][1]


@pytest.mark.slow
@pytest.mark.parametrize("family", list(catalog.families()))
def test_every_knob_of_a_network_can_be_moved(family):
    """All knobs of the second network moved at once, then alone each that this did not change: the link says it, or a refusal
    does; nothing throws."""
    preset = next(iter(catalog.families()[family].presets))
    app = open_page("compare", a="alexnet", b=preset)
    assert list(moves(app, "input_size", "b_"))
    movable = {name: first for name in catalog.families()[family].knobs.model_fields
               if (first := next(iter(moves(app, name, "b_")), None))}
    move(app, *movable.values())
    for name in [name for name in movable if app.error or f"b.{name}" not in address(app)]:
        reset(app, preset)
        move(app, movable[name])
        assert f"b.{name}" in address(app) or app.error, name
    reset(app, preset)


def move(app, *chosen):
    for key, value in chosen:
        next(widget for widget in controls(app) if widget.key == key).set_value(value)
    checked(app.run())


def reset(app, preset):
    checked(app.button(key="b_reset").click().run())
    assert address(app) == {"a": "alexnet", "b": preset}


def test_a_link_that_is_followed_in_the_moment_a_knob_moves_leads_where_it_says():
    app = open_page("explore", preset="resnet50")
    app.query_params.clear()
    app.switch_page("../../pages/compare.py").run()
    app.number_input(key="a_resnet50-num_classes").set_value(10)
    app.switch_page("../../pages/explore.py").query_params["preset"] = "vgg16"
    checked(app.run())
    assert app.selectbox(key="preset").value == "vgg16" and address(app) == {"preset": "vgg16"}
    app.query_params.clear()
    app.switch_page("../../pages/compare.py").run()
    assert address(app)["a.num_classes"] == "10"


@pytest.mark.parametrize("moment", ["lib.ui.comparison.turn_knobs", "streamlit.number_input"])
def test_a_run_cut_short_between_forgetting_a_control_and_drawing_it_again_breaks_nothing(moment, monkeypatch):
    """As when a box of knobs closes, and a person clicks at once elsewhere."""
    app = open_page("compare", a="resnet50", b="resnext50_32x4d", **{"b.num_classes": "10"})
    app.button(key="add").click()
    sent = app._tree.get_widget_states()  # by the browser, which still shows what is drawn now
    app.button(key="add").set_value(False)
    with monkeypatch.context() as short:
        short.setattr(moment, lambda *_, **__: st.stop())
        app.run()
    checked(app._run(sent))
    assert address(app) == {"a": "resnet50", "b": "resnext50_32x4d", "b.num_classes": "10", "c": "vgg16"}


def test_two_to_four_networks():
    app = open_page("compare")
    assert not [button for button in app.button if button.key.endswith("remove")]
    checked(app.button(key="add").click().run())
    checked(app.button(key="add").click().run())
    assert app.button(key="add").disabled
    assert len(address(app)) == 4
    checked(app.button(key="swap").click().run())
    assert list(address(app).values())[-1] == "resnet50"
    checked(app.button(key="b_remove").click().run())
    assert len(address(app)) == 3 and len(app.table[0].value.columns) == 4


def test_the_bars_can_be_chosen():
    app = open_page("compare")
    for quantity in ("params", "macs", "activation_bytes"):
        checked(app.button_group(key="bars").set_value(quantity).run())


def test_a_link_holds_networks_and_knobs():
    app = open_page("compare", a="resnet50", b="resnet50", **{"b.width": "32"})
    assert rows(app.table[2]) == {"Width": ["64", "32"]}
    assert list(app.table[0].value.columns)[1:] == ["a: resnet50", "b: resnet50 (changed)"]
    assert f"{lib.analyze('resnet50', width=32).params:,}" in rows(app.table[0])["Parameters"][1]
    assert address(app) == {"a": "resnet50", "b": "resnet50", "b.width": "32"}


def test_a_bad_link_gets_plain_sentences():
    app = open_page("compare", a="resnet5000", b="vgg16", e="vgg11", **{"b.width": "abc", "b.colour": "red", "c.width": "3"})
    assert len(app.warning) == 5
    assert address(app)["b"] == "vgg16" and len(app.table[0].value.columns) == 3


def test_an_impossible_network_keeps_the_last_one_and_is_repaired():
    app = open_page("compare", a="resnet50", b="resnext50_32x4d")
    app.slider(key="b_resnext50_32x4d-width").set_value(24).run()
    assert "24·4/64" in checked(app).error[0].value
    assert rows(app.table[0])["Parameters"][1].startswith("25,028,904")  # the last network that worked
    app.button(key="b_fix_width_32").click().run()
    assert not app.error
    assert rows(app.table[0])["Parameters"][1].startswith(f"{lib.analyze('resnext50_32x4d', width=32).params:,}")


def test_different_image_sizes_are_said():
    assert open_page("compare", a="resnet50", b="inception_v3").info
    assert not open_page("compare", a="resnet50", b="vgg16").info


def test_explore_leads_here():
    for preset, knobs, others in (("vgg16", {}, {"a": "resnet50", "b": "vgg16"}),
                                  ("resnet50", {"width": "32"}, {"a": "resnet50", "b": "resnet50", "b.width": "32"})):
        link = next(item for item in open_page("explore", preset=preset, **knobs).get("page_link")
                    if "compare" in item.proto.page)
        assert dict(parse_qsl(link.proto.query_string)) == others
