"""A folded graph as a picture: Graphviz source, and the SVG that Graphviz lays out.

Everything that can be clicked is a link: `#stage:conv2_x` selects, `#open:stage:conv2_x` and `#close:...` fold.
"""

from functools import lru_cache
from html import escape
from threading import Lock

import graphviz
import pygraphviz

from lib.analysis.graph import Graph, Node
from lib.figures.theme import Palette

FONT = "Helvetica"
_layout = Lock()  # the Graphviz library is not thread-safe


def source(graph: Graph, palette: Palette) -> str:
    """The graph in Graphviz's language, top to bottom."""
    dot = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "bgcolor": palette.background, "nodesep": "0.35", "ranksep": "0.32", "margin": "0.1",
                    "fontname": FONT, "fontcolor": palette.text, "fontsize": "12"},
        node_attr={"shape": "plain", "fontname": FONT, "fontsize": "12", "fontcolor": palette.text},
        edge_attr={"fontname": FONT, "fontsize": "10", "fontcolor": palette.muted, "color": palette.line,
                   "arrowsize": "0.6"})
    _frame(dot, graph, (), palette)
    for edge in graph.edges:
        looks = {"style": "dashed", "color": palette.accent, "penwidth": "1.6", "constraint": "true"} if edge.skip else {}
        dot.edge(_quoted(edge.source), _quoted(edge.target), label=f" {edge.shape} ", **looks)
    for node in graph.nodes:
        if node.shortcuts:
            count = f" {node.shortcuts} shortcut{'s' if node.shortcuts > 1 else ''} "
            dot.edge(_quoted(node.id), _quoted(node.id), label=count, style="dashed", color=palette.accent,
                     penwidth="1.6", fontcolor=palette.accent)
    return dot.source


def _frame(dot: graphviz.Digraph, graph: Graph, frames: tuple[str, ...], palette: Palette) -> None:
    """The nodes that lie in these open frames, and the frames that lie in them."""
    for node in graph.nodes:
        if node.frames == frames:
            dot.node(_quoted(node.id), _label(node, palette))
    inner = dict.fromkeys(node.frames[:len(frames) + 1] for node in graph.nodes
                          if node.frames[:len(frames)] == frames and len(node.frames) > len(frames))
    for path in inner:
        id = path[-1]
        with dot.subgraph(name=f"cluster {_quoted(id)}") as cluster:
            cluster.attr(label=_table([_cell(f"#close:{id}", "⊟", palette), _cell(f"#{id}", graph.frames[id], palette)], 0),
                         style="rounded", color=palette.line, labeljust="l", margin="10")
            _frame(cluster, graph, path, palette)


def _label(node: Node, palette: Palette) -> str:
    """A node as a little table, a row for each op."""
    rows = [f"<TR>{_cell(f'#{row.id}', row.text, palette, row.kind)}</TR>" for row in node.rows]
    if node.opens:
        title = _cell(f"#{node.id}", node.rows[0].text, palette, bold=True)
        toggle = _cell(f"#open:{node.opens}", "⊞", palette)
        rows = [f"<TR>{toggle}{title}</TR>", f'<TR><TD COLSPAN="2" HREF="{escape(f"#{node.id}")}" TITLE="{escape(node.id)}">'
                f'<FONT POINT-SIZE="10" COLOR="{palette.muted}">{escape(node.rows[1].text)}</FONT></TD></TR>']
    fill = palette.kinds["other"] if node.opens or not node.rows[0].kind else palette.background
    return (f'<<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4" STYLE="ROUNDED" COLOR="{palette.line}" '
            f'BGCOLOR="{fill}">{"".join(rows)}</TABLE>>')


def _table(cells: list[str], border: int) -> str:
    return f'<<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2"><TR>{"".join(cells)}</TR></TABLE>>'


def _cell(link: str, text: str, palette: Palette, kind: str = "", bold: bool = False) -> str:
    color = f' BGCOLOR="{palette.kind(kind)}"' if kind else ""
    words = f"<B>{escape(text)}</B>" if bold else escape(text)
    return f'<TD{color} HREF="{escape(link)}" TITLE="{escape(text)}">{words}</TD>'


def _quoted(id: str) -> str:
    """An id as a Graphviz name: a colon would be read as a port."""
    return id.replace(":", "/")


@lru_cache(maxsize=256)
def svg(source: str) -> str:
    """The picture of a Graphviz source, laid out by the Graphviz that comes with pygraphviz."""
    with _layout:
        drawn = pygraphviz.AGraph(string=source).draw(format="svg", prog="dot").decode()
    return drawn[drawn.index("<svg"):]
