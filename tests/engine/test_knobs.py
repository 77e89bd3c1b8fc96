"""The knobs that many families share, against torchvision and timm with the same settings and the same weights: channels of
the image, its height and width, the stem, the output stride, SE in chosen stages, heads."""

import random

import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from timm.layers import AvgPool2dSame
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import lib
from lib import catalog
from lib.analysis.comparison import levels
from lib.analysis.fitting import heights_at, input_sizes, smallest_image, widths_at
from lib.analysis.saved import traced
from lib.architecture import Impossible, options
from lib.models.stems import strides
from lib.records import Network, Setting
from lib.timing import images
from lib.training.pictures import load
from lib.training.race import fitting
from tests.engine.test_against_timm import with_weights_of
from tests.engine.test_against_torchvision import empty

CHANNELS, SIDES = (1, 3, 4, 6, 12), (64, 96, 97, 128)


def drawn_image(draw: random.Random) -> tuple[int, tuple[int, int]]:
    """Channels, height and width."""
    return draw.choice(CHANNELS), (draw.choice(SIDES), draw.choice(SIDES))


def assert_equal(theirs: nn.Module, preset: str, channels: int, sides: tuple[int, int], **knobs) -> None:
    """The same parameters, multiply-adds, shape of the last map, and outputs for the same weights."""
    knobs |= {"in_channels": channels, "input_size": sides}
    ours, analysis = with_weights_of(theirs, preset, **knobs), lib.analyze(preset, **knobs)
    images = torch.randn(2, channels, *sides, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        expected = theirs.eval()(images)
    with torch.no_grad():
        given = ours.eval()(images)
    assert expected.std() > 1e-4, "an oracle that says nothing"
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())
    assert analysis.params == sum(p.numel() for p in theirs.parameters())
    assert analysis.macs == counter.get_total_flops() / 2 / len(images)


def for_channels(model: nn.Module, channels: int) -> nn.Module:
    """torchvision's network with a first convolution for images of so many channels."""
    path, first = next((path, each) for path, each in model.named_modules() if isinstance(each, nn.Conv2d))
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, nn.Conv2d(
        channels, first.out_channels, first.kernel_size, first.stride, first.padding, bias=first.bias is not None))
    return model


TORCHVISION = ("alexnet", "vgg11", "vgg13_bn", "resnet18", "resnext50_32x4d", "mobilenet_v2", "shufflenet_v2_x0_5", "googlenet")


@pytest.mark.parametrize("preset", TORCHVISION)
def test_channels_and_rectangles_as_in_torchvision(preset):
    channels, sides = drawn_image(random.Random(preset))
    more = {"aux_logits": False, "init_weights": False} if preset == "googlenet" else {}
    theirs = empty(lambda: for_channels(torchvision.models.get_model(preset, weights=None, **more), channels))
    assert_equal(theirs, preset, channels, sides)


@pytest.mark.parametrize("family", catalog.families().values(), ids=lambda family: family.id)
def test_every_family_takes_other_images(family):
    """Of any channels, and higher than wide where it takes the width: the first convolution reads them, and nothing else
    changes but what follows from that."""
    preset = next(iter(family.presets))
    usual, other = (lib.analyze(preset, **knobs) for knobs in ({"in_channels": 3}, {"in_channels": 5}))
    changed = [(a, b) for a, b in zip(usual.ops, other.ops) if a.weights != b.weights]
    assert [(a.weights[0][1][1], b.weights[0][1][1]) for a, b in changed] == [(3, 5)]
    assert [op.out_shapes for op in usual.ops] == [op.out_shapes for op in other.ops]
    side = usual.knobs.sides[0]
    heights = heights_at(family, usual.knobs, side)
    higher = lib.analyze(preset, input_size=(heights[-1] if heights[-1] < 2 * side else 2 * side, side))
    assert higher.input_shape[2] > side == higher.input_shape[3]
    assert higher.ops[0].out_shapes[0][2] > higher.ops[0].out_shapes[0][3]


