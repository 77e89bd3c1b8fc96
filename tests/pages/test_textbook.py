"""The textbook page without a browser: what stands on it, its choices, every card answered, the quiz, its links."""

import pytest
import torch
from torchvision.models import vgg16

from lib.lessons import textbook
from lib.provenance import KINDS
from lib.text import literal
from tests.pages.app import address, checked, open_page

IDS = [card.id for card in textbook.cards()]


def statements(app) -> list[str]:
    """The statements that are listed."""
    return [box.label for box in app.expander]


def captions(app) -> str:
    return "\n".join(caption.value for caption in app.caption)


def texts(app) -> str:
    return "\n".join(text.value for text in app.markdown)


def answer(app, **verdicts: str):
    """The page after these cards were answered."""
    for id, verdict in verdicts.items():
        app.radio(key=f"textbook_{id}_given").set_value(verdict)
        app.button(key=f"textbook_{id}_answer").click()
    return checked(app.run())


def press(app, key: str):
    app.button(key=f"textbook_{key}").click()
    return checked(app.run())


def wrong_answer(card: textbook.Card) -> str:
    return "holds" if card.verdict != "holds" else "unchecked"


def test_the_list_asks_and_tells_no_verdict():
    app = open_page("textbook")
    assert statements(app) == [literal(card.statement) for card in textbook.cards()] and len(IDS) == 76
    assert not app.table and app.radio[0].options == ["Holds", "Imprecise", "Wrong", "Cannot be checked here"]
    assert "Answered 0 of 76, 0 right at the first try" in captions(app) and "·" not in captions(app)
    assert not app.get("page_link") and literal(textbook.cards()[0].right) not in texts(app)
    assert {box.icon for box in app.expander} == {":material/radio_button_unchecked:"}


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_every_card_answered(right):
    """The truth, the evidence or the reason why there is none, its source, the way to its lesson."""
    app = open_page("textbook")
    for document in textbook.documents():
        cards = textbook.chosen(document=document)
        app.selectbox(key="textbook_document_knob").select(document)
        app.session_state["kept"] = {f"card_{card.id}": True for card in cards}
        checked(app.run())
        answer(app, **{card.id: card.verdict if right else wrong_answer(card) for card in cards})
        assert len(app.table) == sum(bool(card.check) for card in cards)
        marks = sum(captions(app).count(f"**{label}**") for _icon, label, _help in KINDS.values())
        assert marks == len(app.table) + len(cards)  # the evidence, and where what is right is written
        assert len([link for link in app.get("page_link") if link.proto.label.startswith("Lesson: ")]) == len(cards)
        assert {box.icon for box in app.expander} == {":material/check_circle:" if right else ":material/contrast:"}
        for card in cards:
            assert literal(card.right) in texts(app) and card.source in captions(app) and card.reason in texts(app)
        first = len(cards) if right else 0
        assert f"Answered {len(cards)} of {len(cards)}, {first} right at the first try · " in captions(app)
        assert texts(app).count("You said ") == (0 if right else len(cards))
    app.selectbox(key="textbook_document_knob").select("all")
    counts = [f"{name}: {count}" for name, count in zip(("Holds", "Imprecise", "Wrong", "Cannot be checked here"),
                                                      textbook.counts(textbook.cards()).values())]
    assert " · ".join(counts) in captions(checked(app.run()))


def test_the_evidence_of_a_card():
    app = answer(open_page("textbook"), **{"bottleneck-percent": "holds"})
    assert list(app.table[0].value["Found"]) == ["5.903 %", "94.444 %", "94.444 %"]
    assert list(app.table[0].value["Agree"]) == ["yes", "no", "no"]
    assert "You said Holds. It is **Imprecise**. It does not hold as it stands." in texts(app)
    assert "He et al. 2015, Fig. 5" in captions(app) and "whole networks take 224 × 224 pixels" in captions(app)
    assert "def percent" in app.code[0].value
    app.button(key="textbook_bottleneck-percent_again").click()
    assert not checked(app.run()).table  # asked again, and what was answered stays counted
    assert "Answered 1 of 76, 0 right" in captions(app)


