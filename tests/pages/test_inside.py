"""What it sees, without a browser: every control, every kind of layer, links, networks that are not there."""

from base64 import b64encode

import numpy as np
import pytest
import torch
import torchvision

import lib
from lib import weights
from lib.inside import links, looking
from lib.inside.networks import shipped_networks
from lib.inside.pictures import Example
from lib.inside.written import exact
from lib.limits import limits
from lib.lessons.pictures import drawn, png
from lib.once import forget
from lib.records import Network
from lib.training.recipe import Recipe
from lib.training.records import Entrant
from tests.pages.app import address, checked, open_page


def texts(app) -> str:
    """All that the page says."""
    kinds = ("markdown", "caption", "code", "info", "warning", "error")
    return "\n".join(each.value for kind in kinds for each in app.get(kind))


def value(side: str, cell, layer: str = "conv1", network: str = "residual", picture=Example(3, 0)) -> str:
    """The number in a cell as torch gives it."""
    subject = shipped_networks()[network]
    model, image = subject.build(side), subject.normalised(subject.pixels(picture))
    held = []
    model.get_submodule(layer).register_forward_hook(lambda module, given, output: held.append(output[0, *cell].item()))
    with torch.inference_mode():
        model(image)
    return exact(held[0])


def test_opens_with_a_picture_its_scores_and_a_sum():
    app = open_page("inside")
    said = texts(app)
    for side in ("untrained", "trained"):
        assert f"torch: {value(side, (0, 4, 4))}" in said
        assert f"= {value(side, (0, 4, 4))}" in said
    assert "Trained: **` 3 `**" in said and "rows 3 to 5 and columns 3 to 5" in said and address(app) == {}
    assert len(app.get("plotly_chart")) == 2 and len(app.get("html")) >= 2


CONTROLS = {"map": 5, "row": 0, "column": 7, "example": 2}


def test_every_control_moves_what_is_shown_and_the_link():
    app = open_page("inside")
    for name, number in CONTROLS.items():
        checked(app.number_input(key=f"inside_{name}").set_value(float(number)).run())
        assert address(app)[name] == str(number)
    assert f"torch: {value('trained', (5, 0, 7), picture=Example(3, 2))}" in texts(app) and "in the padding" in texts(app)
    checked(app.selectbox(key="inside_label").set_value(8).run())
    assert address(app)["label"] == "8" and "example" not in address(app)
    other = 0 if app.selectbox(key="inside_channel").value else 1
    checked(app.selectbox(key="inside_channel").set_value(other).run())
    assert address(app)["channel"] == str(other)
    checked(app.selectbox(key="inside_layer").set_value("layer3.0.conv1").run())
    assert address(app) == {"label": "8", "layer": "layer3.0.conv1"}
    checked(app.button(key="inside_page_chevron_right").click().run())
    assert address(app)["map"] == "12"
    checked(app.button(key="inside_input_layer2.1.relu_2").click().run())
    assert address(app)["layer"] == "layer2.1.relu_2" and "max(0, x)" in texts(app)
    checked(app.selectbox(key="inside_network").set_value("plain").run())
    assert address(app) == {"network": "plain", "label": "8"}


def test_a_number_beyond_the_map_is_refused_in_a_sentence():
    app = open_page("inside")
    checked(app.number_input(key="inside_row").set_value(8.0).run())
    assert "Row goes from 0 to 7. It stays at 4." in app.error[0].value and address(app) == {}


@pytest.mark.parametrize("network, layers", {
    "residual": ("layer2.0.add", "layer2.0.downsample", "layer2.0.downsample.pad", "flatten", "fc", "avgpool"),
    "sk": ("layer1.0.conv1.stack", "layer1.0.conv1.attn.softmax", "layer1.0.conv1.mul", "layer1.0.conv1.sum", "maxpool"),
    "lenet5": ("squash", "s2", "output"), "se": ("layer1.0.se.sigmoid",), "split": ("layer2.0.conv2.conv",)}.items())
