"""What every lesson has: controls that live in the link, cards of blocks, a list to try, the source."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from lib.analysis.block import Block
from lib.analysis.graph import description, fold
from lib.code import source
from lib.figures.diagram import source as diagram
from lib.ui import _, current_palette
from lib.ui.address import moved, new_address, plain, write_address
from lib.ui.controls import show_value
from lib.ui.graph_view import picture


@dataclass(frozen=True)
class Knob:
    """A control of a lesson: its label, its possible values, the one it starts with, and help."""

    label: str
    values: tuple[int, ...]
    default: int
    help: str


def knobs(page: str, declared: Mapping[str, Knob]) -> dict[str, int]:
    """Show the controls in a row and keep them in the address; a bad value in a link gets a sentence and the default."""
    state = st.session_state
    if (address := new_address(page)) is not None:
        chosen, state[f"{page}_problems"] = _read(address, declared)
        state[f"{page}_values"] = chosen
    for problem in state[f"{page}_problems"]:
        st.warning(plain(problem))
    values = state[f"{page}_values"]
    with st.container(border=True):
        for column, (name, knob) in zip(st.columns(len(declared)), declared.items()):
            key = f"{page}_{name}"
            show_value(key, values[name])
            column.select_slider(knob.label, knob.values, key=key, help=knob.help, on_change=_keep,
                                 args=(values, name, key))
    write_address(page, {name: str(value) for name, value in values.items() if value != declared[name].default})
    return dict(values)


def _keep(values: dict[str, int], name: str, key: str) -> None:
    moved()
    values[name] = st.session_state[key]


def _read(address: Mapping[str, str], declared: Mapping[str, Knob]) -> tuple[dict[str, int], list[str]]:
    values, problems = {name: knob.default for name, knob in declared.items()}, []
    for name, text in address.items():
        allowed = {str(value): value for value in declared[name].values} if name in declared else {}
        if text in allowed:
            values[name] = allowed[text]
        elif allowed:
            problems.append(f"{name} = {text[:40]} is not possible: choose one of {', '.join(allowed)}. "
                            f"The page shows {values[name]}.")
        else:
            problems.append(f"There is no control “{name[:40]}” here; the controls are {', '.join(declared)}.")
    return values, problems


def block_card(name: str, block: Block) -> None:
    """A block's name, the weights of its convolutions written out, its totals and its graph."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{name}**")
        st.metric(_("Weights"), f"{block.weights:,}")
        st.code(block.written_out.replace(" + ", "\n+ ").replace(" = ", "\n= "), language=None)
        st.metric(_("MACs"), f"{block.macs:,}")
        graph = fold(block.ops)
        picture(diagram(graph, current_palette()), _("Graph of this block"))
        with st.expander(_("The graph in words")):
            st.text(description(graph))


def try_it(questions: str) -> None:
    """Questions that the controls on the page answer."""
    st.subheader(_("Try"), anchor="try")
    st.markdown(questions)


def sources(classes: list[type]) -> None:
    """The source of the classes that the page has run."""
    st.subheader(_("Code"), anchor="code")
    for cls in classes:
        with st.expander(f"class {cls.__name__}"):
            st.code(source(cls), language="python")
