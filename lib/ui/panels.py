"""The panels of Explore. Each shows one view of an analysis; `select` makes a part the selected one everywhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import pyarrow as pa
import streamlit as st

from lib import catalog
from lib.analysis import Analysis, Layer
from lib.analysis.derivation import Step, derive
from lib.analysis.fitting import smallest_image
from lib.analysis.graph import description, fold
from lib.analysis.outline import Part
from lib.analysis.receptive_field import sides_text
from lib.analysis.remarks import remarks
from lib.architecture import Claim, NetworkKnobs, size_text
from lib.code import classes, snippet, source, torchinfo_summary, torchinfo_surplus
from lib.digits import change
from lib.figures.diagram import source as source_of
from lib.figures.diagram import can_lay_out, svg
from lib.figures.receptive_field import growth, on_image
from lib.figures.theme import LIGHT
from lib.figures.treemap import TITLES, treemap
from lib.once import once
from lib.provenance import images_of
from lib.questions.totals import QUANTITIES
from lib.text import prose
from lib.ui import _, asking, current_palette
from lib.ui.address import moved, plain
from lib.ui.asking import usual, visible, withheld, without
from lib.ui.controls import kept
from lib.ui.graph_view import graph_view
from lib.ui.network import HIDDEN, analysis_of
from lib.ui.provenance import mark

CLAIMED = TITLES | {"neurons": _("neurons"), "weight_layers": _("weight layers"), "receptive_field": _("receptive field, px")}
"""The quantities of which papers print numbers."""
DERIVED = {"Weights": "params", "Other parameters": "params", "Parameters": "params", "MACs": "macs",
           "Activation memory": "activation_bytes", "Receptive field": "receptive_field", "Jump": "receptive_field"}
"""Which total a step of a derivation tells."""
Hidden = frozenset[str]
"""The totals that are not to be seen before they are predicted: `lib.ui.asking.hidden`."""
LEVELS = {"stage": _("Stages"), "block": _("Blocks"), "layer": _("Layers")}


def select(id: str | None) -> None:
    """Make a part the selected one, in every view."""
    moved()
    st.session_state["selected"] = id


def totals(analysis: Analysis, base: Analysis, factor: int, hidden: Hidden) -> None:
    """The five totals, each with its difference from the preset, or a question. `factor` is 1 for MACs, 2 for FLOPs."""
    counted = _("FLOPs") if factor == 2 else _("MACs")
    rows = [(_("Parameters"), "params", 1, _("Weights, biases, scales and shifts.")),
            (counted, "macs", factor, _("Multiply-adds of convolutions and linear layers for one image; FLOPs are twice that.")),
            (_("Activation bytes"), "activation_bytes", 1, _("Bytes of the outputs of all operations for one image, in float32. An "
                "output that overwrites its input adds nothing. What a library writes on the way, such as the steps of a "
                "response normalisation, is not counted.")),
            (_("Weight layers"), "weight_layers", 1, _("Convolutions and linear layers on the longest path, as papers count.")),
            (_("Receptive field, px"), "receptive_field", 1, _("Side of the square of pixels that the last feature map before the head can see."))]
    asked = {QUANTITIES[name]: name for name in asking.askable("explore", analysis)}
    answers = []
    with st.container(horizontal=True, gap="large", key="totals"):
        for label, name, times, help in rows:
            with st.container(width="content", gap="xxsmall"):
                _total(label, getattr(analysis, name), getattr(base, name), times, help, name in hidden)
                if name in asked:
                    question = asking.about(asked[name], analysis, times)
                    answers.append(asking.predict("explore", asked[name], question))
    asking.keep("explore", answers)
    mark("computed", images_of(analysis))
    for sentence in remarks(analysis, hidden):
        st.caption(f":material/info: {sentence}")
    if analysis.unknown:
        st.warning(_("No cost rule is known for {kinds}; they are left out of the MACs.").format(kinds=", ".join(analysis.unknown)))


def _total(label: str, value: int | None, before: int | None, times: int, help: str, is_hidden: bool) -> None:
    text = HIDDEN if is_hidden else _("unknown") if value is None else f"{value * times:,}"
    st.metric(label, text, None if is_hidden else _difference(value, before, times), delta_color="off", delta_arrow="off",
              help=help, width="content")


def _difference(value: int | None, before: int | None, times: int) -> str:
    if value is None or before is None:
        return _("unknown")
    if value == before:
        return _("as the preset")
    return f"{(value - before) * times:+,} ({change(before, value)})"


def layers(analysis: Analysis, root: Part, factor: int, hidden: Hidden) -> None:
    """The table of stages, blocks or layers, to filter and download."""
    left, right = st.columns(2, vertical_alignment="bottom")
    level = left.segmented_control(_("Rows"), LEVELS, required=True, format_func=LEVELS.get,
                                   help=_("Fold the table to stages or blocks."), **kept("level", "layer"))
    names = [stage.name for stage in root.children]
    stages = right.multiselect(_("Only these stages"), names, placeholder=_("all stages"), filter_mode="contains",
                                help=_("Leave empty to see all."), **kept("stages", [], names))
    selectable(*_table(analysis, root, level, stages, factor, hidden), _columns(factor))
    st.download_button(_("Download CSV"), lambda: without(analysis.table(), hidden).to_csv(index=False),
                       f"{analysis.preset}.csv", "text/csv", on_click="ignore", help=_("Every layer with every column."))
    mark("computed", images_of(analysis))


@once
def _table(analysis: Analysis, root: Part, level: str, stages: list[str], factor: int,
           hidden: Hidden) -> tuple[pa.Table, list[str]]:
    """The rows of a level, of these stages or else of all, and the id of each; as Arrow, which is what goes to the browser."""
    parts = [part for stage in root.children if not stages or stage.name in stages for part in rows_of(stage, level)]
    table = without(pd.DataFrame([_row(part, analysis, factor) for part in parts]), hidden)
    return pa.Table.from_pandas(table, preserve_index=False), [part.id for part in parts]


def rows_of(stage: Part, level: str) -> list[Part]:
    """The stage's parts at a level; what has no block stays as layers among the blocks."""
    if level == "stage":
        return [stage]
    if level == "block":
        return list(stage.children)
    return [part for part in stage.walk() if part.level == "layer"]