@pytest.mark.parametrize("name", ["document", "topic"])
def test_every_value_of_every_list(name):
    app, seen = open_page("textbook"), 0
    for index in range(1, len(app.selectbox(key=f"textbook_{name}_knob").options)):
        checked(app.selectbox(key=f"textbook_{name}_knob").select_index(index).run())
        seen += len(statements(app))
        assert address(app)[name]
    assert seen == 76


def test_the_choice_by_verdict_stands_for_teachers_and_in_old_links():
    seen = 0
    for verdict in textbook.VERDICTS:
        app = open_page("textbook", verdict=verdict)
        assert statements(app) == [literal(card.statement) for card in textbook.cards() if card.verdict == verdict]
        assert "textbook_verdict_knob" not in [box.key for box in app.selectbox]  # it tells the answers: not laid open
        seen += len(statements(app))
    assert seen == 76
    app.session_state["textbook_teachers"] = True
    assert "What it is for" in texts(checked(app.run()))
    app.selectbox(key="textbook_verdict_knob").select("wrong")
    assert address(checked(app.run())) == {"verdict": "wrong"}


def test_choices_go_together_and_may_find_nothing():
    app = open_page("textbook", document="slides", topic="vgg", verdict="wrong")
    assert ["in all" in label for label in statements(app)] == [True, False]
    for view in ("list", "quiz"):
        app = open_page("textbook", document="versions", topic="pyramid", view=view)
        assert not app.expander and not app.radio and "No statement fits" in app.info[0].value


def test_a_bad_link_gets_plain_sentences():
    app = open_page("textbook", verdict="right", colour="<script>", seed="-3", view="slides", card="none")
    said = [warning.value for warning in app.warning]
    assert len(said) == 5 and all(len(sentence) > 30 for sentence in said) and len(statements(app)) == 76
    assert any("whole number from 0 to 9,999" in sentence and "shows 0" in sentence for sentence in said)
    assert not open_page("textbook").warning


def test_the_quiz_walks_through_the_cards():
    app = open_page("textbook", view="quiz")
    assert "Card 1 of 76 · Answered 0 of 76" in captions(app) and address(app) == {"view": "quiz"}
    assert app.button(key="textbook_back").disabled and len(app.radio) == 1
    press(app, "on")
    assert address(app) == {"view": "quiz", "card": IDS[1]}
    answer(app, **{IDS[1]: "holds"})
    assert "Card 2 of 76 · Answered 1 of 76, 0 right at the first try · Imprecise: 1" in captions(app)
    assert len(app.table) == 1
    press(app, "back")
    assert address(app) == {"view": "quiz"} and app.radio
    press(app, "unanswered")
    assert address(app)["card"] == IDS[2]  # the second one is answered
    app.button_group(key="textbook_view").set_value("list")
    assert address(checked(app.run())) == {} and "Answered 1 of 76" in captions(app)
    assert [box.icon for box in app.expander][:3].count(":material/contrast:") == 1
    app.button_group(key="textbook_view").set_value("quiz")
    assert address(checked(app.run()))["card"] == IDS[2]


def test_the_last_card_and_the_last_unanswered_one():
    cards = [card.id for card in textbook.chosen(document="versions")]
    app = open_page("textbook", document="versions", card=cards[-1], view="quiz")
    assert app.button(key="textbook_on").disabled and f"Card {len(cards)} of {len(cards)}" in captions(app)
    assert address(press(app, "unanswered")) == {"view": "quiz", "document": "versions"}  # begins anew at the first
    for _card in cards:
        if app.radio:
            answer(app, **{app.radio[0].key.removeprefix("textbook_").removesuffix("_given"): "holds"})
        if not app.button(key="textbook_unanswered").disabled:
            press(app, "unanswered")
    assert app.button(key="textbook_unanswered").disabled and "Answered 6 of 6" in captions(app)


