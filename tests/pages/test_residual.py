"""The lesson on residual learning without a browser."""

import pytest
import torch
import torch.nn.functional as F
import torchvision

import lib
from lib.measuring import seeded
from tests.pages.app import address, checked, open_page


@pytest.fixture(scope="module")
def page():
    return open_page("residual")


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


TABLES = ("degradation", "cifar", "identity", "signals", "correlations", "options", "family")
"""In the order of the page."""


def table(app, name: str):
    return app.dataframe[TABLES.index(name)].value


def test_fifty_layers_are_those_of_torchvision_s_tree(page):
    network = torchvision.models.resnet50(weights=None)
    blocks = [len(stage) for stage in (network.layer1, network.layer2, network.layer3, network.layer4)]
    assert f"1 + {' + '.join(str(3 * count) for count in blocks)} + 1 = 50" in text(page)
    convolutions = sum(isinstance(module, torch.nn.Conv2d) for module in network.modules())
    assert f"holds {convolutions} convolutions" in text(page) and convolutions == 53


def test_the_family_is_torchvision_s(page):
    shown = table(page, "family").set_index("Network")
    assert list(shown["Table 1, 10⁹"]) == ["1.8", "3.6", "3.8", "7.6", "11.3"]
    for depth in (18, 34, 50, 101, 152):
        with torch.device("meta"):
            network = getattr(torchvision.models, f"resnet{depth}")(weights=None)
        row = shown.loc[f"ResNet-{depth}"]
        assert row["Parameters"] == f"{sum(weight.numel() for weight in network.parameters()):,}"
        dotted = sum(name.endswith("downsample") for name, _ in network.named_modules())
        blocks = sum(len(getattr(network, f"layer{stage}")) for stage in (1, 2, 3, 4))
        assert (row["Dotted"], row["Solid"]) == (dotted, blocks - dotted)
        assert row["Weight layers"].endswith(f"= {depth}")


def test_published_errors_and_parameters_of_the_options(page):
    shown = table(page, "options").set_index("Option")
    assert list(shown["Top-1 error, %"]) == ["25.03", "24.52", "24.19"]
    assert list(shown["Top-5 error, %"]) == ["7.76", "7.46", "7.40"]
    assert list(shown["Parameters"])[:2] == ["21,623,848", "21,797,672"]
    assert list(shown["Projections"]) == [0, 3, 16]
    assert table(page, "degradation").values.tolist() == [["plain", "27.94", "28.54"], ["residual", "27.88", "25.03"]]
    assert table(page, "cifar").values.tolist() == [["error, %", "8.75", "7.51", "7.17", "6.97", "6.43", "7.93"]]


def test_same_parameters_at_the_same_depth(page):
    assert text(page).count("853,018") == 2 and "125,485,696" in text(page)
    more = sum(2 * c * c + 4 * c for c in (16, 32))  # 1x1 convolutions to twice the channels, and their norms
    app = checked(page.segmented_control(key="residual_shortcut").set_value("B").run())
    assert f"({more:,} more)" in text(app)
    checked(page.segmented_control(key="residual_shortcut").set_value("A").run())


def test_zero_weights_are_the_identity_with_caveats(page):
    def errors():
        return table(page, "identity").iloc[:, 1:].values.tolist()

    numbers = torch.arange(-20, 21) / 10
    for shift in (-0.5, 0.5, 0.0):
        checked(page.segmented_control(key="residual_shift").set_value(shift).run())
        cut = F.relu(numbers + shift)
        wrong = [f"{(cut - numbers)[chosen].abs().max():.2f}" for chosen in (numbers >= 0, numbers < 0)]
        assert errors()[1] == errors()[2] == wrong
        assert errors()[3] == ["0.00", "0.00"]
    assert errors()[0] == ["2.00", "2.00"] and wrong[0] == "0.00"


def test_gradients_are_those_of_a_backward_pass_by_hand(page):
    with seeded(0):
        images, labels = torch.randn(4, 3, 32, 32), torch.randint(10, (4,))
        torch.randn(2, 2, 3, 32, 32)
        network = lib.build("plain56_cifar")
    x = F.relu(network.bn1(network.conv1(images)))
    first = network.layer1[0](x)
    first.retain_grad()
    last = network.layer3(network.layer2(network.layer1[1:](first)))
    last.retain_grad()
    F.cross_entropy(network.fc(last.mean((2, 3))), labels).backward()
    row = table(page, "signals").set_index("Network").loc["plain-56"]
    assert float(row["At the first"]) == pytest.approx(first.grad.norm().item(), rel=0.02)
    assert float(row["Gradient at the last block"]) == pytest.approx(last.grad.norm().item(), rel=0.02)
    assert row["After the last"] == f"{last.square().mean().sqrt():.2f}"


def test_what_holds_for_every_seed(page):
    """Plain gradients grow much more towards the first block and are less alike; halves of normal numbers have RMS 0.71."""
    for seed in page.select_slider(key="residual_seed").options[1:3]:
        checked(page.select_slider(key="residual_seed").set_value(int(seed)).run())
        plain, residual = (table(page, "signals").loc[row] for row in (0, 1))
        assert float(plain["After the last"]) == pytest.approx(0.5**0.5, abs=0.02)
        assert float(plain["At the first"]) > 50 * float(residual["At the first"])
        close = table(page, "correlations").iloc[0]
        assert abs(float(close["plain-56"])) < 0.2 < 0.6 < float(close["ResNet-56"])
    assert address(page)["seed"] == seed


def test_with_option_a_both_start_from_the_same_weights():
    networks = []
    for residual in (False, True):
        with seeded(1):
            networks.append(lib.build("resnet56_cifar", n=3, residual=residual))
    assert all(torch.equal(*pair) for pair in zip(*(network.parameters() for network in networks), strict=True))


@pytest.mark.parametrize(("depth", "shortcut"), [(20, "B"), (32, "C"), (44, "A"), (110, "C")])
def test_other_depths(page, depth, shortcut):
    page.segmented_control(key="residual_shortcut").set_value(shortcut)
    checked(page.select_slider(key="residual_depth").set_value(depth).run())
    assert f"plain-{depth} and ResNet-{depth}" in text(page)
    if (depth, shortcut) == (110, "C"):  # projections everywhere: no identity, no resistance
        assert all(abs(float(value)) < 0.3 for value in table(page, "correlations")["ResNet-110"])
    assert address(page)["depth"] == str(depth)


def test_a_bad_link_gets_plain_sentences():
    app = open_page("residual", depth="57", shortcut="<script>", colour="1")
    assert len(app.warning) == 3
    assert app.select_slider(key="residual_depth").value == 56