def place_of(part: Part) -> dict[str, str]:
    """The first columns of a part's row."""
    return {"stage": part.last.stage, "block": part.last.block if part.level != "stage" else "",
            "layer": part.name if part.level == "layer" else ""}


def _row(part: Part, analysis: Analysis, factor: int) -> dict:
    op = part.last
    return place_of(part) | {
        "output": op.output,
        "window": _window(op) if part.level == "layer" else "",
        "params": part.params, "macs": None if part.macs is None else part.macs * factor,
        "activation": part.activation_bytes,
        "field height": op.receptive_field and op.receptive_field[0], "field width": op.receptive_field and op.receptive_field[1],
        "macs share": None if part.macs is None else 100 * part.macs / max(1, analysis.macs),
        "params share": 100 * part.params / max(1, analysis.params),
        "activation share": 100 * part.activation_bytes / max(1, analysis.activation_bytes),
    }


def _window(op: Layer) -> str:
    """Kernel, stride and groups of an op that moves a window: `3×3 / 2 / 32`."""
    if not op.window:
        return ""
    kernel, stride = ("×".join(map(str, pair)) for pair in (op.window.kernel, op.window.stride))
    return f"{kernel} / {stride if len(set(op.window.stride)) > 1 else op.window.stride[0]} / {op.groups}"


PLACE = {"stage": _("Stage"), "block": _("Block"), "layer": _("Layer")}


