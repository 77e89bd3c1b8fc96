"""The page Build without a browser: every control, links read and written, what is refused and what helps."""

from urllib.parse import parse_qsl

import pytest

import lib
from lib.limits import limits
from lib.plan import own
from lib.plan.challenges import challenges
from lib.plan.goals import NAMES
from lib.plan.language import WORDS, read, write, write_on_one_line
from lib.plan.linked import packed
from lib.plan.standing import standing
from lib.ui.build import editor, rows
from lib.ui.build.draft import Draft
from tests.pages.app import address, checked, open_page, totals

SMALL = "image 3 32x32;conv 8 3x3 padding=same;relu;maxpool 2x2;flatten;linear 10"


def plan(app) -> str:
    return app.session_state["build"].text


def chosen(app) -> str:
    return app.session_state["build"].chosen.text


def pick(app, widget, value):
    """An option picked, or any other text typed."""
    if (shown := widget.format_func(value)) not in widget.options:
        widget.options.append(shown)
    return checked(widget.set_value(value).run())


def add(app, spoken):
    return pick(app, app.selectbox(key="build_add"), spoken)


def press(app, verb):
    return checked(app.button(key=f"build_do_{verb}").click().run())


def choose(app, number):
    """The row of this number chosen, as a click in the list does it."""
    app.session_state["build"].choose(number - 1)
    return checked(app.run())


def named(widgets, end):
    return next(widget for widget in widgets if widget.key.startswith("build_") and widget.key.endswith(end))


def test_opens_with_a_small_network_that_builds():
    app = open_page("build")
    analysis = lib.analyze("own")
    assert totals(app)["Parameters"] == f"{analysis.params:,}" and totals(app)["MACs"] == f"{analysis.macs:,}"
    assert totals(app)["Receptive field, px"] == f"{analysis.receptive_field}" and totals(app)["Output"] == "10 numbers"
    assert address(app) == {} and not app.error and not app.warning


def test_from_an_empty_plan_to_lenet():
    app = open_page("build", plan="image 3 32x32")
    assert set(totals(app).values()) == {"–"} and app.info
    choose(app, 1)
    checked(named(app.number_input, "channels").set_value(1).run())
    for spoken in ("conv 6 5x5", "tanh", "Average pooling", "conv"):
        add(app, spoken)
    assert chosen(app) == "conv 6 5x5"  # as the one above
    checked(named(app.number_input, "channels").set_value(16).run())
    for spoken in ("tanh", "avgpool", "conv"):
        add(app, spoken)
    checked(named(app.number_input, "channels").set_value(120).run())
    for spoken in ("tanh", "flatten", "Linear layer"):
        add(app, spoken)
    checked(named(app.number_input, "units").set_value(84).run())
    for spoken in ("tanh", "linear"):
        add(app, spoken)
    lenet = lib.analyze("lenet5")
    assert totals(app)["Parameters"] == f"{lenet.params:,}" and totals(app)["MACs"] == f"{lenet.macs:,}"
    assert address(app) == {"plan": plan(app)}
    assert open_page("build", **address(app)).session_state["build"].text == plan(app)


@pytest.mark.parametrize("group", ["Layers", "Blocks", "Structure"])
def test_every_word_can_be_added_and_every_value_turned(group):
    app = open_page("build", plan="image 12 32x32;conv 240 3x3")
    for name, word in WORDS.items():
        if word.group != group or name == "image":
            continue
        add(app, f"{word.title}")
        if name == "branch":
            assert "branch" not in plan(app).partition(name)[2]
            continue
        assert read(plan(app)).rows[-1].word.name() == name and write(read(plan(app))).count("\n") > 2
        for widget in [*app.number_input, *app.slider, *app.selectbox, *app.toggle, *app.button_group, *app.text_input]:
            if not widget.key.startswith(f"build_{app.session_state['build'].structure}") or widget.key.endswith("_word"):
                continue
            field = widget.key.rpartition("_)")[2] or widget.key
            before = plan(app)
            checked(widget.set_value(another(widget)).run())
            assert plan(app) != before or app.error, (name, field)
            press(app, "undo") if plan(app) != before else app.run()
        choose(app, 3)
        press(app, "delete")
    assert plan(app).startswith("image 12 32x32;conv 240 3x3")


