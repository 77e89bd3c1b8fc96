"""The table of contents: its order is content too."""

from lib.ui import _

CONTENTS = {
    "": {
        "atlas": _("Atlas"),
        "explore": _("Explore"),
        "compare": _("Compare"),
        "build": _("Build"),
        "timing": _("Timing"),
        "train": _("Train"),
        "inside": _("What it sees"),
        "textbook": _("Textbook, checked"),
    },
    _("Lessons"): {
        "convolution": _("Convolution"),
        "receptive_field": _("Receptive field"),
        "vgg": _("AlexNet to VGG"),
        "inception": _("Inception"),
        "normalisation": _("Batch normalisation"),
        "residual": _("Residual learning"),
        "bottleneck": _("Bottleneck"),
        "tweaks": _("ResNet tweaks"),
        "preactivation": _("Identity mappings"),
        "resnext": _("ResNeXt"),
        "attention": _("Attention in channels"),
        "pyramid": _("Feature pyramid"),
        "efficient": _("Efficient networks"),
    },
}
"""The pages by section: the name of each page's file in `pages`, and its title."""

TITLES = {name: title for pages in CONTENTS.values() for name, title in pages.items()}
"""The title of each page."""

FIRST = "atlas"
"""What opens without a page in the address."""


def path(page: str) -> str:
    """What stands in the address of a page: `receptive-field`."""
    return "" if page == FIRST else page.replace("_", "-")
