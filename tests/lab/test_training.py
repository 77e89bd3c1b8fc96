"""The memory of training against torch itself: the tensors of a real graph, the profiler, real optimisers."""

from contextlib import nullcontext
from dataclasses import asdict

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib import catalog
from lib.analysis import replay, saved
from lib.architecture import Impossible
from lib.figures.lab_memory import stacks
from lib.figures.theme import LIGHT
from lib.lab import training
from lib.lab.jobs import Job, run
from lib.lab.training import TrainingMemory
from lib.records import Network, Setting
from lib.timing import found

SMALL = {"resnet18": 64, "vgg11": 32, "mobilenet_v2": 64, "seresnet18": 64, "googlenet": 64, "shufflenet_v2_x1_0": 64,
         "resnet50_fpn": 64, "lenet5_1998": 32}
"""Networks of all kinds, at input sizes that are quick."""


def knobs_of(preset: str):
    return catalog.configure(preset, {"input_size": SMALL.get(preset, 64)})


def census(loss: Tensor) -> dict[int, Tensor]:
    """The tensors that the nodes of a graph hold, by the address of their memory: a walk from the loss to the leaves."""
    tensors, seen, waiting = {}, set(), [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [before for before, _ in node.next_functions]
        values = [getattr(node, name) for name in dir(node) if name.startswith("_saved_")]
        for value in [each for value in values for each in (value if isinstance(value, (tuple, list)) else [value])]:
            if isinstance(value, Tensor) and value.numel():
                tensors[value.untyped_storage().data_ptr()] = value
    return tensors


@pytest.mark.parametrize("preset", SMALL)
def test_saved_bytes_are_what_a_real_graph_holds(preset):
    knobs, batch = knobs_of(preset), 3
    torch.manual_seed(0)
    model = catalog.get(preset).build(knobs).train()
    images = torch.randn(batch, knobs.in_channels, *knobs.sides)
    outputs = model(images)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    loss = sum(F.cross_entropy(each, torch.tensor([0, 1, 2])) if each.dim() == 2 else each.pow(2).mean() for each in outputs)
    tensors = census(loss)
    for known in (*model.parameters(), *model.buffers(), images):
        tensors.pop(known.untyped_storage().data_ptr(), None)
    real = sum(tensor.untyped_storage().nbytes() for tensor in tensors.values())
    assert saved.held(preset, knobs, "float32", batch).saved == pytest.approx(real, rel=1e-3)


@pytest.mark.parametrize("preset, dtype", [("resnet18", "bfloat16"), ("skresnet18", "float32"), ("mobilenet_v2", "float32")])
def test_every_image_adds_the_same(preset, dtype):
    knobs = knobs_of(preset)
    assert asdict(saved.held(preset, knobs, dtype, 256)) == asdict(saved.traced(preset, knobs, dtype, 256))


def test_a_small_network_by_hand():
    """LeNet-5 of today at batch 7: what each layer's backward reads, 4 bytes a number."""
    knobs, batch = catalog.configure("lenet5", {}), 7
    model = catalog.get("lenet5").build(knobs)
    shapes = []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(lambda module, inputs, output: shapes.append(inputs[0].shape[1:].numel()))
    model(torch.zeros(1, 1, 32, 32))
    step = saved.held("lenet5", knobs, "float32", batch)
    assert step.images == 4 * batch * 32 * 32
    assert step.weights == step.trained == 4 * sum(weight.numel() for weight in model.parameters())
    # At the least, the inputs of all weight layers after the first are kept, as their weights' gradients need them.
    assert step.saved >= 4 * batch * sum(shapes[1:])


def test_relu_in_place_saves_nothing_after_batch_normalisation():
    def kept(in_place: bool, normalised: bool) -> int:
        layers = [nn.Conv2d(3, 8, 3), *([nn.BatchNorm2d(8)] if normalised else []), nn.ReLU(in_place), nn.Conv2d(8, 8, 3)]
        tensors = census(nn.Sequential(*layers)(torch.zeros(2, 3, 16, 16)).sum())
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors.values())
    for normalised in (False, True):
        assert kept(True, normalised) == kept(False, normalised)


@pytest.mark.parametrize("name, make", [
    ("sgd", lambda weights: torch.optim.SGD(weights, 0.1)), ("adam", lambda weights: torch.optim.Adam(weights)),
    ("momentum", lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.9))])
