"""What training costs, a view of Explore and two rows of Compare: multiply-adds forward and backward, and the memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import pyarrow as pa
import streamlit as st

from lib.analysis import Analysis, comparison, rule_of_three, saved
from lib.analysis.backward import Macs, first_layers, in_sum, torch_surplus, training_step
from lib.analysis.derivation import derive_training
from lib.analysis.outline import Part
from lib.analysis.rule_of_three import RULE, Judged
from lib.architecture import Impossible
from lib.figures.backward import bars, ratios
from lib.once import once
from lib.provenance import images_of
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.asking import withheld
from lib.ui.comparison import parameters, total_row
from lib.ui.controls import kept
from lib.ui.memory import BATCHES, PARTS, card, choose_optimiser, gibibytes
from lib.ui.network import HIDDEN, Choice
from lib.ui.panels import LEVELS, PLACE, Hidden, beside_derivation, place_of, rows_of, selectable
from lib.ui.provenance import mark

TITLES = {"forward": _("Forward"), "input_gradient": _("Gradient of the input"),
          "weight_gradient": _("Gradient of the weights")}
"""The parts of a training step."""
COLUMNS = {"forward": (_("Forward"), _("MACs of the forward pass.")),
           "input_gradient": (_("Of the input"), _("MACs of the gradient of its input.")),
           "weight_gradient": (_("Of the weights"), _("MACs of the gradient of its weights.")),
           "total": (_("Step"), _("MACs of a training step."))}
"""The same in a narrow table, and what each is."""
USUAL_BATCH = 32
SMALL, LARGE = 0.01, 0.05
"""The parts of the true number by which the rule of thumb is off: for how many networks is it more?"""
count = partial(st.column_config.NumberColumn, format="localized")
times = partial(st.column_config.NumberColumn, format="%.3f")


def show(choice: Choice, analysis: Analysis, root: Part, part: Part, hidden: Hidden) -> None:
    """The view: the rule of thumb on this network, where its training step costs, its memory, and the rule elsewhere."""
    told = not withheld(hidden, "macs")
    if told:
        _judge(analysis)
        beside_derivation(lambda: _parts(analysis, root), part, analysis, frozenset(), derive_training)
        _torch(analysis)
    st.subheader(_("Memory of a training step"), anchor=False)
    _memory(choice, analysis, hidden)
    if told and analysis.training.ratio:
        st.subheader(_("Network by network"), anchor=False)
        _others(analysis)


def _judge(analysis: Analysis) -> None:
    """What a step makes, against the rule of thumb, and why it is less."""
    step = analysis.training
    if not step.ratio:
        st.info(prose("backward", "Unknown", network=analysis.preset))
        return
    st.markdown(prose("backward", "Step", network=analysis.preset, size=analysis.image, rule=RULE, total=f"{step.total:,}",
                      forward=f"{step.forward:,}", inputs=f"{step.input_gradient:,}", weights=f"{step.weight_gradient:,}",
                      ratio=f"{step.ratio:.3f}"))
    judged = Judged(analysis.preset, step.ratio)
    st.markdown(prose("backward", "Why less", layers=", ".join(op.name for op in first_layers(analysis.ops)), rule=RULE,
                      share=f"{judged.first_share:.1%}", missing=f"{judged.first_share:.3f}", ratio=f"{step.ratio:.3f}",
                      off=f"{judged.off:.1%}"))


def _torch(analysis: Analysis) -> None:
    """What torch's counter prints, where that is more."""
    step = analysis.training
    if step.ratio and (surplus := torch_surplus(analysis.ops)):
        sentences = prose("backward", "Torch", size=analysis.image, flops=f"{2 * (step.total + surplus):,}",
                          ours=f"{2 * step.total:,}", ratio=f"{(step.total + surplus) / step.forward:.3f}")
        st.caption(f":material/info: {sentences}")


def _parts(analysis: Analysis, root: Part) -> None:
    """The picture by stage, and the table."""
    every = training_step(analysis.ops)
    stages = [stage for stage in root.children if _of(stage, every).total != 0]
    steps = [_of(stage, every) for stage in stages]
    st.plotly_chart(bars([stage.name for stage in stages],
                         {title: [getattr(step, name) for step in steps] for name, title in TITLES.items()},
                         current_palette()), key="training", config={"displayModeBar": False},
                    alt=_("MACs of a training step by stage, forward and for each gradient; the table holds the same."))
    mark("computed", images_of(analysis))
    level = st.segmented_control(_("Rows"), LEVELS, required=True, format_func=LEVELS.get,
                                 help=_("Fold the table to stages or blocks."), **kept("training_level", "stage"))
    table, ids = _table(analysis, root, level)
    selectable(table, ids, PLACE | {name: count(title, help=help) for name, (title, help) in COLUMNS.items()} | {
        "times": times(_("Times forward"))}, "training_table", "auto")
    st.download_button(_("Download CSV"), lambda: table.to_pandas().to_csv(index=False), f"{analysis.preset}-training.csv",
                       "text/csv", key="training_csv", on_click="ignore", help=_("The rows of this table."))
    mark("computed", _("MACs {images}").format(images=images_of(analysis)))


