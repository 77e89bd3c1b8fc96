"""The graph's picture: Graphviz reads it, everything in it can be clicked, and it can be read."""

import re
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import lib
from lib.analysis.graph import Edge, Graph, Node, Row, fold
from lib.figures import diagram
from lib.figures.diagram import NoGraphviz, source, svg
from lib.figures.theme import DARK, LIGHT
from tests.analysis.test_graph import PRESETS, all_folds, some_opened

LINK = "{http://www.w3.org/1999/xlink}href"
SVG = "{http://www.w3.org/2000/svg}"


def links(picture: str) -> set[str]:
    return {part.get(LINK)[1:] for part in ElementTree.fromstring(picture).iter(f"{SVG}a")}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", range(3))
def test_everything_visible_is_a_link(preset, seed):
    ops = lib.analyze(preset).ops
    graph = fold(ops, some_opened(ops, seed))
    rows = {row.id for node in graph.nodes for row in node.rows}
    expected = rows | set(graph.frames) | {f"close:{id}" for id in graph.frames}
    expected |= {f"open:{node.opens}" for node in graph.nodes if node.opens}
    picture = svg(source(graph, LIGHT))
    assert links(picture) == expected
    assert picture.count('class="node"') == len(graph.nodes)
    assert picture.count('class="edge"') == len(graph.edges) + sum(node.shortcuts > 0 for node in graph.nodes)


def test_the_picture_shows_names_and_shapes():
    graph = fold(lib.analyze("resnet50").ops)
    words = "".join(ElementTree.fromstring(svg(source(graph, DARK))).itertext())
    for text in ("conv2_x ×3 blocks", "256×56×56", "4 shortcuts", "conv 7×7, 3 → 64, stride 2", "conv1", "head"):
        assert text in words


def test_text_is_escaped():
    nasty = """<b>"quoted" & 'not' </TD>"""
    row = Row(f"op:{nasty}", nasty, "conv2d")
    fold_row = Row(f"block:{nasty}", nasty)
    graph = Graph((Node("image", (Row("network", "image"),)), Node(row.id, (row, row), (f"stage:{nasty}",)),
                   Node(fold_row.id, (fold_row, fold_row), opens=fold_row.id),
                   Node("op:cat", (Row(f"op:{nasty} cat", nasty, "cat"),))),
                  (Edge("image", row.id, "3"), Edge(row.id, fold_row.id, "4")), {f"stage:{nasty}": nasty}, {})
    picture = svg(source(graph, LIGHT))
    assert {row.id, fold_row.id, f"open:{fold_row.id}", f"stage:{nasty}", f"op:{nasty} cat"} <= links(picture)
    words = "".join(ElementTree.fromstring(picture).itertext())
    assert words.count(nasty) == 6  # two rows, a fold of two lines, a junction, a frame


def test_an_open_frame_hides_no_edge():
    ops = lib.analyze("vgg16").ops
    picture = ElementTree.fromstring(svg(source(fold(ops, frozenset(all_folds(ops))), LIGHT)))
    frames = [part for part in picture.iter(f"{SVG}g") if part.get("class") == "cluster"]
    assert frames and all(frame.find(f"{SVG}path").get("fill") == "none" for frame in frames)


def test_the_two_ways_to_lay_out(monkeypatch):
    drawn = source(fold(lib.analyze("alexnet").ops), LIGHT)
    ours = links(svg(drawn))
    monkeypatch.setattr(diagram, "pygraphviz", None)
    monkeypatch.setattr(diagram, "which", lambda name: "dot")
    answer = subprocess.CompletedProcess([], 0, stdout=f'<?xml version="1.0"?>\n{svg(drawn)}')
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: answer)
    assert links(svg.__wrapped__(drawn)) == ours
    monkeypatch.setattr(diagram, "which", lambda name: None)
    with pytest.raises(NoGraphviz, match="pygraphviz"):
        svg.__wrapped__(drawn)


def luminance(color: str) -> float:
    channels = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_can_be_read(palette):
    pairs = {(palette.text, fill) for fill in (palette.background, *palette.kinds.values())}
    pairs |= {(palette.muted, palette.background), (palette.muted, palette.kinds["other"]),
              (palette.accent, palette.background)}
    for text, ground in pairs:
        assert contrast(text, ground) >= 4.5, f"{text} on {ground}: {contrast(text, ground):.2f}"


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_picture_bears_its_own_background(palette):
    assert re.search(rf'<polygon fill="{palette.background}"', svg(source(fold(lib.analyze("alexnet").ops), palette)))
