"""The steps of the lessons in a real browser: they fit the screen, keys turn them, links and Back and reload find them again,
answers are met, and what was done is kept in this browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from lib.lessons import find, names
from lib.ui.contents import TITLES
from tests.browser import harness
from tests.conftest import settle

DESK, CLASS, PHONE = {"width": 1280, "height": 800}, {"width": 1366, "height": 768}, {"width": 390, "height": 844}
TOP = 60
"""Pixels of the app's own bar, which stays on a phone's screen."""
OWN_MARGIN = 20
"""Pixels that a caption's box reaches beyond its words."""

READY = """(key) => {
    const app = document.querySelector('[data-testid=stApp]').dataset;
    return app.testScriptState === 'notRunning' && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
        && document.querySelector(`[class*="st-key-asked_${key}"]`) && [...document.images].every((image) => image.complete)
        && [...document.querySelectorAll('.stPlotlyChart')].every((chart) => chart.querySelector('.main-svg'));
}"""

EDGES = """(key) => {
    const box = (name) => document.querySelector(`[class*="st-key-${name}_${key}"]`)?.getBoundingClientRect();
    const frame = document.querySelector(`[data-testid=stLayoutWrapper]:has(> [class*="st-key-picture_${key}"])`);
    const parts = Object.fromEntries(['step_words', 'step_knobs', 'picture', 'asked'].map((name) => [name, box(name)]));
    return {parts, cut: frame.scrollHeight - frame.clientHeight,
            wide: document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth};
}"""


def ready(page, key: str) -> None:
    """Wait until a step is there with its picture, and stays so for a moment."""
    page.wait_for_function(READY, arg=key)
    page.wait_for_timeout(40)
    page.wait_for_function(READY, arg=key)


def misfits(page, key: str, height: int) -> Iterator[str]:
    """What of a step does not fit a screen of this height beside the rest; on a phone, of controls and picture."""
    parts, cut, wide = page.evaluate(EDGES, key).values()
    if wide > 0:
        yield f"{wide} px wider than the screen"
    if height == PHONE["height"]:
        top = (parts["step_knobs"] or parts["picture"])["top"]
        if (together := parts["picture"]["bottom"] - top) > height - TOP:
            yield f"controls and picture take {together:.0f} px"
        return
    if cut > OWN_MARGIN:
        yield f"{cut} px of the picture are cut off"
    yield from (f"{name} ends at {box['bottom']:.0f}" for name, box in parts.items() if box and box["bottom"] > height + 0.5)


@pytest.mark.parametrize("lesson", names())
def test_every_step_fits_the_screen_with_its_controls_picture_and_question(open_page, lesson):
    """At a desk, on a phone and, on the way back, before a class; when its answer is shown, which takes the most room."""
    page, wrong = open_page(f"/{lesson.replace('_', '-')}?step={find(lesson).steps[0].id}"), []
    for step in find(lesson).steps:
        key = f"{lesson}_{step.id}"
        ready(page, key)
        page.get_by_role("button", name="Show me").click()
        page.locator(f"[class*=st-key-{key}_again]").wait_for()
        ready(page, key)
        wrong += [f"{step.id}, desk: {why}" for why in misfits(page, key, DESK["height"])]
        page.set_viewport_size(PHONE)
        page.wait_for_timeout(80)
        wrong += [f"{step.id}, phone: {why}" for why in misfits(page, key, PHONE["height"])]
        page.set_viewport_size(DESK)
        page.keyboard.press("PageDown")
    page.set_viewport_size(CLASS)
    page.emulate_media(color_scheme="dark")
    page.get_by_role("heading", name="For teachers").wait_for()
    assert page.locator("h1").inner_text() == TITLES[lesson]
    page.get_by_role("button", name="Present", exact=True).click()
    page.locator(".st-key-presenting").wait_for(state="attached")
    for step in reversed(find(lesson).steps):
        page.keyboard.press("PageUp")
        ready(page, f"{lesson}_{step.id}")
        wrong += [f"{step.id}, class: {why}" for why in misfits(page, f"{lesson}_{step.id}", CLASS["height"])]
    background = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert background == "rgb(14, 17, 23)" and not wrong, "\n".join(wrong)


