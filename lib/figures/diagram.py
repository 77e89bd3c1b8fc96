"""A folded graph as a picture: Graphviz source, and the SVG that Graphviz lays out.

Everything that can be clicked is a link: `#stage:conv2_x` selects, `#open:stage:conv2_x` and `#close:...` fold.
"""

import subprocess
from html import escape
from shutil import which
from threading import Lock
from xml.etree import ElementTree

import graphviz

from lib.analysis.graph import Graph, Node, Row
from lib.figures.theme import Palette
from lib.once import once

try:
    import pygraphviz
except ImportError:  # there is no wheel for every system
    pygraphviz = None

FONT = "Helvetica"
SMALL = "11"
SYMBOLS = {"add": "+", "mul": "×"}
"""Junctions drawn as a circle with a sign; the others bear their name."""
_layout = Lock()  # the Graphviz library is not thread-safe


class NoGraphviz(RuntimeError):
    """There is neither pygraphviz nor a `dot` command to lay out a graph, or it failed."""


@once
def source(graph: Graph, palette: Palette) -> str:
    """The graph in Graphviz's language, top to bottom."""
    dot = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "bgcolor": palette.background, "nodesep": "0.4", "ranksep": "0.3", "margin": "0.1",
                    "pad": "0.1", "fontname": FONT, "fontcolor": palette.text, "fontsize": "12"},
        node_attr={"shape": "plain", "fontname": FONT, "fontsize": "12", "fontcolor": palette.text},
        edge_attr={"fontname": FONT, "fontsize": SMALL, "fontcolor": palette.muted, "color": palette.line,
                   "arrowsize": "0.6"})
    _frame(dot, graph, (), palette)
    return dot.source


def _frame(dot: graphviz.Digraph, graph: Graph, frames: tuple[str, ...], palette: Palette) -> None:
    """The nodes that lie in these open frames, the frames that lie in them, and the edges between them."""
    for node in graph.nodes:
        if node.frames == frames:
            _node(dot, node, palette)
    inner = dict.fromkeys(node.frames[:len(frames) + 1] for node in graph.nodes
                          if node.frames[:len(frames)] == frames and len(node.frames) > len(frames))
    for path in inner:
        id = path[-1]
        title = graph.frames[id]
        with dot.subgraph(name=f"cluster {_name(id)}") as cluster:
            cells = _toggle("close", "−", id, title, palette) + _cell(id, title, bold=True, fill=palette.background)
            cluster.attr(label=f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3"><TR>{cells}</TR></TABLE>>',
                         style="rounded", color=palette.line, labeljust="l", margin="10")
            _frame(cluster, graph, path, palette)
    _edges(dot, graph, frames, palette)


def _edges(dot: graphviz.Digraph, graph: Graph, frames: tuple[str, ...], palette: Palette) -> None:
    """The edges whose ends have these frames in common, so that their labels lie there too."""
    skip = {"style": "dashed", "color": palette.accent, "penwidth": "1.6"}
    around = {node.id: node.frames for node in graph.nodes}
    for edge in graph.edges:
        if tuple(a for a, b in zip(around[edge.source], around[edge.target]) if a == b) == frames:
            looks = {**skip, "weight": "1"} if edge.skip else {"weight": "200"}  # what weighs more is drawn straighter
            dot.edge(_name(edge.source), _name(edge.target), label=f" {edge.shape} ", **looks)
    for node in graph.nodes:
        if node.frames == frames and node.shortcuts:
            count = f" {node.shortcuts} shortcut{'s' * (node.shortcuts > 1)} "
            dot.edge(_name(node.id), _name(node.id), label=count, fontcolor=palette.accent, **skip)