def _columns(factor: int) -> dict:
    """How the columns of the table of layers look."""
    number = st.column_config.NumberColumn
    share = partial(st.column_config.ProgressColumn, format="%.1f", min_value=0, max_value=100, width=110)
    return PLACE | {
        "output": _("Output C×H×W"),
        "window": st.column_config.TextColumn("k / s / g", width=100, help=_("Kernel, stride and groups.")),
        "params": number(_("Parameters"), format="localized"),
        "macs": number(_("FLOPs") if factor == 2 else _("MACs"), format="localized"),
        "activation": number(_("Activation bytes"), format="localized", help=_("Of its output, in float32; 0 where it overwrites its input.")),
        "field height": number(_("Field H, px"), help=_("Height of the receptive field of one output.")),
        "field width": number(_("Field W, px"), help=_("Width of the receptive field of one output.")),
        "macs share": share(_("% of MACs"), help=_("Share of the network's multiply-adds.")),
        "params share": share(_("% of parameters"), help=_("Share of the network's parameters.")),
        "activation share": share(_("% of activations"), help=_("Share of the network's activation memory.")),
    }


def selectable(table: pa.Table, ids: list[str], columns: dict, name: str = "table", height: int | str = 390) -> None:
    """The table, its selected row bound to the selected part. It is mounted anew where the two have come apart."""
    wanted = [ids.index(st.session_state["selected"])] if st.session_state.get("selected") in ids else []
    key = f"{name}_{st.session_state.setdefault(f'{name}_number', 0)}"
    shown = st.session_state[key].selection.rows if key in st.session_state else []
    if list(shown) != wanted:
        st.session_state[f"{name}_number"] += 1
        key = f"{name}_{st.session_state[f'{name}_number']}"

    def picked() -> None:
        rows = st.session_state[key].selection.rows
        select(ids[rows[0]] if rows else None)

    st.dataframe(
        table, key=key, on_select=picked, selection_mode="single-row", hide_index=True, height=height, column_config=columns,
        selection_default={"selection": {"rows": wanted}} if wanted else None)


Steps = Callable[[Part, tuple[Layer, ...]], list[Step]]
"""What derives a part's numbers: `derive`, or another of its kind."""


def beside_derivation(show: Callable[[], None], part: Part, analysis: Analysis, hidden: Hidden,
                      steps: Steps = derive) -> None:
    """A view in which parts can be selected, and beside it how the selected part's numbers come about; on a phone above it,
    or below it while nothing is selected (the shell's style)."""
    with st.container(key="beside"):
        explanation, view = st.columns([3, 5], gap="medium")
        with explanation.container(key=f"derivation_{part.level}"):
            derivation(part, analysis, hidden, steps)
        with view:
            show()


def derivation(part: Part, analysis: Analysis, hidden: Hidden, steps: Steps) -> None:
    """The selected part's numbers, each with its formula and its own values put in."""
    where = " › ".join(filter(None, (part.last.stage, part.last.block if part.level != "stage" else "",
                                     part.name if part.level == "layer" else "")))
    title = analysis.preset if part.level == "network" else where
    kind = f", {part.last.kind}" if part.level == "layer" else ""
    st.markdown(f"**{title}** ({_(part.level)}{kind})")
    if part.level == "network":
        st.caption(prose("explore", "Select"))
    st.markdown(_derived(part, analysis, hidden, steps))
    withheld(hidden, *DERIVED.values())
    mark("computed", images_of(analysis))


@once
def _derived(part: Part, analysis: Analysis, hidden: Hidden, steps: Steps) -> str:
    """The steps of a derivation, a paragraph each."""
    shown = [(step, " = ".join(filter(None, (step.formula, step.numbers)))) for step in steps(part, analysis.ops)
             if DERIVED.get(step.quantity) not in hidden]
    return "\n\n".join(f"{step.quantity} **{step.result}**  \n:small[{how}]" for step, how in shown)


