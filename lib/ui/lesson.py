"""What every lesson has: controls that live in the link, cards of blocks, a list to try, the source."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import streamlit as st

from lib.analysis import Analysis
from lib.analysis.block import Block
from lib.analysis.graph import Graph, description, fold
from lib.code import source
from lib.figures.diagram import source as diagram
from lib.ui import _, current_palette
from lib.ui.address import moved, new_address, plain, write_address
from lib.ui.controls import tied
from lib.ui.graph_view import picture
from lib.ui.network import Choice
from lib.ui.provenance import images_of, mark

MOST_LETTERS = 32
"""Words with more letters than these, all together, do not fit into a row of buttons and get a list."""
COLUMNS = 4


@dataclass(frozen=True)
class Knob:
    """A control of a lesson: its label, its possible values, the one it starts with, and help.

    Whole numbers get a slider, (False, True) a switch, words a row of buttons or, where that would be too long, a list.
    `show` gives what a person reads instead of a value.
    """

    label: str
    values: tuple[Any, ...]
    default: Any
    help: str
    show: Callable[[Any], str] = str


def knobs(page: str, declared: Mapping[str, Knob]) -> dict[str, Any]:
    """Show the controls in rows and keep them in the address; a bad value in a link gets a sentence and the default."""
    state = st.session_state
    if (address := new_address(page)) is not None:
        chosen, state[f"{page}_problems"] = _read(address, declared)
        state[f"{page}_values"] = chosen
    for problem in state[f"{page}_problems"]:
        st.warning(plain(problem))
    values = state[f"{page}_values"]
    with st.container(border=True):
        for row in _rows(declared.items(), COLUMNS):
            for column, (name, knob) in zip(st.columns(len(row), vertical_alignment="bottom"), row):
                with column:
                    _control(knob, f"{page}_{name}", values, name)
    write_address(page, {name: _written(value) for name, value in values.items() if value != declared[name].default})
    return dict(values)


def turn(page: str, values: Mapping[str, Any]) -> None:
    """Set some controls at once: for buttons that stand for a setting."""
    moved()
    st.session_state[f"{page}_values"].update(values)


_attempts = count(1)


def attempt(page: str) -> int:
    """0, or another number each time that somebody has asked to measure again: an argument more to what `measured` keeps."""
    return st.session_state.get(f"{page}_attempt", 0)


def again(page: str, label: str) -> None:
    """A button that measures again what takes `attempt`."""
    def once_more() -> None:
        moved()
        st.session_state[f"{page}_attempt"] = next(_attempts)
    st.button(label, key=f"{page}_again", icon=":material/replay:", on_click=once_more,
              help=_("Measures again with the same settings; what else runs on this machine may have changed."))


def _rows(items: Iterable, size: int) -> Iterator[list]:
    """The items in rows of `size`, the last one shorter."""
    items = iter(items)
    while row := list(islice(items, size)):
        yield row


def _control(knob: Knob, key: str, values: dict[str, Any], name: str) -> None:
    more = {"help": knob.help, **tied(values, name, key)}
    if isinstance(knob.default, bool):
        st.toggle(knob.label, **more)
    elif isinstance(knob.default, int):
        st.select_slider(knob.label, knob.values, format_func=knob.show, **more)
    elif len("".join(map(knob.show, knob.values))) > MOST_LETTERS:
        st.selectbox(knob.label, knob.values, format_func=knob.show, filter_mode="contains", **more)
    else:
        st.segmented_control(knob.label, knob.values, format_func=knob.show, required=True, **more)


def _written(value: Any) -> str:
    """A value as it stands in a link."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(address: Mapping[str, str], declared: Mapping[str, Knob]) -> tuple[dict[str, Any], list[str]]:
    values, problems = {name: knob.default for name, knob in declared.items()}, []
    for name, text in address.items():
        allowed = {_written(value): value for value in declared[name].values} if name in declared else {}
        if text in allowed:
            values[name] = allowed[text]
        elif allowed:
            problems.append(f"{name} = {text[:40]} is not possible: choose one of {', '.join(allowed)}. "
                            f"The page shows {_written(values[name])}.")
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
        _picture(graph, _("Graph of this block"))
        mark("computed", _("for one input of {shape}").format(shape=block.input))


def network_graph(analysis: Analysis, opened: Iterable[str] = ()) -> None:
    """A network's graph with these parts open (`stage:conv2_x`, `block:layer1.0`), and the same in words."""
    _picture(fold(analysis.ops, frozenset(opened)), _("Graph of {network}").format(network=analysis.preset))
    mark("computed", images_of(analysis))


def _picture(graph: Graph, alt: str) -> None:
    picture(diagram(graph, current_palette()), alt)
    with st.expander(_("The graph in words")):
        st.text(description(graph))


def explore_link(preset: str, knobs: Mapping[str, Any] = {}, label: str = "") -> None:
    """A link that opens a network, with these knobs, in Explore."""
    st.page_link("../../pages/explore.py", label=label or _("{network} in Explore").format(network=preset),
                 icon=":material/tune:", query_params=Choice(preset, dict(knobs)).parameters())


def try_it(questions: str) -> None:
    """Questions that the controls on the page answer."""
    st.subheader(_("Try"), anchor="try")
    st.markdown(questions)


def sources(classes: Iterable[type | Callable]) -> None:
    """The source of the classes and functions that the page has run."""
    st.subheader(_("Code"), anchor="code")
    for cls in classes:
        with st.expander(f"{'class' if isinstance(cls, type) else 'def'} {cls.__name__}"):
            st.code(source(cls), language="python")
