"""The steps of the lessons in a real browser: they fit the screen, keys turn them, links and Back and reload find them again,
answers are met, and what was done is kept in this browser."""

import pytest
from playwright.sync_api import expect

from lib.lessons import find, names
from tests.browser import harness
from tests.conftest import settle

SCREENS = {"desk": ({"width": 1280, "height": 800}, ""), "class": ({"width": 1366, "height": 768}, "&present=true"),
           "phone": ({"width": 390, "height": 844}, "")}

EDGES = """(key) => {
    const box = (name) => document.querySelector(`[class*="st-key-${name}"]`)?.getBoundingClientRect();
    const parts = {words: box(`step_words_${key}`), knobs: box(`step_knobs_${key}`), picture: box(`picture_${key}`), asked: box(`asked_${key}`)};
    const frame = document.querySelector(`[data-testid=stLayoutWrapper]:has(> [class*="st-key-picture_${key}"])`);
    const beyond = frame ? frame.scrollHeight - frame.clientHeight : 0;
    return {beyond, parts: Object.fromEntries(Object.entries(parts).map(([name, box]) => [name, box && [box.top, box.bottom, box.left, box.right, box.height]]))};
}"""


def edges(page, lesson, step):
    """Top, bottom, left, right and height of a step's parts on the screen, and how far its picture reaches beyond its place."""
    return page.evaluate(EDGES, f"{lesson}_{step}")


@pytest.mark.parametrize("lesson", names())
def test_every_step_fits_the_screen_before_and_after_its_answer(open_page, lesson):
    wrong = []
    for name, (screen, present) in SCREENS.items():
        page = open_page(f"/{lesson.replace('_', '-')}?step={find(lesson).steps[0].id}{present}", viewport=screen)
        for step in find(lesson).steps:
            for moment in ("before", "after"):
                if moment == "after" and step.predict:
                    page.get_by_role("button", name="Show me").click()
                    settle(page)
                elif moment == "after":
                    continue
                wrong += [f"{step.id}, {name}, {moment}: {why}" for why in misfits(page, lesson, step, screen, name)]
            page.keyboard.press("PageDown")
            page.wait_for_function("step => !document.querySelector(`[class*='st-key-asked_${step}']`)", arg=f"{lesson}_{step.id}")
            settle(page)
        page.close()
    assert not wrong, "\n".join(wrong)


def misfits(page, lesson, step, screen, name):
    """What of a step does not fit the screen as it must."""
    beyond, found = edges(page, lesson, step.id).values()
    if page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") > screen["width"]:
        yield "wider than the screen"
    if beyond > 20 and name != "phone":  # a caption's own margin
        yield f"the picture reaches {beyond} px beyond its place"
    if name == "phone":
        knobs = found["knobs"] if step.controls else None
        height = found["picture"][1] - (knobs or found["picture"])[0]
        if height > screen["height"] - 60:  # the bar of the app stays on top
            yield f"controls and picture take {height:.0f} of {screen['height'] - 60} px"
    else:
        for part, (top, bottom, *_rest) in ((part, box) for part, box in found.items() if box):
            if bottom > screen["height"] + 0.5 or top < 0:
                yield f"{part} reaches from {top:.0f} to {bottom:.0f} of {screen['height']} px"


def here(page) -> str:
    return page.locator("[aria-current=step]").first.inner_text()


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


def test_an_old_anchor_leads_to_its_step(open_page):
    page = open_page("/bottleneck?inner=128#meaning")
    page.wait_for_url("**/bottleneck?inner=128&step=meaning")
    expect(page.get_by_role("heading", name="Does ResNet-50 get cheaper by that factor?")).to_be_visible()


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
    harness.settle(page)
    page.emulate_media(media="print")
    assert not page.get_by_test_id("stHeader").is_visible() and not page.get_by_role("slider").first.is_visible()
    assert page.get_by_role("heading", name="Are batch norms free?").is_visible()
    assert len(page.pdf()) > 20_000
