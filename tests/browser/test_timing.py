"""What people do in the timing lab, one alone and six at once."""

import time

import psutil
import pytest
from playwright.sync_api import expect


def run(page, slot="latency"):
    page.locator(f".st-key-run_{slot} button").first.click()  # a button with help is there twice, once for phones


def wait_for(condition, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return time.monotonic() < end


DOTS = ".st-key-latency_dots .js-plotly-plot"
"""The repetitions of one's own run."""


def worker_of(server: str) -> psutil.Process:
    """The process that measures for the app at this address."""
    port = int(server.rpartition(":")[2])
    app = next(process for process in psutil.process_iter(["cmdline"])
               if f"--server.port={port}" in (process.info["cmdline"] or []))
    return next(child for child in app.children(recursive=True) if "spawn_main" in " ".join(child.cmdline()))


def test_a_person_runs_stops_and_follows_a_link(open_page):
    page = open_page("/explore?preset=lenet5")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Timing").click()
    page.wait_for_url("**/timing?a=lenet5")
    expect(page.get_by_text("Not measured here.")).to_be_visible()
    expect(page.locator(".st-key-shipped_chart .js-plotly-plot")).to_be_visible()
    run(page)
    expect(page.locator(DOTS)).to_be_visible(timeout=120_000)
    expect(page.get_by_text("Measured").first).to_be_visible()
    expect(page.get_by_text("Not measured here.")).to_have_count(0)
    page.get_by_role("tab", name="Batch sweep").click()
    page.wait_for_url("**view=sweep")
    run(page, "sweep")
    page.locator(".st-key-stop_sweep button").first.click()
    expect(page.get_by_text("Stopped").first).to_be_visible(timeout=60_000)
    page.get_by_role("tab", name="Stored runs").click()
    expect(page.get_by_text("Select rows to open them")).to_be_visible()


def browser_of(person: int) -> dict:
    """One of three browsers, as one visitor may have three places in the line."""
    return {"extra_http_headers": {"X-Browser": str(person % 3)}}


@pytest.mark.slow
def test_six_people_at_once_one_leaves_and_the_worker_is_killed(open_page, server):
    pages = [open_page(f"/timing?a=lenet5&batch={batch}", **browser_of(batch)) for batch in range(1, 6)]
    hungry = open_page("/timing?a=vgg16&batch=256&a.input_size=640", **browser_of(6))
    for page in (*pages, hungry):
        run(page)
    assert wait_for(lambda: any(page.get_by_text("in the line for").count() for page in pages))
    pages.pop(3).close()
    begun = pages[0].get_by_text("Repetition").or_(pages[0].locator(DOTS)).first
    expect(begun).to_be_visible(timeout=60_000)
    worker_of(server).kill()
    lost = 0
    ends = [(page, page.locator(DOTS)) for page in pages]
    for page, end in [*ends, (hungry, hungry.get_by_text("Lower the batch"))]:
        gone = page.get_by_text("The run was lost")
        expect(end.or_(gone).first).to_be_visible(timeout=120_000)
        if gone.count():  # the one whose run it was, whoever that is by now
            lost += 1
            run(page)
            expect(end.first).to_be_visible(timeout=120_000)
    assert lost <= 1