def test_grey_images_of_resnet18():
    assert lib.analyze("resnet18", in_channels=1).params == 11_683_240


@pytest.mark.parametrize("preset", ["seresnet50", "skresnet18", "resnest14d", "resnet26d", "resnetv2_50", "mobilenetv1_100"])
@pytest.mark.parametrize("seed", range(2))
def test_channels_rectangles_and_output_strides_as_in_timm(preset, seed):
    draw = random.Random(f"{preset}{seed}")
    (channels, sides), stride = drawn_image(draw), draw.choice((8, 16, 32))
    name, knobs = preset, {}
    if preset == "resnet26d":  # the catalogue's ResNet-D with two blocks a stage
        preset, knobs = "resnet50d", {"depths": (2, 2, 2, 2)}
    theirs = empty(lambda: timm.create_model(name, in_chans=channels, output_stride=stride))
    for module in theirs.modules():  # at stride 1 timm averages 2x2 cells in a shortcut; the authors of ResNeSt do not
        for child, each in module.named_children():
            if isinstance(each, AvgPool2dSame):
                setattr(module, child, nn.Identity())
    assert_equal(theirs, preset, channels, sides, output_stride=stride, **knobs)


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_mobilenet_v2_s_output_stride_as_in_timm(stride):
    """timm has other names for the same layers, in the same order."""
    theirs = empty(lambda: timm.create_model("mobilenetv2_100", output_stride=stride))
    ours = lib.build("mobilenet_v2", output_stride=stride)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("preset", ["resnet50", "resnext50_32x4d", "wide_resnet50_2"])
