"""How long a control of a lesson takes to be answered, against a bare Streamlit page of as many elements, in a real browser:
`python -m benchmarks.steps`.

In each step of each lesson that measures no real network, the first slider is turned to new values and back, after the answer
was shown; the same is done on `benchmarks/bare_step.py` with as many elements of each kind, in turns. Time runs
from the key press to the frame after the script has ended. The bar is a ratio of 1.25.
"""

import argparse
from statistics import median
from urllib.parse import urlencode

from benchmarks.lessons import turn
from lib.lessons import find, names
from lib.lessons.lesson import Step
from tests.browser import harness
from tests.browser.find import find as find_browser

TURNS = 4

KINDS = {"[data-testid=stMarkdown]": "markdown", "[data-testid=stCaptionContainer]": "caption", "[data-testid=stCode]": "code",
         "[data-testid=stPlotlyChart]": "chart", "[data-testid=stImage]": "image", "[data-testid=stTable]": "table",
         "[data-testid=stDataFrame]": "dataframe", "[data-testid=stMetric]": "metric", "[data-testid=stButton]": "button",
         "[data-testid=stExpander]": "expander", "[data-testid=stVerticalBlock]": "block"}


def elements(page) -> str:
    """How many elements of each kind stand on the page, as the bare page takes them."""
    main = page.get_by_test_id("stMain")
    counts = {kind: main.locator(place).count() for place, kind in KINDS.items()}
    counts["markdown"] -= counts["caption"]  # each is drawn within the other
    counts["slider"] = main.locator(":is(.stSlider, .stNumberInput, .stButtonGroup, .stSelectbox, .stCheckbox)").count()
    return urlencode({kind: max(0, count) for kind, count in counts.items()})


def sliders(page, turns: int) -> list[float]:
    """Milliseconds of turning the first slider of a page forth and back."""
    slider = page.get_by_role("slider").first
    low, high, now = slider.evaluate("input => [Number(input.min), Number(input.max), Number(input.value)]")
    forth, back = ("ArrowRight", "ArrowLeft") if high > now else ("ArrowLeft", "ArrowRight")
    turn(page, slider, forth)
    turn(page, slider, back)
    return [turn(page, slider, key) for _turn in range(turns) for key in (forth, back)]


def compare(ours, theirs, lesson: str, step: Step, bare: str) -> tuple[float, float] | None:
    """Median milliseconds of a step and of the bare page; None where the step has no slider."""
    harness.goto(ours, f"/{lesson.replace('_', '-')}?step={step.id}")
    if not ours.get_by_role("slider").count():
        return None
    if step.predict:
        ours.get_by_role("button", name="Show me").click()
        harness.settle(ours)
    theirs.goto(f"{bare}/?{elements(ours)}")
    theirs.get_by_role("slider").first.wait_for()
    harness.settle(theirs)
    pairs = [(sliders(ours, TURNS), sliders(theirs, TURNS)) for _turn in range(2)]
    mine, its = ([time for pair in pairs for time in pair[side]] for side in (0, 1))
    return median(mine), median(its)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lessons", nargs="*", default=names())
    ratios = []
    with (harness.serve() as app, harness.serve("benchmarks/bare_step.py") as bare,
          harness.launch(find_browser()) as browser):
        ours, theirs = harness.new_page(browser, app), harness.new_page(browser, bare)
        print(f"{'step':36}{'ms':>8}{'bare ms':>10}{'ratio':>8}   (bar 1.25)")
        for lesson in arguments.parse_args().lessons:
            for step in find(lesson).steps:
                if not step.measured and (times := compare(ours, theirs, lesson, step, bare)):
                    ratios.append(times[0] / times[1])
                    print(f"{lesson + ' ' + step.id:36}{times[0]:8.0f}{times[1]:10.0f}{ratios[-1]:8.2f}", flush=True)
    print(f"{len(ratios)} steps: median {median(ratios):.2f}, highest {max(ratios):.2f}")


if __name__ == "__main__":
    main()
