"""A link that asks before it tells, in a real browser."""

import csv

import lib
from tests.browser.harness import settle
from tests.browser.test_explore import shows, total


def columns(page, folder) -> list[str]:
    """The columns of the table as it is downloaded."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(folder / "layers.csv")
    return next(csv.reader((folder / "layers.csv").open()))


def test_what_a_link_asks_for_comes_with_the_answer(open_page, tmp_path):
    page = open_page("/explore?preset=resnet18&ask=params,field")
    assert total(page, "Parameters") == total(page, "Receptive field") == "?"
    shows(page, "MACs", lib.analyze("resnet18").macs)
    assert not {"params", "receptive_field_height"} & set(columns(page, tmp_path))
    page.locator(".st-key-explore_ask_params_popover button").first.click()
    box = page.get_by_test_id("stPopoverBody")
    box.get_by_role("textbox").fill("12 million")
    box.get_by_role("button", name="Answer").click()
    box.get_by_text("11,689,512 parameters", exact=False).first.wait_for()
    shows(page, "Parameters", 11_689_512)
    settle(page)
    kept = page.evaluate("localStorage.getItem('backbone_lab.progress')")
    assert '"totals.params.resnet18":"first"' in kept
    page.keyboard.press("Escape")
    assert "params" in columns(page, tmp_path) and total(page, "Receptive field") == "?"
    assert "ask=" in page.url


def test_a_teacher_makes_the_link(open_page):
    page = open_page("/compare?a=resnet50&b=vgg16")
    page.get_by_role("button", name="Ask for these").click()
    box = page.get_by_test_id("stPopoverBody")
    box.get_by_text("receptive field", exact=True).click()
    box.get_by_text("/compare?a=resnet50&b=vgg16&ask=params,macs,field").wait_for()
    box.get_by_role("button", name="Open it here").click()
    page.get_by_text("Predict: receptive field").wait_for()
    row = page.get_by_role("table").first.get_by_role("row", name="Parameters")
    assert row.get_by_role("cell").all_inner_texts()[1:] == ["?", "?"]
