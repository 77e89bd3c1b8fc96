"""Every page, left with its controls turned, comes back as it was left."""

import pytest
from streamlit.testing.v1 import element_tree

from tests.pages.app import ROOT, address, checked, open_page

TABS = {"explore": ("layers", "cost", "training", "graph"), "timing": ("latency", "sweep", "layers", "macs", "memory", "stored"),
        "atlas": ("timeline", "accuracy")}
PAGES = [(path.stem, view) for path in sorted((ROOT / "pages").glob("*.py")) for view in TABS.get(path.stem, ("",))]
ELSEWHERE = {"bottleneck": "vgg"}
"""Where to go from a page; from all others to the quick page on bottlenecks."""


class Label(str):
    """What a person reads on an option and chooses."""


@pytest.fixture
def choosing(monkeypatch):
    """Options can be chosen by what is read on them."""
    by_value = element_tree._format_value_for_widget
    monkeypatch.setattr(element_tree, "_format_value_for_widget", lambda show, value: value if isinstance(value, Label)
                        else by_value(show, value))


def controls(app):
    """The controls that hold a value; an answer that was not given yet is none."""
    kinds = (app.toggle, app.slider, app.select_slider, app.number_input, app.button_group, app.selectbox, app.multiselect)
    return [widget for kind in kinds for widget in kind if not widget.disabled and not widget.key.endswith("_given")]


def shown(app) -> dict[str, object]:
    """What the controls show, which tab and which cards are open, and the link."""
    opened = {key: app.session_state[key] for key in ("view", "timing_tab") if key in app.session_state}
    cards = {card.label: card.proto.expanded for card in app.expander}
    return {widget.key: widget.value for widget in controls(app)} | opened | cards | {"link": address(app)}


def turn(widget) -> None:
    """Choose another value."""
    if widget.type == "multiselect":
        widget.set_value(widget.options[:1])
    elif widget.type == "toggle":
        widget.set_value(not widget.value)
    elif widget.type in ("slider", "number_input"):
        widget.set_value(widget.value + widget.step if widget.value < 3 * widget.step else widget.value - widget.step)
    elif others := [option for option in widget.options if option != label(widget)]:
        widget.set_value(Label(others[0]))


def label(widget) -> str:
    return element_tree._format_value_for_widget(widget.format_func, widget.value)


@pytest.mark.parametrize("page, view", PAGES)
def test_a_page_comes_back_as_it_was_left(choosing, page, view):
    app = open_page(page, **({"view": view} if view else {}))
    before = shown(app)
    for widget in controls(app):
        if widget.key not in ("family", "atlas_view") and not widget.key.endswith("preset"):  # these begin anew
            turn(widget)
    left = shown(checked(app.run()))
    assert view == "timeline" or left["link"] != before["link"]
    app.switch_page(f"../../pages/{ELSEWHERE.get(page, 'bottleneck')}.py").run()
    app.query_params.clear()
    app.switch_page(f"../../pages/{page}.py")
    assert shown(checked(app.run())) == left
    assert "None" not in str(left["link"])
    for buttons in app.button_group:
        if not buttons.key.endswith("_given"):
            buttons.set_value(None)  # as a browser may say of those that it has just lost
    assert shown(checked(app.run())) == left


def test_a_browser_that_has_not_heard_yet_that_a_control_is_gone_is_told_its_value_again():
    app = open_page("textbook", document="versions")
    in_the_list = app._tree.get_widget_states()
    checked(app.button_group(key="textbook_view").set_value("quiz").run())
    assert not app.selectbox
    document = checked(app._run(in_the_list)).selectbox(key="textbook_document_knob")
    assert document.value == "versions" and document.proto.set_value and address(app) == {"document": "versions"}
