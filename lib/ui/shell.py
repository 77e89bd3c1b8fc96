"""The frame of the app. The order of the pages is content: this is the table of contents."""

import streamlit as st
from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value

from lib.ui import _
from lib.ui.address import note_page
from lib.ui.connection import watch_connection
from lib.ui.lab.running import leave

PAGES = {
    "": [
        st.Page("../../pages/atlas.py", title=_("Atlas"), default=True),
        st.Page("../../pages/explore.py", title=_("Explore"), url_path="explore"),
        st.Page("../../pages/compare.py", title=_("Compare"), url_path="compare"),
        st.Page("../../pages/timing.py", title=_("Timing"), url_path="timing"),
        st.Page("../../pages/textbook.py", title=_("Textbook, checked"), url_path="textbook"),
    ],
    _("Lessons"): [
        st.Page("../../pages/convolution.py", title=_("Convolution"), url_path="convolution"),
        st.Page("../../pages/receptive_field.py", title=_("Receptive field"), url_path="receptive-field"),
        st.Page("../../pages/vgg.py", title=_("AlexNet to VGG"), url_path="vgg"),
        st.Page("../../pages/inception.py", title=_("Inception"), url_path="inception"),
        st.Page("../../pages/residual.py", title=_("Residual learning"), url_path="residual"),
        st.Page("../../pages/bottleneck.py", title=_("Bottleneck"), url_path="bottleneck"),
        st.Page("../../pages/tweaks.py", title=_("ResNet tweaks"), url_path="tweaks"),
        st.Page("../../pages/preactivation.py", title=_("Identity mappings"), url_path="preactivation"),
        st.Page("../../pages/resnext.py", title=_("ResNeXt"), url_path="resnext"),
        st.Page("../../pages/attention.py", title=_("Attention in channels"), url_path="attention"),
        st.Page("../../pages/pyramid.py", title=_("Feature pyramid"), url_path="pyramid"),
        st.Page("../../pages/efficient.py", title=_("Efficient networks"), url_path="efficient"),
    ],
}

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
page = st.navigation(PAGES, position="top")
note_page(page.url_path)
if page.url_path != "timing":
    leave()
page.run()
