"""The lesson on ResNet's tweaks without a browser."""

import pytest
import torch
from torch import nn

from lib.lessons.tweaks import gradients
from tests.pages.app import address, checked, open_page


def text(app) -> str:
    return "\n".join(block.value for block in [*app.markdown, *app.caption])


def totals(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric[:3]}


def test_a_never_reads_three_quarters():
    app = open_page("tweaks")
    assert "the shortcut 48 of 64 (75.0 %), and the block as a whole **48 of 64 (75.0 %)**" in text(app)
    assert totals(app) == {"Tweaks on": "none (A)", "Parameters": "25,557,032", "MACs": "3,857,973,248"}


def test_switching_b_and_d_reads_everything():
    app = open_page("tweaks")
    checked(app.toggle(key="tweaks_b").set_value(True).run())
    assert "leave out 0 of 64 (0.0 %), the shortcut 48 of 64 (75.0 %), " in text(app)
    assert "and the block as a whole **0 of 64 (0.0 %)**" in text(app)
    checked(app.toggle(key="tweaks_d").set_value(True).run())
    assert text(app).count("never read: 0 of 64 (0.0 %)") == 3
    assert address(app) == {"b": "true", "d": "true"}


def test_the_paper_s_networks_and_the_stem():
    page = text(open_page("tweaks", b="true", c="true", d="true"))
    for words in ("**4.09** for B", "**4.33** for C", "3.86 billion", "118,013,952", "357,654,528", "3.03 times",
                  "is 5.4 times", "would be 1.8", "77.16 %", "lie 8 pixels apart", "35×35", "11×11 pixels instead of 7×7"):
        assert words in page
    assert 118_013_952 == 7 * 7 * 3 * 64 * 112**2
    assert 357_654_528 == 9 * (3 * 32 + 32 * 32 + 32 * 64) * 112**2


def test_c_is_cheaper_in_a_narrow_network():
    app = open_page("tweaks", width="16")
    seven, three = 49 * 3 * 16, 9 * (3 * 8 + 8 * 8 + 8 * 16)
    assert three < seven and f"**{three / seven:.2f} times**" in text(app)


def test_gradients_are_those_of_plain_torch_convolutions():
    x = torch.rand(1, 3, 7, 7, requires_grad=True)
    for layers, switches, part in (
            (nn.Conv2d(3, 2, 1, stride=2), (False, False), "shortcut"),
            (nn.Conv2d(3, 2, 3, stride=2, padding=1), (True, False), "path"),
            (nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(3, 2, 1)), (True, True), "shortcut")):
        gradient, = torch.autograd.grad(layers(x).sum(), x)
        ours = getattr(gradients(7, 0)[switches], part)
        assert ((ours == 0) == (gradient[0, 0] == 0).numpy()).all()


def test_the_seed_gives_the_measurement():
    first, again, other = gradients(8, 1), gradients(8, 1), gradients(8, 2)
    assert (first[True, True].block == again[True, True].block).all()
    assert (first[True, True].block != other[True, True].block).any()


@pytest.mark.parametrize(("name", "step"), [("width", 1), ("size", 1), ("seed", 4)])
def test_the_values_of_every_slider(name, step):
    app = open_page("tweaks")
    for option in app.select_slider(key=f"tweaks_{name}").options[::step]:
        checked(app.select_slider(key=f"tweaks_{name}").set_value(int(option)).run())


def test_every_mix_of_the_switches():
    app, seen = open_page("tweaks"), set()
    for name in "bcbdbcb":  # a Gray code: every mix once, one switch at a time
        seen.add(totals(app)["MACs"])
        checked(app.toggle(key=f"tweaks_{name}").set_value(not app.toggle(key=f"tweaks_{name}").value).run())
    assert totals(app)["Tweaks on"] == "D"
    assert len(seen) == 4  # D adds none


def test_a_bad_link_gets_plain_sentences():
    app = open_page("tweaks", b="perhaps", e="true")
    assert len(app.warning) == 2
    assert app.toggle(key="tweaks_b").value is False
