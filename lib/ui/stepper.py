"""The way through a lesson: the list of its steps (done, here, to come), back and on, by mouse and by keyboard."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from lib.ui import _
from lib.ui.address import moved
from lib.ui.progress import STORE

CSS = """
nav { display: flex; flex-wrap: wrap; align-items: center; gap: 0.35rem; font-size: 0.9rem; position: relative; }
button, summary { font: inherit; color: inherit; background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: 0.5rem; padding: 0.25rem 0.6rem; min-height: 2rem; box-sizing: border-box; cursor: pointer; white-space: nowrap; }
button:hover:not(:disabled), summary:hover, button:focus-visible, summary:focus-visible {
  border-color: var(--st-primary-color); color: var(--st-primary-color); outline: none; }
button:disabled { opacity: 0.4; cursor: default; }
button[aria-pressed=true] { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.next { border-color: var(--st-primary-color); }
ol { list-style: none; margin: 0; padding: 0; }
.row { display: flex; gap: 0.15rem; }
[hidden] { display: none !important; }
.row button { padding: 0 0.2rem; min-width: 1.7rem; font-variant-numeric: tabular-nums; }
.done::after { content: " ✓"; }
.row .done::after { content: "✓"; font-size: 0.7em; vertical-align: super; }
[aria-current] { background: var(--st-primary-color) !important; color: var(--st-background-color) !important; font-weight: 600; }
details { position: relative; }
summary { list-style: none; display: flex; align-items: center; }
summary::-webkit-details-marker { display: none; }
summary::after { content: "▾"; margin-left: 0.4rem; }
.list { position: absolute; z-index: 100; left: 0; top: 2.3rem; width: min(26rem, 86vw); max-height: 70vh; overflow: auto; padding: 0.3rem;
  border: 1px solid var(--st-border-color); border-radius: 0.5rem; background: var(--st-background-color);
  box-shadow: 0 4px 16px #0003; }
.list button { width: 100%; border: 0; text-align: left; white-space: normal; }
.tools { margin-left: auto; display: flex; gap: 0.35rem; }
@media (max-width: 640px) { .row, .tools { display: none; } .tools.kept { display: flex; } details { order: 1; } }
@media print { nav { display: none; } }
"""

HTML = """<nav><button class="back" type="button"></button><ol class="row"></ol><button class="next" type="button"></button>
<details><summary></summary><ol class="list"></ol></details>
<span class="tools"><button class="all" type="button"></button><button class="present" type="button"></button></span></nav>"""

JS = STORE + """
const BUSY = "input, textarea, select, [contenteditable], [role=slider], [role=tab], [role=radio], [role=combobox], [role=listbox], [role=grid], canvas, iframe";
const ON = ["ArrowRight", "PageDown"], BACK = ["ArrowLeft", "PageUp"], SHOW = [" ", "Enter", ".", "b"];

export default function (component) {
  const { data, parentElement, setTriggerValue } = component, { words, steps, here } = data;
  const find = (name) => parentElement.querySelector(name), nav = find("nav"), list = find(".list"), contents = find("details");
  if (nav.wanted === here) nav.wanted = null;       // until the page is there, the next key goes on from where it will be
  const place = steps.findIndex((step) => step.id === here);
  const at = () => nav.wanted ? steps.findIndex((step) => step.id === nav.wanted) : place;
  const go = (id) => { contents.open = false; if (id && id !== (nav.wanted ?? here)) { nav.wanted = id; setTriggerValue("go", id); } };
  const before = (place) => steps[place - 1]?.id, after = (place) => steps[place + 1]?.id ?? (place >= 0 ? data.onward : steps[0].id);
  nav.setAttribute("aria-label", words.nav);

  const hash = decodeURIComponent(location.hash.slice(1)), old = data.anchors[hash];   // a link from before
  if (old && !nav.followed) {
    nav.followed = true;
    const address = new URL(location.href);
    address.hash = ""; address.searchParams.set("step", old);
    location.replace(address);
    return;
  }

  const kept = note(data.noted);
  const done = (step) => step.question ? kept.questions?.[step.question] : kept.steps?.[step.key];
  const button = (step, text) => {
    const made = document.createElement("button"), state = step.id === here ? words.here : done(step) ? words.done : words.tocome;
    made.type = "button"; made.textContent = text; made.title = step.title; made.onclick = () => go(step.id);
    made.setAttribute("aria-label", `${step.title} (${state})`);
    if (done(step)) made.className = "done";
    if (step.id === here) made.setAttribute("aria-current", "step");
    const item = document.createElement("li"); item.append(made);
    return item;
  };
  find(".row").replaceChildren(...steps.map((step, index) => button(step, step.teachers ? "…" : index + 1)));
  list.replaceChildren(...steps.map((step, index) => button(step, step.teachers ? step.title : `${index + 1}. ${step.title}`)));
  find("summary").textContent = place < 0 ? words.contents : steps[place].teachers ? steps[place].title
    : words.place.replace("{here}", place + 1).replace("{all}", steps.filter((step) => !step.teachers).length);
  find("summary").title = words.contents;
  const wire = (name, text, target, title) => {
    const made = find(name); made.textContent = text; made.disabled = !target(place); made.title = title; made.onclick = () => go(target(at()));
    made.setAttribute("aria-label", title);
  };
  wire(".back", "‹ " + words.back, before, words.backhelp);
  wire(".next", words.on + " ›", after, words.onhelp);
  const press = (name, text, title, pressed) => {
    const made = find(name); made.textContent = text; made.title = title; made.setAttribute("aria-pressed", pressed);
    made.onclick = () => setTriggerValue("turned", name.slice(1));
  };
  press(".all", words.all, words.allhelp, place < 0);
  press(".present", data.presenting ? words.end : words.present, words.presenthelp, data.presenting);
  find(".row").hidden = data.presenting;
  find(".tools").classList.toggle("kept", place < 0 || data.presenting);

  const hear = (event) => {
    const target = event.composedPath()[0], busy = target.closest?.(BUSY);
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented || document.querySelector("[role=dialog]")) return;
    if (event.key === "Escape") { contents.open = false; return; }
    const turned = [...ON, ...BACK].includes(event.key) && !(busy && !event.key.startsWith("Page"));
    const shown = data.presenting && SHOW.includes(event.key) && !busy && !target.closest?.("button, a, summary");
    if (turned && place >= 0) { event.preventDefault(); go((ON.includes(event.key) ? after : before)(at())); }
    else if (shown) { event.preventDefault(); setTriggerValue("turned", "show"); }
  };
  const outside = (event) => { if (!event.composedPath().includes(contents)) contents.open = false; };
  nav.cleanup?.();
  document.addEventListener("keydown", hear);
  document.addEventListener("click", outside, true);
  nav.cleanup = () => { document.removeEventListener("keydown", hear); document.removeEventListener("click", outside, true); };
  return nav.cleanup;
}
"""

_component = st.components.v2.component("backbone_lab.stepper", html=HTML, css=CSS, js=JS)


class Stop(NamedTuple):
    """A step in the list: its name in links, its heading, its name and its question's in the progress."""

    id: str
    title: str
    key: str
    question: str = ""
    teachers: bool = False


def stepper(key: str, stops: Sequence[Stop], here: str, anchors: dict[str, str], noted: dict[str, str], presenting: bool,
            onward: str, on_go: Callable[[str], None], on_turn: Callable[[str], None]) -> None:
    """Show the list with `here` marked. `on_go(id)` is called when a person goes to a step, or beyond the last one, where `id` is
    `onward`; `on_turn` with `all`, `present` or `show`. `noted` is kept in the browser."""
    words = {"nav": _("Steps of this lesson"), "back": _("Previous"), "on": _("Next"), "contents": _("Contents"),
             "place": _("Step {here} of {all}"), "here": _("here"), "done": _("done"), "tocome": _("to come"),
             "backhelp": _("Previous step (arrow left, Page Up)"), "onhelp": _("Next step (arrow right, Page Down)"),
             "all": _("All on one page"), "allhelp": _("The whole lesson as a document, to read and to print"),
             "present": _("Present"), "end": _("End presenting"),
             "presenthelp": _("Large type for a projector. Arrow keys and a clicker go on; the space bar shows the answer.")}

    def tell(event: str, listener: Callable[[str], None]) -> None:
        if value := getattr(st.session_state[key], event):
            moved()
            listener(value)
    _component(key=key, data={"steps": [stop._asdict() for stop in stops], "here": here, "anchors": anchors, "noted": noted,
                              "presenting": presenting, "onward": onward, "words": words},
               on_go_change=lambda: tell("go", on_go), on_turned_change=lambda: tell("turned", on_turn))