def test_a_link_to_a_card_opens_the_quiz_there():
    app = open_page("textbook", card="vgg-memory")
    assert "Card 76 of 76" in captions(app) and "24M numbers" in texts(app) and "TOTAL memory" in captions(app)
    assert "15.2" not in texts(app) + captions(app)
    answer(app, **{"vgg-memory": "wrong"})
    found = dict(zip(app.table[0].value["Quantity"], app.table[0].value["Found"]))
    assert found["Activation memory in Explore, bytes"] == "60,448,672"
    assert "**Wrong.** Right." in texts(app)
    wrong = open_page("textbook", card="vgg-memory", document="slides")
    assert "no card “vgg-memory” among these" in wrong.warning[0].value and "Card 1 of 21" in captions(wrong)


def test_the_order_of_the_quiz_stands_in_the_link():
    app = open_page("textbook", view="quiz", seed="7", topic="vgg")
    deck = textbook.shuffled(textbook.chosen(topic="vgg"), 7)
    assert literal(deck[0].statement) in texts(app)
    assert address(press(app, "on")) == {"view": "quiz", "seed": "7", "topic": "vgg", "card": deck[1].id}
    press(app, "in_order")
    assert address(app) == {"view": "quiz", "topic": "vgg"}
    assert 1 <= int(address(press(app, "shuffle"))["seed"]) <= 9999


def test_the_quiz_is_narrowed_by_its_own_box():
    app = open_page("textbook", view="quiz", card="relu-count")
    app.session_state["textbook_which"] = True
    checked(app.run())
    app.selectbox(key="textbook_document_knob").select("lecture")
    assert address(checked(app.run())) == {"view": "quiz", "document": "lecture"} and "Card 1 of 12" in captions(app)


def test_a_card_leads_to_its_lesson_and_to_explore():
    app = answer(open_page("textbook", card="vgg-stages"), **{"vgg-stages": "wrong"})
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    assert links["vgg16 in Explore"].query_string == "preset=vgg16&depths=2%2C2%2C2%2C3%2C3"
    assert links["Lesson: AlexNet to VGG"].page == "vgg"


def test_what_was_not_verified_is_marked():
    app = answer(open_page("textbook", card="vgg-sums"), **{"vgg-sums": "wrong"})
    assert "As commonly printed, not verified" in captions(app) and "**Published**" not in captions(app)


# The example

def vgg16_of_torchvision():
    with torch.device("meta"):
        return vgg16()


@pytest.fixture(scope="module")
def solved():
    """The example after its question was answered."""
    app = open_page("textbook", view="vgg")
    assert not app.dataframe and not app.table and not app.get("plotly_chart")
    app.button_group(key="textbook_forgotten_given").set_value("conv3_3")
    app.session_state["textbook_layers"] = True
    return press(app, "forgotten_answer")


def test_the_printed_sums_are_those_of_the_network_with_a_convolution_missing(solved):
    shown = solved.table[0].value.set_index("Quantity")
    drawn, true = shown.columns[1:]
    rows = shown.loc[["Multiply-adds, billions", "Memory of the convolutions' outputs, MiB"]]
    for printed, as_drawn, as_true in zip(rows["Printed"], rows[drawn], rows[true]):
        assert round(float(as_drawn), 1) == float(printed) < round(float(as_true), 1)
    count = sum(parameter.numel() for parameter in vgg16_of_torchvision().parameters())
    assert shown.loc["Parameters, millions", true] == f"{count / 1e6:.3f}"
    assert "**13.62** billion" in texts(solved) and "Right." in texts(solved) and len(solved.get("plotly_chart")) == 1
    assert "As commonly printed, not verified" in captions(solved)


def test_layer_by_layer_one_convolution_is_missing(solved):
    layers = solved.dataframe[0].value.set_index("Layer")
    drawn, true = layers.columns[-2:]
    assert list(layers.index[layers[drawn] == "–"]) == ["conv3_3"] and set(layers[true]) == {"yes"}
    assert layers["Parameters"].sum() == sum(parameter.numel() for parameter in vgg16_of_torchvision().parameters())
    assert layers.loc["conv3_3", "Multiply-adds"] == 9 * 256 * 256 * 56 * 56