def another(widget):
    if getattr(widget, "options", None):
        shown = widget.value[0] if isinstance(widget.value, list) else widget.value
        return next(option for option in widget.options if option != str(shown))
    if isinstance(widget.value, bool):
        return not widget.value
    if isinstance(widget.value, str):
        return "0.25" if "." in widget.value or widget.value.isdigit() else "other"
    return widget.value - 1 if widget.value > 1 else widget.value + 1


def test_rows_are_moved_copied_deleted_and_grouped():
    app = open_page("build", plan=SMALL, row="3")
    assert chosen(app) == "relu"
    press(app, "down")
    assert plan(app) == SMALL.replace("relu;maxpool 2x2", "maxpool 2x2;relu") and chosen(app) == "relu"
    press(app, "up")
    assert plan(app) == SMALL
    press(app, "copy")
    assert plan(app) == SMALL.replace("relu", "relu;relu")
    press(app, "undo")
    for verb, text in (("repeat", "repeat 2 {relu}"), ("add", "add {branch {relu};branch {}}"),
                       ("concat", "concat {branch {relu};branch {}}"), ("stage", "stage stage1 {relu}")):
        press(app, verb)
        assert plan(app) == SMALL.replace("relu", text)
        press(app, "dissolve")
        assert plan(app) == SMALL
    press(app, "delete")
    assert plan(app) == SMALL.replace("relu;", "") and chosen(app) == "maxpool 2x2"
    for _ in range(20):
        if not app.button(key="build_do_undo").disabled:
            press(app, "undo")
    assert plan(app) == SMALL
    while not app.button(key="build_do_redo").disabled:
        press(app, "redo")
    assert plan(app) == SMALL.replace("relu;", "")
    choose(app, 1)
    assert all(app.button(key=f"build_do_{verb}").disabled for verb in ("up", "down", "copy", "delete"))


def test_another_kind_keeps_what_both_have():
    app = open_page("build", plan="image 3 32x32;conv 24 3x3 stride=2 padding=1")
    checked(named(app.selectbox, "_word").set_value("basic").run())
    assert chosen(app) == "basic 24 stride=2"
    checked(named(app.selectbox, "_word").set_value("maxpool").run())
    assert chosen(app) == "maxpool 2x2"


def test_a_row_that_does_not_fit_is_told_with_what_helps():
    app = open_page("build", plan="image 3 8x8;conv 8 3x3;conv 8 7x7;relu")
    assert "8×6×6" in app.error[0].value and "⌊(6 + 2·0 − 1·(7 − 1) − 1) / 1⌋ + 1 = 0" in app.error[0].value
    assert totals(app)["Parameters"] == f"{lib.analyze('own', plan='image 3 8x8;conv 8 3x3').params:,}"
    labels = [button.label for button in app.button if button.key.startswith("build_mend_")]
    assert len(labels) >= 3
    for index in range(len(labels)):
        mended = open_page("build", plan="image 3 8x8;conv 8 3x3;conv 8 7x7;relu")
        checked(mended.button(key=f"build_mend_{index}").click().run())
        assert not mended.error and standing(plan(mended)).refused is None
    assert app.get("page_link")[0].proto.disabled


def test_text_and_rows_are_the_same():
    app = open_page("build", plan=SMALL, beside="text")
    assert app.text_area(key="build_text").value == write(read(SMALL))
    checked(app.text_area(key="build_text").set_value("image 1 28x28\nconv 4 3x3\n").run())
    assert plan(app) == "image 1 28x28;conv 4 3x3"
    checked(app.text_area(key="build_text").set_value("image 1 28x28\nconv four 3x3\n").run())
    assert "Line 2" in app.error[0].value and "“conv four 3x3”" in app.error[0].value
    assert app.text_area(key="build_text").value == "image 1 28x28\nconv four 3x3\n" and plan(app) == "image 1 28x28;conv 4 3x3"
    press(app, "copy")
    assert not app.error and app.text_area(key="build_text").value == write(read(plan(app)))


def test_begins_empty_small_or_with_any_network():
    app = open_page("build", plan=SMALL)
    for key, text in (("empty", "image 3 32x32"), ("small", lib.analyze("own").knobs.plan)):
        checked(app.button(key=f"build_{key}").click().run())
        assert plan(app) == text
    pick(app, app.selectbox(key="build_preset"), "VGG-16")
    assert totals(app)["Parameters"] == f"{lib.analyze('vgg16').params:,}"
    before = plan(app)
    pick(app, app.selectbox(key="build_preset"), "resnet50_fpn")
    assert plan(app) == before and "cannot be written as a plan" in app.warning[0].value
    press(app, "undo")
    press(app, "undo")
    press(app, "undo")
    assert plan(app) == SMALL