@once
def _table(analysis: Analysis, root: Part, level: str) -> tuple[pa.Table, list[str]]:
    """The rows of a level, and the id of each; those without multiply-adds are left out."""
    every = training_step(analysis.ops)
    parts = [part for stage in root.children for part in rows_of(stage, level) if _of(part, every).total != 0]
    frame = pd.DataFrame([_row(part, level, _of(part, every)) for part in parts])
    return pa.Table.from_pandas(frame, preserve_index=False), [part.id for part in parts]


def _row(part: Part, level: str, step: Macs) -> dict:
    place = {name: text for name, text in place_of(part).items() if list(PLACE).index(name) <= list(LEVELS).index(level)}
    return place | step._asdict() | {"total": step.total, "times": step.ratio}


def _of(part: Part, every: Sequence[Macs]) -> Macs:
    """What a part takes."""
    return in_sum(every[op.index] for op in part.ops)


def _memory(choice: Choice, analysis: Analysis, hidden: Hidden) -> None:
    """What a step holds, part by part, at a batch and with an optimiser of one's choice."""
    if withheld(hidden, "params", "activation_bytes"):
        return
    left, right = st.columns(2, gap="medium")
    with left:
        batch = st.select_slider(_("Batch"), BATCHES, help=_("Images of one step."),
                                 **kept("training_batch", USUAL_BATCH, BATCHES))
        optimiser = choose_optimiser()
        try:
            with st.spinner(_("Asking autograd what it keeps …")):
                budget = saved.budget(analysis.preset, analysis.knobs, "float32", batch, optimiser)
        except Impossible as error:
            st.info(plain(str(error)))
            return
        st.markdown(prose("backward", "Memory", batch=batch, size=analysis.image, total=gibibytes(budget.total),
                          share=f"{budget.saved / budget.total:.0%}", card=card(budget.card)))
        st.page_link("../../pages/timing.py", label=_("All batch sizes, and a real step"), icon=":material/speed:",
                     help=_("Memory of training, on the page Timing."),
                     query_params=parameters([choice]) | {"view": "memory"})
    with right:
        rows = [(title, f"{(size := getattr(budget, name)):,}", gibibytes(size))
                for name, title in (PARTS | {"total": _("Sum")}).items()]
        st.table(pd.DataFrame(rows, columns=[_("Part"), _("Bytes"), _("In short")]), hide_index=True)
        mark("computed", _("batch {batch}, float32, {size} pixels").format(batch=batch, size=analysis.image))


def _others(analysis: Analysis) -> None:
    """The rule of thumb on every network of the catalogue."""
    with st.spinner(_("Counting all networks …")):
        judged = rule_of_three.catalogue()
    furthest = judged[0]
    small, large = (rule_of_three.further_off(judged, than) for than in (SMALL, LARGE))
    st.markdown(prose("backward", "Network by network", networks=len(judged), small=f"{SMALL:.0%}", small_count=small,
                      large=f"{LARGE:.0%}", large_count=large, furthest=furthest.preset, off=f"{furthest.off:.1%}",
                      rule=RULE, share=f"{furthest.first_share:.0%}", nearest=judged[-1].preset))
    st.plotly_chart(ratios([each.preset for each in judged], [each.ratio for each in judged], RULE,
                           (_("{network} as above").format(network=analysis.preset), analysis.training.ratio),
                           current_palette()), key="rule_of_three", config={"displayModeBar": False},
                    alt=_("The training step of each network in forward passes; the table holds the same numbers."))
    mark("computed", _("each network at its own image size"))
    with st.expander(_("All networks")):
        st.dataframe(_judged_table(judged), hide_index=True, key="judged", column_config={
            "preset": _("Network"), "ratio": times(_("Times forward")),
            "first": st.column_config.NumberColumn(_("First layer, % of forward"), format="%.2f"),
            "off": st.column_config.NumberColumn(_("Rule is off by, %"), format="%.2f")})
        mark("computed", _("each network at its own image size"))


@once
def _judged_table(judged: Sequence[Judged]) -> pd.DataFrame:
    return pd.DataFrame([(each.preset, each.ratio, 100 * each.first_share, 100 * each.off) for each in judged],
                        columns=["preset", "ratio", "first", "off"])


def rows(analyses: Sequence[Analysis], hidden: Hidden) -> list[list[str]]:
    """For Compare: what a training step of each network makes for one image, and how many times its forward pass."""
    label, ratio = _("MACs of a training step"), _("Training step ÷ forward pass")
    if "macs" in hidden:
        return [[label, *[HIDDEN] * len(analyses)], [ratio, *[HIDDEN] * len(analyses)]]
    told = (each.training.ratio for each in analyses)
    return [total_row(label, comparison.training(analyses)),
            [ratio, *(_("unknown") if each is None else f"{each:.3f}" for each in told)]]
