"""For every goal of every challenge a plan that misses this goal and no other: what shows that the goal is needed.

A variant is a plan, or the solution with a part replaced (`old -> new`, each of the parts once at least).
"""

from lib.plan.challenges import challenges
from lib.plan.language import read, write_on_one_line


def dense(*growths: int, image: int = 64, kernels: tuple[int, ...] = (3, 3, 3, 3)) -> str:
    """A dense block without normalisation."""
    return f"image {image} 32x32; " + "".join(
        f"concat {{ branch {{}} branch {{ conv {growth} {kernel}x{kernel} padding={kernel // 2} }} }} "
        for growth, kernel in zip(growths, kernels))


HALF_64 = "conv 64 3x3 padding=same bias=no;batchnorm"
PLAIN_64 = f"{{{HALF_64};relu;{HALF_64}}}"
BASIC_64 = f"{{add {{branch {PLAIN_64};branch {{}}}};relu}}"
WIDE = "repeat {} {{ add {{ branch {{ conv {} 1x1; conv {} 1x1; conv {} 1x1 }} branch {{}} }} relu }}"
"""Residual blocks that see one cell alone."""

VARIANTS = {
    "same_size": {
        "image": "image 3 70x70; conv 8 7x7",
        "output": "image 3 64x64; conv 8 7x7",
        "kernel": "image 3 64x64; conv 8 3x3 padding=same",
        "convs": "image 3 64x64; conv 8 7x7 padding=same; conv 8 7x7 padding=same",
    },
    "three_for_seven": {
        "image": "image 64 34x34; repeat 3 { conv 64 3x3; relu }",
        "output": "image 64 28x28; repeat 3 { conv 64 3x3; relu }",
        "field": ("repeat 3 -> repeat 2",),
        "gaps": "image 64 28x28; conv 64 3x3 dilation=3 padding=same",
        "kernel": "image 64 28x28; conv 32 7x7 padding=same; conv 64 1x1",
        "groups": ("padding=same -> padding=same groups=2",),
        "params": "image 64 28x28; conv 128 3x3 padding=same; conv 64 3x3 padding=same; conv 64 3x3 padding=same",
    },
    "hundreds": {
        "image": ("200x300 -> 199x299",),
        "output": ("conv 400 3x3 stride=2 padding=same -> conv 400 3x3 stride=2",),
        "params": ("conv 100 3x3 stride=2 padding=same -> conv 100 3x3 stride=2 padding=same bias=no",),
        "macs": ("conv 100 3x3 stride=2 -> conv 100 3x3", "conv 200 3x3 stride=2 -> conv 200 3x3 stride=4"),
    },
    "light_head": {
        "image": ("image 3 -> image 1", "conv 32 -> conv 36"),
        "output": ("linear 10 -> linear 9",),
        "linears": ("linear 10 -> linear 10;linear 10",),
        "params": ("globalpool -> maxpool 2x2",),
        "macs>=": ("conv 32 -> conv 16",),
        "macs<=": ("maxpool 2x2; -> ",),
    },
    "small_lenet": {
        "image": ("32x32 -> 33x33",),
        "output": ("linear 10 -> linear 11",),
        "convs": ("conv 40 5x5 -> concat { branch { conv 20 5x5 } branch { conv 20 5x5 } }",),
        "kernel": ("conv 8 5x5 -> conv 12 3x3 dilation=2",),
        "linears": ("linear 84;tanh; -> ",),
        "field": ("avgpool 2x2 -> avgpool 3x3 stride=2 padding=1",),
        "macs": ("conv 8 -> conv 4",),
        "params": ("conv 40 -> conv 120",),
    },
    "far_sight": {
        "image": ("224x224 -> 223x223",),
        "output": ("conv 32 -> conv 31",),
        "field": ("conv 32 3x3 -> conv 32 1x1",),
        "gaps": ("conv 8 3x3 stride=2 padding=1 -> conv 8 1x1 stride=2",),
        "params": ("conv 24 -> conv 40",),
        "only": "image 3 224x224; repeat 4 { conv 16 3x3 padding=same; maxpool 2x2 } conv 32 3x3 padding=same; maxpool 2x2",
    },
    "full_resolution": {
        "image": ("64x64 -> 66x66", "conv 16 3x3 padding=same;relu;conv -> conv 16 3x3;relu;conv"),
        "output": ("conv 16 -> conv 8",),
        "convs": "image 3 64x64; repeat 31 { conv 16 3x3 padding=same }",
        "kernel": "image 3 64x64; repeat 4 { conv 16 17x17 padding=same }",
        "field": ("dilation=16 -> dilation=8",),
        "gaps": "image 3 64x64; repeat 2 { conv 16 3x3 padding=same dilation=16 }",
        "only": "image 3 64x64; maxpool 63x63 stride=1 padding=31; conv 16 3x3 padding=same",
    },
    "separable": {
        "image": ("56x56 -> 58x58", "conv 64 3x3 padding=same -> conv 64 3x3"),
        "output": ("conv 128 -> conv 127",),
        "field": ("conv 64 3x3 padding=same -> conv 64 3x1 padding=1x0",),
        "groups": "image 64 56x56; conv 4 1x1; conv 4 3x3 padding=same; conv 128 1x1",
        "macs": ("conv 64 -> conv 128",),
        "only": "image 64 56x56; separable 128",
    },
    "bottleneck": {
        "image": "image 64 112x112; add { branch { conv 12 1x1; conv 12 3x3 padding=same } branch { conv 12 1x1 } } "
                 "conv 64 1x1 stride=2",
        "output": "image 64 56x56; add { branch { conv 8 1x1; conv 8 3x3 padding=same; conv 32 1x1 } "
                  "branch { conv 32 1x1 } }",
        "layers": "image 64 56x56; add { branch { conv 8 1x1 bias=no; conv 64 3x3 padding=same bias=no } branch {} }",
        "field": "image 64 56x56; add { branch { conv 8 1x1; conv 8 5x5 padding=same; conv 64 1x1 } branch {} }",
        "groups": "image 64 56x56; add { branch { conv 32 1x1; conv 32 3x3 padding=same groups=32; conv 64 1x1 } "
                  "branch {} }",
        "adds": "image 64 56x56; conv 16 1x1; conv 16 3x3 padding=same; conv 64 1x1",
        "params": ("conv 16 -> conv 32",),
        "only": "image 64 56x56; bottleneck 16",
    },
    "only_three": {
        "image": ("224x224 -> 225x225",),
        "output": ("conv 512 -> conv 511",),
        "kernel": ("conv 16 3x3 -> conv 16 5x5",),
        "groups": ("conv 256 3x3 padding=same -> conv 256 3x3 padding=same groups=2",),
        "gaps": ("conv 16 3x3 padding=same;relu;maxpool 2x2;conv 32 3x3 padding=same;relu;maxpool 2x2 -> "
                 "maxpool 1x1 stride=4",
                 "repeat 2 {conv 128 -> repeat 3 {conv 128"),
        "field": ("repeat 2 {conv 64 -> repeat 1 {conv 64",),
        "macs": ("conv 16 -> conv 64", "conv 32 -> conv 128"),
    },
    "dense": {
        "image": dense(26, 33, 33, 37, image=63),
        "output": dense(20, 30, 34, 45),
        "convs": "image 64 32x32; repeat 4 { concat { branch {} branch { conv 16 3x3 padding=same } "
                 "branch { conv 16 3x3 padding=same } } }",
        "joins": "image 64 32x32; concat { branch {} branch { conv 2 3x3 padding=same } } "
                 "concat { branch {} branch { conv 32 3x3 padding=same } } "
                 "concat { branch {} branch { conv 63 3x3 padding=same; conv 94 3x3 padding=same } }",
        "field": ("padding=same -> padding=same dilation=2",),
        "macs": dense(31, 33, 32, 32),
        "kernel": dense(32, 32, 32, 32, kernels=(5, 3, 1, 3)),
    },
    "inception": {
        "image": ("56x56 -> 57x57",),
        "output": (" ceil=yes -> ",),
        "joins": ("branch {conv 64 1x1;relu} -> branch { concat { branch { conv 32 1x1 } branch { conv 32 1x1 } } }",),
        "pools": ("maxpool 3x3 stride=1 padding=1; -> ",),
        "field": ("conv 128 3x3 padding=same -> conv 128 3x3 padding=same dilation=3",),
        "params": ("conv 64 1x1 -> conv 64 1x1 bias=no",),
        "only": "start",
    },
    "resnet_by_hand": {
        "image": ("224x224 -> 223x223",),
        "output": ("flatten;linear 1000 -> conv 1000 1x1",),
        "layers": (f"{BASIC_64} -> {{ add {{ branch {{ {HALF_64} }} branch {{ {HALF_64} }} }} relu }}",),
        "adds": (f"{BASIC_64} -> {PLAIN_64}",),
        "params": ("conv 64 7x7 stride=2 padding=3 bias=no -> conv 64 7x7 stride=2 padding=3",),
        "macs": ("maxpool 3x3 stride=2 -> maxpool 3x3 stride=1",),
        "only": ("repeat 2 " + BASIC_64 + " -> repeat 2 {basic 64}",),
    },
    "cardinality": {
        "image": ("224x224 -> 223x223",),
        "output": ("linear 1000 -> linear 999",),
        "groups": "start",
        "layers": ("relu;maxpool -> relu;conv 64 1x1;maxpool",),
        "adds": ("globalpool -> add { branch {} branch {} } globalpool",),
        "macs": ("resnext 64 -> resnext 64 base_width=1", "resnext 128} -> resnext 128 base_width=1}"),
        "params": ("resnext 512 stride=2 -> resnext 512 stride=2 base_width=5", "resnext 64} -> resnext 64 base_width=3}"),
    },
    "half_the_work": {
        "image": ("224x224 -> 223x223",),
        "output": ("repeat 3 {bottleneck 512} -> repeat 3 {bottleneck 512};maxpool 3x3 stride=1",),
        "layers": ("repeat 2 {bottleneck 64} -> repeat 2 {add { branch { conv 256 1x1 } branch {} }}",),
        "field": ("repeat 3 {bottleneck 128} -> " + WIDE.format(3, 128, 128, 512),
                  "repeat 5 {bottleneck 256} -> " + WIDE.format(5, 512, 256, 1024),
                  "repeat 3 {bottleneck 512} -> bottleneck 512;" + WIDE.format(2, 1024, 1024, 2048)),
        "gaps": ("conv 64 7x7 stride=2 padding=3 bias=no;batchnorm;relu;maxpool 3x3 stride=2 padding=1;bottleneck 64 "
                 "stride=2 -> conv 64 7x7 stride=8 padding=3 bias=no;batchnorm;relu;bottleneck 64",),
        "adds": ("bottleneck 64 stride=2 -> bottleneck 64 stride=2 shortcut=none",),
        "params": ("bottleneck 512 -> bottleneck 512 base_width=32",),
        "macs": "start",
    },
}


def plan(id: str, key: str) -> str:
    """The variant of a challenge that misses one goal."""
    challenge = next(challenge for challenge in challenges() if challenge.id == id)
    variant = VARIANTS[id][key]
    if isinstance(variant, str):
        return challenge.start if variant == "start" else variant
    text = challenge.solution
    for replacement in variant:
        old, new = replacement.split(" -> ")
        assert old in text, (id, key, old)
        text = text.replace(old, new)
    return write_on_one_line(read(text))