def _node(dot: graphviz.Digraph, node: Node, palette: Palette) -> None:
    """A fold, a junction, or a little table with a row for each op."""
    row = node.rows[0]
    if node.junction:
        sign = SYMBOLS.get(row.kind)
        looks = {"shape": "circle", "width": "0.34", "fixedsize": "true", "fontsize": "18"} if sign else {
            "shape": "box", "height": "0.3", "margin": "0.12,0.04"}
        dot.node(_name(node.id), graphviz.escape(sign or row.text), style="filled" if sign else "rounded,filled",
                 color=palette.line, fillcolor=palette.kind(row.kind), URL=graphviz.escape(f"#{row.id}"),
                 tooltip=graphviz.escape(_tooltip(row.id)), **looks)
        return
    if node.opens:
        title, contents = _cell(row.id, row.text, True, left=True), _small(node.rows[1], palette, left=True)
        rows = f'<TR>{_toggle("open", "+", node.opens, row.text, palette)}{title}</TR><TR>{contents}</TR>'
    else:
        cells = [_cell(row.id, row.text, fill=palette.kind(row.kind)) if row.kind else _small(row, palette)
                 for row in node.rows]
        rows = "".join(f"<TR>{cell}</TR>" for cell in cells)
    space = 'CELLSPACING="4" CELLPADDING="1"' if node.opens else 'CELLSPACING="0" CELLPADDING="4"'
    dot.node(_name(node.id), f'<<TABLE BORDER="1" CELLBORDER="0" {space} STYLE="ROUNDED" COLOR="{palette.line}" '
                             f'BGCOLOR="{palette.kinds["other"]}">{rows}</TABLE>>')


def _small(row: Row, palette: Palette, left: bool = False) -> str:
    """A cell of small muted text: the image, a caption, what a fold holds."""
    return _cell(row.id, row.text, color=palette.muted, fill="" if left else palette.kinds["other"], left=left)


def _cell(id: str, text: str, bold: bool = False, color: str = "", fill: str = "", left: bool = False) -> str:
    """A table cell that selects the part `id`. Only small text has a colour of its own."""
    words = escape(text.replace("\\", "/"))
    words = f"<B>{words}</B>" if bold else words
    words = f'<FONT POINT-SIZE="{SMALL}" COLOR="{color}">{words}</FONT>' if color else words
    align = ' ALIGN="LEFT"' if left else ""
    paint = f' BGCOLOR="{fill}"' if fill else ""
    return f'<TD{align}{paint} HREF="{_attribute(f"#{id}")}" TITLE="{_attribute(_tooltip(id))}">{words}</TD>'


def _toggle(verb: str, sign: str, id: str, title: str, palette: Palette) -> str:
    """The little button that opens or closes a fold."""
    return (f'<TD ROWSPAN="{2 if verb == "open" else 1}" BORDER="1" COLOR="{palette.line}" BGCOLOR="{palette.background}" '
            f'FIXEDSIZE="TRUE" WIDTH="20" HEIGHT="20" '
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


def can_lay_out() -> bool:
    """Whether this machine can turn a source into a picture; else the browser has to."""
    return bool(pygraphviz or which("dot"))


@once
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
    return _retouched(drawn[drawn.index("<svg"):])


ElementTree.register_namespace("", SVG := "http://www.w3.org/2000/svg")
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def _retouched(drawn: str) -> str:
    """The picture with its frames hollow and in front of the edges that run through their titles, with the words of
    coloured rows in their middle (Graphviz only guesses how wide they are), and without Graphviz's own names, which a
    browser would show on hovering."""
    picture = ElementTree.fromstring(drawn)
    graph = picture.find(f"{{{SVG}}}g")
    for part in [graph, *graph]:
        for title in part.findall(f"{{{SVG}}}title"):
            part.remove(title)
    for frame in [part for part in graph if part.get("class") == "cluster"]:
        frame.find(f"{{{SVG}}}path").set("fill", "none")
        graph.remove(frame)
        graph.append(frame)
    for link in graph.iter(f"{{{SVG}}}a"):
        shapes, words = link.findall(f"{{{SVG}}}polygon"), link.findall(f"{{{SVG}}}text")
        if len(words) == 1 and shapes and words[0].get("text-anchor") == "start":
            across = [float(point.split(",")[0]) for point in shapes[0].get("points").split()]
            words[0].set("text-anchor", "middle")
            words[0].set("x", f"{(min(across) + max(across)) / 2:.2f}")
    return ElementTree.tostring(picture, encoding="unicode")
