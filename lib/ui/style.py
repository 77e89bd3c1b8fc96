"""How the pages look, where Streamlit's own look does not do."""

PAGES = """
  .stMainBlockContainer { padding: 4.2rem 2rem 3rem; max-width: 1280px; }
  .stMainBlockContainer h1 { font-size: 1.9rem; padding: 0; }
  .stMainBlockContainer h3 { font-size: 1.2rem; }
  [data-testid="stMetricValue"] { font-size: 1.35rem; font-variant-numeric: tabular-nums; }
  [data-testid="stMetricDelta"] { font-size: 0.85rem; }
  [data-testid="stLayoutWrapper"]:has(> :is(.st-key-connection, .st-key-presenting)) { position: absolute; }
  .st-key-totals { row-gap: 0.5rem; }
  .st-key-build_verdicts p { margin-bottom: 0.35rem; line-height: 1.35; }
  .st-key-build_text textarea { font-family: var(--st-code-font, monospace); }
  .st-key-build_tools button { padding: 0.2rem 0.5rem; min-height: 2rem; }
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
  @media (max-width: 640px) { :is([class*="st-key-atlas_"], .st-key-timing_protocol) [role="radiogroup"] { flex-wrap: wrap; } }
  :is([data-testid="stAlert"], [data-testid="stCaptionContainer"], [data-testid="stProgress"],
      [data-testid="stTooltipContent"]) code {
    font: inherit; color: inherit; background: none; padding: 0; overflow-wrap: anywhere; }
  @media (max-width: 640px) { .stMainBlockContainer { padding: 4rem 1rem 2rem; } }
"""
"""All pages: their width, the totals that stay in sight, derivations, phones."""

