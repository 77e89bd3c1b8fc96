"""Receptive fields against the gradient of the real network: the pixels whose change can reach an output."""

import pytest
import torch
from torch import nn

import lib
from lib.analysis.receptive_field import Axis, receptive_fields
from lib.meta import on_meta
from lib.trace import record


class WithoutGradient(nn.AdaptiveAvgPool2d):
    """Global pooling of a gate, whose gradient would reach every pixel."""

    def forward(self, x):
        return super().forward(x).detach()


def without_gates(model: nn.Module) -> nn.Module:
    """The network whose gates scale but pass no gradient on: what is left are its convolutions and poolings."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.AdaptiveAvgPool2d) and "." in name:
            parent = model.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], WithoutGradient(module.output_size))
    return model


def positive(model: nn.Module) -> nn.Module:
    """The network with positive weights and averages for maxima, so that no contribution cancels or hides."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode))
            if isinstance(child, nn.ReLU6):  # has no gradient above 6
                setattr(module, name, nn.ReLU())
            if isinstance(child, (nn.Dropout, nn.LocalResponseNorm)):
                setattr(module, name, nn.Identity())
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.0 if parameter.dim() == 1 else 1.0 / parameter[0].numel())
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
    return model.double().eval().requires_grad_(False)  # the gradient that counts is the image's


def reach(features: nn.Module, shape: tuple[int, ...], place: float) -> list[tuple[int, int, int]]:
    """For rows and for columns of an image of this shape, (first, last) with a gradient from one place of the output, and
    that place; `place` is 0 to 1 in the map."""
    image = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    output = features(image)
    row, column = (int(place * (cells - 1)) for cells in output.shape[2:])
    output[0, :, row, column].sum().backward()
    seen = image.grad[0].sum(0).abs()
    found = [(seen.sum(axis).nonzero(), position) for axis, position in ((1, row), (0, column))]
    return [(places.min().item(), places.max().item(), position) for places, position in found]


def last_map(model: nn.Module):
    """The network up to the map that its head pools: image in, map out."""
    pooling = next((getattr(model, name) for name in ("avgpool", "globalpool", "global_pool") if hasattr(model, name)), None)
    if pooling is None:
        return model.features
    seen = []
    pooling.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))

    def run(image):
        seen.clear()
        model(image)
        return seen[0]
    return run


NARROW = {"width": 8, "num_classes": 2}
CASES = [
    ("resnet18", {}, 435, 600), ("resnet50", {}, 427, 600), ("resnet50", {"stride_in_1x1": True}, 483, 640),
    ("resnet50", {"depths": (1, 2, 1, 1)}, None, 400), ("resnet34", {"residual": False, "depths": (1, 1, 1, 2)}, None, 400),
    ("resnext50_32x4d", {"cardinality": 2, "base_width": 8}, 427, 600),
    ("vgg16", {}, 212, 320), ("vgg11", {}, 150, 256), ("vgg16_c", {}, 156, 256), ("alexnet", {}, 195, 320),
    ("alexnet_2012", {"width": 12}, 195, 227),
    ("resnet18_a", {}, 435, 600), ("resnet34_c", {"depths": (1, 1, 1, 1)}, None, 300),
    ("resnet20_cifar", {}, 81, 128), ("resnet164_cifar", {"n": 2}, None, 128),
    ("resnet50d", {"depths": (1, 1, 1, 1)}, None, 400), ("resnet50_v1", {"depths": (1, 2, 1, 1)}, None, 400),
    ("resnetv2_50", {"depths": (1, 1, 2, 1)}, None, 400), ("resnetv2_50_d", {"depths": (1, 1, 1, 1)}, None, 400),
    ("resnetv2_110_cifar", {"n": 2}, None, 128),
    ("seresnet50", {"depths": (1, 2, 1, 1)}, None, 400), ("seresnet50_identity", {"depths": (1, 1, 1, 1)}, None, 400),
    ("skresnext50_32x4d", {"width": 16, "depths": (1, 1, 1, 1)}, None, 500),
    ("sknet50_3_branches", {"width": 16, "depths": (1, 1, 1, 1)}, None, 640),
    ("googlenet_2014", {"width": 25}, 715, 640), ("googlenet", {"width": 25}, 379, 500),
    ("googlenet_naive", {"width": 25}, 715, 400), ("bn_inception", {"width": 25}, 699, 500),
    ("mobilenetv1_025", {"width": 25}, 315, 450), ("mobilenet_v2", {"width": 25}, 491, 640),
    ("shufflenet_g3", {"width": None, "scale": 50}, 527, 640), ("shufflenet_v2_x0_5", {"width": None}, 527, 640),
    ("resnest50d", {"depths": (1, 1, 1, 1)}, None, 400), ("resnest50d_4s2x40d", {"width": 32, "depths": (1, 1, 1, 1)}, None, 400),
    ("resnet18", {"output_stride": 8}, None, "500x340"), ("resnet50", {"output_stride": 16, "depths": (1, 1, 2, 2)}, None, "320x480"),
    ("skresnext50_32x4d", {"width": 16, "depths": (1, 1, 1, 1), "output_stride": 8}, None, "400x300"),
    ("resnest50d", {"depths": (1, 1, 1, 2), "output_stride": 8}, None, "400x320"),
    ("resnetv2_50", {"depths": (1, 1, 2, 1), "output_stride": 16}, None, "300x400"),
    ("mobilenetv1_025", {"width": 25, "output_stride": 8}, None, "420x350"),
    ("mobilenet_v2", {"width": 25, "output_stride": 16}, None, "400x500"), ("vgg11", {}, 150, "160x256"),
    ("resnet18_cifar", {}, 109, "120x160"), ("wrn_16_4", {"width": None, "k": 1}, None, "48x64"),
    ("resnet50", {"depths": (1, 1, 1, 1), "in_channels": 4}, None, "200x300"),
]


