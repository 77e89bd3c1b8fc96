"""Every figure of every page says where its numbers come from, before the next heading; and every multiply-add of a
network or a block stands beside the size at which it was counted."""

import json
import re
from functools import cache

import pytest

from lib.lessons import names
from lib.provenance import KINDS
from tests.pages.app import ROOT, open_page

PAGES = [(path.stem, {}) for path in sorted((ROOT / "pages").glob("*.py"))
         if path.stem not in {"timing", "textbook", "train", *names()}]  # the textbook's come with its answers: tests/pages/test_textbook.py
PAGES += [(lesson, {"step": "all"}) for lesson in names()]
PAGES += [("timing", {"view": view}) for view in ("layers", "macs", "accuracy", "memory")]  # the others show nothing before a run
PAGES += [("explore", {"view": view}) for view in ("cost", "training", "field", "graph", "papers")]
PAGES += [("atlas", {"view": view}) for view in ("lineage", "accuracy", "winners", "networks")]
PAGES += [("train", {"a": "plain20_cifar", "b": "resnet20_cifar", "predict": "false"}),
          ("inside", {"network": "sk", "view": "gates"}), ("inside", {"network": "lenet5", "view": "field"})]
FIGURES = {"dataframe", "table", "plotly_chart", "image", "imgs", "bidi_component", "graphviz_chart", "vega_lite_chart"}
HEADINGS = {"title", "header", "subheader"}
WITHOUT_NUMBERS = ("connection_watch", "_stepper", "_note", "progress")
"""Ends of the keys of components that show none."""
MARKS = tuple(f"{icon} **{label}**" for icon, label, _ in KINDS.values())


def elements(block):
    """The elements below a block in the order of the page."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from elements(child)
        else:
            yield child


@cache
def opened(page, *parameters):
    """The elements of a page, opened once for all that is asked of it."""
    return list(elements(open_page(page, **dict(parameters)).main))


every_page = pytest.mark.parametrize(
    "page, parameters", PAGES, ids=lambda value: value if isinstance(value, str) else "-".join(value.values()))


@every_page
def test_every_figure_is_marked(page, parameters):
    unmarked = []
    figures = 0
    for element in opened(page, *parameters.items()):
        if element.type in FIGURES and not str(element.key).endswith(WITHOUT_NUMBERS):
            unmarked.append(f"{element.type} {element.key or ''}")
            figures += 1
        elif element.type == "caption" and element.value.startswith(MARKS):
            unmarked.clear()
        elif element.type in HEADINGS or element.type == "markdown" and element.value.startswith("## "):
            assert not unmarked, (page, element.value)
    assert figures and not unmarked, unmarked


COUNTED = re.compile(r"MACs?\b|^macs$|FLOPs|[Mm]ultiply-adds|[Aa]ctivation (bytes|memory)|[Mm]emory")
SIZES = re.compile(r"\b\d+ × \d+\b|\b\d+ (px|pixels)\b|-pixel")
OWN_SIZES = {"Image", "input", "input_size", "Input, px", "With"}
"""Columns that hold the size of each row."""


def headings(element):
    """What a figure says that it shows: the label of a metric, the columns and rows of a table, the axes of a chart."""
    if element.type == "metric":
        return [element.label]
    if element.type in {"dataframe", "table"}:
        return [*map(str, element.value.columns), *map(str, element.value.iloc[:, 0])]
    if element.type == "plotly_chart":
        layout = json.loads(element.proto.spec)["layout"]
        axes = [layout[name].get("title", {}).get("text", "") for name in layout if re.match("[xy]axis", name)]
        return axes + [note.get("text", "") for note in layout.get("annotations", [])]
    return []


@every_page
def test_every_cost_stands_beside_the_size_at_which_it_was_counted(page, parameters):
    """In the caption under the figure, or in a column of the table."""
    unsized = []
    for element in opened(page, *parameters.items()):
        found = headings(element)
        if not OWN_SIZES & set(found):
            unsized += [heading for heading in found if COUNTED.search(heading)]
        if element.type == "caption" and element.value.startswith(MARKS):
            assert SIZES.search(element.value) or not unsized, (element.value, unsized)
            unsized = []
    assert not unsized


SAID = re.compile(r"\d\*{0,2} (million |billion |G )?(multiply-adds|MACs)\b")
WHERE = re.compile(r"\b\d{2,4} ?× ?\d{2,4}\b|\b\d+ (px|pixels)\b|\b\d+×\d+ maps?\b|batch \d+")


@every_page
def test_every_sentence_with_a_cost_says_at_which_size(page, parameters):
    """In its own paragraph or list: "715 million multiply-adds" alone may be of any image."""
    if (page, parameters.get("view")) == ("timing", "macs"):
        pytest.skip("its sentences tell the work of one operation on average; the caption above has the networks' sizes")
    for element in opened(page, *parameters.items()):
        if element.type in {"markdown", "info", "caption"} and SAID.search(element.value):
            assert WHERE.search(element.value), element.value
