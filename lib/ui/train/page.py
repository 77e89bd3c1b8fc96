"""The page Train, from its title on."""

from __future__ import annotations

import streamlit as st

from lib.architecture import Impossible
from lib.code import source
from lib.figures.learning import learning
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
from lib.ui.style import PRESENTING
from lib.ui.train import curves, honesty, predict
from lib.ui.train.controls import choose_networks, choose_recipe, chosen_device
from lib.ui.train.examples import show_examples
from lib.ui.train.running import (
    POLL, View, attend, buttons, grows_elsewhere, is_complete, key_of, line_of, say_progress, start_if_asked, view_of)
from lib.ui.train.state import FAIR, QUANTITIES, SHORT, Asked, analysis_of, names, read

PLAIN_CHART = {"displayModeBar": False}
TOP = {"train_error": 100.0, "test_error": 100.0}
"""Where the axis of a quantity ends."""


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
        line = line_of(chosen_device(asked))
        entrants = asked.entrants()
    except (Impossible, IndexError) as error:
        st.error(plain(str(error) if isinstance(error, Impossible) else _("timing.toml allows no device of this machine.")))
    else:
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


def _race(asked: Asked, race: Race) -> None:
    """The race as it stands, its question first."""
    start_if_asked(race)
    attend(race)
    called = dict(zip([choice.network for choice in asked.choices], names(asked.choices)))
    made, view, found = predict.guesses(key_of(race)), view_of(race), _begun(race)
    if is_complete(race, found) and (made.open or not asked.predicts) and not (view.replayed or view.replays):
        view.replay()
    if asked.predicts and len(called) > 1 and not made.open:
        _predict_first(race, made, list(called.values()))
        return
    buttons(race, asked, found)
    lives = race.runs or view.replays or grows_elsewhere(race, found)
    st.fragment(_picture, run_every=POLL if lives else None)(asked, race, called, made, view, lives)
    _background(asked, race, called)


def _begun(race: Race) -> dict[Entrant, Shown]:
    """What there is to see of it."""
    return {entrant: shown for entrant, shown in race.shown().items() if shown.curve.epochs or shown.glimpse}


def _predict_first(race: Race, made: predict.Guesses, called: list[str]) -> None:
    predict.ask(called, made, key_of(race))
    st.markdown(":material/visibility_off: " + prose("train", "Hidden"))


def _picture(asked: Asked, race: Race, called: dict[Network, str], made: predict.Guesses, view: View, lives: bool) -> None:
    """The curves, drawn again and again while they grow; at the end the page is drawn anew."""
    found = _begun(race)
    if lives and not (race.runs or view.replays or grows_elsewhere(race, found)):
        st.rerun()
    if race.runs:
        say_progress(race)
    complete = is_complete(race, found)
    now = curves.until(found, view.at(asked.settings.epochs)) if view.replays else found
    best = curves.at_best_rate(now) if asked.rate == FAIR and now else now
    _say_what_it_is(asked, race, found, view, complete)
    ended = complete and not view.replays
    ends = ends_of([(called[entrant.network], shown.curve) for entrant, shown in best.items()])
    if ended:
        predict.outcome(list(called.values()), made, ends)
    if not now:
        st.caption(prose("train", "Nothing yet"))
    _charts(asked, best, called, made)
    if now:
        _numbers(asked, now, called)


def _say_what_it_is(asked: Asked, race: Race, found: dict[Entrant, Shown], view: View, complete: bool) -> None:
    """Whether this is a replay, comes with the app, is paused, or grows elsewhere."""
    if not found:
        return
    curve = next(iter(found.values())).curve
    told = {"day": f"{curve.taken:%Y-%m-%d}", "place": plain(str(curve.environment.get("device_name")))}
    if view.replays:
        st.markdown(":material/replay: " + prose("train", "Replay", **told))
    elif complete and any(shown.origin == "shipped" for shown in found.values()):
        st.caption(":material/inventory_2: " + prose("train", "Shipped", **told))
    elif grows_elsewhere(race, found):
        st.caption(":material/hourglass: " + prose("train", "Elsewhere"))
    elif not race.runs and not complete:
        least = min(len(found[entrant].curve.epochs) if entrant in found else 0 for entrant in race.entrants)
        st.markdown(":material/pause: " + prose("train", "Paused", epochs=least, all=asked.settings.epochs))


