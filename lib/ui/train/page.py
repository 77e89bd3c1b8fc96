"""The page Train, from its title on."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from lib.architecture import Impossible, size_text
from lib.code import source
from lib.figures.learning import learning
from lib.inside.links import of_race
from lib.lab.jobs import pictures_of
from lib.lab.lab import lab
from lib.lab.races import Race, Shown, race_of
from lib.questions.races import ends_of
from lib.records import Network
from lib.text import prose
from lib.training import loop
from lib.training.records import Entrant
from lib.ui import _, current_palette
from lib.ui.address import moved, new_address, plain, write_address
from lib.ui.controls import on_choice, show_value
from lib.ui.elements import LARGE
from lib.ui.provenance import mark
from lib.ui.rehearsal import is_rehearsal
from lib.ui.style import PRESENTING
from lib.ui.train import curves, honesty, predict
from lib.ui.train.controls import choose_networks, choose_recipe, chosen_device
from lib.ui.train.examples import show_examples
from lib.ui.train.running import (
    POLL, View, attend, buttons, grows_elsewhere, is_complete, key_of, say_progress, start_if_asked, view_of)
from lib.ui.train.state import FAIR, QUANTITIES, SHORT, Asked, analysis_of, called, read

PLAIN_CHART = {"displayModeBar": False}
TOP = {"train_error": 100.0, "test_error": 100.0}
"""Where the axis of a quantity ends."""
DECADES = ("train_loss", "gradient_norm")
"""Quantities whose first epoch may be thousands of times the last: their axes count in powers of ten."""
FORMATS = {"train_error": "%.1f", "test_error": "%.1f", "train_loss": "%.4f", "gradient_norm": "%.3g", "seconds": "%.2f"}


def show() -> None:
    """The page."""
    state = st.session_state
    if (address := new_address("train")) is not None or "train" not in state:
        state["train"] = read(address or {})
    asked: Asked = state["train"]
    _head(asked)
    with st.sidebar:
        choose_networks(asked)
        st.markdown(f"**{_('How they are trained')}**")
        choose_recipe(asked)
    try:
        line = lab().lines[chosen_device(asked)]
        entrants = asked.entrants()
    except (Impossible, IndexError) as error:
        st.error(plain(str(error) if isinstance(error, Impossible) else _("timing.toml allows no device of this machine.")))
    else:
        if not is_rehearsal():
            line.warm()
        _race(asked, race_of(line, entrants))
    if asked.presenting:
        st.container(key="presenting").html(PRESENTING)
    write_address("train", asked.parameters())


def _head(asked: Asked) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(_("Train"), anchor=False, width="content")
        show_examples()
        show_value("train_present", asked.presenting)
        st.toggle(_("Present"), key="train_present", help=_("Large type for a projector."),
                  on_change=on_choice("train_present", lambda on: setattr(asked, "presenting", on)))
    if not asked.presenting:
        st.markdown(prose("train", "Title"))
    for problem in asked.problems:
        st.warning(plain(problem))
    if lab().absent and not lab().lines:
        st.caption(":material/info: " + plain(" ".join(lab().absent.values())))


MOST_LINKS = 5


def here(found: dict[Entrant, Shown]) -> list[Entrant]:
    """The first seed of each network that this server has trained: it keeps the weights."""
    trained = [entrant for entrant, shown in found.items() if shown.origin != "shipped" and shown.curve.epochs]
    return [entrant for entrant in trained if entrant.seed == min(each.seed for each in trained)]


@dataclass(frozen=True)
class Screen:
    """What is on the page: what was chosen, the race, what its networks are called, what was guessed, and how this tab looks at
    it."""

    asked: Asked
    race: Race
    called: dict[Network, str]
    made: predict.Guesses
    view: View

    def found(self) -> dict[Entrant, Shown]:
        """What there is to see of the race."""
        return {entrant: shown for entrant, shown in self.race.shown().items() if shown.curve.epochs or shown.glimpse}

    def lives(self, found: dict[Entrant, Shown]) -> bool:
        """Whether the picture changes by itself."""
        return self.race.runs or self.view.replays or grows_elsewhere(self.race, found)


def _race(asked: Asked, race: Race) -> None:
    """The race as it stands, its question first."""
    start_if_asked(race)
    attend(race)
    screen = Screen(asked, race, called(asked.choices), predict.guesses(key_of(race)), view_of(race))
    if asked.predicts and len(screen.called) > 1 and not screen.made.open:
        predict.ask(list(screen.called.values()), screen.made, key_of(race))
        st.markdown(":material/visibility_off: " + prose("train", "Hidden"))
        return
    found, view = screen.found(), screen.view
    if is_complete(race, found) and not (view.replayed or view.replays):
        view.replay()
    buttons(race, asked, found)
    lives = screen.lives(found)
    st.fragment(_picture, run_every=POLL if lives else None)(screen, lives)
    _background(screen)


def _picture(screen: Screen, lives: bool) -> None:
    """The curves, drawn again and again while they grow; at the end the page is drawn anew."""
    asked, race, view, found = screen.asked, screen.race, screen.view, screen.found()
    if lives and not screen.lives(found):
        st.rerun()
    if race.runs:
        say_progress(race)
    now = curves.until(found, view.at(asked.settings.epochs)) if view.replays else found
    best = curves.at_best_rate(now) if asked.rate == FAIR else now
    _say_what_it_is(screen, found)
    if is_complete(race, found) and not view.replays:
        ends = ends_of([(screen.called[entrant.network], shown.curve) for entrant, shown in best.items()])
        predict.outcome(list(screen.called.values()), screen.made, ends)
    if found:
        made = plain(curves.made([shown.curve for shown in found.values()]))
        _charts(screen, best, made)
        _numbers(screen, now, made)
    else:
        st.caption(prose("train", "Nothing yet"))
        _chart(screen, {}, asked.quantity, large=True)  # the axes, and the browser has its library before the first points


def _say_what_it_is(screen: Screen, found: dict[Entrant, Shown]) -> None:
    """Whether this is a replay, comes with the app, is paused, or grows elsewhere."""
    if not found or screen.race.runs:
        return
    curve = next(iter(found.values())).curve
    told = {"day": f"{curve.taken:%Y-%m-%d}", "place": plain(str(curve.environment.get("device_name")))}
    if screen.view.replays:
        st.caption(":material/replay: " + prose("train", "Replay", **told))
    elif grows_elsewhere(screen.race, found):
        st.caption(":material/hourglass: " + prose("train", "Elsewhere"))
    elif not is_complete(screen.race, found):
        least = min(len(found[entrant].curve.epochs) if entrant in found else 0 for entrant in screen.race.entrants)
        st.caption(":material/pause: " + prose("train", "Paused", epochs=least, all=screen.asked.settings.epochs))
    elif any(shown.origin == "shipped" for shown in found.values()):
        st.caption(":material/inventory_2: " + prose("train", "Shipped", **told))


def _charts(screen: Screen, found: dict[Entrant, Shown], made: str) -> None:
    """One quantity large, the others small beneath it. `made` says where and when."""
    asked = screen.asked
    show_value("train_quantity", asked.quantity)
    st.segmented_control(_("Curve"), QUANTITIES, key="train_quantity", required=True, format_func=SHORT.get,
                         label_visibility="collapsed", help=_("What the large chart shows; the others stand beneath it."),
                         on_change=on_choice("train_quantity", lambda value: setattr(asked, "quantity", value)))
    _chart(screen, found, asked.quantity, large=True)
    mark("measured", made)
    if not asked.presenting:
        others = [quantity for quantity in QUANTITIES if quantity != asked.quantity]
        ended = curves.ended(found)  # small ones need not be drawn each second
        for column, quantity in zip(st.columns(len(others), gap="small"), others):
            with column:
                _chart(screen, ended, quantity, large=False)


def _chart(screen: Screen, found: dict[Entrant, Shown], quantity: str, large: bool) -> None:
    asked, lines = screen.asked, curves.series(found, screen.called, quantity)
    figure = learning(lines, current_palette(), QUANTITIES[quantity], asked.settings.epochs, TOP.get(quantity), large,
                      letters=LARGE if asked.presenting else 0, log=quantity in DECADES,
                      guess=screen.made.difference if large and quantity == "train_error" else None)
    said = ", ".join(_("{name} {value:.3g}").format(name=name, value=seeds[0][-1][1])
                     for name, seeds in lines.items() if seeds and seeds[0])
    alt = _("{quantity} over the epochs; last: {said}. The table below holds the same.") if said else _(
        "{quantity} over the epochs: nothing yet.")
    st.plotly_chart(figure, key=f"train_chart_{'large' if large else quantity}", config=PLAIN_CHART,
                    alt=alt.format(quantity=QUANTITIES[quantity], said=said))


def _numbers(screen: Screen, found: dict[Entrant, Shown], made: str) -> None:
    """The table twin of the charts, and what is to be known about it."""
    if screen.asked.rate == FAIR:
        rates = sorted({entrant.recipe.learning_rate for entrant in found})
        st.caption(prose("train", "Fair", rates=", ".join(f"{rate:g}" for rate in rates)))
    if screen.asked.seeds > 1:
        st.caption(prose("train", "Band", seeds=screen.asked.seeds))
    st.dataframe(curves.table(found, screen.called), hide_index=True, key="train_table", column_config={
        QUANTITIES[name]: st.column_config.NumberColumn(format=format) for name, format in FORMATS.items()})
    mark("measured", made)
    st.caption(prose("train", "Numbers", blocks=plain(curves.first_blocks(found))))


def _background(screen: Screen) -> None:
    """What the pictures are, ways on, the code, and what so small an experiment shows."""
    found = screen.found()
    _say_pictures(screen)
    with st.container(horizontal=True, vertical_alignment="center"):
        for entrant in here(found)[:MOST_LINKS]:
            st.page_link("../../pages/inside.py", icon=":material/visibility:", query_params=of_race(entrant),
                         label=_("What {network} sees").format(network=screen.called[entrant.network]))
    if found:
        st.download_button(_("Download CSV"), lambda: curves.rows(found).to_csv(index=False), "race.csv", "text/csv",
                           on_click="ignore", key="train_csv")
    with st.expander(_("What this shows, and what it does not"), icon=":material/balance:", key="train_honest",
                     on_change=moved) as box:
        if box.open:
            honesty.show()
    with st.expander(_("The code that trains"), icon=":material/code:", key="train_code", on_change=moved) as box:
        if box.open:
            st.markdown(prose("train", "Loop"))
            for part in (loop.Training, loop.shuffled_batches, loop.outputs, loop.test_error):
                st.code(source(part), language="python")


def _say_pictures(screen: Screen) -> None:
    """What is learnt from, and which networks take it enlarged."""
    pictures = pictures_of(screen.race.entrants[0])
    sizes = {choice.preset: analysis_of(choice, screen.asked.settings.data).knobs.input_size for choice in screen.asked.choices}
    larger = {size: [name for name, each in sizes.items() if each == size] for size in sizes.values() if size != pictures.size}
    if len(screen.called) < len(screen.asked.choices):
        st.caption(prose("train", "Same"))
    enlarged = [prose("train", "Enlarged", networks=", ".join(each), size=size_text(size)) for size, each in larger.items()]
    st.caption(prose("train", "What", pictures=plain(pictures.source), training=f"{pictures.training:,}",
                     test=f"{len(pictures.images) - pictures.training:,}", enlarged=" ".join(["", *enlarged])))
