"""Statements of lecture notes and articles, each with what is right and the numbers counted again."""

import streamlit as st

from lib.analysis.comparison import levels
from lib.code import source
from lib.figures.comparison import bars
from lib.lessons import textbook
from lib.models.vgg import VGG
from lib.text import literal, prose
from lib.ui import _, current_palette, lesson
from lib.ui.controls import kept
from lib.ui.provenance import images_of, mark

VERDICTS = {"holds": (_("Holds"), ":material/check_circle:"), "imprecise": (_("Imprecise"), ":material/contrast:"),
            "wrong": (_("Wrong"), ":material/cancel:"), "unchecked": (_("Unchecked"), ":material/help:")}
TOPICS = {"convolution": _("Convolution"), "receptive_field": _("Receptive field"), "vgg": _("AlexNet to VGG"),
          "inception": _("Inception"), "residual": _("Residual learning"), "bottleneck": _("Bottleneck"),
          "tweaks": _("ResNet tweaks"), "preactivation": _("Identity mappings"), "resnext": _("ResNeXt"),
          "attention": _("Attention in channels"), "pyramid": _("Feature pyramid"), "efficient": _("Efficient networks")}
ALL = {"all": _("All")}


def choice(label: str, names: dict[str, str], help: str) -> lesson.Knob:
    """A control that picks one of these, or all."""
    names = ALL | names
    return lesson.Knob(label, tuple(names), "all", help, lambda value: names.get(value, value))


def show(card: textbook.Card, opened: bool) -> None:
    """A card: its statement, and once it is open what is right and the evidence."""
    name, icon = VERDICTS[card.verdict]
    label = f"**{name}:** {literal(card.statement)}"
    with st.expander(label, icon=icon, **kept(f"card_{card.id}", opened)) as box:
        if not box.open:
            return
        if card.original:
            st.caption(_("In the original: “{text}”").format(text=literal(card.original)))
        st.markdown(literal(card.right))
        mark("published", card.source) if card.verified else mark("unverified", card.source)
        show_evidence(card)
        with st.container(horizontal=True):
            st.page_link(f"../../pages/{card.topic}.py", icon=":material/school:",
                         label=_("Lesson: {name}").format(name=TOPICS[card.topic]))
            if card.explore:
                lesson.explore_link(*card.explore)


def show_evidence(card: textbook.Card) -> None:
    """The check's lines and its code, or why there is none."""
    if card.reason:
        st.info(_("Cannot be checked here. {reason}").format(reason=card.reason), icon=":material/help:")
        return
    st.table(textbook.table(textbook.evidence(card.id)), hide_index=True)
    images = _("whole networks take {size} pixels, the lecture's AlexNet {lecture}").format(**textbook.image_sizes())
    details = {"computed": images, "measured": _("weights and inputs are drawn with a fixed seed"), "published": card.source}
    mark(card.basis, details.get(card.basis, ""))
    with st.popover(_("Code of this check"), icon=":material/code:"):
        st.code(source(textbook.check(card)), language="python")


st.title(_("The textbook, checked"), anchor=False)
st.markdown(prose("textbook", "Question", cards=len(textbook.cards())))

st.subheader(prose("textbook", "Show heading"), anchor="vgg")
vgg = textbook.drawn_and_true()
st.markdown(prose("textbook", "Show", **vgg.fields()))
names = [_("As listed: 2, 2, 2, 3, 3"), _("VGG-16: 2, 2, 3, 3, 3")]
st.table(vgg.table([_("Printed"), *names]), hide_index=True)
mark("computed", images_of(*vgg))
mark("unverified", _("the column “Printed”"))
st.markdown(prose("textbook", "Parameters", **vgg.fields()))
st.plotly_chart(bars(names, levels(vgg), "macs", current_palette()), key="vgg", config={"displayModeBar": False},
                alt=_("Multiply-adds at each resolution: the two networks differ at a quarter of the image alone."))
mark("computed", images_of(*vgg))
with st.expander(_("Layer by layer")):
    numbers = {name: st.column_config.NumberColumn(format="localized") for name in ("KiB", "Parameters", "Multiply-adds")}
    st.dataframe(vgg.layers(names), hide_index=True, key="layers", column_config=numbers, height="content")
    mark("computed", images_of(*vgg))
for column, name, analysis in zip(st.columns(2), names, vgg):
    with column:
        lesson.explore_link("vgg16", {"depths": analysis.knobs.depths}, _("{name} in Explore").format(name=name))

st.subheader(prose("textbook", "Cards heading"), anchor="statements")
st.markdown(prose("textbook", "Cards"))
knobs = lesson.knobs("textbook", {
    "document": choice(_("Document"), textbook.documents(), _("Where the statement stands.")),
    "topic": choice(_("Lesson"), TOPICS, _("The lesson that treats it.")),
    "verdict": choice(_("Verdict"), {key: name for key, (name, icon) in VERDICTS.items()}, _("What the check gives.")),
})
cards = textbook.chosen(**knobs)
st.markdown(" · ".join(f"{VERDICTS[verdict][1]}\u00a0{VERDICTS[verdict][0]}:\u00a0**{count}**"
                       for verdict, count in textbook.counts(cards).items()))
if not cards:
    st.info(prose("textbook", "None"))
for index, card in enumerate(cards):
    if index == 0 or card.document != cards[index - 1].document:
        st.markdown(f"##### {textbook.documents()[card.document]}")
    show(card, opened=index == 0)

lesson.try_it(prose("textbook", "Try"))
lesson.sources([VGG])
