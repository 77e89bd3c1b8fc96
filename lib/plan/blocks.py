"""The words for blocks of the catalogue: each is one class of `lib/models`, with the values that its constructor takes."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from lib.models import (
    bn_inception, densenet, googlenet, inception_v3, lenet, mobilenet, mobilenet_v2, resnest, resnet, resnet_tweaks, resnet_v2,
    senet,
    shufflenet, shufflenet_v2, sknet, wide_resnet)
from lib.plan.word import Call, Channels, Groups, Shape, Unfit, Word, channels_of, text_of, whole

Few = Annotated[int, Field(ge=1, le=4096, title="Channels")]
Step = Annotated[int, Field(ge=1, le=8, title="Stride", description="Of the block's window; 2 halves the map.")]
Apart = Annotated[int, Field(ge=1, le=64, title="Dilation", description="Of the block's 3×3 windows.")]
Width = Annotated[int, Field(ge=1, le=512, title="Width per group", description=(
    "Channels of a group of the 3×3 where the stage has 64."))]
Cardinality = Annotated[int, Field(ge=1, le=64, title="Cardinality", description="Groups of the 3×3.")]
Reduction = Annotated[int, Field(ge=1, le=256, title="Reduction r", description=(
    "Channels for one number of the squeezed vector."))]
Shortcut = Annotated[Literal["A", "B", "C", "D", "3x3", "none"], Field(title="Shortcut", description=(
    "A: zeros for new channels. B: a 1×1 where the shape changes. C: a 1×1 everywhere. D: as B, pooling before it "
    "strides. 3x3: as B, a 3×3 where it strides."))]
SHORTCUTS = resnet.SHORTCUTS | {"D": resnet_tweaks.pooled_projection, "3x3": senet.projection_3x3}


class Block(Word):
    """A block of the catalogue: its constructor is given the channels that arrive, then the values by their names."""

    group = "Blocks"
    makes: ClassVar[type[nn.Module]]

    def call(self, shape: Shape) -> Call:
        return Call(self.makes, (channels_of(shape, self), *self.given()), self.named())

    def given(self) -> tuple:
        return tuple(getattr(self, name) for name in self.positional())

    def named(self) -> dict:
        return {name: value for name, value in self if name not in self.positional()}


class Basic(Block):
    """ResNet's basic block: two 3×3 convolutions and a shortcut."""

    title, usual, makes = "Basic block (ResNet)", "basic 64", resnet.BasicBlock
    channels: Channels
    stride: Step = 1
    shortcut: Shortcut = "B"
    dilation: Apart = 1

    def call(self, shape: Shape) -> Call:
        return with_shortcut(super().call(shape), resnet.PLAIN.get(self.makes), shape)

    def named(self) -> dict:
        return {"stride": self.stride, "shortcut": self.shortcut, "dilations": (self.dilation,) * 2}


def with_shortcut(call: Call, plain: type[nn.Module] | None, shape: Shape) -> Call:
    """A block's call with the shortcut that its letter names, or of the plain block that has none."""
    letter = call.named["shortcut"]
    named = {name: value for name, value in call.named.items() if name != "shortcut"}
    if letter == "none" and plain:
        return Call(plain, call.given, named)
    if letter == "none":
        raise Unfit("This block has a shortcut always.")
    channels = call.given[1] * (4 if issubclass(call.makes, resnet.Bottleneck) else 1)
    if letter == "A" and channels < shape[0]:
        raise Unfit(f"Shortcut A adds channels of zeros and cannot take any away: {shape[0]} arrive and {channels} leave.")
    return Call(call.makes, call.given, named | {"shortcut": SHORTCUTS[letter]})


