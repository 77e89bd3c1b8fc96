"""Recorded curves in the lessons: what their steps show, tell and ask, against the files read plainly."""

import gzip
import json
from functools import cache
from statistics import median

import pytest
import torch

import lib
from lib.figures.theme import LIGHT
from lib.lessons import find
from lib.lessons.content import Chart
from lib.lessons.curves import End
from lib.measuring import seeded
from lib.training import shipped
from lib.ui.elements import run_link
from lib.ui.train.state import read


@cache
def raw(race: str) -> list[dict]:
    return json.loads(gzip.decompress((shipped.RACES / f"{race}.json.gz").read_bytes()))


def ends(race: str, preset: str, quantity: str = "train_error", rate: float | None = None, **changed) -> list[float]:
    """What the last epoch of each seed holds."""
    return [curve["epochs"][-1][quantity] for curve in raw(race) if (curve["preset"], curve["changed"]) == (preset, changed)
            and rate in (None, curve["settings"]["learning_rate"])]


def end_of_line(chart: Chart, name: str) -> float:
    lines = [trace for trace in chart.draw(LIGHT).to_dict()["data"] if trace.get("name") == name]
    return lines[0]["y"][-1]


@pytest.mark.parametrize("quantity", ["train_error", "test_error", "gradient_norm"])
@pytest.mark.parametrize("depth", [20, 56, 110])
def test_plain_and_residual_over_depth(depth, quantity):
    content = find("residual").shown("trained", depth=depth, shown=quantity)
    for name, preset in (("plain", f"plain{depth}_cifar"), ("ResNet", f"resnet{depth}_cifar")):
        assert end_of_line(content.picture, f"{name}-{depth}") == pytest.approx(median(ends("depth", preset, quantity)))
    question = find("residual").asked("trained", depth=depth)
    assert question.answer == median(ends("depth", f"plain{depth}_cifar"))
    assert f"seeds {min(seeds('depth'))} to {max(seeds('depth'))}" in content.picture.origin.detail or len(seeds("depth")) == 1


def seeds(race: str) -> set[int]:
    return {curve["seed"] for curve in raw(race)}


def test_a_band_goes_from_the_lowest_to_the_highest_seed():
    data = find("residual").shown("trained", depth=56).picture.draw(LIGHT).to_dict()["data"]
    found = ends("depth", "plain56_cifar")
    if len(found) > 1:
        group = [trace for trace in data if trace.get("legendgroup") == "plain-56"]
        band = [trace["y"][-1] for trace in group if trace.get("showlegend") is False]
        assert sorted(band) == pytest.approx([min(found), max(found)])


def test_ends_are_written_with_their_band():
    assert End(62.13, 53.0, 74.4).written == "62.1 (53.0 to 74.4)"
    assert End(0.0, 0.0, 0.0).written == "0.0" and End(0.0009, 0.0007, 0.0021).as_text(".2g") == "0.0009 (0.0007 to 0.0021)"
    frame = find("residual").shown("trained").more[0].frame.set_index("Network")
    found = ends("depth", "plain110_cifar")
    assert frame.loc["plain-110", "Training error, %"] == End(median(found), min(found), max(found)).written


@pytest.mark.parametrize("depth", [20, 56])
def test_plain_and_residual_begin_with_the_same_weights(depth):
    found = []
    for name in ("plain", "resnet"):
        with seeded(1):
            found.append(lib.build(f"{name}{depth}_cifar", num_classes=10, input_size=8).state_dict())
    assert found[0].keys() == found[1].keys() and all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_the_fair_race():
    errors = {name: min(median(ends("fair", f"{name}_cifar", rate=rate)) for rate in (0.3, 0.1, 0.03, 0.01, 0.003))
              for name in ("plain20", "plain56", "resnet20", "resnet56")}
    question = find("residual").asked("rates")
    assert (question.answer == "depth") == (errors["plain56"] > errors["plain20"])
    assert f"plain-20 {errors['plain20']:.1f}" in question.because and f"plain-56 {errors['plain56']:.1f}" in question.because
    data = find("residual").shown("rates").picture.draw(LIGHT).to_dict()["data"]
    line = next(trace for trace in data if trace["name"] == "plain-56")
    assert line["y"] == pytest.approx([median(ends("fair", "plain56_cifar", rate=rate)) for rate in line["x"]])


