"""The frame of the app."""

import streamlit as st
from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value

from lib.ui.address import note_page
from lib.ui.connection import watch_connection
from lib.ui.contents import CONTENTS, FIRST, path
from lib.ui.lab.running import leave
from lib.ui.style import STYLE

# Without fast reruns, a run may follow a fragment's in the same thread. Streamlit 1.67 would still write to where the
# fragment stands, and the browser would find half of the page gone.
context_dg_stack.set(get_default_dg_stack_value())

st.set_page_config(page_title="Backbone Lab", page_icon="🧱", layout="wide")
st.html(STYLE)
watch_connection()
page = st.navigation({section: [st.Page(f"../../pages/{name}.py", title=title, url_path=path(name), default=name == FIRST)
                                for name, title in pages.items()] for section, pages in CONTENTS.items()}, position="top")
note_page(page.url_path)
if page.url_path != "timing":
    leave()
page.run()
