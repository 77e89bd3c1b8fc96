"""Large kernels taken apart, as in BN-Inception and in Inception v3, and which paper did what."""

from typing import NamedTuple

import pandas as pd
from torch import nn

from lib.analysis.block import Block, run_block
from lib.lessons.inception.networks import analysis
from lib.models.inception_v3 import Convolution
from lib.once import once

FORMS = {"whole": "n×n", "stack": "stack of 3×3", "pair": "1×n, n×1"}
KERNELS = (3, 5, 7)
CHANNELS, SIZE = 192, 28
"""Of the map on which the kernels run. Their shares do not depend on it."""


class Factors(NamedTuple):
    """One n x n convolution and the two ways to take it apart; all see n x n cells."""

    whole: Block
    stack: Block
    pair: Block

    def share(self, form: str) -> float:
        """Weights of a form in percent of the whole kernel's."""
        return 100 * getattr(self, form).weights / self.whole.weights


@once
def factors(kernel: int) -> Factors:
    """A kernel whole and taken apart, with as many channels out as in."""
    def chain(*kernels: tuple[int, int]) -> Block:
        return run_block(lambda: nn.Sequential(*(
            Convolution(CHANNELS, CHANNELS, (high, wide), padding=(high // 2, wide // 2)) for high, wide in kernels)),
            CHANNELS, SIZE)

    return Factors(chain((kernel, kernel)), chain(*[(3, 3)] * (kernel // 2)), chain((1, kernel), (kernel, 1)))


@once
def factor_table() -> pd.DataFrame:
    """The three forms of each kernel: weights, multiply-adds, field, share of the whole kernel."""
    return pd.DataFrame([
        (f"{n}×{n}", name.replace("n", str(n)), block.ops[-1].field.side, f"{block.weights:,}", f"{block.macs:,}",
         f"{factors(n).share(form):.1f} %")
        for n in KERNELS for (form, name), block in zip(FORMS.items(), factors(n))],
        columns=["Kernel", "As", "Sees, cells", "Weights", "MACs", "Of the whole kernel"])


@once
def double_fields() -> dict[str, object]:
    """BN-Inception with two 3x3 and with 5x5."""
    double, single = analysis("bn_inception"), analysis("bn_inception_5x5")
    return {"size": double.image, "double": f"{double.macs:,}",
            "single": f"{single.macs:,}", "share": f"{double.macs / single.macs:.0%}",
            "field": double.receptive_field, "field_single": single.receptive_field}


PAPERS = pd.DataFrame([
    ("Parallel branches, 1×1 reductions, two auxiliary classifiers", "1409.4842 (2014)", "Inception, GoogLeNet", "v1"),
    ("Batch normalisation, two 3×3 for the 5×5", "1502.03167 (2015)", "BN-Inception", "v2"),
    ("1×n and n×1 for n×n, a stem of 3×3, one auxiliary classifier with batch norm", "1512.00567 (2015)",
     "Inception-v2 and v3", "v3"),
], columns=["What", "arXiv", "Name in its paper", "Name in the Inception-v4 paper"])
"""Which paper did which. The last column is that of arXiv:1602.07261, introduction."""