@pytest.mark.parametrize("stride, replaced", [(8, [False, True, True]), (16, [False, False, True])])
def test_output_stride_is_torchvision_s_replaced_stride(preset, stride, replaced):
    theirs = empty(lambda: torchvision.models.get_model(preset, weights=None, replace_stride_with_dilation=replaced))
    assert_equal(theirs, preset, 3, (96, 64), output_stride=stride)
    last = lib.analyze(preset, output_stride=stride).last_map.out_shapes[0]
    assert last[2:] == (224 // stride, 224 // stride)


@pytest.mark.parametrize("name, stride", [("resnet18", 8), ("resnet34", 16), ("seresnet18", 8), ("resnet18d", 16)])
def test_basic_blocks_dilate_as_in_timm(name, stride):
    """torchvision dilates bottlenecks alone."""
    theirs = empty(lambda: timm.create_model(name, output_stride=stride))
    for block in theirs.modules():
        for child, each in block.named_children():
            if isinstance(each, AvgPool2dSame):
                setattr(block, child, nn.Identity())
    assert_equal(theirs, name, 3, (96, 96), output_stride=stride)


def for_cifar(model: nn.Module) -> nn.Module:
    """torchvision's or timm's network with a 3x3 in place of its stem."""
    holder, conv, pool = (model.stem, "conv", "pool") if hasattr(model, "stem") else (model, "conv1", "maxpool")
    last = getattr(holder, conv)
    width = (last[-1] if isinstance(last, nn.Sequential) else last).out_channels
    setattr(holder, conv, nn.Conv2d(3, width, 3, padding=1, bias=False))
    setattr(holder, pool, nn.Identity())
    return model


@pytest.mark.parametrize("preset, make", [
    ("resnet18_cifar", lambda: torchvision.models.resnet18(num_classes=10)),
    ("resnet50_cifar", lambda: torchvision.models.resnet50(num_classes=10)),
    ("resnext50_32x4d", torchvision.models.resnext50_32x4d),
    ("resnet18d", lambda: timm.create_model("resnet18d")), ("seresnet18", lambda: timm.create_model("seresnet18")),
    ("skresnet18", lambda: timm.create_model("skresnet18")), ("resnest14d", lambda: timm.create_model("resnest14d")),
    ("resnetv2_18_cifar", lambda: timm.create_model("resnetv2_18", num_classes=10))])
def test_the_stem_for_cifar(preset, make):
    theirs = empty(lambda: for_cifar(make()))
    knobs = {} if preset.endswith("_cifar") else {"stem": "cifar"}
    assert_equal(theirs, preset, 3, (32, 48), **knobs)


def test_resnet18_as_everybody_fits_it_to_cifar():
    analysis = lib.analyze("resnet18", stem="cifar", num_classes=10, input_size=32)
    assert (analysis.params, analysis.macs) == (11_173_962, 555_422_720)
    assert [lib.analyze("resnet18_cifar").to_json()[part] for part in ("totals", "ops")] == [
        analysis.to_json()[part] for part in ("totals", "ops")]


@pytest.mark.parametrize("preset", ["resnet50", "seresnet50", "resnest50d", "resnetv2_50", "skresnet18"])
def test_with_the_stem_for_cifar_there_is_nothing_to_dilate(preset):
    assert lib.analyze(preset, stem="cifar").knobs.output_stride == 8
    with pytest.raises(Impossible, match="stride 8") as raised:
        lib.analyze(preset, stem="cifar", output_stride=16)
    assert raised.value.fixes == {"output_stride": (8,), "stem": ("imagenet",)}


@pytest.mark.parametrize("chosen", ["none", "2", "5", "2,3", "3,5", "2,3,4"])
def test_se_blocks_stand_in_the_chosen_stages(chosen):
    def make():
        model = timm.create_model("seresnet18")
        for stage in range(2, 6):
            if str(stage) not in chosen:
                for block in getattr(model, f"layer{stage - 1}"):
                    block.se = None
        return model
    assert_equal(empty(make), "seresnet18", 3, (64, 64), se_stages=chosen)


def test_every_set_of_stages_can_be_chosen():
    found = options(catalog.families()["senet"].knobs, "se_stages")
    assert len(found) == 2**4 and found[0] == "2,3,4,5"
    assert lib.analyze("seresnet50", se_stages="none").params == lib.analyze("resnet50").params


@pytest.mark.parametrize("knobs", [
    {"place": "post"}, {"stem": "cifar"}, {"se_stages": "2"}, {"depth": 34}, {"base_width": 1}])
def test_senet154_s_revisions_go_with_what_they_revise(knobs):
    with pytest.raises(Impossible) as raised:
        lib.analyze("senet154", **knobs)
    for name, values in raised.value.fixes.items():
        if knobs != {"depth": 34}:  # which goes with none of SENet-154's knobs
            lib.analyze("senet154", **knobs | {name: values[0]})


def test_wide_resnet_is_the_paper_s():
    """Table 1 and Fig. 1, written with functions alone."""
    torch.manual_seed(0)
    model = lib.build("wrn_16_4", dropout=0.3).eval()
    state = model.state_dict()

    def activated(x, name):
        norm = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *norm).relu()

    x = images = torch.randn(2, 3, 32, 32)
    x = F.conv2d(x, state["conv1.weight"], padding=1)
    for stage, stride in (("layer1", 1), ("layer2", 2), ("layer3", 2)):
        for unit in (0, 1):
            name, stride = f"{stage}.{unit}", stride if unit == 0 else 1
            f = activated(x, f"{name}.norms.0")
            shortcut = F.conv2d(f, state[f"{name}.downsample.weight"], stride=stride) if unit == 0 else x
            f = F.conv2d(f, state[f"{name}.convs.0.weight"], stride=stride, padding=1)
            x = F.conv2d(activated(f, f"{name}.norms.1"), state[f"{name}.convs.1.weight"], padding=1) + shortcut
    expected = F.linear(activated(x, "bn").mean((2, 3)), state["fc.weight"], state["fc.bias"])
    with torch.no_grad():
        torch.testing.assert_close(model(images), expected)
    assert lib.analyze("wrn_28_10").params == 36_479_194
    convolutions = [module for module in lib.build("wrn_28_10", k=2).modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 28  # as the name counts them


def test_networks_for_cifar_have_the_parameters_that_are_printed():
    """ResNeXt-29: Xie et al. 2016, Table 7, in millions."""
    assert [round(lib.analyze(f"resnext29_{groups}x64d_cifar").params / 1e6, 1) for groups in (8, 16)] == [34.4, 68.2]


@pytest.mark.parametrize("preset, cells", [("alexnet", 6), ("alexnet_2012", 6), ("zfnet", 6), ("vgg11", 7)])
def test_the_large_linear_layers_can_be_smaller_or_go(preset, cells):
    def linear(**knobs):
        return [op.weights[0][1] for op in lib.analyze(preset, **knobs).ops if op.kind == "linear"]
    features = cells * cells * lib.analyze(preset).last_map.out_shapes[0][1]
    assert linear() == [(4096, features), (4096, 4096), (1000, 4096)]
    assert linear(hidden=512) == [(512, features), (512, 512), (1000, 512)]
    assert linear(hidden=0) == [(1000, features)]
    assert linear(hidden=0, head="average") == [(1000, features // cells**2)]
    assert linear(hidden=64, head="both")[0] == (64, 2 * features // cells**2)
    assert input_sizes(catalog.get(preset), catalog.configure(preset, {"head": "max"}))[-1] == 2048


@pytest.mark.parametrize("preset", ["alexnet", "vgg11"])
@pytest.mark.parametrize("head, hidden", [("average", 256), ("max", 0), ("flatten", 64), ("flatten", 0)])
def test_heads_of_alexnet_and_vgg_as_in_torchvision_s_frame(preset, head, hidden):
    """torchvision's features, with a pooling and a classifier of these widths in the place of its own."""
    def make():
        model = torchvision.models.get_model(preset, weights=None)
        wide, classes = [each for each in model.classifier if isinstance(each, nn.Linear)][::2]
        cells = model.avgpool.output_size if head == "flatten" else (1, 1)
        features = wide.in_features // 7**2 if preset != "alexnet" else wide.in_features // 6**2
        features *= cells[0] * cells[1]
        if head == "max":
            model.avgpool = nn.AdaptiveMaxPool2d(1)
        elif head == "average":
            model.avgpool = nn.AdaptiveAvgPool2d(1)
        sizes = [features, hidden, hidden, classes.out_features] if hidden else [features, classes.out_features]
        linear = (nn.Linear(*pair) for pair in zip(sizes, sizes[1:]))
        if hidden:
            model.classifier = nn.Sequential(*(next(linear) if isinstance(each, nn.Linear) else each for each in model.classifier))
        else:
            model.classifier = nn.Sequential(next(linear))
        return model
    assert_equal(empty(make), preset, 3, (96, 128), head=head, hidden=hidden)


@pytest.mark.parametrize("border", [0, 2])
@pytest.mark.parametrize("sides", [(28, 28), (32, 32), (28, 44)])
@pytest.mark.parametrize("version", ["1998", "modern"])
def test_lenet_with_and_without_a_border(border, sides, version):
    """C5 leaves one cell, whatever the image."""
    knobs = {"version": version, "border": border, "input_size": sides}
    with torch.no_grad():
        assert lib.build("lenet5", **knobs)(torch.randn(2, 1, *sides)).shape == (2, 10)
    c5 = next(op for op in lib.analyze("lenet5", **knobs).ops if op.path == "c5")
    assert c5.out_shapes[0] == (1, 120, 1, 1)
    assert c5.window.kernel == tuple((((side + 2 * border - 4) // 2) - 4) // 2 for side in sides)


@pytest.mark.parametrize("wanted, reached, to, expected", [
    ((2, 2, 2), 4, 32, [(2, 1, 1)] * 3), ((2, 2, 2), 4, 16, [(2, 1, 1), (2, 1, 1), (1, 1, 2)]),
    ((2, 2, 2), 4, 8, [(2, 1, 1), (1, 1, 2), (1, 2, 4)]), ((2, 2, 2), 1, 8, [(2, 1, 1)] * 3),
    ((2, 1, 2, 1), 2, 4, [(2, 1, 1), (1, 1, 1), (1, 1, 2), (1, 2, 2)])])
def test_strides_end_where_they_are_to(wanted, reached, to, expected):
    assert strides(wanted, reached, to) == expected


def test_rectangles_are_timed_compared_and_trained():
    """What is measured has the image that was asked for; what is compared is aligned by its width."""
    analysis = lib.analyze("resnet18", input_size="48x64", in_channels=2)
    network = Network.of(analysis)
    assert network.changed == {"input_size": "48x64", "in_channels": 2} and network.label == "resnet18 input_size=48x64 in_channels=2"
    assert Network.model_validate_json(network.model_dump_json()) == network
    assert images(analysis, Setting(batch=3)).shape == (3, 2, 48, 64)
    assert traced("resnet18", analysis.knobs, "float32", 2).images == 2 * 2 * 48 * 64 * 4
    assert [level.factor for level in levels([analysis, lib.analyze("resnet18")])] == [2, 4, 8, 16, 32, None]
    learner = fitting(network, load("digits", {}, 100))
    assert learner.input_shape == (1, 2, 48, 64)


SIZES = [(224, 224), ("224", 224), ("480x640", "480x640"), ((480, 640), "480x640"), ([7, 7], 7), ("480×640", "480x640")]


@pytest.mark.parametrize("given, kept", SIZES)
def test_sizes_are_written_in_one_way(given, kept):
    assert catalog.configure("resnet18", {"input_size": given}).input_size == kept


@pytest.mark.parametrize("given", [0, 2049, "1x2049", "0x3", "x", "3x", "1x2x3", 3.5, True, None, (1,) * 3, "٣"])
def test_other_sizes_are_refused_in_words(given):
    with pytest.raises(Impossible, match="height x width, such as 480x640"):
        catalog.configure("resnet18", {"input_size": given})


@pytest.mark.parametrize("preset, height, width", [("alexnet_2012", 163, 340), ("vgg11", 32, 40), ("googlenet", 15, 200)])
def test_which_rectangles_fit_is_what_trying_finds(preset, height, width):
    """Both ends of the widths at a height, and of the heights at a width."""
    family, knobs = catalog.get(preset), catalog.configure(preset, {})
    for found, written in ((widths_at(family, knobs, height), f"{height}x{{}}"), (heights_at(family, knobs, width), f"{{}}x{width}")):
        assert found
        for side in {found[0] - 1, found[0], found[-1], found[-1] + 1} & set(range(1, 2049)):
            try:
                lib.analyze(preset, input_size=written.format(side))
            except Impossible:
                assert side not in found
            else:
                assert side in found


@pytest.mark.parametrize("preset, size", [
    ("alexnet_2012", "480x640"), ("alexnet_2012", "163x400"), ("alexnet_2012", 320), ("vgg16", "20x640"), ("vgg16", "20x20"),
    ("inception_v3", "60x300"), ("lenet5", "8x40")])
def test_a_refused_rectangle_says_which_work(preset, size):
    with pytest.raises(Impossible) as raised:
        lib.analyze(preset, input_size=size)
    assert "Input sizes that work: " in str(raised.value) and raised.value.fixes["input_size"]
    for fix in raised.value.fixes["input_size"]:
        lib.analyze(preset, input_size=fix)


@pytest.mark.parametrize("preset", [next(iter(family.presets)) for family in catalog.families().values()])
def test_the_smallest_image_is_one_pixel_from_a_refusal(preset):
    family, knobs = catalog.get(preset), catalog.configure(preset, {})
    smallest = smallest_image(family, knobs)
    lib.analyze(preset, input_size=smallest.side)
    if smallest.side == 1:
        assert not smallest.why
        return
    with pytest.raises(Impossible) as raised:
        lib.analyze(preset, input_size=smallest.side - 1)
    assert smallest.why.startswith("With ")
    layer = str(raised.value).partition(" cannot take")[0]
    assert layer in smallest.why and f"{smallest.side - 1} × {smallest.side - 1}" in smallest.why
