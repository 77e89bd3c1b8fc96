"""How long an edited row takes to be seen on Build, against a bare Streamlit page of as many elements, in a real browser:
`python -m benchmarks.build`.

The channels of a convolution are raised and lowered, in turns on the app and on `benchmarks/bare_build.py`. Time runs from the
click to the frame after the list of rows shows the new number and the script has ended. The bar is a ratio of 1.5 for new
values, which have to be computed.
"""

from statistics import median

from tests.browser import harness
from tests.browser.find import find

CHANNELS = range(8, 41)

WATCH = """([button, text]) => { window.measured = new Promise(done => {
  const listed = () => { for (const box of document.querySelectorAll('*')) if (box.shadowRoot?.querySelector('.rows'))
    return box.shadowRoot.querySelector('.rows').innerText.includes(text); };
  const over = () => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning';
  const start = performance.now();
  const look = () => listed() && over() ? requestAnimationFrame(() => done(performance.now() - start)) : requestAnimationFrame(look);
  button.click(); look(); }); return 0; }"""


def plan(rows: int, channels: int) -> str:
    """A plan of so many rows, whose first convolution has these channels."""
    body = ";".join(["conv 32 3x3 padding=same", "batchnorm", "relu"][number % 3] for number in range(rows - 4))
    return f"image 3 32x32;conv {channels} 3x3 padding=same;{body};globalpool;flatten"


def turn(page, name: str, channels: int) -> float:
    """Milliseconds from a click on + or − to the new number in the list."""
    field = page.get_by_test_id("stNumberInput").filter(has_text="Channels").first
    button = field.get_by_test_id(f"stNumberInputStep{name}")
    page.evaluate(WATCH, [button.element_handle(), f"conv {channels} 3x3"])
    return page.evaluate("window.measured")


def measure(page, steps: int) -> tuple[list[float], list[float]]:
    """Milliseconds of new values, and of values that were shown before."""
    new, again = [], []
    for channels in range(17, 17 + steps):
        new.append(turn(page, "Up", channels))
        again.append(turn(page, "Down", channels - 1))
        again.append(turn(page, "Up", channels))
    return new[1:], again[1:]


def main() -> None:
    with harness.serve() as app, harness.serve("benchmarks/bare_build.py") as bare, harness.launch(find()) as browser:
        print(f"{'rows':>6}{'new ms':>10}{'again ms':>10}{'bare ms':>10}{'ratio':>8}   (bar 1.5)")
        for rows in (8, 50, 200):
            ours, theirs = harness.new_page(browser, app), harness.new_page(browser, bare)
            ours.goto(f"/build?plan={plan(rows, 16)}&row=2")
            theirs.goto(f"/?rows={rows}")
            for page in (ours, theirs):
                page.get_by_text("conv 16 3x3").first.wait_for()
                harness.settle(page)
                page.wait_for_timeout(1500)
            times = [(measure(ours, 9), measure(theirs, 9)) for _turn in range(1)]
            new, again = (median(time for pair in times for time in pair[0][side]) for side in (0, 1))
            its = median(time for pair in times for side in (0, 1) for time in pair[1][side])
            print(f"{rows:6}{new:10.0f}{again:10.0f}{its:10.0f}{new / its:8.2f}", flush=True)
            ours.context.close()
            theirs.context.close()


if __name__ == "__main__":
    main()
