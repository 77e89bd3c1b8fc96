"""What a stranger puts into a link or a file stands on the page as text: no link, no picture, no script comes of it."""

import json
from itertools import cycle
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.harness import goto, settle
from tests.pages.test_timing_stored import samples

HOSTILE = ("http://evil.example/a", "www.evil.example", "a@evil.example", "[x](http://evil.example)", "<http://evil.example>",
           "![x](http://evil.example/x.png)", "<img src=http://evil.example/x.png>", "``www.evil.example` **b**",
           "$x$ :red[www.evil.example]", "<script>document.title='evil'</script>")
LINKS = {"/explore": "width", "/compare": "a", "/timing?view=latency": "device", "/": "view", "/convolution": "kernel"}
"""Pages, and something in their links that takes only some values."""


def harmless(page) -> None:
    """Nothing that a stranger has written is more than text."""
    made = page.locator("a[href*=evil], img[src*=evil], iframe, script:has-text('evil'), [src*=evil], .katex")
    assert made.count() == 0, made.first.evaluate("element => element.outerHTML")
    said = page.get_by_test_id("stAlert").filter(has_text="evil")
    assert said.locator("a, img, strong, em, [style*=color]").count() == 0
    assert "evil" not in page.title()


@pytest.mark.parametrize("path, name", LINKS.items())
def test_the_words_of_a_link_are_text(page, path, name):
    wrong = [f"{name}={quote(word, safe='')}" for word in HOSTILE[:1]] + [f"{quote(word, safe='')}=1" for word in HOSTILE]
    goto(page, path + ("&" if "?" in path else "?") + "&".join(wrong))
    said = page.get_by_test_id("stAlert").filter(has_text="evil")
    expect(said).to_have_count(1 + len(HOSTILE))
    harmless(page)
    assert all(any(word in text for text in said.all_inner_texts()) for word in HOSTILE)


KEPT = {"id", "taken", "kind", "dtype", "mode"}
"""Texts of a run that are not free, as their own ranges say."""


def hostile(part, words, name=""):
    """A part of a document with a stranger's words in the place of all that is free text."""
    if isinstance(part, dict):
        return {key: hostile(inner, words, key) for key, inner in part.items()}
    if isinstance(part, list):
        return [hostile(inner, words, name) for inner in part]
    return next(words) if isinstance(part, str) and name not in KEPT and part not in ("sgd", "momentum", "adam") else part


def test_the_words_of_a_file_are_text(page):
    words = cycle(HOSTILE)
    runs = [hostile(document | {"id": f"{number:032x}", "note": "", "message": ""}, words)
            for number, document in enumerate(samples().values(), 1)]
    goto(page, "/timing?view=stored")
    page.locator("input[type=file]").set_input_files(
        {"name": f"{HOSTILE[1]}.json", "mimeType": "application/json", "buffer": json.dumps(runs).encode()})
    expect(page.get_by_text("Runs taken in: 3.")).to_be_visible()
    expect(page.get_by_test_id("stCaptionContainer").filter(has_text="evil").first).to_be_visible()
    harmless(page)
    page.get_by_role("button", name="Delete selected").click()
    expect(page.get_by_test_id("stAlert").filter(has_text="Deleted: ")).to_be_visible()
    settle(page)
    harmless(page)
