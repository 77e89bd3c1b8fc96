"""A folded graph as a picture: Graphviz source, and the SVG that Graphviz lays out.

Everything that can be clicked is a link: `#stage:conv2_x` selects, `#open:stage:conv2_x` and `#close:...` fold.
"""

import subprocess
from functools import lru_cache
from html import escape
from shutil import which
from threading import Lock

import graphviz

from lib.analysis.graph import Graph, Node
from lib.figures.theme import Palette

try:
    import pygraphviz
except ImportError:  # there is no wheel for every system
    pygraphviz = None

FONT = "Helvetica"
SMALL = "10"
SYMBOLS = {"add": "+", "mul": "×"}
"""Junctions drawn as a circle with a sign; the others bear their name."""
_layout = Lock()  # the Graphviz library is not thread-safe


class NoGraphviz(RuntimeError):
    """There is neither pygraphviz nor a `dot` command to lay out a graph, or it failed."""


def source(graph: Graph, palette: Palette) -> str:
    """The graph in Graphviz's language, top to bottom."""
    dot = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "bgcolor": palette.background, "nodesep": "0.4", "ranksep": "0.3", "margin": "0.1",
                    "pad": "0.1", "fontname": FONT, "fontcolor": palette.text, "fontsize": "12"},
        node_attr={"shape": "plain", "fontname": FONT, "fontsize": "12", "fontcolor": palette.text},
        edge_attr={"fontname": FONT, "fontsize": SMALL, "fontcolor": palette.muted, "color": palette.line,
                   "arrowsize": "0.6"})
    _frame(dot, graph, (), palette)
    skip = {"style": "dashed", "color": palette.accent, "penwidth": "1.6"}
    for edge in graph.edges:
        looks = {**skip, "weight": "0"} if edge.skip else {"weight": "20"}  # what weighs more is drawn straighter
        dot.edge(_name(edge.source), _name(edge.target), label=f" {edge.shape} ", **looks)
    for node in graph.nodes:
        if node.shortcuts:  # they lead past what is inside
            count = f" {node.shortcuts} shortcut{'s' * (node.shortcuts > 1)} "
            dot.edge(_name(node.id), _name(node.id), label=count, fontcolor=palette.accent, **skip)
    return dot.source


def _frame(dot: graphviz.Digraph, graph: Graph, frames: tuple[str, ...], palette: Palette) -> None:
    """The nodes that lie in these open frames, and the frames that lie in them."""
    for node in graph.nodes:
        if node.frames == frames:
            _node(dot, node, palette)
    inner = dict.fromkeys(node.frames[:len(frames) + 1] for node in graph.nodes
                          if node.frames[:len(frames)] == frames and len(node.frames) > len(frames))
    for path in inner:
        id = path[-1]
        title = graph.frames[id]
        with dot.subgraph(name=f"cluster {_name(id)}") as cluster:
            cells = _toggle("close", "−", id, title, palette) + _cell(id, title, bold=True)
            cluster.attr(label=f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3"><TR>{cells}</TR></TABLE>>',
                         style="rounded", color=palette.line, labeljust="l", margin="10")
            _frame(cluster, graph, path, palette)


def _node(dot: graphviz.Digraph, node: Node, palette: Palette) -> None:
    """A fold, a junction, or a little table with a row for each op."""
    row = node.rows[0]
    if node.junction:
        sign = SYMBOLS.get(row.kind)
        looks = {"shape": "circle", "width": "0.34", "fixedsize": "true", "fontsize": "18"} if sign else {
            "shape": "box", "height": "0.3", "margin": "0.12,0.04"}
        dot.node(_name(node.id), sign or row.text, style="filled" if sign else "rounded,filled", color=palette.line,
                 fillcolor=palette.kind(row.kind), URL=f"#{row.id}", tooltip=_tooltip(row.id), **looks)
        return
    rows = "".join(f"<TR>{_cell(row.id, row.text, fill=palette.kind(row.kind) if row.kind else '')}</TR>"
                   for row in node.rows)
    fill = "" if row.kind else f' BGCOLOR="{palette.kinds["other"]}"'
    if node.opens:
        rows = (f'<TR>{_toggle("open", "+", node.opens, row.text, palette)}{_cell(row.id, row.text, True, left=True)}'
                f'</TR><TR><TD></TD>{_cell(row.id, node.rows[1].text, color=palette.muted, left=True)}</TR>')
    space = 'CELLSPACING="3" CELLPADDING="2"' if node.opens else 'CELLSPACING="0" CELLPADDING="4"'
    dot.node(_name(node.id), f'<<TABLE BORDER="1" CELLBORDER="0" {space} STYLE="ROUNDED" COLOR="{palette.line}"{fill}>'
                             f'{rows}</TABLE>>')


def _cell(id: str, text: str, bold: bool = False, color: str = "", fill: str = "", left: bool = False) -> str:
    """A table cell that selects the part `id`. Only small text has a colour of its own."""
    words = escape(text)
    words = f"<B>{words}</B>" if bold else words
    words = f'<FONT POINT-SIZE="{SMALL}" COLOR="{color}">{words}</FONT>' if color else words
    align = ' ALIGN="LEFT"' if left else ""
    paint = f' BGCOLOR="{fill}"' if fill else ""
    return f'<TD{align}{paint} HREF="{_attribute(f"#{id}")}" TITLE="{_attribute(_tooltip(id))}">{words}</TD>'


def _toggle(verb: str, sign: str, id: str, title: str, palette: Palette) -> str:
    """The little button that opens or closes a fold."""
    return (f'<TD BORDER="1" COLOR="{palette.line}" BGCOLOR="{palette.background}" FIXEDSIZE="TRUE" WIDTH="20" HEIGHT="20" '
            f'CELLPADDING="0" HREF="{_attribute(f"#{verb}:{id}")}" TITLE="{_attribute(f"{verb} {title}")}">'
            f'<FONT POINT-SIZE="14" COLOR="{palette.accent}">{sign}</FONT></TD>')


def _tooltip(id: str) -> str:
    """What hovering over a part says: its name in the code."""
    return id.partition(":")[2] or id


def _attribute(text: str) -> str:
    """Text as an attribute of a Graphviz label, where a backslash would begin an escape."""
    return escape(text.replace("\\", "\\\\"))


def _name(id: str) -> str:
    """An id as a Graphviz name: a colon would be read as a port, a backslash as an escape."""
    return id.replace(":", "/").replace("\\", "/")


@lru_cache(maxsize=256)
def svg(source: str) -> str:
    """The picture of a Graphviz source as an `<svg>` element, laid out by the Graphviz that comes with pygraphviz, else
    by a `dot` command. Raises NoGraphviz where there is neither."""
    if pygraphviz:
        with _layout:
            drawn = pygraphviz.AGraph(string=source).draw(format="svg", prog="dot").decode()
    elif which("dot"):
        drawn = subprocess.run(["dot", "-Tsvg"], input=source, capture_output=True, text=True, check=True).stdout
    else:
        raise NoGraphviz("laying out a graph needs pygraphviz, or Graphviz's dot command")
    return drawn[drawn.index("<svg"):]
