"""Which images a network takes: against trying every size, against torchvision's own least sizes; and what a refusal costs."""

import gc
import inspect
import random
import weakref

import pytest
import torchvision
from torch import nn

import lib
from lib import catalog
from lib.analysis.fitting import image_shape, input_sizes
from lib.architecture import Impossible, bounds
from lib.meta import on_meta
from lib.trace import ImpossibleShape, record


def takes(preset: str, size: int, **knobs) -> bool:
    """Whether a pass of the network, built anew for this size, comes to its end."""
    family, configured = catalog.get(preset), catalog.configure(preset, {**knobs, "input_size": size})
    with on_meta():
        model = family.build(configured)
    try:
        record(model, image_shape(configured))
    except ImpossibleShape:
        return False
    return True


@pytest.mark.parametrize("preset, knobs", [
    ("lenet5_1998", {}), ("lenet5", {"border": 2}), ("alexnet_2012", {}), ("alexnet", {}), ("zfnet", {}), ("googlenet", {}),
    ("googlenet_2014", {}), ("vgg11", {}), ("bn_inception", {}), ("inception_v3", {}), ("inception_v3_auxiliary", {}),
    ("resnet18", {}), ("shufflenet_g3_x0_5", {})])
def test_the_range_is_what_trying_finds(preset, knobs):
    """Just inside and just outside both ends, and at twenty sizes anywhere."""
    sizes = input_sizes(catalog.get(preset), catalog.configure(preset, knobs))
    draw = random.Random(0)
    tried = {sizes[0], sizes[0] - 1, sizes[-1], sizes[-1] + 1, *(draw.randint(1, 400) for _ in range(20))}
    for size in tried & set(range(1, 2049)):
        assert takes(preset, size, **knobs) == (size in sizes), size


@pytest.mark.parametrize("preset", catalog.presets())
def test_the_range_holds_the_preset_and_needs_no_more_than_torchvision_says(preset):
    family = catalog.get(preset)
    knobs = catalog.configure(preset, {})
    sizes = input_sizes(family, knobs)
    assert knobs.input_size in sizes and sizes[-1] <= bounds(family.knobs, "input_size").high == 2048
    if hasattr(torchvision.models, preset):
        meta = torchvision.models.get_model_weights(preset).DEFAULT.meta
        assert (sizes[0], sizes[0]) == meta["min_size"]


@pytest.mark.parametrize("preset", catalog.presets())
def test_weights_depend_on_the_image_only_where_the_family_says_so(preset):
    """Else one model would stand for all sizes that are tried."""
    family, knobs = catalog.get(preset), catalog.configure(preset, {})
    shapes = []
    for size in (knobs.input_size, 2 * knobs.input_size):
        with on_meta():
            shapes.append([p.shape for p in family.build(knobs.model_copy(update={"input_size": size})).parameters()])
    assert (shapes[0] != shapes[1]) == family.built_for_size


def test_a_refusal_says_what_works():
    with pytest.raises(Impossible) as raised:
        lib.analyze("alexnet_2012", input_size=100)
    assert "Input sizes that work: squares of 227 to 258; " in str(raised.value)
    assert raised.value.fixes == {"input_size": (227, "100x611", "611x100")}


def test_a_refused_pass_keeps_nothing():
    """The model goes with its last name, without the garbage collector; and the layers have their own forward back."""
    gc.disable()
    try:
        with on_meta():
            model = catalog.get("vgg11").build(catalog.configure("vgg11", {}))
        with pytest.raises(ImpossibleShape):
            record(model, (1, 3, 8, 8))
        assert all(inspect.ismethod(module.forward) for module in model.modules() if isinstance(module, nn.Conv2d))
        gone = weakref.ref(model)
        del model
        assert gone() is None
    finally:
        gc.enable()


def test_a_refusal_searches_with_few_passes(monkeypatch):
    """267 networks were built for one, once; a bisection of 2,048 sizes takes twelve passes for each end."""
    built = []
    monkeypatch.setattr(nn.Module, "named_modules", counted(nn.Module.named_modules, built))
    with pytest.raises(Impossible):
        lib.analyze("inception_v3", auxiliary=True, input_size=96, num_classes=77)
    assert len(built) <= 26
    built.clear()
    with pytest.raises(Impossible):
        lib.analyze("inception_v3", auxiliary=True, input_size=97, num_classes=77)
    assert len(built) == 1, "the range is kept for all sizes of a network"


def counted(function, calls: list):
    """`function`, noting each call on a whole network: `record` looks through the modules once for each pass."""
    def noted(self, *args, **kwargs):
        if not args and not kwargs and hasattr(self, "Mixed_6b"):
            calls.append(self)
        return function(self, *args, **kwargs)
    return noted
