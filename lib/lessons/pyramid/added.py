"""What the pyramid adds to the cost of its backbone, over the width of the pyramid."""

from typing import NamedTuple

import pandas as pd

from lib.architecture import Impossible
from lib.lessons.pyramid.levels import levels
from lib.once import once
from lib.text import _

COMPARED = ("resnet18", "resnet34", "resnet50", "resnet101")
IMAGE = 224
STEP, MOST = 8, 512
"""The pyramid's channels are multiples of 8 up to 512."""


class Added(NamedTuple):
    """Multiply-adds on a 224 x 224 image: of the backbone, and of the pyramid's lateral 1x1 for each channel d, as they
    grow with d, and of its 3x3 for each d * d."""

    backbone: int
    lateral: int
    smooth: int

    def macs(self, channels: int) -> int:
        """What a pyramid of so many channels adds."""
        return self.lateral * channels + self.smooth * channels**2

    def percent(self, channels: int) -> float:
        """The same in percent of the backbone."""
        return 100 * self.macs(channels) / self.backbone

    def most_channels(self, percent: int) -> int:
        """The most channels whose pyramid adds less than so many percent."""
        if self.percent(MOST) < percent:
            raise Impossible(_("Even {most} channels, the most that can be chosen, add less than {percent} %. Choose a "
                               "smaller share, or a smaller backbone.").format(most=MOST, percent=percent))
        return max(channels for channels in range(STEP, MOST + 1, STEP) if self.percent(channels) < percent)


@once
def added(backbone: str) -> Added:
    """Counted on the real pyramid of 256 channels."""
    found = levels(backbone, IMAGE, 256)
    body = sum(op.macs for op in found.analysis.ops if op.name.startswith("body."))
    lateral, smooth = (sum(getattr(level, part).macs for level in found.each) for part in ("lateral", "p"))
    return Added(body, lateral // 256, smooth // 256**2)


def called(backbone: str) -> str:
    """A backbone's name as papers write it: `ResNet-18`."""
    return f"ResNet-{backbone.removeprefix('resnet')}"


@once
def compared(channels: int) -> pd.DataFrame:
    """A row for each backbone of `COMPARED`."""
    rows = [(called(backbone), added(backbone).backbone, added(backbone).macs(channels), added(backbone).percent(channels))
            for backbone in COMPARED]
    return pd.DataFrame(rows, columns=["Backbone", "Its MACs", "MACs of the pyramid", "Added, %"])


@once
def over_channels(backbone: str, widths: tuple[int, ...]) -> pd.DataFrame:
    """A row for each width of the pyramid."""
    found = added(backbone)
    return pd.DataFrame([(width, found.lateral * width, found.smooth * width**2, found.percent(width)) for width in widths],
                        columns=["Channels d", "MACs of the laterals", "MACs of the 3×3", "Added, %"])
