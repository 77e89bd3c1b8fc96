"""The panel on the memory of training: the budget for every batch size, and what a real step held."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib.analysis import saved
from lib.analysis.saved import CARDS, GIB, Budget
from lib.architecture import size_text
from lib.figures.lab_memory import stacks
from lib.lab import shipped
from lib.lab.jobs import Job
from lib.lab.training import TrainingMemory
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.lab import running
from lib.ui.lab.asked import Asked
from lib.ui.lab.shipped import choose, introduce
from lib.ui.memory import BATCHES, OPTIMISERS, PARTS, card, choose_optimiser, gibibytes
from lib.ui.provenance import mark


def show(asked: Asked) -> None:
    """What training the first network takes, computed; Run adds what it took."""
    analysis, setting, label = asked.analyses[0], asked.setting, plain(asked.labels[0])
    st.markdown(prose("timing_memory", "Question", network=label, size=size_text(analysis.knobs.input_size), dtype=setting.dtype))
    optimiser = choose_optimiser()
    with st.spinner(_("Asking autograd what it keeps …")):
        budgets, refused = saved.budgets(analysis.preset, analysis.knobs, setting.dtype, {*BATCHES, setting.batch}, optimiser)
    if refused:
        st.info(plain(refused))
    picture = st.container()
    outcome = running.run_panel("memory", asked, Job(kind="training", networks=asked.networks[:1], setting=setting),
                                _("Measure a training step"),
                                _("Trains the first network for a few steps with each optimiser."))
    found, where = (outcome.found[-1], outcome.device.name) if outcome and outcome.found else (None, "")
    runs = [] if found else shipped.of_network("training", asked.networks[0])
    if runs:
        run = choose(runs, "memory_shipped")
        found, where = run.found[-1], run.device_name
    same = found and (found.label, found.dtype) == (asked.networks[0].label, setting.dtype)
    with picture:
        _budget(budgets, found if same else None, optimiser)
    _parts(asked, budgets)
    if found:
        if runs:
            introduce([run])
        _measured(found, where)
    else:
        st.caption(prose("timing_memory", "Before a run", network=label, batch=setting.batch))


def _budget(budgets: list[Budget], found: TrainingMemory | None, optimiser: str) -> None:
    """The stacks and their table."""
    parts = {title: [getattr(row, name) / GIB for row in budgets] for name, title in PARTS.items()}
    batches = [row.batch for row in budgets]
    peak = found.peak_bytes[optimiser] if found and found.batch in batches else None
    st.plotly_chart(stacks(batches, parts, CARDS, current_palette(), (found.batch, peak / GIB) if peak else None),
                    key="timing_memory", config={"displayModeBar": False},
                    alt=_("Memory of a training step by batch size, stacked by part; the table below holds the same numbers."))
    mark("computed", _("bars and lines; the diamond is measured") if peak else "")
    table = pd.DataFrame({_("Batch"): batches, _("Total"): [row.total / GIB for row in budgets],
                          _("Fits in"): [card(row.card) for row in budgets]} | parts)
    number = st.column_config.NumberColumn(format="%.3g")
    st.dataframe(table, hide_index=True, column_config=dict.fromkeys([*parts, _("Total")], number))
    mark("computed", _("all in GiB, 2³⁰ bytes; a card of 8 GB holds 8 GiB"))


def _parts(asked: Asked, budgets: list[Budget]) -> None:
    """What the parts are, with this network's numbers, and what is not among them."""
    last = next((row for row in budgets if row.batch == asked.setting.batch), budgets[0])
    analysis = asked.analyses[0]
    image = saved.per_image(analysis.preset, analysis.knobs, asked.setting.dtype)
    st.markdown(prose("timing_memory", "Parts", per_image=gibibytes(image.saved), share=f"{last.saved / last.total:.0%}",
                      batch=last.batch))
    if image.indices:
        st.markdown(prose("timing_memory", "Max pooling", indices=gibibytes(image.indices)))
    with st.expander(_("How this is computed, and what comes on top")):
        st.markdown(prose("timing_memory", "How it is computed"))
        st.markdown(prose("timing_memory", "What comes on top"))


def _measured(found: TrainingMemory, device: str) -> None:
    """What the device held, beside what was computed for that very run."""
    about = {"network": plain(found.label), "batch": found.batch, "dtype": found.dtype, "device": plain(device)}
    if found.held_bytes is None:
        st.info(prose("timing_memory", "Not measured", **about))
        return
    st.markdown(prose("timing_memory", "Measured", **about, held=gibibytes(found.held_bytes), ratio=f"{found.ratio:.3f}",
                      computed=gibibytes(found.computed_bytes)))
    rows = [{_("What"): title, _("Computed"): gibibytes(computed), _("Measured"): gibibytes(measured),
             _("Measured / computed"): _("unknown") if measured is None else f"{measured / computed:.3f}"}
            for title, computed, measured in _comparisons(found)]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    mark("measured", plain("; ".join([device, found.held_source,
                                      f"torch {found.environment['torch']}, {found.environment['date']}"])))
    st.markdown(prose("timing_memory", "Why they differ"))


def _comparisons(found: TrainingMemory) -> list[tuple[str, int, int | None]]:
    """What, computed and measured, in bytes."""
    return [(_("Saved for backward"), found.computed_bytes, found.held_bytes),
            *((_("State of {optimiser}").format(optimiser=OPTIMISERS[name]), found.computed_state_bytes[name], size)
              for name, size in found.state_bytes.items() if size),
            *((_("Whole step with {optimiser}, sum and peak").format(optimiser=OPTIMISERS[name]), found.total_bytes[name], size)
              for name, size in found.peak_bytes.items())]
