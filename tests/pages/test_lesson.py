"""The frame of a lesson without a browser: its link, what is hidden until it is predicted, answers, settings, its other pages."""

import pytest

from lib.lessons import find, names
from tests.pages.app import address, checked, open_page

GUESS = "bottleneck_saving_given"


def words(app) -> str:
    return "\n".join(block.value for block in (*app.markdown, *app.caption))


def charts(app) -> int:
    return len(app.get("plotly_chart"))


def press(app, key: str):
    return checked(app.button(key=key).click().run())


def test_opens_at_its_first_step_or_at_the_one_that_a_link_names():
    assert "## What is a bottleneck?" in words(open_page("bottleneck"))
    app = open_page("bottleneck", step="groups", inner="128")
    assert "## What do groups buy?" in words(app) and address(app) == {"step": "groups", "inner": "128"}
    assert app.select_slider(key="bottleneck_groups_inner_knob").value == 128


def test_an_old_link_opens_the_first_step_that_has_its_control():
    app = open_page("bottleneck", cardinality="4")
    assert "## What do groups buy?" in words(app)
    moved = checked(app.select_slider(key="bottleneck_groups_cardinality_knob").set_value(8).run())
    assert address(moved) == {"cardinality": "8"}


def test_a_bad_link_gets_plain_sentences_and_keeps_what_is_right():
    app = open_page("bottleneck", inner="33", colour="<script>", step="nowhere", present="loud", outer="128")
    assert len(app.warning) == 4 and all(box.value.endswith("`") for box in app.warning)
    assert app.select_slider(key="bottleneck_two_blocks_outer_knob").value == 128


def test_a_prediction_comes_before_the_picture():
    app = open_page("bottleneck", step="saving")
    assert not charts(app) and "16.94" not in words(app) and "1,179,648" not in words(app)
    app.text_input(key=GUESS).set_value("no idea")
    app = press(app, "bottleneck_saving_answer")
    assert "cannot be read as a number" in words(app) and not charts(app)
    app.text_input(key=GUESS).set_value("4")
    app = press(app, "bottleneck_saving_answer")
    assert "You said 4.00. It is **16.94**." in words(app) and "ratio of the channels" in words(app) and charts(app) == 1
    assert "your guess: 4.00" in app.get("plotly_chart")[0].proto.spec


def test_after_that_the_picture_follows_the_controls_and_one_may_be_asked_again():
    app = press(open_page("bottleneck", step="saving"), "bottleneck_saving_show")
    app = checked(app.select_slider(key="bottleneck_saving_inner_knob").set_value(256).run())
    assert charts(app) == 1 and "**1.64**" in words(app)
    app = press(app, "bottleneck_saving_again")
    assert not charts(app) and "1.64" not in words(app)
    app.text_input(key=GUESS).set_value("1.64")
    assert "**1.64.** Right." in words(press(app, "bottleneck_saving_answer"))


def test_where_nothing_is_predicted_one_may_try_again():
    app = open_page("bottleneck", step="resolution")
    for chosen, met in ((["weights", "params", "macs", "operations"], "Weights are shared by all"), (["macs"], "1 missing.")):
        app.button_group(key="bottleneck_resolution_given").set_value(chosen)
        app = press(app, "bottleneck_resolution_answer")
        assert met in words(app) and "fall to a quarter" not in words(app)
    app.button_group(key="bottleneck_resolution_given").set_value(["macs", "operations"])
    assert "fall to a quarter" in words(press(app, "bottleneck_resolution_answer"))


def test_buttons_that_set_several_controls():
    name, values = list(find("inception").step("five_by_five").settings.items())[-1]
    app = press(open_page("inception", step="five_by_five"), f"inception_five_by_five_set_{name}")
    for knob in ("reduce5x5", "n5x5"):
        assert app.select_slider(key=f"inception_five_by_five_{knob}_knob").value == values[knob]


@pytest.mark.parametrize("lesson", names())
def test_the_page_for_teachers_has_links_and_answers(lesson, monkeypatch):
    monkeypatch.setattr("lib.ui.lesson.measured", lambda label, function, *arguments: function(*arguments))
    app = open_page(lesson, step="teachers")
    links = [link.proto for link in app.get("page_link") if "present=true" in link.proto.query_string]
    assert len(links) == 3 and all("step=" in link.query_string for link in links)
    app.session_state[f"{lesson}_answers"] = True
    told = words(checked(app.run()))
    assert all(f"{number}. " in told for number in range(1, len(find(lesson).steps) + 1))


def test_what_does_not_fit_together_is_said_in_place_of_the_picture():
    app = open_page("convolution", step="unread", kernel="5", dilation="3", size="4", padding="0")
    assert len(app.error) == 1 and "The kernel reaches over 13 cells" in app.error[0].value
    assert app.select_slider(key="convolution_unread_kernel_knob").value == 5
