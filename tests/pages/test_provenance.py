"""Every figure of every page says where its numbers come from, before the next heading."""

import pytest

from lib.ui.provenance import KINDS
from tests.pages.app import ROOT, open_page

PAGES = [(path.stem, {}) for path in sorted((ROOT / "pages").glob("*.py")) if path.stem != "timing"]
PAGES += [("timing", {"view": view}) for view in ("layers", "macs", "memory")]  # the others show nothing before a run
PAGES += [("explore", {"view": view}) for view in ("cost", "field", "graph", "papers")]
PAGES += [("atlas", {"view": view}) for view in ("lineage", "accuracy", "winners", "networks")]
FIGURES = {"dataframe", "table", "plotly_chart", "image", "imgs", "bidi_component", "graphviz_chart", "vega_lite_chart"}
HEADINGS = {"title", "header", "subheader"}
MARKS = tuple(f"{icon} **{label}**" for icon, label, _ in KINDS.values())


def elements(block):
    """The elements below a block in the order of the page."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from elements(child)
        else:
            yield child


@pytest.mark.parametrize("page, parameters", PAGES, ids=lambda value: value if isinstance(value, str) else "-".join(value.values()))
def test_every_figure_is_marked(page, parameters):
    unmarked = []
    figures = 0
    for element in elements(open_page(page, **parameters).main):
        if element.type in FIGURES and element.key != "connection_watch":
            unmarked.append(f"{element.type} {element.key or ''}")
            figures += 1
        elif element.type == "caption" and element.value.startswith(MARKS):
            unmarked.clear()
        elif element.type in HEADINGS:
            assert not unmarked, (page, element.value)
    assert figures and not unmarked, unmarked
