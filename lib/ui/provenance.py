"""Where the numbers of a figure come from, said beneath it."""

import streamlit as st

from lib.analysis import Analysis
from lib.ui import _

KINDS = {
    "computed": (":material/calculate:", _("Computed"), _("Follows from the real PyTorch model, without running it on an image.")),
    "measured": (":material/speed:", _("Measured"),
                 _("Read off the real model as it ran, here if no other machine is named. Where chance has a part in it, the seed is in the link.")),
    "published": (":material/menu_book:", _("Published"), _("Quoted from a paper or a project, with its place.")),
    "unverified": (":material/help:", _("As commonly printed, not verified at the source"), _("Nobody here has seen the original.")),
}


def images_of(*analyses: Analysis) -> str:
    """At which image size these networks are counted, for `mark`: the size of all, or the networks of each size."""
    sizes: dict[str, dict[str, None]] = {}
    for analysis in analyses:
        sizes.setdefault(analysis.image, {})[analysis.preset] = None
    if len(sizes) == 1:
        return _("for one image of {size} pixels").format(size=next(iter(sizes)))
    each = [_("{networks} at {size}").format(networks=", ".join(names), size=size) for size, names in sizes.items()]
    return _("for one image, {networks} pixels").format(networks=", ".join(each))


def on_maps(size: int) -> str:
    """On which maps layers are counted, for `mark`."""
    return _("on maps of {size} × {size}").format(size=size)


def mark(kind: str, detail: str = "") -> None:
    """Say under a figure whether it is computed, measured, published (`detail` names the table) or unverified."""
    icon, label, help = KINDS[kind]
    st.caption(f"{icon} **{label}**" + (f": {detail}" if detail else ""), help=help)