class Bottleneck(Basic):
    """ResNet's bottleneck: 1×1 to few channels, 3×3, 1×1 to four times as many, and a shortcut."""

    title, usual, makes = "Bottleneck (ResNet)", "bottleneck 64", resnet.Bottleneck
    channels: Channels = Field(description="Of the 3×3 convolution; the output has four times as many.")
    base_width: Width = 64
    stride_in_1x1: bool = Field(False, title="Stride in the 1×1", description="As in the paper; off: in the 3×3.")

    def call(self, shape: Shape) -> Call:
        whole_width(self.channels, self.base_width)
        return super().call(shape)

    def named(self) -> dict:
        return super().named() | {"base_width": self.base_width, "stride_in_1x1": self.stride_in_1x1}


class ResNeXt(Bottleneck):
    """ResNeXt's block: a bottleneck whose 3×3 convolution has groups."""

    title, usual = "ResNeXt block", "resnext 128"
    groups: Cardinality = 32
    base_width: Width = 4

    def named(self) -> dict:
        return super().named() | {"groups": self.groups}


class SEBasic(Basic):
    """A basic block with squeeze and excitation before the addition."""

    title, usual, makes = "Basic block with SE", "se_basic 64", senet.SEBasicBlock
    reduction: Reduction = 16

    def named(self) -> dict:
        return super().named() | {"reduction": self.reduction}


class SEBottleneck(ResNeXt):
    """A bottleneck with squeeze and excitation, in one of the places that the paper compares."""

    title, usual = "Bottleneck with SE", "se_bottleneck 64"
    groups: Cardinality = 1
    base_width: Width = 64
    reduction: Reduction = 16
    place: Literal["standard", "pre", "post", "identity"] = Field(
        "standard", title="Place", description=(
            "Of the SE block: before the addition, first of all, last of all, on the shortcut."))

    def named(self) -> dict:
        return super().named() | {"reduction": self.reduction}

    @property
    def makes(self) -> type[nn.Module]:
        return senet.PLACES[self.place]


