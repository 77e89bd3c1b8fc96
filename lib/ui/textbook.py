"""The textbook page: its statements as a list, one after the other as a quiz, and an example worked out.

A statement is asked first; what is right and the evidence come with the answer. What was answered is known to this session,
and kept in the person's browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import randrange
from typing import Any

import streamlit as st

from lib.analysis.comparison import levels
from lib.architecture import Impossible
from lib.code import source
from lib.figures.comparison import bars
from lib.lessons import textbook
from lib.lessons.content import Chart, Explore, Table
from lib.lessons.knobs import AnyKnob, Knob, Typed
from lib.lessons.textbook import Card, questions
from lib.provenance import computed, images_of, unverified
from lib.text import literal, prose
from lib.ui import _
from lib.ui.address import moved, note_fragment, write_address
from lib.ui.contents import CONTENTS
from lib.ui.controls import kept
from lib.ui.elements import Place, explore_link, show
from lib.ui.knobs import read_knobs, show_knobs, write_knobs
from lib.ui.progress import note
from lib.ui.provenance import mark
from lib.ui.questions import Attempt, ask, attempt

VERDICTS = {"holds": _("Holds"), "imprecise": _("Imprecise"), "wrong": _("Wrong"), "unchecked": _("Cannot be checked here")}
TITLES = {name: title for pages in CONTENTS.values() for name, title in pages.items() if name in textbook.topics()}
ICONS = {"": ":material/radio_button_unchecked:", "first": ":material/check_circle:", "shown": ":material/contrast:"}
"""What became of a card: nothing yet, right at the first try, or shown."""
MOST_SEED = 9999


def one_of(label: str, names: Mapping[str, str], help: str) -> Knob:
    """A control that picks one of these, or all."""
    names = {"all": _("All")} | names
    return Knob(label, tuple(names), "all", help, lambda value: names.get(value, value))


VIEWS = {"list": _("List"), "quiz": _("Quiz"), "vgg": _("An example worked out")}
KNOBS: dict[str, AnyKnob] = {
    "view": Knob(_("View"), tuple(VIEWS), "list", "", VIEWS.get),
    "document": one_of(_("Document"), textbook.documents(), _("Where the statement stands.")),
    "topic": one_of(_("Lesson"), TITLES, _("The lesson that treats it.")),
    "verdict": one_of(_("Verdict"), VERDICTS, _("What the check gives.")),
    "seed": Typed(_("Order"), 0, MOST_SEED, 0, _("0 is the order of the documents.")),
}


@dataclass
class Shown:
    """The page as one person has it open: where the controls stand, the quiz's card ("" for the first), and what is wrong
    in the link."""

    values: dict[str, Any]
    card: str
    problems: list[str]

    def cards(self) -> tuple[Card, ...]:
        """The statements that are chosen, by document."""
        return textbook.chosen(**{name: self.values[name] for name in ("document", "topic", "verdict")})

    def deck(self) -> tuple[Card, ...]:
        """The statements that are chosen, in the order of the quiz."""
        return textbook.shuffled(self.cards(), self.values["seed"])

    def place(self, deck: tuple[Card, ...]) -> int:
        """Where the quiz stands."""
        return next((place for place, card in enumerate(deck) if card.id == self.card), 0)

    def parameters(self) -> dict[str, str]:
        """All of it as the parameters of a link."""
        deck = self.deck()
        at = self.place(deck) if self.values["view"] == "quiz" else 0
        return write_knobs(self.values, KNOBS) | ({"card": deck[at].id} if at else {})


def read(address: Mapping[str, str]) -> Shown:
    """What a link opens; a bad value gets a sentence and the default. A link to a card opens the quiz there."""
    given = dict(address)
    card = given.pop("card", "")
    values, problems = read_knobs(given, KNOBS)
    shown = Shown(values, card, problems)
    if shown.card and "view" not in given:
        shown.values["view"] = "quiz"
    if shown.card and shown.card not in {card.id for card in shown.deck()}:
        shown.problems.append(_("There is no card “{name}” among these; the first one is shown.").format(
            name=shown.card[:40]))
    return shown


# The choice of cards

def choose(shown: Shown) -> None:
    """Whose statements are shown."""
    show_knobs(KNOBS, ["document", "topic"], shown.values, "textbook", lambda: None)


def for_teachers(shown: Shown) -> None:
    """What it is for, and the choice by verdict, which tells the answers and so is put away."""
    with st.popover(_("For teachers"), key="textbook_teachers", on_change=moved) as box:
        if box.open:
            st.markdown(prose("textbook", "teachers"))
            show_knobs(KNOBS, ["verdict"], shown.values, "textbook", lambda: None)


def made_of(cards: tuple[Card, ...]) -> dict[str, Attempt]:
    """The attempts at those of these cards that were answered."""
    return {card.id: made for card in cards if (made := attempt(_key(card))).result}


def _key(card: Card) -> str:
    return f"textbook_{card.id}"


def tally(cards: tuple[Card, ...]) -> str:
    """What was answered of these cards, and what they turned out to be."""
    made = made_of(cards)
    told = _("Answered {count} of {all}, {first} right at the first try").format(
        count=len(made), all=len(cards), first=sum(each.result == "first" for each in made.values()))
    counts = textbook.counts(tuple(card for card in cards if card.id in made))
    return " · ".join([told, *(f"{VERDICTS[verdict]}: {count}" for verdict, count in counts.items() if count)])


# The list

def listed(shown: Shown) -> None:
    """All statements, document by document; each opens, and asks."""
    st.markdown(prose("textbook", "Question", cards=len(textbook.cards()), documents=len(textbook.documents())))
    st.markdown(prose("textbook", "Verdicts"))
    filters, teachers = st.columns([5, 1], vertical_alignment="bottom")
    with filters:
        choose(shown)
    with teachers:
        for_teachers(shown)
    cards = shown.cards()
    st.caption(tally(cards))
    if not cards:
        st.info(prose("textbook", "None"))
    for index, card in enumerate(cards):
        if index == 0 or card.document != cards[index - 1].document:
            st.markdown(f"##### {textbook.documents()[card.document]}")
        result = attempt(_key(card)).result
        with st.expander(literal(card.statement), icon=ICONS[result], **_kept_open(card, index == 0, result)) as box:
            if box.open:
                _alone(card, result)


@st.fragment
def _alone(card: Card, before: str) -> None:
    """An opened statement: runs alone. The whole page runs where its result is no longer that of `before`, to tell it."""
    note_fragment()
    if attempt(_key(card)).result != before:
        st.rerun(scope="app")
    _asked(card)


def _kept_open(card: Card, opened: bool, result: str) -> dict[str, Any]:
    """Key and callback of a card's box. To Streamlit a box with another icon is another box, so that of an answered card
    has a key of its own; it begins as open as the box was."""
    if not result:
        return kept(f"card_{card.id}", opened)
    return kept(f"answered_{card.id}", st.session_state.get("kept", {}).get(f"card_{card.id}", opened))


def _asked(card: Card) -> None:
    """The question, and with its answer the evidence."""
    made = ask(questions.verdict(card=card.id), _key(card), once=True)
    if card.original:
        st.caption(_("In the original: “{text}”").format(text=literal(card.original)))
    if made.result:
        note(_key(card), {"question": f"textbook.{card.id}", "result": made.result})
    if made.open:
        _evidence(card)


def _evidence(card: Card) -> None:
    """Where what is right is written, the lines of the check and its code, and the ways on."""
    mark("published", card.source) if card.verified else mark("unverified", card.source)
    if rows := textbook.evidence(card.id):
        st.table(textbook.table(rows), hide_index=True)
        images = _("whole networks take {size} pixels, the lecture's AlexNet {lecture}").format(**textbook.image_sizes())
        mark(card.basis, {"computed": images, "measured": _("weights and inputs are drawn with a fixed seed"),
                          "published": card.source}[card.basis])
    with st.container(horizontal=True, vertical_alignment="center"):
        if card.check:
            with st.popover(_("Code of this check"), icon=":material/code:"):
                st.code(source(textbook.check(card)), language="python")
        st.page_link(f"../../pages/{card.topic}.py", icon=":material/school:",
                     label=_("Lesson: {name}").format(name=TITLES[card.topic]))
        if card.explore:
            explore_link(*card.explore)


# The quiz

@st.fragment
def quiz(shown: Shown) -> None:
    """One statement after the other: runs alone when another one is taken, or an answer given."""
    note_fragment()
    deck = shown.deck()
    place = shown.place(deck)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _ways(shown, deck, place)
        _order(shown)
        with st.popover(_("Which cards"), key="textbook_which", on_change=moved) as box:
            if box.open:
                choose(shown)
        for_teachers(shown)
    if deck:
        st.caption(_("Card {place} of {all}").format(place=place + 1, all=len(deck)) + f" · {tally(deck)}")
        with st.container(border=True, key="textbook_card"):
            _asked(deck[place])
    else:
        st.info(prose("textbook", "None"))
    write_address("textbook", shown.parameters())


def _ways(shown: Shown, deck: tuple[Card, ...], place: int) -> None:
    """Back, on, and to the next that was not answered."""
    def go(card: str) -> None:
        moved()
        shown.card = card
    before, after = deck[:place], deck[place + 1:]
    made = made_of(deck)
    waiting = [card for card in after + before if card.id not in made]
    for key, label, cards in (("back", _("Previous"), before[::-1]), ("on", _("Next"), after),
                              ("unanswered", _("Next unanswered"), waiting)):
        st.button(label, key=f"textbook_{key}", on_click=go, args=(cards[0].id if cards else "",), disabled=not cards)


def _order(shown: Shown) -> None:
    """Another order of the cards, and the first one again."""
    def begin(seed: int) -> None:
        moved()
        shown.card, shown.values["seed"] = "", seed
    st.button(_("Shuffle"), key="textbook_shuffle", icon=":material/shuffle:", on_click=begin,
              args=(randrange(1, MOST_SEED + 1),), help=_("Another order; the link holds it."))
    if shown.values["seed"]:
        st.button(_("In order"), key="textbook_in_order", on_click=begin, args=(0,), help=_("The order of the documents."))


# An example worked out

@st.fragment
def example(shown: Shown) -> None:
    """VGG-16 as slides draw it: which convolution they forgot, then what follows from it."""
    note_fragment()
    networks = textbook.drawn_and_true()
    st.subheader(prose("textbook", "Example heading"), anchor=False)
    st.markdown(prose("textbook", "Example"))
    with st.container(border=True):
        made = ask(questions.forgotten(), "textbook_forgotten", once=True)
    if made.result:
        note("textbook_forgotten", {"question": "textbook.forgotten", "result": made.result})
    if made.open:
        _solved(networks)


def _solved(networks: Any) -> None:
    """The printed sums beside those of both networks, resolution by resolution and layer by layer."""
    names, origin = [_("As listed: 2, 2, 2, 3, 3"), _("VGG-16: 2, 2, 3, 3, 3")], computed(images_of(*networks))
    st.markdown(prose("textbook", "Solved", **networks.fields()))
    place = Place("textbook", "vgg")
    show(Table(networks.table([_("Printed"), *names]), (origin, unverified(_("the column “Printed”")))),
         Place("textbook", "vgg_sums", tight=True))
    st.markdown(prose("textbook", "Parameters", **networks.fields()))
    show(Chart(lambda palette: bars(names, levels(networks), "macs", palette), origin=origin,
               alt=_("Multiply-adds at each resolution: the two networks differ at a quarter of the image alone.")),
         place.within("chart"))
    formats = dict.fromkeys(("KiB", "Parameters", "Multiply-adds"), "localized")
    with st.expander(_("Layer by layer"), key="textbook_layers", on_change=moved) as box:
        if box.open:
            show(Table(networks.layers(names), origin, formats), place.within("layers"))
    for name, analysis in zip(names, networks):
        show(Explore("vgg16", {"depths": analysis.knobs.depths}, _("{name} in Explore").format(name=name)), place)
