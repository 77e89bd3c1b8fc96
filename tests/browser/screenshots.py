"""The README's pictures, by `make screenshots`: drawn with the harness of the tests, so that none shows an error."""

import pytest

from tests.browser.harness import ROOT

BLOCK = ("image 64 56x56;add {branch {conv 16 1x1 bias=no;batchnorm;relu;conv 16 3x3 padding=same bias=no;batchnorm;relu;"
         "conv 64 1x1 bias=no;batchnorm};branch {}};relu")
PICTURES = {"atlas": "/", "explore": "/explore?preset=resnext50_32x4d",
            "compare": "/compare?a=resnet50&b=vgg16&c=mobilenet_v2", "bottleneck": "/bottleneck?step=saving",
            "build": "/build?challenge=bottleneck&beside=challenge&plan=" + BLOCK,
            "timing": "/timing?a=resnet18&b=mobilenet_v2", "train": "/train?a=plain20_cifar&b=plain56_cifar&c=resnet56_cifar&seeds=3",
            "inside": "/inside?network=residual&layer=layer1.0.conv1"}


@pytest.mark.parametrize("name", PICTURES)
def test_draws(open_page, name):
    page = open_page(PICTURES[name], color_scheme="light")
    if name == "timing":  # as it is before a run: a browser beside it would disturb the clock
        page.locator(".js-plotly-plot").first.wait_for(timeout=90_000)
        page.get_by_role("tab", name="Latency").scroll_into_view_if_needed()
        page.mouse.move(640, 500)
        page.mouse.wheel(0, 420)
    if name == "bottleneck":
        page.get_by_placeholder("a number").fill("8.5")
        page.get_by_role("button", name="Answer").click()
        page.locator(".js-plotly-plot").wait_for()
    if name == "train":
        page.get_by_text("plain20_cifar").last.click()
        page.get_by_placeholder("a number").fill("30")
        page.get_by_role("button", name="That is my guess").click()
        page.get_by_role("button", name="Skip to the end").click()
        page.get_by_text("You guessed").first.wait_for()
    page.wait_for_timeout(1500)  # charts and tables load their code
    page.screenshot(path=ROOT / "docs" / f"{name}.png")
