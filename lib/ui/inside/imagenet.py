"""torchvision's ImageNet weights: whether they are here, and fetching them where that is allowed."""

import streamlit as st

from lib import weights
from lib.architecture import Impossible
from lib.inside.links import IMAGENET, Asked
from lib.limits import limits
from lib.text import prose
from lib.ui import _
from lib.ui.address import moved, plain


def missing(asked: Asked) -> bool:
    """Whether the weights that are asked for are not here; then says so, and what can be done."""
    if asked.network != IMAGENET:
        return False
    try:
        weights.on_disk(asked.preset)
        return False
    except Impossible as why:
        st.info(prose("inside", "No weights", why=plain(str(why))))
    if not limits().fetch_weights:
        st.markdown(prose("inside", "May not fetch"))
        return True
    file = weights.files(asked.preset)[0]
    st.markdown(prose("inside", "May fetch"))
    if st.button(_("Fetch {file}, {size:.0f} MB").format(file=file.name, size=file.megabytes), key="inside_fetch",
                 icon=":material/download:", on_click=moved):
        _fetch(file)
    return True


def _fetch(file: weights.File) -> None:
    bar = st.progress(0.0, _("Fetching {file}").format(file=file.name))
    try:
        for share in weights.fetch(file):
            bar.progress(share, _("Fetching {file}").format(file=file.name))
    except Impossible as problem:
        st.error(plain(str(problem)))
        return
    st.toast(prose("inside", "Fetched", file=file.name))
    st.rerun()
