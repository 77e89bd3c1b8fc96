"""Times of many networks, for the tabs that draw them: the sweep over the catalogue, and whose times are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import pandas as pd
import streamlit as st

from lib.architecture import sides, size_text
from lib.lab import catalogue
from lib.lab.against_macs import latest
from lib.lab.catalogue import Sweep
from lib.lab.lab import lab
from lib.limits import limits
from lib.lab.store import Run
from lib.records import Latency, Setting
from lib.text import prose
from lib.ui import _
from lib.ui.address import moved, plain
from lib.ui.controls import kept
from lib.ui.lab.asked import Asked
from lib.ui.lab.latency import say_doubts
from lib.ui.lab.running import POLL, last
from lib.ui.lab.shipped import choose, introduce
from lib.ui.provenance import mark
from lib.ui.visitor import ask_for_key, has_key, visitor

SCOPES = {"families": _("One per family"), "catalogue": _("Whole catalogue")}

Draw = Callable[[list[Latency], str], None]
"""Draws times, one of each network, that were taken at a place."""


def show(asked: Asked, before: Callable[[Asked], None], runs: Sequence[Run], draw: Draw) -> None:
    """The buttons of the sweep, and the picture of what is known by now. Where nothing was timed here, `before` says what is
    known without a time, and the picture is of one of the `runs` that come with the app."""
    sweep = catalogue.sweep_of(lab().lines[asked.device.key])
    _controls(asked, sweep)
    running = sweep is not None and sweep.running
    st.fragment(_found, run_every=POLL if running else None)(asked, sweep, running, before, runs, draw)


def _controls(asked: Asked, sweep: Sweep | None) -> None:
    """What to time, and the buttons that start and stop it; greyed, with the reason, where this server allows no sweep.

    Only the visitor who has begun a sweep stops it, or whoever has the server's key.
    """
    running = sweep is not None and sweep.running
    may_stop = running and (sweep.owner == visitor() or has_key())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scope = st.segmented_control(_("Networks to time"), SCOPES, required=True, format_func=SCOPES.get, disabled=running,
                                     help=_("The first network of every family, or every network."),
                                     **kept("timing_scope", "families"))
        st.button(_("Time the networks"), key="scatter_start", type="primary", icon=":material/play_arrow:", on_click=_start,
                  args=(asked, scope), disabled=running or not limits().catalogue_sweep,
                  help=_("One after another, between other people's runs; it goes on when you leave this page, and all "
                         "visitors share what it finds. It replaces the sweep before."))
        if running and may_stop:
            st.button(_("Stop"), key="scatter_stop", icon=":material/stop:", on_click=lambda: (moved(), sweep.stop()),
                      help=_("Stops it for all visitors; what was found stays."))
    if running and not may_stop:
        st.caption(prose("timing_scatter", "Of another", began=f"{sweep.began:%Y-%m-%d %H:%M}"))
        ask_for_key()
    if not limits().catalogue_sweep:
        st.caption(_("Greyed, as this server does not time the whole catalogue (`catalogue_sweep` in `timing.toml`)."))


def _start(asked: Asked, scope: catalogue.Scope) -> None:
    moved()
    catalogue.start(lab().lines[asked.device.key], asked.setting, scope, visitor())


def _found(asked: Asked, sweep: Sweep | None, was_running: bool, before: Callable[[Asked], None], runs: Sequence[Run],
           draw: Draw) -> None:
    """How far the sweep is, and what is known by now; runs again and again while it goes on."""
    if was_running and not sweep.running:
        st.rerun()
    if was_running:
        st.progress(sweep.share, text=_("{done} of {all} networks: {doing}").format(
            done=sweep.done, all=len(sweep.presets) or "?", doing=plain(sweep.doing)))
    setting = sweep.setting if sweep else asked.setting
    times = latest([*(sweep.found if sweep else ()), *_own(asked, setting)])
    if times:
        _say_setting(asked, setting, len(times))
        say_doubts(times)
        draw(times, f"{asked.device.name}, {asked.device.host}")
    else:
        before(asked)
        if runs:
            _show_shipped(runs, draw)
    if sweep and sweep.failures:
        st.markdown(prose("timing_scatter", "Failures"))
        st.dataframe(pd.DataFrame(sweep.failures.items(), columns=[_("Network"), _("Why")]), hide_index=True,
                     key="scatter_failures")
        mark("measured", plain(asked.device.name))


def _own(asked: Asked, setting: Setting) -> list[Latency]:
    """What this visitor's other runs have found on the device in the same way."""
    outcomes = [outcome for outcome in (last("latency"), last("sweep")) if outcome and outcome.device == asked.device]
    return [latency for outcome in outcomes if outcome.job.setting.model_copy(update={"batch": setting.batch}) == setting
            for latency in outcome.found if latency.batch == setting.batch]


def _say_setting(asked: Asked, setting: Setting, count: int) -> None:
    more = (_(", channels last") if setting.channels_last else "") + (_(", L2 flushed") if setting.flush_l2 else "")
    st.caption(prose("timing_scatter", "Setting", batch=setting.batch, dtype=setting.dtype, mode=plain(setting.mode),
                     more=more, count=count))
    if setting != asked.setting:
        st.caption(prose("timing_scatter", "Other setting"))


def _show_shipped(runs: Sequence[Run], draw: Draw) -> None:
    """A catalogue that comes with the app."""
    run = choose(runs, "scatter_shipped")
    introduce([run])
    draw(latest(run.found), f"{run.device_name}, {run.host}, {run.taken:%Y-%m-%d}")


def sizes(times: Sequence[Latency]) -> str:
    """The sizes of the networks' images, `224` or `32 to 299`."""
    found = sorted({time.input_size for time in times}, key=lambda size: prod(sides(size)))
    least, most = size_text(found[0]), size_text(found[-1])
    return _("{least} to {most}").format(least=least, most=most) if len(found) > 1 else least


def csv(table: pd.DataFrame, times: Sequence[Latency]) -> str:
    """The table, and beside every row how and where its time was taken."""
    taken = pd.DataFrame([{"batch": time.batch, "mode": time.protocol.mode,
                           "repetitions": time.protocol.repetitions, **time.environment,
                           **{f"load_{name}": value for name, value in time.load or ()}} for time in times])
    return pd.concat([table, taken], axis=1).to_csv(index=False)
