"""The textbook page without a browser: what stands on it, its three choices, its links."""

import pytest
import torch
from torchvision.models import vgg16

from lib.lessons import textbook
from tests.pages.app import address, checked, open_page
from tests.pages.test_bottleneck import text


def vgg16_of_torchvision():
    with torch.device("meta"):
        return vgg16()


def labels(app) -> list[str]:
    """The statements that are listed."""
    return [box.label for box in app.expander if box.label.startswith("**")]


def opened(app, *ids: str):
    """The page after these cards were opened."""
    for name in ids:
        app.session_state["kept"][f"card_{name}"] = True
    return checked(app.run())


def test_the_printed_sums_are_those_of_the_network_with_a_convolution_missing():
    app = open_page("textbook")
    shown = app.table[0].value.set_index("Quantity")
    drawn, true = shown.columns[1:]
    rows = shown.loc[["Multiply-adds, billions", "Memory of the convolutions' outputs, MiB"]]
    for printed, value in zip(rows["Printed"], rows[drawn]):
        assert round(float(value), 1) == float(printed)
    for printed, value in zip(rows["Printed"], rows[true]):
        assert round(float(value), 1) > float(printed)
    count = sum(parameter.numel() for parameter in vgg16_of_torchvision().parameters())
    assert shown.loc["Parameters, millions", true] == f"{count / 1e6:.3f}"
    assert "**13.62** billion" in text(app) and "**15.47** billion" in text(app)


def test_layer_by_layer_one_convolution_is_missing():
    layers = open_page("textbook").dataframe[0].value.set_index("Layer")
    drawn, true = layers.columns[-2:]
    assert list(layers.index[layers[drawn] == "–"]) == ["conv3_3"] and set(layers[true]) == {"yes"}
    assert layers["Parameters"].sum() == sum(parameter.numel() for parameter in vgg16_of_torchvision().parameters())
    assert layers.loc["conv3_3", "Multiply-adds"] == 9 * 256 * 256 * 56 * 56


def test_slides_are_marked_as_not_verified():
    app = open_page("textbook", document="slides", verdict="wrong")
    marks = [caption.value for caption in app.caption]
    assert sum("As commonly printed, not verified" in mark for mark in marks) == 2  # the table on top, the open card


def test_opens_with_one_card_and_its_evidence():
    app = open_page("textbook")
    assert len(labels(app)) == 75 and len(app.table) == 2
    assert list(app.table[1].value["Found"]) == ["5.903 %", "94.444 %", "94.444 %"]
    assert list(app.table[1].value["Agree"]) == ["yes", "no", "no"]


@pytest.mark.parametrize("document", textbook.documents())
def test_every_card_opens(document):
    app = open_page("textbook", document=document)
    ids = [card.id for card in textbook.cards() if card.document == document]
    opened(app, *ids)
    assert len(labels(app)) == len(ids)
    assert len(app.table) - 1 + len(app.info) == len(ids)  # each has its evidence or the reason why not
    assert all(box.value.startswith("Cannot be checked here. ") and len(box.value) > 40 for box in app.info)


@pytest.mark.parametrize("name", ["document", "topic"])
def test_every_value_of_every_list(name):
    app = open_page("textbook")
    seen = 0
    for index in range(1, len(app.selectbox(key=f"textbook_{name}").options)):
        checked(app.selectbox(key=f"textbook_{name}").select_index(index).run())
        seen += len(labels(app))
        assert address(app)[name]
    assert seen == 75


def test_every_verdict():
    app, seen = open_page("textbook"), {}
    for verdict, word in {"holds": "Holds", "imprecise": "Imprecise", "wrong": "Wrong", "unchecked": "Unchecked"}.items():
        checked(app.button_group(key="textbook_verdict").set_value(verdict).run())
        assert address(app) == {"verdict": verdict} and all(label.startswith(f"**{word}:**") for label in labels(app))
        seen[verdict] = len(labels(app))
    assert sum(seen.values()) == 75 and min(seen.values()) > 10


def test_a_link_with_three_choices():
    app = open_page("textbook", document="slides", topic="vgg", verdict="wrong")
    assert ["in all" in label for label in labels(app)] == [True, False] and all("VGG" in label for label in labels(app))


def test_choices_that_nothing_fits_get_a_sentence():
    app = open_page("textbook", document="versions", topic="pyramid")
    assert not labels(app) and "No statement fits" in app.info[0].value


def test_a_bad_link_gets_plain_sentences():
    app = open_page("textbook", verdict="right", colour="<script>")
    assert len(app.warning) == 2 and len(labels(app)) == 75


def test_a_card_leads_to_its_lesson_and_to_explore():
    app = open_page("textbook", document="lecture", topic="vgg", verdict="wrong")
    opened(app, "vgg-stages")
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    assert links["vgg16 in Explore"].query_string == "preset=vgg16&depths=2%2C2%2C2%2C3%2C3"
    assert links["Lesson: AlexNet to VGG"].page == "vgg"
