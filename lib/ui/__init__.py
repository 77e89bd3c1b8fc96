"""The only Streamlit in lib: the frame of the app, controls made from knobs, and the panels that pages share."""

import gettext

_ = gettext.translation("backbone_lab", localedir="lib/text/locale", fallback=True).gettext
"""Translates a short label; English is the fallback."""
