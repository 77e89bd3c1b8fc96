"""Building on meta: as torch itself builds on its meta device, and nothing shared between layers that were copied."""

from threading import Thread

import pytest
import torch
from torch import nn

import lib
from lib.meta import forget_layers, on_meta


def attributes(model: nn.Module) -> list[tuple]:
    """All that a model is: its modules with their settings, its weights and buffers with shapes and types."""
    modules = [(path, type(module), sorted(vars(module)), module.extra_repr()) for path, module in model.named_modules()]
    tensors = [(name, type(tensor), tensor.shape, tensor.dtype, tensor.device.type, tensor.requires_grad)
               for name, tensor in (*model.named_parameters(), *model.named_buffers())]
    return [*modules, *tensors, *model.state_dict()]


@pytest.mark.slow
@pytest.mark.parametrize("preset", lib.presets())
def test_the_same_network_as_torch_builds_on_its_meta_device(preset):
    with torch.device("meta"):
        expected = attributes(lib.build(preset))
    with on_meta():
        assert attributes(lib.build(preset)) == expected


@pytest.mark.parametrize("make", [
    lambda: nn.Conv2d(3, 8, 3, padding=1, groups=1), lambda: nn.BatchNorm2d(8), lambda: nn.Linear(4, 5, bias=False),
    lambda: nn.ReLU(inplace=True), lambda: nn.MaxPool2d(3, stride=2)])
def test_equal_layers_share_nothing(make):
    with on_meta():
        one, other = make(), make()
    assert attributes(one) == attributes(other)
    assert not {id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}
    assert not {id(b) for b in one.buffers()} & {id(b) for b in other.buffers()}
    one.register_forward_hook(lambda *_: None)
    one.register_buffer("mark", torch.zeros(1), persistent=False)
    one.eval()
    one.inplace = one.stride = None
    assert not other._forward_hooks and "mark" not in other._buffers and other.training
    assert not {id(value) for value in vars(one).values() if isinstance(value, (dict, set))} & {
        id(value) for value in vars(other).values()}
    with on_meta():
        assert attributes(make()) == attributes(other)


def test_arguments_that_are_equal_but_not_the_same_are_told_apart():
    with on_meta():
        assert nn.ReLU(True).inplace is True and type(nn.ReLU(1).inplace) is int
        assert nn.Conv2d(3, 4, 1).bias is not None
        assert nn.Conv2d(3, 4, 1, bias=False).bias is None and nn.Conv2d(3, 4, (1, 1)).kernel_size == (1, 1)


def test_only_this_thread_and_only_inside_builds_on_meta():
    with on_meta():
        nn.Linear(3, 4)
        built = []
        (thread := Thread(target=lambda: built.append(nn.Linear(3, 4)))).start()
        thread.join()
        with on_meta():
            assert nn.Linear(3, 4).weight.is_meta
        assert nn.Linear(3, 4).weight.is_meta
    for layer in (*built, nn.Linear(3, 4)):
        assert layer.weight.device.type == "cpu" and layer.weight.std() > 0


def test_a_class_of_ones_own_is_built_by_its_own_constructor():
    class Named(nn.Conv2d):
        def __init__(self, name, *args):
            super().__init__(*args)
            self.name = name

    with on_meta():
        assert [Named(name, 3, 4, 1).name for name in ("a", "b")] == ["a", "b"]
        assert not hasattr(nn.Conv2d(3, 4, 1), "name")


def test_torchs_own_refusals_stay():
    for _ in range(2):
        with on_meta(), pytest.raises(ValueError, match="divisible by groups"):
            nn.Conv2d(3, 4, 3, groups=2)


def test_forgetting_changes_nothing():
    before = lib.analyze("resnet18").to_json()
    forget_layers()
    assert lib.analyze("resnet18").to_json() == before
