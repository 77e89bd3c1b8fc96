"""The lesson on identity mappings without a browser."""

import pytest
import torch
import torch.nn.functional as F

import lib
from lib.measuring import seeded
from tests.pages.app import address, checked, open_page

TABLE_2 = {"(a)": ("6.61", "5.93"), "(b)": ("8.17", "6.50"), "(c)": ("7.84", "6.14"), "(d)": ("6.71", "5.91"),
           "(e)": ("6.37", "5.46")}
"""He et al. 2016, Table 2."""


@pytest.fixture(scope="module")
def page():
    return open_page("preactivation")


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def measured(app):
    return app.dataframe[0].value.set_index("Ordering")


def test_the_paper_s_errors(page):
    shown = page.dataframe[1].value
    assert {row["Ordering"][:3]: (row["110 layers, %"], row["164 layers, %"]) for _, row in shown.iterrows()} == TABLE_2
    table_3 = [["110", "6.61", "6.37"], ["164", "5.93", "5.46"], ["1001", "7.61", "4.92"]]
    assert page.dataframe[2].value.values.tolist() == table_3


def test_all_orderings_weigh_the_same(page):
    weights = [metric.value for metric in page.metric if metric.label == "Weights"]
    assert weights == [f"{2 * 9 * 16 * 16:,}"] * 5


def test_the_branch_of_c_is_never_negative_and_its_signal_grows_most(page):
    for seed in ("0", "3"):
        checked(page.select_slider(key="preactivation_seed").set_value(int(seed)).run())
        shown = measured(page)
        below = [float(share) for share in shown["F below zero, %"]]
        assert below[2] == 0 and all(45 < share < 55 for share in (below[:2] + below[3:]))
        last = [float(signal) for signal in shown["After the last"]]
        assert last[2] == max(last) and last[1] < 1
        assert list(shown["Sum is off by"] == "0") == [False, False, True, True, True]
    checked(page.select_slider(key="preactivation_seed").set_value(0).run())


def test_full_pre_activation_by_hand(page):
    with seeded(0):
        images, labels = torch.randn(2, 3, 32, 32), torch.randint(10, (2,))
        network = lib.build("resnetv2_110_cifar").train()
    first, *others = (unit for stage in (network.layer1, network.layer2, network.layer3) for unit in stage)
    x = F.relu(first.norms[0](network.conv1(images)))  # the appendix: before the two ways part
    x = start = x + first.convs[1](F.relu(first.norms[1](first.convs[0](x))))
    start.retain_grad()
    for unit in others:
        branch = unit.convs[0](F.relu(unit.norms[0](x)))
        branch = unit.convs[1](F.relu(unit.norms[1](branch)))
        if branch.shape != x.shape:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, x.shape[1]))
        x = x + branch
    norm = network.closing[0]
    F.cross_entropy(network.fc(F.relu(norm(x)).mean((2, 3))), labels).backward()
    row = measured(page).loc["(e) full pre-activation"]
    assert row["After the last"] == f"{x.square().mean().sqrt():.2f}"
    assert float(row["After the first"]) == pytest.approx(start.grad.norm().item(), rel=0.02)


def test_depth_164_and_every_ordering(page):
    checked(page.segmented_control(key="preactivation_depth").set_value("164").run())
    assert [metric.value for metric in page.metric if metric.label == "Weights"] == [f"{2 * 64 * 16 + 9 * 16 * 16:,}"] * 5
    shown = measured(page)
    assert list(shown["Sum is off by"] == "0") == [False, False, True, True, True] and shown["F below zero, %"].iloc[2] == "0.0"
    classes = {"original": "Original", "bn_after_addition": "BNAfterAddition", "relu_before_addition": "ReLUBeforeAddition",
               "relu_only": "ReLUOnlyPreactivation", "full": "FullPreactivation"}
    for ordering, name in classes.items():
        checked(page.segmented_control(key="preactivation_ordering").set_value(ordering).run())
        assert any(block.value.startswith(f"class {name}(") for block in page.code[5:7])
    assert address(page) == {"depth": "164"}


def test_a_bad_link_gets_plain_sentences():
    app = open_page("preactivation", depth="1001", ordering="<b>", seed="0")
    assert len(app.warning) == 2
    assert app.segmented_control(key="preactivation_depth").value == "110"