class SENet154(ResNeXt):
    """SENet-154's bottleneck with SE: half the channels between its first 1×1 and its 3×3."""

    title, usual, makes = "Bottleneck of SENet-154", "senet154 128", senet.SENet154Bottleneck
    groups: Cardinality = 64
    reduction: Reduction = 16

    def call(self, shape: Shape) -> Call:
        whole_width(self.channels, self.base_width)
        inner = self.channels * self.base_width // 64 * self.groups
        if inner < 2:
            raise Unfit(f"Its first 1×1 has half as many channels as its 3×3, and ⌊{self.channels}·{self.base_width} / 64⌋·"
                        f"{self.groups} = {inner} has no half.")
        whole(inner // 2, self.groups, "The first 1×1's")
        return super().call(shape)

    def named(self) -> dict:
        return super().named() | {"reduction": self.reduction}


class SqueezeExcite(Block):
    """Squeeze and excitation: every channel is scaled by a number that its mean, and those of the others, decide."""

    title, usual, makes = "SE block", "se", senet.SqueezeExcitation
    reduction: Reduction = 16


Branches = Annotated[int, Field(ge=1, le=8, title="Branches M", description=(
    "Kernels that are chosen among: 3×3, 5×5 and so on."))]
Floor = Annotated[int, Field(ge=1, le=512, title="At least L", description="The least numbers of the squeezed vector.")]
SplitInput = Annotated[bool, Field(title="Split the input", description="Every branch reads its share of the channels.")]


class SKConvolution(Block):
    """A selective kernel: branches of different reach, weighted by what they see."""

    title, usual, makes = "SK convolution", "sk 64", sknet.SelectiveKernel
    channels: Channels
    stride: Step = 1
    dilation: Apart = 1
    groups: Groups = 1
    branches: Branches = 2
    reduction: Reduction = 16
    floor: Floor = 32
    split_input: SplitInput = False

    def call(self, shape: Shape) -> Call:
        self.check(channels_of(shape, self), self.channels)
        return Call(self.makes, (shape[0], self.channels, self.stride), {
            name: value for name, value in self.named().items() if name != "stride"})

    def check(self, channels: int, own: int) -> None:
        """Raises `Unfit` where the branches or the groups cannot share the channels."""
        if self.split_input:
            whole(channels, self.branches, "The arriving")
        whole(channels // self.branches if self.split_input else channels, self.groups, "The arriving")
        whole(own, self.groups, "Its")


class SKBasic(SKConvolution):
    """A basic block with a selective kernel for its first 3×3."""

    title, usual, makes = "Basic block with SK", "sk_basic 64", sknet.SKBasicBlock

    def call(self, shape: Shape) -> Call:
        self.check(channels_of(shape, self), self.channels)
        return Call(self.makes, (shape[0], self.channels), self.outside())

    def outside(self) -> dict:
        """What the block around the selective kernel is given."""
        chosen = {name: value for name, value in self.named().items() if name in SK_CHOICES}
        told = Call(sknet.SelectiveKernel, (), chosen).told
        sk = partial(sknet.SelectiveKernel, **told) if told else sknet.SelectiveKernel
        return {"stride": self.stride, "sk": sk, "dilations": (self.dilation,) * 2}


SK_CHOICES = frozenset({"groups", "branches", "reduction", "floor", "split_input"})


class SKUnit(SKBasic):
    """SKNet's unit: 1×1, selective kernel, 1×1 to four times the channels, and a shortcut."""

    title, usual, makes = "SK unit", "sk_unit 64 groups=32 width=128", sknet.SKUnit
    channels: Channels = Field(description="A quarter of what leaves.")
    width: int = Field(64, ge=1, le=1024, title="Width", description="Channels of the selective kernel where the stage has 64.")

    def call(self, shape: Shape) -> Call:
        inner = self.channels * self.width // 64
        whole_width(self.channels, self.width)
        self.check(inner, inner)
        return Call(self.makes, (channels_of(shape, self), self.channels), self.outside() | {"width": self.width})


Radix = Annotated[int, Field(ge=1, le=8, title="Radix R", description="Splits of every cardinal group.")]


class SplitAttention(Block):
    """Split attention of ResNeSt: the splits of each cardinal group, weighted channel by channel."""

    title, usual, makes = "Split attention", "split_attention", resnest.SplitAttention
    radix: Radix = 2
    cardinality: Cardinality = 1
    dilation: Apart = 1

    def call(self, shape: Shape) -> Call:
        split(channels_of(shape, self), self.radix, self.cardinality)
        return Call(self.makes, (shape[0], self.radix, self.cardinality), {"dilation": self.dilation})


def split(channels: int, radix: int, cardinality: int) -> None:
    """Raises `Unfit` where radix and cardinality do not share the channels of a split attention."""
    whole(channels, radix * cardinality, "The split attention's")
    whole(resnest.attention_channels(channels, radix), cardinality, "The gate's")


class ResNeSt(Block):
    """ResNeSt's block: 1×1, split attention, 1×1 to four times the channels, and a shortcut."""

    title, usual, makes = "ResNeSt block", "resnest 64", resnest.ResNeStBottleneck
    channels: Channels = Field(description="A quarter of what leaves.")
    stride: Step = 1
    radix: Radix = 2
    cardinality: Cardinality = 1
    base_width: Width = 64
    pool_first: bool = Field(False, title="Pool first", description="Where it strides: the pooling before the split attention.")
    dilation: Apart = 1

    def call(self, shape: Shape) -> Call:
        whole_width(self.channels, self.base_width)
        split(self.channels * self.base_width // 64 * self.cardinality, self.radix, self.cardinality)
        return super().call(shape)

    def named(self) -> dict:
        return dilated(super().named())


def dilated(named: dict) -> dict:
    """The values with the dilation as blocks of residual networks take it."""
    return {name: value for name, value in named.items() if name != "dilation"} | {"dilations": (named["dilation"],) * 2}


def whole_width(channels: int, base_width: int) -> None:
    """Raises `Unfit` where a group would have less than one channel."""
    if channels * base_width < 64:
        raise Unfit(f"A group would have channels·width / 64 = {channels}·{base_width}/64 = {channels * base_width / 64:.2g} "
                    "channels, which is less than one.")


class Preact(Block):
    """A residual unit in one of the five orders of convolution, normalisation, activation and addition."""

    title, usual = "Pre-activation unit (ResNet v2)", "preact 64"
    channels: Channels = Field(description="A bottleneck's output has four times as many.")
    stride: Step = 1
    order: resnet_v2.Ordering = Field("full", title="Order", description="Fig. 4 of the paper, (a) to (e).")
    bottleneck: bool = Field(True, title="Bottleneck", description="1×1, 3×3, 1×1; off: two 3×3.")
    zeros: bool = Field(False, title="Zeros", description="For new channels on the shortcut, in place of a 1×1.")
    first: bool = Field(False, title="First unit", description="The activation comes before the two ways part.")
    dilation: Apart = 1

    @property
    def makes(self) -> type[nn.Module]:
        return resnet_v2.UNITS[self.order]

    def call(self, shape: Shape) -> Call:
        grows(self.zeros, channels_of(shape, self), self.channels * (4 if self.bottleneck else 1))
        return super().call(shape)

    def named(self) -> dict:
        return dilated({name: value for name, value in super().named().items() if name != "order"})


ENDING_IN_A_SUM = ("relu_before_addition", "relu_only", "full")
"""Orders of a pre-activation unit in which nothing comes after the addition."""


def grows(zeros: bool, arriving: int, leaving: int) -> None:
    """Raises `Unfit` where zeros are to take channels away."""
    if zeros and leaving < arriving:
        raise Unfit(f"A shortcut of zeros adds channels and cannot take any away: {arriving} arrive and {leaving} leave.")


class WideUnit(Block):
    """Wide ResNet's unit: two 3×3 in full pre-activation, with dropout between them."""

    title, usual, makes = "Wide unit (Wide ResNet)", "wide 160", wide_resnet.WideUnit
    channels: Channels
    stride: Step = 1
    dropout: float = Field(0.0, ge=0, le=0.9, title="Dropout", description="The share of the numbers that training sets to 0.")


class Dense(Block):
    """DenseNet's block: each layer reads all maps before it and adds some channels."""

    title, usual, makes = "Dense block", "dense 6", densenet.DenseBlock
    layers: int = Field(ge=1, le=64, title="Layers", description="How many layers are joined one after the other.")
    growth: int = Field(32, ge=1, le=512, title="Growth rate k", description="Channels that each layer adds.")
    bottleneck: bool = Field(True, title="Bottleneck", description="A 1×1 to 4 k channels before each 3×3.")

    def named(self) -> dict:
        layers = {True: densenet.DenseLayer, False: densenet.BasicDenseLayer}
        return {"growth": self.growth, "layer": layers[self.bottleneck]}


class Transition(Block):
    """What lies between two dense blocks: a 1×1 that keeps some of the channels, and 2×2 averages."""

    title, usual, makes = "Transition (DenseNet)", "transition", densenet.Transition
    compression: int = Field(50, ge=1, le=100, title="Compression, %", description="The channels that are kept.")

    def call(self, shape: Shape) -> Call:
        if channels_of(shape, self) * self.compression < 100:
            raise Unfit(f"{self.compression} % of {shape[0]} channels is less than one channel.")
        return super().call(shape)


Branch = Few
ThirdKernel = Annotated[Literal[3, 5], Field(title="Third kernel", description="5 in the paper; torchvision has 3.")]
Normalised = Annotated[bool, Field(title="Batch norm", description="After every convolution; off: a bias, as in 2014.")]


class Inception(Block):
    """GoogLeNet's module: 1×1; 1×1 and 3×3; 1×1 and 5×5; pooling and 1×1; joined by their channels."""

    title, usual, makes = "Inception module", "inception 64 96 128 16 32 32", googlenet.Inception
    n1x1: Branch = Field(title="1×1")
    reduce3x3: Branch = Field(title="1×1 before the 3×3")
    n3x3: Branch = Field(title="3×3")
    reduce5x5: Branch = Field(title="1×1 before the 5×5")
    n5x5: Branch = Field(title="5×5")
    projection: Branch = Field(title="1×1 after the pooling")
    norm: Normalised = False
    third_kernel: ThirdKernel = 5

    def given(self) -> tuple:
        return (googlenet.Filters(*super().given()),)

    def named(self) -> dict:
        kinds = {True: googlenet.NormalisedConvolution, False: googlenet.BiasedConvolution}
        return {"convolution": kinds[self.norm], "third_kernel": self.third_kernel}


class NaiveInception(Inception):
    """The module without reductions: 1×1, 3×3, 5×5 and pooling side by side. The values are those of `inception`."""

    title, usual, makes = "Naive Inception module", "naive_inception 64 96 128 16 32 32", googlenet.NaiveInception


class InceptionBN(Block):
    """A module of BN-Inception: 1×1; 1×1 and 3×3; 1×1 and two 3×3; pooling and 1×1. With 0 for the first and the last it
    strides."""

    title, usual, makes = "Inception module with BN", "inception_bn 64 64 64 64 96 32", bn_inception.Inception
    n1x1: Annotated[int, Field(ge=0, le=4096, title="1×1")]
    reduce3x3: Branch = Field(title="1×1 before the 3×3")
    n3x3: Branch = Field(title="3×3")
    reduce_double: Branch = Field(title="1×1 before two 3×3")
    n_double: Branch = Field(title="Two 3×3")
    projection: Annotated[int, Field(ge=0, le=4096, title="1×1 after the pooling")]
    max_pool: bool = Field(False, title="Max pooling", description="Off: average pooling.")
    double: bool = Field(True, title="Two 3×3", description="Off: one 5×5 in their place.")

    def given(self) -> tuple:
        return (bn_inception.Filters(*super().given(), self.max_pool),)

    def named(self) -> dict:
        return {"double": self.double}


class InceptionA(Block):
    """Inception v3 on 35×35 maps: two 3×3 in place of a 5×5."""

    title, usual, makes = "Inception A (v3)", "inception_a 32", inception_v3.InceptionA
    pool_channels: Branch = Field(title="1×1 after the pooling")


class InceptionB(Block):
    """Inception v3: from 35×35 to 17×17 without a bottleneck."""

    title, usual, makes = "Inception B (v3)", "inception_b", inception_v3.InceptionB


class InceptionC(Block):
    """Inception v3 on 17×17 maps: 1×7 and 7×1 in place of a 7×7."""

    title, usual, makes = "Inception C (v3)", "inception_c 128", inception_v3.InceptionC
    middle: Branch = Field(title="Channels within the branches")


class InceptionD(Block):
    """Inception v3: from 17×17 to 8×8."""

    title, usual, makes = "Inception D (v3)", "inception_d", inception_v3.InceptionD


class InceptionE(Block):
    """Inception v3 on 8×8 maps: 1×3 and 3×1 side by side."""

    title, usual, makes = "Inception E (v3)", "inception_e", inception_v3.InceptionE


class InvertedResidual(Block):
    """MobileNetV2's block: 1×1 widens, a depthwise 3×3, 1×1 narrows without activation, and a shortcut."""

    title, usual, makes = "Inverted residual (MobileNetV2)", "inverted 24", mobilenet_v2.InvertedResidual
    channels: Channels
    stride: Step = 1
    expansion: int = Field(6, ge=1, le=16, title="Expansion t", description="How many times wider it is inside.")
    residual: bool = Field(True, title="Shortcut", description="Where the shape stays.")
    linear: bool = Field(True, title="Linear end", description="Off: an activation after the last 1×1.")
    dilation: Apart = 1


class Separable(Block):
    """MobileNet's layer: a depthwise 3×3, then a 1×1 that mixes the channels."""

    title, usual, makes = "Depthwise separable (MobileNet)", "separable 64", mobilenet.DepthwiseSeparable
    channels: Channels
    stride: Step = 1
    dilation: Apart = 1


class ShuffleUnit(Block):
    """ShuffleNet's unit: grouped 1×1, shuffle, depthwise 3×3, grouped 1×1; with stride 2 the input is pooled and joined."""

    title, usual, makes = "Shuffle unit", "shuffle 240", shufflenet.ShuffleUnit
    channels: Channels
    stride: Literal[1, 2] = Field(1, title="Stride", description="2 halves the map and joins the pooled input.")
    groups: Groups = 3
    first_groups: Groups = Field(default_factory=lambda chosen: chosen.get("groups", 3), title="Groups of the first 1×1",
                                 description="1 in the first unit, whose input has few channels.")
    shuffle: bool = Field(True, title="Shuffle", description="Off: the groups never exchange channels.")

    def call(self, shape: Shape) -> Call:
        channels, middle = channels_of(shape, self), self.channels // 4
        if self.stride == 1 and channels != self.channels:
            raise Unfit(f"With stride 1 the unit adds its input: {channels} channels arrive, so it needs {channels}, "
                        f"not {self.channels}.")
        if self.stride == 2 and channels >= self.channels:
            raise Unfit(f"With stride 2 the unit joins its input to what it makes: {channels} channels arrive, so it needs more "
                        f"than {channels} in sum, and has {self.channels}.")
        whole(self.channels, 4, "Its")
        whole(channels, self.first_groups, "The arriving")
        for parts in (self.groups, self.first_groups):
            whole(middle, parts, "The inner")
        whole(self.channels - channels * (self.stride - 1), self.groups, "The last 1×1's")
        return super().call(shape)


class ShuffleUnitV2(Block):
    """ShuffleNet V2's unit: half of the channels pass by, half are worked on, both are joined and shuffled."""

    title, usual, makes = "Shuffle unit V2", "shuffle_v2", shufflenet_v2.ShuffleUnitV2

    def call(self, shape: Shape) -> Call:
        whole(channels_of(shape, self), 2, "The arriving")
        return super().call(shape)


class ShuffleDownV2(Block):
    """ShuffleNet V2's unit that halves the map: both branches read all channels."""

    title, usual, makes = "Shuffle unit V2, halving", "shuffle_down 116", shufflenet_v2.ShuffleDownV2
    channels: Channels

    def call(self, shape: Shape) -> Call:
        whole(self.channels, 2, "Its")
        return super().call(shape)


class Subsampling(Block):
    """LeNet-5's pooling of 1998: sums of 2×2 cells, with a coefficient and a bias for each map that are learned."""

    title, usual, makes = "Subsampling (LeNet-5)", "subsampling", lenet.Subsampling


class SparseConvolution(Block):
    """LeNet-5's C3: sixteen 5×5 filters, each of which reads some of six maps."""

    title, usual, makes = "Sparse C3 (LeNet-5)", "sparse_c3", lenet.SparseConvolution

    def call(self, shape: Shape) -> Call:
        if channels_of(shape, self) != 6:
            raise Unfit(f"C3 reads the six maps of S2, and {shape[0]} channels arrive.")
        return Call(self.makes)


MOST_CODES = 20_000
"""Numbers of all codes together: they are no parameters, and yet each of them is stored."""


class RadialBasis(Word):
    """LeNet-5's output: the distance to a fixed code of each class."""

    title, group, usual = "Distances to codes (LeNet-5)", "Blocks", "radial_basis 10"
    classes: int = Field(ge=1, le=1000, title="Classes", description="Outputs, of which the smallest wins.")

    def call(self, shape: Shape) -> Call:
        if len(shape) != 1:
            raise Unfit(f"A map of {text_of(shape)} arrives, and distances are taken of a row of numbers: flatten makes one.")
        if shape[0] * self.classes > MOST_CODES:
            long = Unfit(f"Every class has a code as long as what arrives, and {self.classes}·{shape[0]} = "
                         f"{self.classes * shape[0]:,} numbers are more than {MOST_CODES:,}.")
            long.too_large = True
            raise long
        return Call(lenet.RadialBasis, (shape[0], self.classes))
