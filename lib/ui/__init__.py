"""The only Streamlit in lib: the frame of the app, controls made from knobs, and the panels that pages share."""

import streamlit as st

from lib.figures.theme import Palette, palette
from lib.text import _

__all__ = ["_", "current_palette"]


def current_palette() -> Palette:
    """The colours of the page as the person sees it."""
    return palette(st.context.theme.type == "dark")