def test_a_link_brings_a_network_with_its_knobs():
    app = open_page("build", preset="resnet18", width="32", input_size="96x64")
    analysis = lib.analyze("resnet18", width=32, input_size="96x64")
    assert totals(app)["MACs"] == f"{analysis.macs:,}" and plan(app).startswith("image 3 96x64;")


def test_a_long_plan_stands_compressed_in_the_link():
    text = write_on_one_line(read("image 3 64x64;" + "conv 16 3x3 padding=same;batchnorm;relu;" * 60))
    app = open_page("build", plan=packed(text), row="100", beside="text")
    assert plan(app) == text and chosen(app) == "relu" and len(packed(text)) < 200
    press(app, "copy")
    assert address(app)["plan"] == packed(plan(app)) and address(app)["beside"] == "text"


@pytest.mark.parametrize("wrong, words", [
    ({"plan": "nonsense"}, "there is no word “nonsense”"), ({"plan": "z" + "A" * 60}, "damaged"),
    ({"plan": "image 3 32x32;conv 8 3x3", "colour": "red"}, "There is no “colour”"), ({"preset": "unheard"}, "no network"),
    ({"preset": "resnet50_fpn"}, "cannot be written as a plan"), ({"row": "1e9"}, ""), ({"row": "99999"}, ""),
    ({"plan": "image 3 32x32;relu;" * 9}, "a plan begins with the picture"), ({"beside": "<b>"}, ""), ({"plan": "relu;" * 9000}, "longer"),
    ({"plan": "![x](http://x.org/y.png)"}, "there is no word")])
def test_a_wrong_link_is_told_plainly(wrong, words):
    app = open_page("build", **wrong)
    assert len(app.warning) == bool(words) and words in "".join(warning.value for warning in app.warning)
    assert all("\n" not in warning.value for warning in app.warning)
    assert not app.error


def test_what_is_typed_wrongly_changes_nothing():
    app = open_page("build", plan=SMALL)
    for spoken in ("unheard", "conv 8", "image 3 32x32", "conv 99999999 3x3", "branch"):
        before = plan(app)
        add(app, spoken)
        assert plan(app) == before and app.error, spoken
    choose(app, 2)
    before = plan(app)
    pick(app, named(app.selectbox, "kernel"), "three")
    assert plan(app) == before and "kernel = three is not possible" in app.error[0].value
    pick(app, named(app.selectbox, "kernel"), "1x5")
    assert chosen(app) == "conv 8 1x5 padding=same"


def test_other_pages_take_the_plan():
    app = open_page("build", plan=SMALL)
    for link in app.get("page_link"):
        assert not link.proto.disabled
    for page, given in (("explore", {"preset": "own", "plan": SMALL}), ("compare", {"a": "own", "a.plan": SMALL, "b": "lenet5"}),
                        ("timing", {"a": "own", "a.plan": SMALL})):
        other = open_page(page, **given)
        assert not other.warning and not other.error, page


def said(app) -> str:
    return next(text.value for text in app.markdown if "material/" in text.value and "**" in text.value)


def test_every_challenge_is_judged_while_one_builds():
    app = open_page("build", beside="challenge")
    for task in challenges():
        pick(app, app.selectbox(key="build_challenge"), task.id)
        assert plan(app) == task.start and address(app)["challenge"] == task.id and not app.success
        assert said(app).count(":material/") == len(task.goals)
        checked(app.button(key="build_solution").click().run())
        assert plan(app) == task.solution and app.success and said(app).count("check_circle") == len(task.goals)
        checked(app.button(key="build_again").click().run())
        assert plan(app) == task.start and not app.success
    pick(app, app.selectbox(key="build_challenge"), "")
    assert app.session_state["build"].challenge is None and "challenge" not in address(app)


def test_a_link_brings_a_challenge_and_its_solution():
    task = challenges()[5]
    app = open_page("build", challenge=task.id, plan=task.solution, beside="challenge")
    assert app.success and plan(app) == task.solution
    fresh = open_page("build", challenge=task.id)
    assert plan(fresh) == task.start
    wrong = open_page("build", challenge="unheard")
    assert "There is no challenge “unheard”" in wrong.warning[0].value


