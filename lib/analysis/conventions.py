"""One network under each way of counting operations that tools and papers use. Pure functions of an `Analysis`.

The rules of the tools are read from their source (torchinfo 1.8, fvcore 0.1.5, torch 2.14) and held against what the
installed ones print. They count what a network does in eval mode, on one image.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lib.analysis import Analysis, Layer
from lib.trace import numel

WEIGHTED = frozenset({"conv2d", "linear"})
PARTS = {"conv2d": "biases", "linear": "biases", "batch_norm": "normalisation", "local_response_norm": "normalisation",
         "max_pool2d": "pooling", "avg_pool2d": "pooling", "adaptive_avg_pool2d": "pooling",
         "adaptive_max_pool2d": "pooling", "mean": "pooling", "relu": "activations", "hardtanh": "activations",
         "sigmoid": "activations", "tanh": "activations", "softmax": "activations"}
"""The part of the count that operations beyond multiply-adds belong to; others belong to the last of `NAMES`."""
NAMES = ("multiply-adds", "biases", "normalisation", "pooling", "activations", "sums, products, resizing")
"""The parts of a count, in the order in which they are stacked."""


@dataclass(frozen=True)
class Convention:
    """A way of counting: `factor` for each multiply-add of a convolution or linear layer, and `beyond` for the rest of
    what an op does. `name` says what is counted, `who` counts so, `rule` how exactly."""

    name: str
    who: str
    rule: str
    beyond: Callable[[Layer], int]
    factor: int = 1

    def count(self, analysis: Analysis) -> dict[str, int]:
        """Operations for one image by part, in the order of `NAMES`."""
        parts = dict.fromkeys(NAMES, 0)
        for op in analysis.ops:
            parts[NAMES[0]] += self.factor * (op.macs or 0)
            parts[PARTS.get(op.kind, NAMES[-1])] += self.beyond(op)
        return parts

    def total(self, analysis: Analysis) -> int:
        """Operations for one image."""
        return sum(self.count(analysis).values())


def nothing(op: Layer) -> int:
    """Multiply-adds alone."""
    return 0


def biases(op: Layer) -> int:
    """One addition for each output of a layer with biases."""
    return op.other_operations if op.kind in WEIGHTED else 0


def torchinfo(op: Layer) -> int:
    """All parameters of a convolution work at each position, its biases too; another layer's work once. Parameters
    that lie beside layers (the coefficients of LeNet-5's subsampling) do not count."""
    return op.params if op.kind == "batch_norm" else biases(op)


def fvcore(op: Layer) -> int:
    """A scale and a shift for each output of a normalisation, an addition for each input of adaptive pooling, one
    operation for each output of resizing to the nearest; no biases, and no other layer has a rule."""
    if op.kind in {"batch_norm", "adaptive_avg_pool2d"}:
        return op.other_operations
    return numel(op.out_shapes[0]) if op.kind == "interpolate" else 0


def everything(op: Layer) -> int:
    """Every addition, comparison, product and division that `lib.analysis.cost` has a rule for."""
    return op.other_operations or 0


CONVENTIONS = (
    Convention("Multiply-adds", "the papers here, which call it FLOPs or mult-adds; torchvision; this app",
               "One for each multiply-add of a convolution or a linear layer.", nothing),
    Convention("with biases", "no tool as such; torchinfo where nothing is normalised",
               "One more for each output of a layer that has biases.", biases),
    Convention("with biases, norms once", "torchinfo: Total mult-adds",
               "Biases at every position, but a normalisation only as often as it has parameters.", torchinfo),
    Convention("with norms, adaptive pooling", "fvcore: FlopCountAnalysis",
               "Two for each output of a normalisation, one for each input of adaptive pooling; no biases.", fvcore),
    Convention("with all the rest", "no tool exactly; ptflops counts in this spirit, by rules of its own",
               "Biases, normalisation, activation, pooling and additions too.", everything),
    Convention("Multiply-adds × 2", "torch: FlopCounterMode",
               "A multiplication and an addition are two; biases and all else are nothing.", nothing, factor=2),
)