def cost(analysis: Analysis, root: Part, hidden: Hidden) -> None:
    """The treemap, switchable between parameters, MACs and activation memory."""
    if len(shown := visible(TITLES, hidden)) < len(TITLES):
        withheld(hidden, *TITLES)
    if not shown:
        return
    quantity = st.segmented_control(_("Area"), shown, required=True, format_func=TITLES.get,
                                    help=_("What the size of a tile shows."), **kept("area", usual(shown), shown))

    def picked() -> None:
        points = st.session_state["treemap"].selection.points
        if points:
            select(points[0].get("id"))

    st.plotly_chart(treemap(root, quantity, current_palette(), st.session_state.get("selected")), key="treemap",
                    on_select=picked, selection_mode="points", config={"displayModeBar": False},
                    alt=_("Treemap of {quantity} by stage, block and layer; the Layers table holds the same numbers.").format(quantity=TITLES[quantity]))
    mark("computed", images_of(analysis))


def field(analysis: Analysis, part: Part, hidden: Hidden) -> None:
    """How the receptive field grows, and that of the selected part to scale on the image; of the whole network that of
    its last feature map."""
    if withheld(hidden, "receptive_field"):
        return
    op = analysis.last_map if part.level == "network" else part.last
    image, colours = analysis.input_shape[2:], current_palette()
    left, right = st.columns([3, 2])
    with left:
        def picked() -> None:
            points = st.session_state["growth"].selection.points
            if points:
                select(f"op:{analysis.ops[points[0]['customdata']].name}")

        st.plotly_chart(growth(analysis.ops, image, colours, op.index), key="growth", on_select=picked,
                        selection_mode="points", config={"displayModeBar": False},
                        alt=_("Receptive field and jump by layer; the Layers table holds the same numbers."))
        mark("computed")
    with right:
        if op.field is None:
            st.info(_("No rule is known for the receptive field of {kind}.").format(kind=op.kind))
            return
        st.plotly_chart(on_image(op, image, colours), key="on_image", config={"displayModeBar": False},
                        alt=_("The receptive field of the selected layer on the image."))
        mark("computed")
    last = [prose("explore", "Field of the network")] if part.level == "network" else []
    st.markdown(" ".join([*last, _field_sentence(op, image)]))
    if smallest := smallest_image(analysis.architecture, analysis.knobs):
        st.markdown(plain(prose("explore", "Smallest image", side=smallest.side, why=smallest.why)))


def _field_sentence(op: Layer, image: tuple[int, int]) -> str:
    seen = op.field
    fields = {"name": op.name, "size": _across(seen.size), "image": _across(image), "smallest": _across(seen.smallest),
              "jump": f"{sides_text(seen.jump)} px", "padding": f"{seen.in_padding(image):.0%}",
              "cells": _across((seen.vertical.cells, seen.horizontal.cells))}
    if not seen.is_map:
        return " ".join([prose("explore", "Field without a place", **fields), prose("explore", "Field in the padding", **fields)])
    sentences = [prose("explore", "Field", **fields) if seen.is_regular else prose("explore", "Field of unequal cells", **fields),
                 prose("explore", "Field in the padding", **fields)]
    if seen.smallest != seen.size and seen.is_regular:
        sentences.append(prose("explore", "Field of branches", **fields))
    if seen.whole_image:
        sentences.append(prose("explore", "Field after a gate", **fields))
    elif seen.covers(image):
        sentences.append(prose("explore", "Field sees the whole image", **fields))
    return " ".join(sentences)


def _across(sides: tuple[int, int]) -> str:
    """Height and width, for a sentence."""
    return " × ".join(f"{side:,}" for side in sides)


def graph(analysis: Analysis, selected: str) -> None:
    """The folded graph, its text twin and its download."""
    opened = st.session_state.setdefault("opened", set())

    def toggle(id: str) -> None:
        opened.symmetric_difference_update({id})

    folded = fold(analysis.ops, frozenset(opened))
    st.caption(prose("explore", "Graph"))
    graph_view(source_of(folded, current_palette()), analysis.preset, folded.row_of(selected), "graph", select, toggle)
    mark("computed")
    left, middle, _right = st.columns([1, 1, 3])
    left.download_button(_("Download SVG"), lambda: svg(source_of(folded, LIGHT)), f"{analysis.preset}.svg",
                         "image/svg+xml", on_click="ignore", width="stretch", disabled=not can_lay_out())
    middle.button(_("Fold all"), key="fold", on_click=lambda: (moved(), opened.clear()), disabled=not opened, width="stretch")
    with st.expander(_("The graph in words")):
        st.text(description(folded))