LESSONS = """
  .st-key-lesson_bar h1 { font-size: 1.15rem !important; line-height: 1.2; }
  .st-key-lesson { gap: 0.6rem; }
  .st-key-lesson h2 { font-size: 1.45rem; padding: 0.3rem 0 0.5rem; line-height: 1.2; }
  [class*="st-key-step_words_"] { gap: 0.7rem; }
  [class*="st-key-picture_"] { gap: 0.2rem; }
  [class*="st-key-picture_"] .stElementContainer:has([data-testid="stCaptionContainer"]) { flex: none; }
  [class*="st-key-picture_"] [data-testid="stCaptionContainer"] { margin-bottom: 0; }
  [class*="st-key-step_knobs_"] [role="radiogroup"] { flex-wrap: wrap; }
  [class*="st-key-step_knobs_"] .stCheckbox label :is(div, p) { white-space: normal; overflow: visible; }
  .st-key-lesson .stExpander img { max-height: 28rem; object-fit: contain; }
  .stImage img { max-width: 100%; }
  [class*="st-key-asked_"] { gap: 0.6rem; padding: 0.7rem 0.9rem !important; }
  [class*="st-key-asked_"] code { white-space: pre-wrap; }
  [class*="st-key-document_"] img { max-height: 28rem; object-fit: contain; }
  [class*="st-key-block_"] { gap: 0.4rem; padding: 0.6rem 0.7rem !important; }
  [class*="st-key-block_"] pre { padding: 0.4rem 0.6rem !important; }
  [class*="st-key-hidden_"] { min-height: 6rem; border-style: dashed !important; }
  @media (min-width: 641px) {
    [class*="st-key-step_picture_"] { justify-content: flex-start; flex: 0 0 max(26rem, calc(100vh - 11.2rem)) !important; }
    [data-testid="stLayoutWrapper"]:has(> [class*="st-key-picture_"]) { flex: 0 1 auto !important; min-height: 6rem; overflow: auto; }
    [data-testid="stLayoutWrapper"]:has(> [class*="st-key-picture_"] :is(.stPlotlyChart, img, [class*="st-key-hidden_"])) {
      flex: 1 1 0 !important; container-type: size; }
    [class*="st-key-picture_"]:has(:is(.stPlotlyChart, img, [class*="st-key-hidden_"])) { height: 100%; }
    [class*="st-key-picture_"] > .stElementContainer:has(.stPlotlyChart) { flex: 1 1 0; min-height: 6rem; max-height: 38rem; }
    [class*="st-key-picture_"] .stColumn .stElementContainer:has(.stPlotlyChart) { height: calc(100cqh - 5rem); }
    [class*="st-key-picture_"] img { max-height: calc(100cqh - 4.5rem); object-fit: contain; }
    [class*="st-key-picture_"] [class*="st-key-block_"] img { max-height: max(5rem, calc(100cqh - 6rem)); }
    [class*="st-key-picture_"] [class*="st-key-block_"]:has(pre) img { max-height: max(3.5rem, calc(100cqh - 17rem)); }
    [class*="st-key-picture_"] table { font-size: 0.9rem; }
    [class*="st-key-picture_"] :is(td, th) { padding: 0.2rem 0.5rem !important; }
    [data-testid="stLayoutWrapper"]:has(> [class*="st-key-hidden_"]), [class*="st-key-hidden_"] { flex: 1 1 auto; }
  }
  @media (max-width: 640px) {
    [class*="st-key-blocks_"] .stHorizontalBlock { flex-wrap: nowrap; overflow-x: auto; }
    [class*="st-key-blocks_"] .stColumn { min-width: 10.5rem; }
    [class*="st-key-picture_"] img { max-height: 38vh; object-fit: contain; }
    [class*="st-key-block_"] img { max-height: 26vh; }
    [class*="st-key-picture_"] .stElementContainer:has(.stPlotlyChart) { height: 17.5rem; }
    :is([class*="st-key-step_knobs_"], [class*="st-key-picture_"]) .stHorizontalBlock:has(> .stColumn) { flex-wrap: nowrap; }
    :is([class*="st-key-step_knobs_"], [class*="st-key-picture_"]) .stColumn { min-width: 0; }
  }
  @media print {
    [data-testid="stHeader"], [data-testid="stSidebar"], .stForm, .stButton, .stPopover, .stSlider, .stPageLink { display: none !important; }
    [class*="st-key-document_"] details:not([open]) { display: none; }
    .stPlotlyChart, .stTable, .stImage { break-inside: avoid; }
  }
"""
"""A step on one screen: words and controls on the left, picture and question on the right. The question takes what it needs,
the picture what is left; images follow its height (`cqh`). Beneath each other on a phone; bare in print."""

PRESENTING = """<i hidden></i><style>
  .stApp.stApp :is([data-testid="stHeader"], [data-testid="stSidebar"]) { display: none; }
  html:root { font-size: max(20px, 1.46vw); }
  .stApp.stApp .stMainBlockContainer { padding: 0.6rem 1.2rem; max-width: none; }
  .stApp.stApp [class*="st-key-asked_"] { padding: 0.4rem 0.7rem !important; gap: 0.6rem; }
  .stApp.stApp :is([class*="st-key-asked_"], [class*="st-key-picture_"]) p { line-height: 1.35; }
  .stApp.stApp :is([class*="st-key-asked_"], [class*="st-key-picture_"]) [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
  .stApp.stApp :is([class*="st-key-asked_"], [class*="st-key-picture_"]) p { margin-bottom: 0.2rem; }
  .stApp.stApp [class*="st-key-picture_"] :is(td, th) { padding: 0.1rem 0.4rem !important; }
  .stApp.stApp :is(label, [data-testid="stCaptionContainer"], .stButton button) p { font-size: 1rem !important; }
  @media (min-width: 641px) {
    .stApp.stApp [class*="st-key-step_picture_"] { justify-content: flex-start; flex: 0 0 max(26rem, calc(100vh - 5.8rem)) !important; }
  }
</style>"""
"""Large and bare, before a class; the class of the app stands twice, so that these rules go before the others. They are on
the page only then: as rules for an app that has a mark somewhere, browsers look for the mark again at each change of a class,
hundreds of times while a chart is drawn."""

STYLE = f"<style>{PAGES}{LESSONS}</style>"
