"""What it sees in a real browser: a cell clicked down to its sum, a digit drawn with the mouse and without it, a phone."""

import re

import pytest
import torch
from playwright.sync_api import expect

from lib.inside.drawing import Drawing
from lib.inside.networks import shipped_networks
from lib.inside.pictures import Example
from lib.inside.written import exact
from tests.browser.harness import settle

PROJECTOR, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


def value(side, layer, cell, picture=Example(3, 0)) -> str:
    """The number in a cell of the network that is shown first, as torch gives it."""
    subject = shipped_networks()["residual"]
    model, held = subject.build(side), []
    model.get_submodule(layer).register_forward_hook(lambda module, given, output: held.append(output[0, *cell].item()))
    with torch.inference_mode():
        model(subject.normalised(subject.pixels(picture)))
    return exact(held[0])


def the_map(page, side, number):
    return page.locator(f".st-key-inside_maps_{side} .map").nth(number)


def click_cell(page, side, number, row, column, cells):
    """A click in the middle of a cell of a square map."""
    box = the_map(page, side, number).bounding_box()
    page.mouse.click(box["x"] + box["width"] * (column + 0.5) / cells, box["y"] + box["height"] * (row + 0.5) / cells)


def says(page, side, layer, cell, **picture):
    """Wait until the sum of a cell ends in torch's number, and the same stands above the maps."""
    number = value(side, layer, cell, **picture)
    page.get_by_text(f"torch: {number}").first.wait_for()
    page.get_by_text(f"= {number}").first.wait_for()
    page.locator("p").filter(has_text=f"this cell {number}").first.wait_for()


@pytest.mark.parametrize("options", [{"viewport": PROJECTOR}, {"viewport": PHONE, "color_scheme": "dark", "has_touch": True}],
                         ids=["projector", "dark phone"])
def test_a_cell_is_clicked_down_to_the_sum(open_page, options):
    page = open_page("/inside?layer=layer1.0.conv1", **options)
    the_map(page, "untrained", 3).scroll_into_view_if_needed()
    settle(page)
    click_cell(page, "untrained", 3, 1, 6, 8)
    page.wait_for_url(re.compile("map=3&row=1&column=6"))
    for side in ("untrained", "trained"):
        says(page, side, "layer1.0.conv1", (3, 1, 6))
    expect(the_map(page, "trained", 3)).to_have_attribute("aria-pressed", "true")
    assert page.get_by_role("table").filter(has_text="products").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]


def test_a_cell_is_reached_with_the_keyboard_alone(open_page):
    page = open_page("/inside", color_scheme="dark")
    the_map(page, "trained", 0).focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "Tab", "Enter", "ArrowDown"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("map=1&row=3&column=3"))
    says(page, "trained", "conv1", (1, 3, 3))
    field = page.get_by_role("spinbutton", name="Column")
    field.fill("7")
    field.press("Enter")
    page.wait_for_url(re.compile("column=7"))
    says(page, "untrained", "conv1", (1, 3, 7))


def test_back_leads_from_a_layer_s_input_to_the_layer(open_page):
    page = open_page("/inside?layer=layer1.0.conv1")
    page.get_by_role("button", name="Its input: relu").click()
    page.wait_for_url(re.compile(r"layer=relu$"))
    page.get_by_text("max(0, x)").first.wait_for()
    page.go_back()
    says(page, "trained", "layer1.0.conv1", (0, 4, 4))


def test_a_digit_is_drawn_with_the_mouse_then_with_the_keyboard(open_page):
    page = open_page("/inside")
    page.get_by_text("My drawing").click()
    pad = page.locator(".st-key-inside_pad_progress canvas")
    pad.wait_for()
    box = settle(page) and pad.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.15 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.85 * box["height"], steps=6)
    page.mouse.up()
    page.wait_for_url(re.compile("drawing="))
    drawn = Drawing.read(re.search("drawing=([^&]+)", page.url)[1])
    rows, columns = drawn.cells.any(1).nonzero()[0], drawn.cells.any(0).nonzero()[0]
    assert rows[-1] - rows[0] > 20 and 2 <= columns[-1] - columns[0] <= 5 and 14 < columns.mean() < 18
    says(page, "trained", "conv1", (0, 4, 4), picture=drawn)
    page.get_by_text("Trained: 1,").wait_for()

    page.get_by_role("button", name="Clear").click()
    page.wait_for_url(re.compile("picture=drawing$"))
    pad.focus()
    for key in ("ArrowRight", "ArrowDown", " ", "ArrowDown", " "):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("drawing="))
    settle(page)
    blocks = Drawing.read(re.search("drawing=([^&]+)", page.url)[1])
    assert blocks.cells[4:12, 4:8].all() and blocks.cells.sum() == 32
    page.reload()
    says(page, "trained", "conv1", (0, 4, 4), picture=blocks)
