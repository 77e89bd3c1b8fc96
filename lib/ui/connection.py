"""Says when the server is out of reach, and brings knobs, numbers and link together when it is back.

Streamlit greys the controls once it has noticed, and keeps the person's session for a while. Two things it leaves open:
until it has noticed, a knob can be moved and nothing follows; and such a move, or its answer, is lost on the line, so
that afterwards the knob shows one thing, the numbers and the link another. When the line is back the page therefore
runs once more: the browser then sends what its controls show.
"""

import streamlit as st

from lib.ui import _
from lib.ui.address import moved

CSS = """
.lost { position: fixed; z-index: 1000000; left: 50%; bottom: 1rem; transform: translateX(-50%); width: min(36rem, 92vw);
  box-sizing: border-box; padding: 0.7rem 1rem; border: 2px solid var(--st-primary-color); border-radius: 8px;
  background: var(--st-background-color); color: var(--st-text-color); }
"""

HTML = '<div class="lost" role="alert" hidden></div>'

JS = """
const SILENCE = 4000, PATIENCE = 8000;   // milliseconds: after a person's action, and for the server to answer

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const note = parentElement.querySelector(".lost"), app = document.querySelector('[data-testid="stApp"]');
  const connected = () => app.dataset.testConnectionState === "CONNECTED";
  let waiting = null;
  note.textContent = data.words;

  function say(lost) {
    if (!lost && !note.hidden) setTriggerValue("back", true);
    note.hidden = !lost;
  }
  async function ask() {                  // and again, until the server answers and Streamlit has it back
    clearTimeout(waiting);
    const answer = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) }).catch(() => null);
    say(!answer?.ok || !connected());
    if (!note.hidden) waiting = setTimeout(ask, 1000);
  }
  const acted = () => { if (note.hidden) { clearTimeout(waiting); waiting = setTimeout(ask, SILENCE); } };
  const watch = new MutationObserver(() => { if (!connected()) { say(true); ask(); } });
  watch.observe(app, { attributeFilter: ["data-test-connection-state"] });
  const events = [[window, "offline", ask], [window, "online", ask], [document, "keyup", acted], [document, "click", acted]];
  for (const [place, name, listener] of events) place.addEventListener(name, listener, true);
  if (!navigator.onLine || !connected()) ask();   // lost before anyone listened
  return () => {
    watch.disconnect();
    clearTimeout(waiting);
    for (const [place, name, listener] of events) place.removeEventListener(name, listener, true);
  };
}
"""

_component = st.components.v2.component("backbone_lab.connection", html=HTML, css=CSS, js=JS)


def watch_connection() -> None:
    """A note at the foot of the window while the server is out of reach; the page runs again when it is back."""
    words = _("No connection to the server. The numbers on this page stand still. "
              "It goes on by itself when the connection is back.")
    with st.container(key="connection"):
        _component(key="connection_watch", data={"words": words}, on_back_change=moved)