def test_every_kind_of_layer_is_written_out(network, layers):
    names = [op.name for op in shipped_networks()[network].analysis().ops]
    for layer in [layer for layer in layers if layer in names]:
        app = open_page("inside", network=network, layer=layer)
        assert not app.warning and "No rule" not in texts(app)
        results = [code.value.split("\n")[-2:] for code in app.code]
        assert len(results) == 2
        for ours, torchs in results:
            assert float(ours.removeprefix("= ").replace("−", "-")) == pytest.approx(
                float(torchs.removeprefix("torch: ").replace("−", "-")), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("network", ["se", "sk", "split"])
def test_gates_are_shown_and_chosen(network):
    app = open_page("inside", network=network, view="gates")
    first = app.selectbox(key="inside_gate").options[0]
    checked(app.selectbox(key="inside_gate").set_value(first).run())
    assert address(app)["gate"] == first
    table = app.dataframe[-1].value
    assert len(table.columns) == (3 if network == "se" else 5)
    if network != "se":
        np.testing.assert_allclose(table.iloc[:, -2:].sum(axis=1), 1, atol=2e-4)


def test_views_without_an_answer_say_so():
    assert "has no gates" in texts(open_page("inside", view="gates"))
    assert "no place on the picture" in texts(open_page("inside", view="field", layer="fc"))


def test_the_effective_field_is_shown():
    app = open_page("inside", network="lenet5", view="field", layer="s2")
    assert texts(app).count("Half of the gradient") == 2 and len(app.get("plotly_chart")) == 4
    checked(app.selectbox(key="inside_field_layer").set_value("s4").run())
    checked(app.segmented_control(key="inside_view").set_value("maps").run())
    assert address(app) == {"network": "lenet5", "layer": "s4"}


def test_a_click_and_a_drawing_come_back_from_the_link():
    """A component's event as a browser sends it."""
    app = open_page("inside", picture="drawing")
    cells = np.zeros((32, 32), np.uint8)
    cells[4:28, 14:18] = 1
    app.session_state["inside"].pick((2, 1, 6))
    app.session_state["inside"].drawing = links.Drawing.read(b64encode(np.packbits(cells).tobytes()).decode())
    checked(app.run())
    again = open_page("inside", **links.write(app.session_state["inside"]))
    assert [code.value for code in again.code] == [code.value for code in app.code] and "Trained: **` 1 `**" in texts(again)
    assert "Map 2, row 1, column 6" in texts(again)


@pytest.mark.parametrize("name, text", {
    "network": "nonsense", "view": "x", "layer": "layer9", "map": "8", "row": "-1", "column": "1e9", "label": "10",
    "example": "999", "drawing": "%", "race": "resnet50;n=1", "preset": "seresnet50", "photo": "cat", "gate": "conv1",
    "colour": "red", "channel": "²", "picture": "None"}.items())
def test_what_a_link_cannot_say_is_answered_in_a_sentence(name, text, monkeypatch):
    app = open_page("inside", **{name: text})
    assert len(app.warning) == 1 and name in app.warning[0].value
    assert len(app.code) == 2


def test_a_race_s_network_is_shown(monkeypatch):
    state = shipped_networks()["residual"].build("trained").state_dict()
    monkeypatch.setattr("lib.inside.weights.kept", lambda entrant: (7, state))
    entrant = shipped_networks()["residual"].entrant.model_copy(update={"seed": 5})
    app = open_page("inside", **links.of_race(entrant))
    assert not app.warning and "seed 5, 7 epochs" in texts(app) and f"torch: {value('trained', (0, 4, 4))}" in texts(app)


# ImageNet's weights

def test_a_network_for_other_images_is_shown(monkeypatch):
    """Of two channels, wider than high: the field is drawn on that picture."""
    knobs = {"n": 1, "width": 4, "in_channels": 2, "input_size": "8x12"}
    state = lib.build("resnet20_cifar", **knobs).state_dict()
    monkeypatch.setattr("lib.inside.weights.kept", lambda entrant: (7, state))
    entrant = Entrant(network=Network(preset="resnet20_cifar", changed=knobs), seed=5, recipe=Recipe())
    for view in ("field", "maps"):
        app = open_page("inside", **links.of_race(entrant), view=view)
        assert not app.warning and not app.error and not app.exception
    assert "images of 8 × 12 pixels" in texts(app)


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """An empty folder where torch looks for weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    forget()
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    yield tmp_path / "hub" / "checkpoints"
    forget()


def test_without_the_file_the_page_says_what_to_do(checkpoints):
    app = open_page("inside", network="imagenet")
    said = texts(app)
    assert "resnet18-f37072fd.pth is not on this machine" in said and "fetch_weights" in said and "TORCH_HOME" in said
    assert not app.button and not app.code


def test_with_it_there_are_scores_and_maps(checkpoints):
    theirs = torchvision.models.shufflenet_v2_x0_5(weights=None).eval()
    torch.save(theirs.state_dict(), checkpoints / weights.files("shufflenet_v2_x0_5")[0].name)
    app = open_page("inside", network="imagenet", preset="shufflenet_v2_x0_5", photo="boat")
    assert not app.error and "shufflenetv2_x0.5-f707e7126e.pth" in texts(app) and len(app.code) == 1
    checked(app.segmented_control(key="inside_photo").set_value("checkerboard").run())
    assert address(app)["photo"] == "checkerboard"
    checked(app.file_uploader(key="inside_file").set_value(("mine.png", png(drawn("ball", 64, 40)), "image/png")).run())
    assert "photo" not in address(app) and isinstance(app.session_state["inside"].photo, bytes)
    checked(app.file_uploader(key="inside_file").set_value(("mine.png", b"no picture", "image/png")).run())
    assert "not a picture that can be read" in app.error[0].value
    checked(app.segmented_control(key="inside_view").set_value("field").run())
    assert "choose a small network" in texts(app)
    checked(app.selectbox(key="inside_preset").set_value("vgg16").run())
    assert "vgg16-397923af.pth is not on this machine" in texts(app)


def test_a_broken_file_is_named(checkpoints):
    (checkpoints / weights.files("resnet18")[0].name).write_bytes(b"no weights")
    app = open_page("inside", network="imagenet")
    assert "resnet18-f37072fd.pth cannot be read" in app.error[0].value


def test_a_server_that_may_fetches_it(checkpoints, monkeypatch):
    monkeypatch.setattr("lib.ui.inside.imagenet.limits", lambda: limits().model_copy(update={"fetch_weights": True}))

    def download(url, path, hash_prefix, progress):
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    app = open_page("inside", network="imagenet")
    assert "may fetch it" in texts(app)
    checked(app.button(key="inside_fetch").click().run())
    assert len(app.code) == 1 and not app.error


def test_without_torchvision_the_page_says_so(monkeypatch):
    def absent():
        raise weights.Impossible("ImageNet weights are torchvision's, and need that Python package.")
    monkeypatch.setattr(weights, "_torchvision", absent)
    weights.files.cache_clear()
    app = open_page("inside", network="imagenet")
    assert "need that Python package" in texts(app) and not app.code


def test_one_pass_at_a_time(monkeypatch):
    """A lock is held while a model runs, so that memory holds one."""
    held = []
    call = looking.running.call_at
    monkeypatch.setattr(looking.running, "call_at", lambda *given: held.append(looking.turn.locked()) or call(*given))
    forget()
    open_page("inside")
    assert held and all(held)