@pytest.mark.parametrize("layers", [20, 56])
def test_shortcut_options(layers):
    errors = {option: median(ends("options", f"resnet{layers}_cifar", **({} if option == "A" else {"shortcut": option})))
              for option in "ABC"}
    second, last = sorted(errors, key=errors.get)[1:]
    expected = last if errors[last] - errors[second] >= 2 else "none"
    assert find("residual").asked("learnt_options", layers=layers).answer == expected


@pytest.mark.parametrize(("change", "race", "epochs"), [
    ("usual", "depth", 12), ("xavier", "xavier", 12), ("torch", "torch", 12), ("longer", "longer", 48)])
def test_what_moves_the_numbers(change, race, epochs):
    content = find("residual").shown("honest", change=change)
    assert end_of_line(content.picture, "plain-56") == pytest.approx(median(ends(race, "plain56_cifar")))
    assert find("residual").asked("honest", change=change).answer == {"harder"}
    assert all(len(curve["epochs"]) == epochs for curve in raw(race) if curve["epochs"][-1]["train_loss"] is not None)


@pytest.mark.parametrize("layers", [56, 110])
def test_orderings(layers):
    letters = {"a": "original", "b": "bn_after_addition", "c": "relu_before_addition", "d": "relu_only", "e": "full"}
    n = {"n": 9} if layers == 56 else {}
    race = f"orders_{layers}"
    changed = [curve["changed"] for curve in raw(race)]
    assert all(each in ({"n": 9}, {}) for each in changed)
    errors = {ordering: median(ends(race, f"resnetv2_110_cifar{'' if letter == 'e' else f'_{letter}'}", **n))
              for letter, ordering in letters.items()}
    expected = {ordering for ordering, error in errors.items() if error < 5}
    assert find("preactivation").asked("learnt", layers=layers).answer == expected
    if layers == 110:
        assert {"relu_only", "full"} <= expected and "bn_after_addition" not in expected


def begins(curve: dict) -> float:
    return next((number for number, epoch in enumerate(curve["epochs"], 1) if epoch["train_error"] < 70), float("inf"))


def test_auxiliary_classifiers():
    begun = {"auxiliary" in changed: median(begins(curve) for curve in raw("auxiliary") if curve["changed"] == changed)
             for changed in ({"width": 25}, {"width": 25, "auxiliary": True})}
    question = find("inception").asked("learnt")
    assert (question.answer == "with") == (begun[True] + 2 <= begun[False])
    first = {name: median(curve["epochs"][0]["gradient_norm"] for curve in raw("auxiliary") if len(curve["changed"]) == count)
             for name, count in (("without", 1), ("with", 2))}
    assert f"{first['with'] / first['without']:.1f} times" in question.because


@pytest.mark.parametrize(("lesson", "values"), [
    ("resnext", {}), ("attention", {"frame": "small"}), ("attention", {"frame": "20"}), ("attention", {"frame": "56"})])
def test_where_all_win_nobody_is_ahead(lesson, values):
    content, question = find(lesson).shown("learnt", **values), find(lesson).asked("learnt", **values)
    lines = [trace["y"][-1] for trace in content.picture.draw(LIGHT).to_dict()["data"] if trace.get("hoverinfo") != "skip"]
    assert len(lines) >= 2 and (question.answer == "none") == (sorted(lines)[1] - min(lines) < 2)


@pytest.mark.parametrize("layers", [20, 56])
@pytest.mark.parametrize("residual", [True, False])
def test_rates_without_norms(layers, residual):
    preset = f"{'resnet' if residual else 'plain'}{layers}_cifar"
    rates = set.intersection(*({curve["settings"]["learning_rate"] for curve in raw(race)} for race in ("norm", "fair")))
    expected = {f"{rate:g}" for rate in rates if median(ends("norm", preset, rate=rate, batch_norm=False)) < 20}
    question = find("normalisation").asked("rates", layers=layers, residual=residual)
    assert question.answer == expected and len(rates) >= 3
    assert set(question.options) == {f"{rate:g}" for rate in rates} | {"none"}
    assert not expected or residual and layers == 20


STEPS = [("residual", "trained"), ("residual", "rates"), ("residual", "learnt_options"), ("residual", "honest"),
         ("preactivation", "learnt"), ("inception", "learnt"), ("resnext", "learnt"), ("attention", "learnt")]


@pytest.mark.parametrize(("lesson", "step"), STEPS)
def test_run_it_here_opens_what_is_recorded(lesson, step):
    asked = read(run_link(find(lesson).shown(step).picture.run))
    assert not asked.problems and not asked.predicts
    assert all(shipped.curve_of(entrant) for entrant in asked.entrants())
