"""Where the numbers of a figure come from: computed, measured, published, or not verified."""

from dataclasses import dataclass

from lib.analysis import Analysis
from lib.text import _

KINDS = {
    "computed": (":material/calculate:", _("Computed"), _("Follows from the real PyTorch model, without running it on an image.")),
    "measured": (":material/speed:", _("Measured"),
                 _("Read off the real model as it ran, here if no other machine is named. Where chance has a part in it, the seed is in the link.")),
    "published": (":material/menu_book:", _("Published"), _("Quoted from a paper or a project, with its place.")),
    "unverified": (":material/help:", _("As commonly printed, not verified at the source"), _("Nobody here has seen the original.")),
}


@dataclass(frozen=True)
class Origin:
    """One of `KINDS`, and the detail: a table of a paper, an image size, a seed."""

    kind: str
    detail: str = ""


def computed(detail: str = "") -> Origin:
    """Follows from the model. `detail` says at which size a cost was counted: `images_of`, `on_maps`."""
    return Origin("computed", detail)


def measured(detail: str = "") -> Origin:
    """Read off the model as it ran."""
    return Origin("measured", detail)


def published(detail: str) -> Origin:
    """Quoted; the detail names paper and table."""
    return Origin("published", detail)


def unverified(detail: str) -> Origin:
    """As commonly printed; nobody here has seen the original."""
    return Origin("unverified", detail)


def images_of(*analyses: Analysis) -> str:
    """At which image size these networks are counted: the size of all, or the networks of each size."""
    sizes: dict[str, dict[str, None]] = {}
    for analysis in analyses:
        sizes.setdefault(analysis.image, {})[analysis.preset] = None
    if len(sizes) == 1:
        return _("for one image of {size} pixels").format(size=next(iter(sizes)))
    each = [_("{networks} at {size}").format(networks=", ".join(names), size=size) for size, names in sizes.items()]
    return _("for one image, {networks} pixels").format(networks=", ".join(each))


def on_maps(size: int) -> str:
    """On which maps layers are counted."""
    return _("on maps of {size} × {size}").format(size=size)