def papers(analysis: Analysis, hidden: Hidden) -> None:
    """What papers print about this preset, beside our recount."""
    known = catalog.claims(analysis.preset)
    relative = analysis.preset if known else catalog.nearest_in_print(analysis.preset)
    if not relative:
        st.info(prose("explore", "Never printed"))
        return
    if known:
        st.markdown(prose("explore", "Claims", network=relative))
    else:
        st.info(prose("explore", "No claims", network=analysis.preset, relative=relative))
    rows = [_claim_row(claim) for claim in catalog.claims(relative) if claim.quantity not in hidden]
    withheld(hidden, *(claim.quantity for claim in catalog.claims(relative)))
    if not rows:
        return
    st.table(pd.DataFrame(rows, columns=[_("Quantity"), _("Printed"), _("Recounted"), _("With"), _("Verdict"), _("Source")]),
             hide_index=True)
    mark("published", _("what was printed, each with its source; the recount is computed"))


def _claim_row(claim: Claim) -> tuple[str, ...]:
    """A printed number beside ours, and at which size and with which knobs ours was counted."""
    ours = analysis_of(claim.preset, catalog.configure(claim.preset, claim.knobs))
    changed = [f"{name} = {str(value).lower()}" for name, value in claim.knobs.items() if name != "input_size"]
    return (CLAIMED[claim.quantity], f"{claim.value:,}", f"{getattr(ours, claim.quantity):,}",
            ", ".join([f"{size_text(ours.knobs.input_size)}\u00a0px", *changed]), claim.differs or _("agrees as printed"), claim.source)


MOST_FOR_TORCHINFO = 1500
"""Operations of a network up to which torchinfo runs unasked; ResNet-152 has 515."""


def code(analysis: Analysis, hidden: Hidden) -> None:
    """A snippet that rebuilds the network, the source of its classes, and torchinfo's count beside ours."""
    st.markdown(prose("explore", "Code"))
    program = [line for line in snippet(analysis).splitlines() if not ("params" in hidden and line.startswith("assert"))]
    st.code("\n".join(program), language="python")
    for cls in classes(analysis):
        with st.expander(f"class {cls.__name__}", expanded=cls is classes(analysis)[0]):
            st.code(source(cls), language="python")
    if withheld(hidden, *TITLES):
        return
    if len(analysis.ops) > MOST_FOR_TORCHINFO:
        st.caption(prose("explore", "Torchinfo takes long", operations=f"{len(analysis.ops):,}"))
        if not st.toggle(_("Let torchinfo count"), help=_("It then counts this network and all large ones."), **kept("torchinfo", False)):
            return
    with st.spinner(_("torchinfo counts …")):
        theirs, table = torchinfo_of(analysis.preset, analysis.knobs)
    biases, norms = torchinfo_surplus(analysis)
    st.subheader("torchinfo", anchor=False)
    st.markdown(prose("explore", "Torchinfo", theirs=f"{theirs:,}", ours=f"{analysis.macs:,}",
                      surplus=f"{theirs - analysis.macs:,}", biases=f"{biases:,}", norms=f"{norms:,}",
                      explained=_("exactly that") if biases + norms == theirs - analysis.macs else f"{biases + norms:,}"))
    st.code(table, language=None, height=400)


@once
def torchinfo_of(preset: str, knobs: NetworkKnobs) -> tuple[int, str]:
    """torchinfo's count and its table, kept: its summary itself holds the whole model."""
    summary = torchinfo_summary(analysis_of(preset, knobs))
    return summary.total_mult_adds, str(summary)
