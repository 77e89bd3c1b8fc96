"""Receptive fields against the gradient of the real network: the pixels whose change can reach an output."""

import pytest
import torch
from torch import nn

import lib
from lib.analysis.receptive_field import receptive_fields
from lib.trace import on_meta, record


def positive(model: nn.Module) -> nn.Module:
    """The network with positive weights and averages for maxima, so that no contribution cancels or hides."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode))
            if isinstance(child, (nn.Dropout, nn.LocalResponseNorm)):
                setattr(module, name, nn.Identity())
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.0 if parameter.dim() == 1 else 1.0 / parameter[0].numel())
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
    return model.double().eval()


def extent(features: nn.Module, size: int, place: float) -> tuple[int, int, int]:
    """(first, last) row with a gradient from one place of the output, and that place; `place` is 0 to 1 in the map."""
    image = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    output = features(image)
    position = int(place * (output.shape[2] - 1))
    output[0, :, position, position].sum().backward()
    rows = image.grad[0].sum(0).abs().sum(1).nonzero()
    return rows.min().item(), rows.max().item(), position


NARROW = {"width": 8, "num_classes": 2}
CASES = [
    ("resnet18", {}, 435, 600), ("resnet50", {}, 427, 600), ("resnet50", {"stride_in_1x1": True}, 483, 640),
    ("resnet50", {"depths": (1, 2, 1, 1)}, None, 400), ("resnet34", {"residual": False, "depths": (1, 1, 1, 2)}, None, 400),
    ("resnext50_32x4d", {"cardinality": 2, "base_width": 8}, 427, 600),
    ("vgg16", {}, 212, 320), ("vgg11", {}, 150, 256), ("vgg16_c", {}, 156, 256), ("alexnet", {}, 195, 320),
    ("alexnet_2012", {"width": 12}, 195, 227),
]


@pytest.mark.parametrize("preset, knobs, published, size", CASES)
def test_is_the_extent_of_the_gradient(preset, knobs, published, size):
    knobs = NARROW | knobs
    model = positive(lib.build(preset, **knobs))
    head = {"resnet": ("avgpool", "fc"), "resnex": ("avgpool", "fc")}.get(preset[:6], ("avgpool", "classifier"))
    features = nn.Sequential(*(child for name, child in model.named_children() if name not in head))
    analysis = lib.analyze(preset, input_size=size, **knobs)
    last = next(op for op in reversed(analysis.ops) if op.stage != "head")
    first_row, last_row, position = extent(features, size, 0.5)
    top, bottom = last.field.vertical.span(position)
    assert (max(0, top), min(size - 1, bottom)) == (first_row, last_row)
    if published:
        assert analysis.receptive_field == published
    if top >= 0 and bottom < size:
        assert analysis.receptive_field == last_row - first_row + 1


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
    assert (joined.smallest, joined.size) == (3, 15)
    model = positive(Branches())
    for place in (0.3, 0.5, 0.6):
        first, last, position = extent(model, 64, place)
        top, bottom = fields["pool"].vertical.span(position)
        assert (max(0, top), min(63, bottom)) == (first, last)


def test_after_a_global_operation_the_whole_image_counts():
    analysis = lib.analyze("resnet18")
    by_name = {op.name: op for op in analysis.ops}
    assert by_name["fc"].field.whole_image and by_name["avgpool"].field.whole_image
    assert by_name["fc"].receptive_field == 435
    assert not by_name["layer4.1.add"].field.whole_image
    assert by_name["layer4.1.add"].field.covers((1, 512, 7, 7), (224, 224))
    assert not by_name["layer2.0.conv1"].field.covers((1, 128, 28, 28), (224, 224))
