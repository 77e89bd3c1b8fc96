"""The feature pyramid against torchvision's: the pyramid alone, and on a backbone."""

import pytest
import torch
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FeaturePyramidNetwork

import lib
from lib.analysis.outline import outline
from lib.models.fpn import BACKBONES, FeaturePyramid
from tests.engine.test_against_torchvision import empty, macs_by_torch


def test_the_pyramid_is_torchvision_s():
    channels = [8, 16, 24, 40]
    theirs = FeaturePyramidNetwork(channels, 12)
    ours = FeaturePyramid(channels, 12)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    maps = [torch.randn(2, c, size, size) for c, size in zip(channels, (50, 25, 13, 7))]
    expected = theirs(dict(zip("2345", maps)))
    for given, name in zip(ours(maps), expected):
        torch.testing.assert_close(given, expected[name])


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_on_a_backbone(backbone):
    theirs = empty(lambda: resnet_fpn_backbone(backbone_name=backbone, weights=None, norm_layer=torch.nn.BatchNorm2d))
    ours = lib.build("resnet50_fpn", backbone=backbone, p6=True).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.randn(1, 3, 100, 100)
    with torch.no_grad():
        expected, given = theirs(image), ours(image)
    assert list(expected) == ["0", "1", "2", "3", "pool"] and len(given) == 5
    for ours_p, theirs_p in zip(given, expected.values()):
        torch.testing.assert_close(ours_p, theirs_p, rtol=1e-5, atol=1e-5 * theirs_p.abs().max().item())
    analysis = lib.analyze("resnet50_fpn", backbone=backbone, p6=True, input_size=100)
    assert analysis.macs == macs_by_torch(theirs.to("meta"), (1, 3, 100, 100))
    assert analysis.params == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("backbone", [*BACKBONES])
def test_every_backbone(backbone):
    analysis = lib.analyze("resnet50_fpn", backbone=backbone, input_size=192)
    assert not analysis.unknown
    names = [part.name for part in outline(analysis).children]
    assert names[-4:] == ["P5", "P4", "P3", "P2"]
    sizes = {op.stage: op.out_shapes[0] for op in analysis.ops if op.label == "smoothing"}
    assert [sizes[level] for level in ("P2", "P3", "P4", "P5")] == [(1, 256, 192 // s, 192 // s) for s in (4, 8, 16, 32)]
