"""The frame of the app."""

import streamlit as st
from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value

from lib.ui import _
from lib.ui.address import note_page
from lib.ui.connection import watch_connection
from lib.ui.contents import CONTENTS, FIRST, path
from lib.ui.lab.running import leave

STYLE = """
<style>
  .stMainBlockContainer { padding: 4.2rem 2rem 3rem; max-width: 1280px; }
  .stMainBlockContainer h1 { font-size: 1.9rem; padding: 0; }
  .stMainBlockContainer h3 { font-size: 1.2rem; }
  [data-testid="stMetricValue"] { font-size: 1.35rem; font-variant-numeric: tabular-nums; }
  [data-testid="stMetricDelta"] { font-size: 0.85rem; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-connection) { position: absolute; }
  .st-key-totals { row-gap: 0.5rem; }
  .stSidebar :has([class*="knob_totals"]), [data-testid="stPopoverBody"] :has([class*="knob_totals"]) { background: inherit; }
  [data-testid="stLayoutWrapper"]:has(> [class*="knob_totals"]) {
    position: sticky; top: 0; z-index: 1; padding: 0.5rem 0; border-bottom: 1px solid #8888; }
  [data-testid="stPopoverBody"] > * > :has(> [class*="knob_totals"])::before {
    content: ""; position: absolute; inset: -2rem 0 100% 0; background: inherit; }
  [class*="knob_totals"] p { font-size: 0.875rem; line-height: 1.4; }
  @media (min-width: 769px) { .stSidebar [data-testid="stLayoutWrapper"]:has(> [class*="knob_totals"]) { display: none; } }
  @media (max-width: 640px) { .stColumn:has([class*="st-key-derivation_network"]) { order: 1; } }
  [class*="st-key-derivation_"] { gap: 0.6rem; }
  [class*="st-key-derivation_"] p { font-size: 0.9rem; line-height: 1.3; margin-bottom: 0.45rem; }
  @media (min-width: 641px) { .st-key-beside > * > .stHorizontalBlock { flex-direction: row-reverse; } }
  @media (max-width: 640px) { [class*="st-key-chart"] .textpoint { display: none; } }
  @media (max-width: 640px) { [class*="st-key-atlas_"] [role="radiogroup"] { flex-wrap: wrap; } }
  :is([data-testid="stAlert"], [data-testid="stCaptionContainer"], [data-testid="stProgress"],
      [data-testid="stTooltipContent"]) code {
    font: inherit; color: inherit; background: none; padding: 0; overflow-wrap: anywhere; }
  @media (max-width: 640px) { .stMainBlockContainer { padding: 4rem 1rem 2rem; } }
</style>
"""

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
