"""Train: its link, its controls, prediction, run, pause, replay."""

import time

import pytest

from lib.lab import races
from lib.training.recipe import Recipe
from lib.training.shipped import curve_of
from lib.ui.train.examples import EXAMPLES
from lib.ui.train.state import Asked, read
from tests.pages.app import address, as_visitor, checked, open_page

TINY = {"a": "resnet20_cifar", "a.n": "1", "a.width": "4", "b": "plain20_cifar", "b.n": "1", "b.width": "4", "epochs": "2",
        "batch": "480"}
RESIDUAL = "resnet20_cifar n=1 width=4"
OPEN = TINY | {"predict": "false"}


@pytest.fixture(autouse=True)
def own_races(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'races.sqlite'}")
    monkeypatch.setattr(races, "_races", type(races._races)())


def race():
    return next(reversed(races._races.values()))


def labels(app):
    return [button.label for button in app.main.button]


def said(app):
    return " ".join(element.value for element in [*app.main.markdown, *app.main.caption, *app.main.warning, *app.main.error,
                                                   *app.main.info])


def finish(app):
    """Let the race run to its end."""
    end = time.monotonic() + 60
    while race().runs:
        assert time.monotonic() < end
        time.sleep(0.05)
    return checked(app.run())


def run(app):
    checked(app.button(key="train_run").click().run())
    return finish(app)


def test_predict_run_and_see():
    app = open_page("train", **TINY)
    assert "Predict first" in said(app) and "train_run" not in [button.key for button in app.button]
    app.button(key="train_guess").click().run()
    assert "Choose one of the answers first" in said(app)  # nothing was given
    key = next(iter(app.session_state["train_guesses"]))
    app.radio(key=f"train_guess_{key}_lowest").set_value(RESIDUAL)
    app.text_input(key=f"train_guess_{key}_difference").set_value("30 points")
    checked(app.button(key="train_guess").click().run())
    assert labels(app) == ["Run"] and "Press Run" in said(app).replace("**", "")
    run(app)
    assert labels(app)[:3] == ["Replay", "Train longer", "Run it here, live"]
    table = app.dataframe[0].value
    assert list(table["Network"]) == [RESIDUAL, "plain20_cifar n=1 width=4"] and list(table["Epochs"]) == [2, 2]
    assert f"You guessed {RESIDUAL}" in said(app) and "You guessed 30.0 points" in said(app)
    assert "your guess" in app.get("plotly_chart")[0].proto.spec
    assert "Measured" in said(app) and "first block behind the stem" in said(app)


def test_the_link_is_restored_and_written():
    link = OPEN | {"rate": "0.03", "seeds": "2", "seed": "7", "momentum": "0.5", "weight_decay": "0.001", "warm_up": "0",
                   "schedule": "cosine", "augmentation": "shift", "start": "xavier", "show": "train_loss"}
    app = open_page("train", **link)
    assert address(app) == link
    app.selectbox(key="train_epochs").set_value("6").run()
    assert address(checked(app)) == link | {"epochs": "6"}
    assert race().entrants[0].recipe == Recipe(epochs=6, learning_rate=0.03, momentum=0.5, weight_decay=1e-3, batch=480,
                                               warm_up=0, schedule="cosine", augmentation="shift", start="xavier")
    assert [entrant.seed for entrant in race().entrants] == [7, 8, 7, 8]


@pytest.mark.parametrize("wrong, words", [
    ({"epochs": "none"}, "epochs = none is not possible: choose a whole number from 1 to 1000"),
    ({"epochs": "900"}, "more than this server allows; the most are 100"),
    ({"rate": "fast"}, "choose a number above 0, up to 10"),
    ({"seeds": "9"}, "choose a whole number from 1 to 5"),
    ({"show": "joy"}, "choose one of train_error"),
    ({"data": "cats"}, "There are no pictures “cats” here"),
    ({"present": "maybe"}, "choose one of true, false"),
    ({"f": "resnet18"}, "There is no “f” on this page; networks are a, b, c, d and e"),
    ({"a": "nothing"}, "There is no network"),
    ({"device": "cuda:7"}, "device = cuda:7 is not here"),
])
def test_a_bad_value_gets_a_sentence_and_the_default(wrong, words):
    app = open_page("train", **OPEN | wrong)
    assert words in said(app)
    assert "train_run" in [button.key for button in app.button]


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_every_example_can_be_run_and_was_recorded(example):
    asked = read(example)
    assert not asked.problems and asked.parameters() == example
    assert all(curve_of(entrant) for entrant in asked.entrants())