def test_the_state_of_real_optimisers(name, make):
    knobs = knobs_of("mobilenet_v2")
    model = catalog.get("mobilenet_v2").build(knobs)
    optimiser = make(model.parameters())
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimiser.step()
    real = sum(value.nbytes for state in optimiser.state_dict()["state"].values() for value in state.values()
               if isinstance(value, Tensor) and value.dim())
    parts = saved.budget("mobilenet_v2", knobs, "float32", 1, name)
    assert parts.optimiser == real
    assert parts.gradients == sum(weight.grad.nbytes for weight in model.parameters())
    assert parts.weights == sum(tensor.nbytes for tensor in model.state_dict().values())
    assert parts.total == parts.weights + parts.gradients + real + parts.images + parts.saved


def test_cards_are_gib():
    def card(count: int) -> int | None:
        return saved.Budget(1, weights=count, gradients=0, optimiser=0, images=0, saved=0).card
    assert [card(8 * 2**30), card(8 * 2**30 + 1), card(79 * 2**30), card(81 * 2**30)] == [8, 16, 80, None]


def test_the_picture_stacks_all_parts_and_draws_cards_within_reach():
    figure = stacks.__wrapped__([1, 2], {"weights": [1, 1], "saved": [6, 12]}, (8, 16, 24, 80), LIGHT, measured=(2, 12.5))
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [sum(sizes) for sizes in zip(*(bar.y for bar in bars))] == [7, 13]
    assert [note.text for note in figure.layout.annotations] == ["8 GB card", "16 GB card"]
    assert (figure.data[-1].x, figure.data[-1].y) == (("2",), (12.5,))


def test_half_precision_halves_all_but_the_indices_of_pooling():
    knobs = catalog.configure("vgg11", {"input_size": 32})  # no batch normalisation
    whole, half = (saved.per_image("vgg11", knobs, dtype) for dtype in ("float32", "bfloat16"))
    assert half.indices == whole.indices == 8 * sum(64 * 2**level * 4**(4 - level) for level in range(4)) + 8 * 512
    assert whole.saved - whole.indices == 2 * (half.saved - half.indices)


def test_one_number_per_channel_has_no_variance():
    network = Network(preset="skresnet18", changed={"input_size": 64})
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        catalog.get("skresnet18").build(knobs_of("skresnet18")).train()(torch.zeros(1, 3, 64, 64))
    with pytest.raises(Impossible, match="cannot be trained at batch 1 .* Batch 2 works"):
        found(run(Job(kind="training", networks=(network,))))
    rows, refused = saved.budgets("skresnet18", knobs_of("skresnet18"), "float32", (1, 2, 4), "adam")
    assert [row.batch for row in rows] == [2, 4] and "batch 1" in refused


@pytest.mark.parametrize("preset", ["seresnet18", "googlenet_2014"])
def test_a_real_step(preset):
    network, setting = Network(preset=preset, changed={"input_size": 64}), Setting(batch=2)
    record, = found(training.measure(network, setting))
    assert record == TrainingMemory.model_validate_json(record.model_dump_json())
    assert record.ratio == pytest.approx(1, abs=0.05)
    assert record.state_bytes["sgd"] == 0
    for name, state in record.state_bytes.items():
        assert state == pytest.approx(record.computed_state_bytes[name], rel=1e-3)
        assert record.total_bytes[name] / 2 < record.peak_bytes[name] <= training.needed_bytes(network, setting)
    assert record.peak_bytes["sgd"] < record.peak_bytes["momentum"] < record.peak_bytes["adam"]


@pytest.mark.parametrize("preset", [*SMALL, "skresnet18", "resnest14d", "alexnet", "inception_v3"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_ran_once_counts_for_all_of_its_kind(monkeypatch, preset, dtype):
    """The replayed pass holds what torch's own pass holds, byte for byte."""
    knobs = knobs_of(preset) if preset != "inception_v3" else catalog.configure(preset, {"input_size": 96})
    replayed = saved.traced(preset, knobs, dtype, 2)
    monkeypatch.setattr(saved, "Replay", nullcontext)
    assert saved.traced(preset, knobs, dtype, 2) == replayed


def test_equal_layers_run_once(monkeypatch):
    asked = []
    monkeypatch.setattr(replay, "_asked", lambda *args, ask=replay._asked: asked.append(args) or ask(*args))
    saved.traced("resnest14d", catalog.configure("resnest14d", {"depths": "5,5,5,5", "input_size": 64}), "float32", 2)
    assert 20 < len(asked) < 70, "of 250 convolutions and normalisations"
