"""How long the pages take to open and to answer a control, in a real browser: `python -m benchmarks.lessons`.

Each page is opened in a browser that has never been here, which loads all of Streamlit's code first, and then again:
the bar for that is 2 seconds, a quarter second of waiting for nothing more to change included. Then its first slider is
turned to a new value and back, again and again: the first time everything is computed, the second time all is cached, so
that what remains is Streamlit's own work for the same page. The bar is a ratio of 1.5, or 2 seconds where the page
measures a real network. Time runs from the key press to the frame after the script has ended.
"""

import argparse
import time
from statistics import median

from tests.browser import harness
from tests.browser.find import find

PAGES = ("/", "/compare", "/timing", "/textbook", "/convolution", "/receptive-field", "/vgg", "/inception", "/residual",
         "/bottleneck",
         "/tweaks", "/preactivation", "/resnext", "/attention", "/pyramid", "/efficient")

WATCH = """() => { window.answered = new Promise(done => {
  const app = document.querySelector('[data-testid=stApp]'), before = location.search;
  let ran = false;
  new MutationObserver(() => { ran ||= app.dataset.testScriptState !== 'notRunning'; })
    .observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
  window.addEventListener('keydown', () => {
    const start = performance.now();
    const look = () => (ran || location.search !== before) && app.dataset.testScriptState === 'notRunning'
      ? done(performance.now() - start) : requestAnimationFrame(look);
    look();
  }, { once: true, capture: true });
}) }"""
"""A quick run may begin and end between two looks at its state: then the address, which it writes, tells of it."""


def opening(browser, server: str, path: str) -> tuple[float, float]:
    """Seconds until a browser shows the whole page: the first time, and the next."""
    page = harness.new_page(browser, server)
    took = []
    for _ in range(2):
        start = time.perf_counter()
        harness.goto(page, path)
        took.append(time.perf_counter() - start)
    page.context.close()
    return took[0], took[1]


def turn(page, slider, key: str) -> float:
    """Milliseconds from the press of a key on the slider to the page that answers it."""
    slider.focus()
    page.evaluate(WATCH)
    page.keyboard.press(key)
    return page.evaluate("window.answered")


def repaint(browser, server: str, path: str) -> tuple[float, float] | None:
    """Milliseconds of turning the first slider to new values and to known ones (medians); None without a slider."""
    page = harness.goto(harness.new_page(browser, server), path)
    slider = page.get_by_role("slider").first
    if not page.get_by_role("slider").count():
        return None
    page.wait_for_timeout(1000)
    low, high, now = slider.evaluate("input => [Number(input.min), Number(input.max), Number(input.value)]")
    forth, back = ("ArrowRight", "ArrowLeft") if high - now >= now - low else ("ArrowLeft", "ArrowRight")
    first, again = [], []
    for _ in range(int(min(3, max(high - now, now - low)))):
        first.append(turn(page, slider, forth))
        again += [turn(page, slider, back), turn(page, slider, forth)]
    page.context.close()
    return median(first), median(again)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pages", nargs="*", default=PAGES)
    pages = arguments.parse_args().pages
    with harness.serve() as server, harness.launch(find()) as browser:
        print(f"{'page':18}{'first s':>9}{'opens s':>9}{'new ms':>10}{'cached ms':>12}{'ratio':>8}")
        for path in pages:
            first, again = opening(browser, server, path)
            line = f"{path:18}{first:9.2f}{again:9.2f}"
            if times := repaint(browser, server, path):
                line += f"{times[0]:10.0f}{times[1]:12.0f}{times[0] / times[1]:8.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
