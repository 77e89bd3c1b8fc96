"""How long a turned knob takes to be seen on Explore, in a real browser: `python -m benchmarks.page`.

Each value is turned to twice: the first time everything is computed, the second time the analysis and the layout of
the graph are cached, so that what remains is Streamlit's own work for the same page. The bar is a ratio of 1.5. Time
runs from the key press to the frame in which the new total stands.
"""

import argparse
from statistics import median

import lib
from tests.browser import harness
from tests.browser.find import find

WATCH = """([key, text]) => new Promise(done => {
  const slider = document.querySelector('[class*="-cardinality"] input[type=range]');
  const shown = () => document.querySelector('[data-testid=stMetricValue]').innerText.trim() === text
    && document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning';
  let start;
  const look = () => shown() ? requestAnimationFrame(() => done(performance.now() - start)) : requestAnimationFrame(look);
  window.addEventListener('keydown', () => { start = performance.now(); look(); }, { once: true, capture: true });
  slider.focus();
})"""


def turn(page, key: str, cardinality: int) -> float:
    """Milliseconds from the press of an arrow key to the new parameters on the screen."""
    expected = f"{lib.analyze('resnext50_32x4d', cardinality=cardinality).params:,}"
    waiting = page.evaluate_handle("arguments => { window.measured = (" + WATCH + ")(arguments); return 0 }", [key, expected])
    page.keyboard.press(key)
    waiting.dispose()
    return page.evaluate("window.measured")


def measure(page, steps: int) -> tuple[float, float]:
    """Median milliseconds of turning the knob to new values, and of turning it to known ones."""
    first, again, cardinality = [], [], 32
    for _ in range(steps):
        first.append(turn(page, "ArrowLeft", cardinality := cardinality - 1))
        again.append(turn(page, "ArrowRight", cardinality := cardinality + 1))
        again.append(turn(page, "ArrowLeft", cardinality := cardinality - 1))
    return median(first[1:]), median(again[1:])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=12)
    steps = arguments.parse_args().steps
    with harness.serve() as server, harness.launch(find()) as browser:
        print(f"{'view':10}{'new ms':>10}{'cached ms':>12}{'ratio':>8}   (bar 1.5)")
        for number, view in enumerate(("layers", "cost", "field", "graph")):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            # another input size for each view, so that no view finds the values of the one before in the cache
            page.goto(f"{server}/explore?preset=resnext50_32x4d&input_size={224 + number}&view={view}")
            harness.settle(page)
            page.wait_for_timeout(1500)
            new, cached = measure(page, steps)
            print(f"{view:10}{new:10.0f}{cached:12.0f}{new / cached:8.2f}", flush=True)
            page.close()


if __name__ == "__main__":
    main()