def test_keys_buttons_contents_back_and_reload(open_page):
    page = open_page("/bottleneck")
    expect(page.get_by_role("heading", name="What is a bottleneck?")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/bottleneck?step=saving")
    page.keyboard.press("PageDown")
    page.wait_for_url("**/bottleneck?step=meaning")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/bottleneck?step=saving")
    settle(page)
    page.get_by_role("slider", name="Bottleneck width").press("ArrowRight")  # moves the control, not the step
    page.wait_for_url("**/bottleneck?step=saving&inner=128")
    page.get_by_text("Step 2 of 7").click()
    page.get_by_role("button", name="What do groups buy?").last.click()
    page.wait_for_url("**/bottleneck?step=groups&inner=128")
    expect(page.get_by_role("slider", name="Bottleneck width")).to_have_attribute("aria-valuetext", "128")
    settle(page)
    page.go_back()
    page.wait_for_url("**/bottleneck?step=saving&inner=128")
    expect(page.get_by_role("heading", name="How much does it save?")).to_be_visible()
    settle(page)
    page.reload()
    expect(page.get_by_role("heading", name="How much does it save?")).to_be_visible()
    expect(page.get_by_role("slider", name="Bottleneck width")).to_have_attribute("aria-valuetext", "128")


def test_an_old_anchor_leads_to_its_step(page):
    page.goto("/bottleneck?inner=128#meaning")  # nothing else asked of it yet, as it goes on by itself
    page.wait_for_url("**/bottleneck?inner=128&step=meaning")
    expect(page.get_by_role("heading", name="Do bottlenecks make ResNet-50 cheaper than ResNet-34?")).to_be_visible()


def test_the_last_step_leads_to_the_next_lesson(open_page):
    page = open_page("/bottleneck?step=teachers&present=true")
    page.get_by_role("button", name="Next").click()
    page.wait_for_url("**/tweaks?present=true")


def test_a_guess_is_met_with_its_slip_and_stands_in_the_progress(open_page):
    page = open_page("/bottleneck?step=saving")
    page.get_by_placeholder("a number").fill("about 8")
    page.get_by_placeholder("a number").press("Enter")
    page.get_by_text("That cannot be read as a number").wait_for()
    page.get_by_placeholder("a number").fill("8.5")
    page.get_by_role("button", name="Answer").click()
    page.get_by_text("That compares with one 3×3. The basic block has two.").wait_for()
    page.locator(".js-plotly-plot").wait_for()
    page.wait_for_function("() => JSON.parse(localStorage['backbone_lab.progress']).questions['bottleneck.saving'] === 'shown'")
    page.get_by_role("button", name="Ask me again").click()
    page.get_by_placeholder("a number").fill("1,179,648 / 69,632")
    page.get_by_placeholder("a number").press("Enter")
    page.get_by_text("16.94. Right.").wait_for()
    page.wait_for_function("() => JSON.parse(localStorage['backbone_lab.progress']).questions['bottleneck.saving'] === 'later'")
    harness.goto(page, "/")
    page.get_by_text("Your progress").click()
    page.get_by_text("0 right at the first try, 1 later, 0 shown.").wait_for()
    page.get_by_role("button", name="Forget my progress").click()
    expect(page.get_by_text("Your progress")).to_be_hidden()
    assert page.evaluate("localStorage['backbone_lab.progress']") is None


def test_presenting_is_large_and_bare_and_the_space_bar_shows_the_answer(open_page):
    page = open_page("/bottleneck?step=saving&present=true", viewport={"width": 1366, "height": 768})
    assert not page.get_by_test_id("stHeader").is_visible()
    size = page.get_by_text("Take two blocks").evaluate("text => parseFloat(getComputedStyle(text).fontSize)")
    assert size >= 20
    assert not page.get_by_text("1,179,648").count()
    page.keyboard.press("Space")
    page.get_by_text("1,179,648").first.wait_for()
    page.get_by_role("button", name="End presenting").click()
    page.wait_for_url("**/bottleneck?step=saving")
    settle(page)
    assert page.get_by_test_id("stHeader").is_visible()


def test_all_on_one_page_shares_its_controls_and_prints(open_page):
    page = open_page("/bottleneck")
    page.get_by_role("button", name="All on one page").click()
    page.wait_for_url("**/bottleneck?step=all")
    settle(page)
    for step in find("bottleneck").steps:
        assert page.locator(f".st-key-document_bottleneck_{step.id}_all").count() == 1
    page.get_by_role("slider", name="Bottleneck width").first.press("ArrowRight")
    page.wait_for_url("**/bottleneck?step=all&inner=128")
    for slider in page.get_by_role("slider", name="Bottleneck width").all():
        expect(slider).to_have_attribute("aria-valuetext", "128")
    settle(page)
    page.emulate_media(media="print")
    assert not page.get_by_test_id("stHeader").is_visible() and not page.get_by_role("slider").first.is_visible()
    assert page.get_by_role("heading", name="Are batch norms free?").is_visible()
    assert len(page.pdf()) > 20_000