@pytest.mark.parametrize("preset, knobs, published, size", CASES)
def test_is_the_extent_of_the_gradient(preset, knobs, published, size):
    knobs = {name: value for name, value in (NARROW | knobs).items() if value is not None}
    model = without_gates(positive(lib.build(preset, **knobs)))
    analysis = lib.analyze(preset, input_size=size, **knobs)
    last = next(op for op in reversed(analysis.ops) if op.stage != "head")
    found = reach(last_map(model), analysis.input_shape, 0.5)
    for axis, side, (first, final, position) in zip((last.field.vertical, last.field.horizontal), analysis.knobs.sides, found):
        start, end = axis.span(position)
        assert (max(0, start), min(side - 1, end)) == (first, final)
        if start >= 0 and end < side:
            assert analysis.receptive_field == final - first + 1
    if published:
        assert analysis.receptive_field == published


class Branches(nn.Module):
    """Branches of different shapes that are concatenated, as in an Inception module, with a dilated convolution."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.narrow = nn.Conv2d(4, 4, 1)
        self.wide = nn.Sequential(nn.Conv2d(4, 4, (1, 7), padding=(0, 3)), nn.Conv2d(4, 4, (7, 1), padding=(3, 0)))
        self.dilated = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        x = self.stem(x)
        return self.pool(torch.cat([self.narrow(x), self.wide(x), self.dilated(x)], 1))


def test_branches_dilation_and_rectangles():
    with on_meta():
        model = Branches()
    ops = record(model, (1, 3, 64, 64))
    fields = dict(zip((op.name for op in ops), receptive_fields(ops)))
    rectangle = fields["wide.0"]
    assert (rectangle.vertical.size, rectangle.horizontal.size) == (3, 3 + 6 * 2)
    joined = fields["cat"]
    assert (joined.smallest, joined.size) == ((3, 3), (15, 15))
    model = positive(Branches())
    for place in (0.3, 0.5, 0.6):
        (first, last, position), _ = reach(model, (1, 3, 64, 64), place)
        top, bottom = fields["pool"].vertical.span(position)
        assert (max(0, top), min(63, bottom)) == (first, last)


@pytest.mark.parametrize("preset", ["seresnet18", "seresnet50_pre", "skresnext50_32x4d", "resnest50d"])
def test_a_gate_sees_the_whole_image(preset):
    """Behind the first gate the gradient reaches every pixel, and the field says so; the convolutional field is kept."""
    knobs = {"width": 16, "num_classes": 2, "depths": (2, 1, 1, 1)}
    ops = lib.analyze(preset, input_size=160, **knobs).ops
    gated = next(op for op in ops if op.kind == "mul")
    after = next(op for op in ops if op.block == "layer1.1")
    assert gated.field.whole_image and after.field.whole_image and max(after.receptive_field) < 160
    assert not ops[0].field.whole_image
    model = positive(lib.build(preset, **knobs))
    for parameter in model.parameters():
        torch.manual_seed(0)
        if parameter.dim() > 1:  # uneven weights: where all channels are alike, a softmax does not depend on them
            parameter.data *= torch.rand_like(parameter) + 0.5
    features = nn.Sequential(*(child for name, child in model.named_children() if name not in ("avgpool", "fc")))[:5]
    assert reach(features, (1, 3, 160, 160), 0.5)[0][:2] == (0, 159)


@pytest.mark.parametrize("size", [128, 122])
def test_a_pyramid_s_fields_are_the_extent_of_the_gradient(size):
    """Also where levels do not halve evenly, so that one cell stands for one or for two."""
    knobs = {"backbone": "resnet18", "channels": 8}
    model = positive(lib.build("resnet50_fpn", **knobs)).double()
    ops = {op.name: op for op in lib.analyze("resnet50_fpn", input_size=size, **knobs).ops}
    for level in range(4):
        op = ops[f"fpn.layer_blocks.{level}.0"]
        for place in (0.3, 0.5, 0.55):
            (first, last, position), _ = reach(lambda image: model(image)[level], (1, 3, size, size), place)
            top, bottom = op.field.vertical.span(position)
            assert (max(0, top), min(size - 1, bottom)) == (first, last), (level, place)


def test_after_a_global_operation_the_whole_image_counts():
    analysis = lib.analyze("resnet18")
    by_name = {op.name: op for op in analysis.ops}
    assert by_name["fc"].field.whole_image and by_name["avgpool"].field.whole_image
    assert by_name["fc"].receptive_field == (435, 435) and not by_name["fc"].field.is_map
    assert by_name["fc"].field.middle() == by_name["layer4.1.add"].field.middle(), "the middle of the map before it"
    assert not by_name["layer4.1.add"].field.whole_image
    assert by_name["layer4.1.add"].field.covers((224, 224))
    assert not by_name["layer2.0.conv1"].field.covers((224, 224))


def extents(module: nn.Module, model: nn.Module, channels: int, size: int, cells: list[tuple[int, int]]) -> list[tuple]:
    """((first, last) row, (first, last) column) with a gradient from each (row, column) of a module's output."""
    seen = []
    module.register_forward_hook(lambda module, inputs, output: seen.append(output))
    image = torch.ones(1, channels, size, size, dtype=torch.float64, requires_grad=True)
    model(image)
    found = []
    for row, column in cells:
        [gradient] = torch.autograd.grad(seen[0][0, :, row, column].sum(), image, retain_graph=True)
        hit = gradient[0].sum(0).abs() > 0
        found.append(tuple((places.min().item(), places.max().item()) for places in (hit.any(1).nonzero(), hit.any(0).nonzero())))
    return found


