"""Efficient networks without a browser: counts against torch by hand, zeros that are exact, every control moved."""

import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from lib.lab.lessons import Asked, result
from lib.lessons import efficient
from lib.lessons.efficient import SEPARABLE, origins, reach, take_turns
from lib.records import Spread
from tests.engine.records import BUSY, QUIET
from tests.pages.app import address, checked, open_page


@pytest.fixture(scope="module")
def opened():
    """The page as a link without parameters opens it; not to be changed."""
    return open_page("efficient")


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def frame(app, column: str):
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def weights(app) -> list[str]:
    return [metric.value for metric in app.metric if metric.label == "Weights"]


def test_the_split_is_that_of_plain_torch_convolutions(opened):
    full = nn.Conv2d(64, 128, 3, bias=False).weight.numel()
    steps = [nn.Conv2d(64, 64, 3, groups=64, bias=False).weight.numel(), nn.Conv2d(64, 128, 1, bias=False).weight.numel()]
    assert weights(opened)[:2] == [f"{full:,}", f"{sum(steps):,}"] == ["73,728", "8,768"]
    assert list(frame(opened, "MACs per number")["MACs"]) == [number * 28 * 28 for number in (full, *steps)]
    for words in ("57,802,752", "6,874,112", r"\frac{1}{128} + \frac{1}{9} = 0.1189", "**0.1189**", "the same number", "93.4%"):
        assert words in text(opened), words


def test_mobilenet_as_its_paper_prints_it(opened):
    table = frame(opened, "Top-1 accuracy, %")
    assert list(table["Top-1 accuracy, %"]) == [71.7, 70.6]
    assert [round(macs / 1e6) for macs in table["MACs"]] == [4867, 569]
    assert list(table["Parameters"]) == [29_294_088, 4_231_976]
    assert "94.9% of MobileNet's" in text(opened)  # the paper's Table 2 has 94.86


def test_the_inverted_block_by_hand(opened):
    narrow, wide = 24, 144
    assert weights(opened)[2:4] == [f"{2 * narrow * wide + 9 * narrow**2:,}", f"{2 * narrow * wide + 9 * wide:,}"]
    blocks = frame(opened, "Numbers in the shortcut")
    assert list(blocks["MACs"])[:2] == [231_211_008, 218_365_952]  # conv2_x of ResNet-34 and ResNet-50
    assert list(blocks["Numbers in the shortcut"]) == [channels * 56**2 for channels in (64, 256, 24)]


def test_nothing_crosses_without_the_shuffle_and_all_with_it():
    for groups in (2, 3, 4, 8):
        apart, dealt = (reach(groups, shuffle, seed=1) for shuffle in (False, True))
        assert (apart == torch.eye(groups).numpy()).all()
        assert (dealt > 0).all()
        width = groups * max(groups, 4) // groups
        assert sorted(origins(groups, True)) == origins(groups, False)
        assert all({place // width for place in origins(groups, True)[start:start + width]} == set(range(groups))
                   for start in range(0, groups * width, width))
    app = open_page("efficient", shuffle="false", groups="4")
    table = frame(app, "Output")
    assert sum((table[name] == "0, no path").sum() for name in table.columns) == 12


def test_the_race_counts_the_same_and_measures_a_ratio(opened):
    table = frame(opened, "Time, to the first")
    assert list(table["MACs"][:2]) == [9 * 64 * 64 * 28 * 28, (SEPARABLE + 9) * SEPARABLE * 28 * 28]
    assert abs(table["MACs, to the first"][1] - 1) < 0.01
    assert list(table["Time, to the first"][::2]) == [1, 1] and (table["Time, to the first"] > 0).all()
    assert table["MACs per number moved"][1] < table["MACs per number moved"][0] / 3


def race(first=(10.0,) * 20, second=(5.0,) * 20, load=QUIET) -> efficient.Race:
    """A race whose runs took so many milliseconds."""
    racers = [efficient.Racer(name, 100, 10, Spread.of(times)) for name, times in (("one", first), ("other", second))]
    return efficient.Race(*racers, load)


@pytest.mark.parametrize("raced, words", [
    (race(), ""), (race(load=BUSY), "Other programs used 4.0 of 8 cores"),
    (race(second=tuple(range(1, 21))), "The runs scatter too much: other.")])
def test_a_disturbed_race_is_no_ground_for_a_conclusion(raced, words):
    run_already(raced)
    app = open_page("efficient")
    shown = [warning.value for warning in app.warning]
    assert len(shown) == bool(words) and all(words in warning and "Draw no conclusion" in warning for warning in shown)
    assert ("took **0.5000 times** as long" in text(app)) == (not words)


def run_already(blocks: efficient.Race) -> None:
    """As if the races had been run with these results."""
    result.keep(blocks, Asked("efficient.race_blocks", (28, 0, 0)))
    result.keep(race(), Asked("efficient.race_networks", (0, 0)))


def test_the_races_can_be_run_again():
    run_already(race())
    app = open_page("efficient")
    assert "took **0.5000 times** as long" in text(app)
    checked(app.button(key="efficient_again").click().run())
    first = app.session_state["efficient_attempt"]
    assert result(Asked("efficient.race_blocks", (28, 0, first))).first.name.startswith("Full 3×3")
    checked(app.button(key="efficient_again").click().run())
    assert app.session_state["efficient_attempt"] > first


def test_the_clock_knows_which_is_slower():
    shares = []
    (quick, slow), load = take_turns([lambda: None, lambda: sum(range(200_000))], shares.append)
    assert min(quick) < min(slow) and shares == sorted(shares) and shares[-1] <= 1
    assert len(quick) == len(slow) >= 10 and load.needed == 1 and load.present is not None


def test_the_race_runs_on_one_thread_and_changes_no_other():
    seen = []
    with threadpool_limits(2, "openmp"):
        take_turns([lambda: seen.append(torch.get_num_threads())], lambda share: None)
        assert set(seen) == {1} and torch.get_num_threads() == 2


def test_every_value_of_every_control():
    app = open_page("efficient")
    for name in ("inputs", "outputs", "size", "narrow", "expansion", "groups"):
        for option in app.select_slider(key=f"efficient_{name}").options:
            checked(app.select_slider(key=f"efficient_{name}").set_value(int(option)).run())
            assert not app.error
    checked(app.toggle(key="efficient_shuffle").set_value(False).run())
    checked(app.select_slider(key="efficient_seed").set_value(7).run())
    assert address(app) == {"inputs": "512", "outputs": "512", "size": "56", "narrow": "160", "expansion": "10", "groups": "8",
                            "shuffle": "false", "seed": "7"}


def test_without_expansion_two_convolutions_are_left():
    app = open_page("efficient", expansion="1", narrow="16")
    assert weights(app)[3] == f"{9 * 16 + 16 * 16:,}"


def test_a_bad_link_gets_plain_sentences():
    app = open_page("efficient", groups="5", colour="<script>")
    assert len([warning for warning in app.warning if "Draw no conclusion" not in warning.value]) == 2
    assert app.select_slider(key="efficient_groups").value == 3
