"""The only Streamlit in lib: the frame of the app, controls made from knobs, and the panels that pages share."""

import gettext

import streamlit as st

from lib.figures.theme import Palette, palette

_ = gettext.translation("backbone_lab", localedir="lib/text/locale", fallback=True).gettext
"""Translates a short label; English is the fallback."""


def current_palette() -> Palette:
    """The colours of the page as the person sees it."""
    return palette(st.context.theme.type == "dark")