def clipped(field, size: int, cells: list[tuple[int, int]]) -> list[tuple]:
    """The same, as the trace has it."""
    def on_image(axis: Axis, cell: int) -> tuple[int, int]:
        first, last = axis.span(cell)
        return max(0, first), min(size - 1, last)
    return [(on_image(field.vertical, row), on_image(field.horizontal, column)) for row, column in cells]


def test_a_rectangle_s_height_and_width():
    """inception_v3's fields after 1x7 and 7x1 kernels, in both directions; 255 high and 159 wide at the first of them."""
    name, size = "Mixed_6b.branch7x7dbl_2.conv", 299
    op = next(op for op in lib.analyze("inception_v3").ops if op.name == name)
    assert (op.field.size, op.field.is_map) == ((255, 159), True)
    assert op.field.in_padding((size, size)) == 0
    model = positive(lib.build("inception_v3", num_classes=2))
    cells = [(0, 0), (8, 8), (3, 12)]
    assert extents(model.get_submodule(name), model, 3, size, cells) == clipped(op.field, size, cells)
    assert sum(op.receptive_field[0] != op.receptive_field[1] for op in lib.analyze("inception_v3").ops) > 40


@pytest.mark.parametrize("preset, size", [
    ("vgg11", 32), ("vgg11", 64), ("vgg11", 296), ("vgg11", 416), ("vgg11", 448), ("alexnet", 64), ("alexnet", 280)])
def test_every_bin_of_adaptive_pooling(preset, size):
    """At sizes where 7 or 6 bins do not divide the map, overlap, or outnumber its cells (and no window before them drops
    the last pixels, which the formula of a field does not know of)."""
    model = positive(lib.build(preset, **NARROW))
    op = next(op for op in lib.analyze(preset, input_size=size, **NARROW).ops if op.kind == "adaptive_avg_pool2d")
    side = op.out_shapes[0][-1]
    cells = [(row, side - 1 - row) for row in range(side)] + [(side // 2, 1)]
    assert extents(model.avgpool, model, 3, size, cells) == clipped(op.field, size, cells)


@pytest.mark.parametrize("preset, knobs", [
    ("seresnet50", {}), ("sknet50_3_branches", {}), ("resnest50d", {}), ("resnest50d_4s2x40d", {}), ("seresnext50_32x4d", {"head": "max"})])
def test_gates_and_what_follows_a_global_pooling_are_no_maps(preset, knobs):
    """What a squeeze leaves has no places; what has some has the height and width of a stage."""
    for op in lib.analyze(preset, **knobs).ops:
        squeezed = any(part in op.name for part in ("se.", "attention", "fc", "gate", "squeeze")) and op.kind in ("linear", "conv2d")
        assert not (squeezed and op.field.is_map), op.name
        if op.field.is_map:
            assert op.out_shapes[0][-2:] == (op.field.vertical.cells, op.field.horizontal.cells)
            assert op.out_shapes[0][-1] in (224, 112, 56, 28, 14, 7), op.name
