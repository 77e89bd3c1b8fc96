"""Where the numbers of a figure come from, said beneath it."""

import streamlit as st

from lib.provenance import KINDS


def mark(kind: str, detail: str = "") -> None:
    """Say under a figure whether it is computed, measured, published (`detail` names the table) or unverified."""
    icon, label, help = KINDS[kind]
    st.caption(f"{icon} **{label}**" + (f": {detail}" if detail else ""), help=help)