def _charts(asked: Asked, found: dict[Entrant, Shown], called: dict[Network, str], made: predict.Guesses) -> None:
    """One quantity large, the others small beneath it."""
    show_value("train_quantity", asked.quantity)
    st.segmented_control(_("Curve"), QUANTITIES, key="train_quantity", required=True, format_func=SHORT.get,
                         label_visibility="collapsed", help=_("What the large chart shows; the others stand beneath it."),
                         on_change=on_choice("train_quantity", lambda value: setattr(asked, "quantity", value)))
    _chart(asked, found, called, asked.quantity, made.difference, large=True)
    if found:
        mark("measured", plain(curves.made([shown.curve for shown in found.values()])))
    if not asked.presenting:
        others = [quantity for quantity in QUANTITIES if quantity != asked.quantity]
        for column, quantity in zip(st.columns(len(others), gap="small"), others):
            with column:
                _chart(asked, found, called, quantity, None, large=False)


def _chart(asked: Asked, found: dict[Entrant, Shown], called: dict[Network, str], quantity: str, guess: float | None,
           large: bool) -> None:
    lines = curves.series(found, called, quantity)
    figure = learning(lines, current_palette(), QUANTITIES[quantity], asked.settings.epochs, TOP.get(quantity), large=large,
                      letters=LARGE if asked.presenting else 0, guess=guess if quantity == "train_error" else None)
    said = ", ".join(_("{name} {value:.3g}").format(name=name, value=seeds[0][-1][1])
                     for name, seeds in lines.items() if seeds and seeds[0])
    st.plotly_chart(figure, key=f"train_chart_{'large' if large else quantity}", config=PLAIN_CHART,
                    alt=_("{quantity} over the epochs; last: {said}. The table below holds the same.").format(
                        quantity=QUANTITIES[quantity], said=said or _("nothing yet")))


def _numbers(asked: Asked, found: dict[Entrant, Shown], called: dict[Network, str]) -> None:
    """The table twin of the charts, and what is to be known about it."""
    if asked.rate == FAIR:
        st.caption(prose("train", "Fair", rates=", ".join(sorted({f"{entrant.recipe.learning_rate:g}" for entrant in found}))))
    if asked.seeds > 1:
        st.caption(prose("train", "Band", seeds=asked.seeds))
    number = st.column_config.NumberColumn
    st.dataframe(curves.table(found, called), hide_index=True, key="train_table", column_config={
        QUANTITIES[name]: number(format=format) for name, format in (
            ("train_error", "%.1f"), ("test_error", "%.1f"), ("train_loss", "%.4f"), ("gradient_norm", "%.3f"),
            ("seconds", "%.2f"))})
    st.caption(prose("train", "Numbers", blocks=plain(curves.first_blocks(found))))


def _background(asked: Asked, race: Race, called: dict[Network, str]) -> None:
    """What the pictures are, the code, and what so small an experiment shows."""
    found = _begun(race)
    _say_pictures(asked, race)
    if found:
        st.download_button(_("Download CSV"), lambda: curves.rows(found).to_csv(index=False), "race.csv", "text/csv",
                           on_click="ignore", key="train_csv")
    with st.expander(_("What this shows, and what it does not"), icon=":material/balance:", key="train_honest", on_change=moved) as box:
        if box.open:
            honesty.show()
    with st.expander(_("The code that trains"), icon=":material/code:", key="train_code", on_change=moved) as box:
        if box.open:
            st.markdown(prose("train", "Loop"))
            for part in (loop.Training, loop.shuffled_batches, loop.outputs):
                st.code(source(part), language="python")


def _say_pictures(asked: Asked, race: Race) -> None:
    pictures = pictures_of(race.entrants[0])
    sizes = {choice.preset: analysis_of(choice, asked.settings.data).knobs.input_size for choice in asked.choices}
    larger = {size: [name for name, each in sizes.items() if each == size] for size in sizes.values() if size != pictures.size}
    enlarged = [prose("train", "Enlarged", networks=", ".join(each), size=size) for size, each in larger.items()]
    st.caption(prose("train", "What", pictures=plain(pictures.source), training=f"{pictures.training:,}",
                     test=f"{len(pictures.images) - pictures.training:,}", enlarged=" ".join(["", *enlarged])))