def test_a_challenge_of_ones_own_is_written_into_a_link():
    app = open_page("build", plan=SMALL, beside="challenge")
    app.session_state["build_write"] = True
    checked(app.run())
    for name, text in (("title", "Tiny"), ("text", "![x](http://x.org) **small**"), ("hint", "`ticks`")):
        checked(app.text_input(key=f"build_own_{name}").set_value(text).run())
    number = next(widget for widget in app.number_input if widget.key == "build_goal_params_value")
    checked(number.set_value(5000).run())
    checked(app.button(key="build_goal_add").click().run())
    for about in NAMES:
        pick(app, app.selectbox(key="build_about"), about)
        for widget in [*app.number_input, *app.slider, *app.text_input, *app.button_group, *app.multiselect]:
            if widget.key.startswith(f"build_goal_{about}_"):
                checked(widget.set_value(["relu"] if widget.key.endswith("words") else "exactly" if widget.key.endswith("comparison")
                                         else "8" if isinstance(widget.value, str) else widget.value + 1).run())
        checked(app.button(key="build_goal_add").click().run())
        if len(app.session_state["build_form"]["goals"]) > 3:
            checked(app.button(key="build_goal_3").click().run())
    link = dict(parse_qsl(next(code.value for code in app.code if code.value.startswith("/build?")).partition("?")[2]))
    other = open_page("build", **link, beside="challenge")
    task = other.session_state["build"].challenge
    assert task.title == "Tiny" and task.goals[0].written() == "params<=5000" and plan(other) == "image 3 32x32"
    assert "` ![x](http://x.org) **small** `" in [text.value for text in other.markdown]
    checked(app.button(key="build_try").click().run())
    assert app.session_state["build"].challenge == task
    checked(app.toggle(key="build_starts").set_value(True).run())
    assert dict(parse_qsl(next(code.value for code in app.code if code.value.startswith("/build?")).partition("?")[2]))


def test_a_value_that_comes_with_another_kind_counts_for_nothing():
    app = open_page("build", plan="image 3 32x32;conv 8 3x3")
    named(app.toggle, "bias").set_value(False)
    named(app.selectbox, "_word").set_value("maxpool")
    checked(app.run())
    assert plan(app) in ("image 3 32x32;maxpool 3x3 stride=1", "image 3 32x32;maxpool 3x3")


def test_what_is_told_in_the_list_is_done_once_and_in_whole():
    draft = Draft(SMALL)
    for _ in range(2):  # a key pressed twice before the page could follow: the second time the row has gone along
        editor.told(draft, "up", 3, SMALL)
    assert draft.text == "image 3 32x32;maxpool 2x2;conv 8 3x3 padding=same;relu;flatten;linear 10"
    editor.told(draft, "choose", 99, SMALL)
    assert draft.chosen.text == "linear 10"
    editor.told(draft, "delete", 5, draft.text)
    editor.told(draft, "copy", 0, draft.text)  # the picture stays as it is
    assert draft.text.endswith(";flatten")
    told = [{"verb": "up", "line": 1, "plan": "", "number": number} for number in (1, 2, 3)]
    assert [len(rows._unheard({"mount": 0.5, "told": told[:count]})) for count in (1, 3, 3)] == [1, 2, 0]
    assert len(rows._unheard({"mount": 0.7, "told": told})) == 3, "another list"


def test_a_change_beyond_what_the_server_allows_is_refused_kindly(monkeypatch):
    """Whatever makes the plan longer: a copy, another kind, a group, a mend, a challenge."""
    small = limits().model_copy(update={"plan_rows": 10})
    monkeypatch.setattr(own, "limits", lambda: small)
    text = "image 3 32x32;" + ";".join(["relu"] * 8) + ";linear 3"
    app = open_page("build", plan=text.replace(";relu;", ";", 1), row="2")
    press(app, "copy")
    assert plan(app).count(";") == 9 and not [error for error in app.error if "lines" in error.value]
    for verb in ("copy", "repeat", "add"):
        before = plan(app)
        press(app, verb)
        assert plan(app) == before and "this server allows 10" in app.error[0].value, verb
    checked(app.button(key="build_mend_0").click().run())
    assert plan(app) == before and "this server allows 10" in app.error[0].value
