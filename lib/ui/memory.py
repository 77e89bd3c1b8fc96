"""The memory of training in words and controls, for all pages that tell it."""

import streamlit as st

from lib.analysis.saved import CARDS, GIB
from lib.records import MOST_BATCH
from lib.ui import _
from lib.ui.controls import kept

OPTIMISERS = {"sgd": _("SGD"), "momentum": _("SGD with momentum"), "adam": _("Adam")}
PARTS = {"weights": _("Weights"), "gradients": _("Gradients"), "optimiser": _("Optimiser"), "images": _("Images"),
         "saved": _("Saved for backward")}
BATCHES = tuple(1 << power for power in range(MOST_BATCH.bit_length()))
MIB = 1 << 20


def choose_optimiser() -> str:
    """The control of the optimiser; one choice for all pages."""
    return st.segmented_control(_("Optimiser"), OPTIMISERS, required=True, format_func=OPTIMISERS.get,
                                help=_("How many numbers it keeps for each weight."), **kept("timing_optimiser", "momentum"))


def card(size: int | None) -> str:
    """The smallest card that holds a step, in GB; None if none does."""
    return _("{card} GB card").format(card=size) if size else _("more than {most} GB").format(most=CARDS[-1])


def gibibytes(count: int | None) -> str:
    """Bytes as GiB, or as MiB where they are fewer than one."""
    if count is None:
        return _("unknown")
    if count >= GIB:
        return f"{count / GIB:,.2f} GiB"
    return f"{count / MIB:.0f} MiB" if count >= 100 * MIB else f"{count / MIB:.3g} MiB"
