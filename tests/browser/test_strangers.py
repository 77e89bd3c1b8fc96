"""What a stranger puts into a link or a file stands on the page as text: no link, no picture, no script comes of it."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.harness import goto

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