def test_what_is_open_at_first():
    asked = read({})
    assert [choice.preset for choice in asked.choices] == ["plain20_cifar", "plain56_cifar", "resnet56_cifar"]
    assert asked.parameters() == {"a": "plain20_cifar", "b": "plain56_cifar", "c": "resnet56_cifar"}
    assert isinstance(asked, Asked) and asked.predicts


def test_every_control_moves():
    app = open_page("train", **OPEN)
    for key, value in (("train_rate", "fair"), ("train_seed", "3"), ("train_momentum", "0.5"), ("train_weight_decay", "0.001"),
                       ("train_batch", "240"), ("train_warm_up", "2"), ("train_schedule", "steps"),
                       ("train_augmentation", "shift"), ("train_start", "torch"), ("train_seeds", 3)):
        app.selectbox(key=key).set_value(value).run()
        assert address(checked(app))[key.removeprefix("train_")] == str(value)
    app.button(key="train_add").click().run()
    assert checked(app) and "c" in address(app)
    app.button(key="train_c_remove").click().run()
    assert checked(app) and "c" not in address(app)
    app.toggle(key="train_fair").set_value(False).run()
    assert "rate" not in address(checked(app))
    app.toggle(key="train_fair").set_value(True).run()
    assert address(checked(app))["rate"] == "fair"
    app.toggle(key="train_present").set_value(True).run()
    assert address(checked(app))["present"] == "true"


def test_a_network_is_turned_and_keeps_the_size_of_the_pictures():
    app = open_page("train", **OPEN)
    app.slider(key="train_a_resnet20_cifar-width").set_value(8).run()
    assert address(checked(app))["a.width"] == "8"
    assert "num_classes" not in " ".join(str(slider.key) for slider in app.slider)
    key = "train_a_resnet20_cifar-input_size"
    assert app.number_input(key=key).value == 8  # the digits'
    app.number_input(key=key).set_value(32).run()
    assert address(checked(app))["a.input_size"] == "32"
    assert "take them enlarged to 32 × 32" in said(app)


def test_pause_and_go_on():
    app = open_page("train", **OPEN | {"epochs": "60"})
    checked(app.button(key="train_run").click().run())
    end = time.monotonic() + 60
    while not any(curve.epochs for curve in race().found.values()):
        assert time.monotonic() < end
        time.sleep(0.05)
    checked(app.run())
    assert labels(app) == ["Pause", "Stop"]
    checked(app.button(key="train_pause").click().run())
    finish(app)
    assert "Paused after" in said(app) and labels(app)[0] == "Go on"
    checked(app.button(key="train_run").click().run())
    assert race().runs
    checked(app.button(key="train_stop").click().run())
    finish(app)
    assert "Stopped." in said(app)


def test_what_is_kept_is_replayed_and_trained_longer():
    run(open_page("train", **OPEN))
    app = open_page("train", **OPEN)
    assert "A replay" in said(app).replace("**", "") and labels(app)[0] == "Skip to the end"
    checked(app.button(key="train_skip").click().run())
    assert labels(app)[0] == "Replay" and "A replay" not in said(app).replace("**", "")
    assert "your guess" not in app.get("plotly_chart")[0].proto.spec  # nothing was guessed
    checked(app.button(key="train_replay").click().run())
    assert labels(app)[0] == "Skip to the end"
    checked(app.button(key="train_skip").click().run())
    checked(app.button(key="train_longer").click().run())
    assert address(app)["epochs"] == "4" and race().runs
    finish(app)
    assert [len(curve.epochs) for curve in race().found.values()] == [4, 4]


def test_a_fair_race_tries_five_rates():
    app = open_page("train", **{"a": "lenet5", "epochs": "1", "rate": "fair", "predict": "false"})
    run(app)
    assert len(app.dataframe[0].value) == 5 and "A fair race" in said(app)


def test_somebody_elses_race_is_watched():
    app = open_page("train", **OPEN | {"epochs": "90"})
    checked(app.button(key="train_run").click().run())
    with as_visitor("somebody else"):
        other = open_page("train", **OPEN | {"epochs": "90"})
        assert "Somebody else has started this race" in said(other) and labels(other) == []
    checked(app.button(key="train_stop").click().run())
    finish(app)


def test_another_race_of_ones_own_can_be_stopped():
    app = open_page("train", **OPEN | {"epochs": "90"})
    checked(app.button(key="train_run").click().run())
    app.selectbox(key="train_seed").set_value("2").run()
    assert "still runs" in said(checked(app))
    checked(app.button(key="train_stop_last").click().run())
    first = next(iter(races._races.values()))
    end = time.monotonic() + 60
    while first.runs:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "still runs" not in said(checked(app.run()))
