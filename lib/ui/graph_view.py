"""The graph on the page: a picture to zoom, move and click."""

from collections.abc import Callable

import streamlit as st

from lib.ui import _

CSS = """
.frame { position: relative; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden;
  background: var(--st-background-color); }
.canvas { width: 100%; height: 100%; cursor: grab; touch-action: none; }
.canvas:active { cursor: grabbing; }
.canvas svg { width: 100%; height: 100%; display: block; }
.canvas a { cursor: pointer; text-decoration: none; }
.canvas a:focus-visible polygon, .canvas a:hover polygon { stroke: var(--st-primary-color); stroke-width: 2; }
.canvas a.chosen polygon { stroke: var(--st-primary-color); stroke-width: 3; }
.canvas a.chosen text { font-weight: bold; }
.tools { position: absolute; top: 8px; right: 8px; display: flex; gap: 4px; }
.tools button { width: 34px; height: 34px; border: 1px solid var(--st-border-color); border-radius: 6px; font-size: 16px;
  background: var(--st-background-color); color: var(--st-text-color); cursor: pointer; }
.tools button:hover, .tools button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

HTML = """<div class="frame"><div class="canvas"></div><div class="tools">
<button data-zoom="in">+</button><button data-zoom="out">−</button><button data-zoom="fit">⤢</button></div></div>"""

JS = """
const READABLE = 0.85, LARGEST = 1.25;   // screen pixels for a point of the picture

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const frame = parentElement.querySelector(".frame"), canvas = parentElement.querySelector(".canvas");
  frame.style.height = data.height + "px";
  for (const button of parentElement.querySelectorAll(".tools button")) {
    button.title = data.words[button.dataset.zoom]; button.setAttribute("aria-label", button.title);
  }
  const fresh = canvas.dataset.drawn !== data.svg;
  if (fresh) {                            // our own picture: all text in it was escaped when it was made
    canvas.innerHTML = data.svg; canvas.dataset.drawn = data.svg;
    canvas.querySelector("svg").setAttribute("aria-label", data.words.picture);
  }
  const svg = canvas.querySelector("svg");
  if (fresh) {
    const [left, top, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    canvas.natural = { left, top, width, height };
    if (!canvas.view || canvas.network !== data.network) fit(); else apply();
    canvas.network = data.network;
  }
  for (const link of svg.querySelectorAll("a")) {
    const target = link.getAttribute("xlink:href") || link.getAttribute("href");
    link.classList.toggle("chosen", Boolean(data.selected) && target === "#" + data.selected);
  }

  function apply() {
    const { scale, x, y } = canvas.view;
    svg.setAttribute("viewBox", `${x} ${y} ${canvas.clientWidth / scale} ${canvas.clientHeight / scale}`);
    svg.setAttribute("preserveAspectRatio", "xMidYMin meet");
  }
  function fit() {
    const { left, top, width, height } = canvas.natural;
    const whole = Math.min(canvas.clientWidth / width, canvas.clientHeight / height);
    const scale = Math.min(LARGEST, Math.max(whole, Math.min(READABLE, canvas.clientWidth / width)));
    canvas.view = { scale, x: left - (canvas.clientWidth / scale - width) / 2, y: top - Math.max(0, (canvas.clientHeight / scale - height) / 2) };
    apply();
  }
  function zoom(factor, px = canvas.clientWidth / 2, py = canvas.clientHeight / 2) {
    const view = canvas.view, scale = Math.min(4, Math.max(0.1, view.scale * factor));
    canvas.view = { scale, x: view.x + px / view.scale - px / scale, y: view.y + py / view.scale - py / scale };
    apply();
  }
  parentElement.querySelectorAll(".tools button").forEach((button) => {
    button.onclick = () => ({ in: () => zoom(1.25), out: () => zoom(0.8), fit })[button.dataset.zoom]();
  });
  canvas.onwheel = (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY / 200), event.clientX - box.left, event.clientY - box.top);
    else { canvas.view.x += event.deltaX / canvas.view.scale; canvas.view.y += event.deltaY / canvas.view.scale; apply(); }
  };
  const fingers = new Map(); let moved = 0, spread = 0;
  canvas.onpointerdown = (event) => { fingers.set(event.pointerId, event); moved = 0; spread = 0; };
  canvas.onpointerup = canvas.onpointercancel = canvas.onpointerleave = (event) => { fingers.delete(event.pointerId); spread = 0; };
  canvas.onpointermove = (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, event);
    moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()], now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (spread) zoom(now / spread);
      spread = now;
    } else if (moved > 4) {
      canvas.view.x -= (event.clientX - before.clientX) / canvas.view.scale;
      canvas.view.y -= (event.clientY - before.clientY) / canvas.view.scale;
      apply();
    }
  };
  canvas.onclick = (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    if (moved > 4) return;
    const target = (link.getAttribute("xlink:href") || link.getAttribute("href")).slice(1);
    const [verb, ...rest] = target.split(":");
    if (verb === "open" || verb === "close") setTriggerValue("toggled", rest.join(":"));
    else setTriggerValue("picked", target);
  };
  canvas.ondblclick = (event) => {
    const toggle = event.target.closest("g.node")?.querySelector("a[*|href^='#open:']");
    if (toggle) setTriggerValue("toggled", toggle.getAttribute("xlink:href").slice("#open:".length));
  };
}
"""

_component = st.components.v2.component("backbone_lab.graph", html=HTML, css=CSS, js=JS)


def graph_view(svg: str, network: str, selected: str, key: str, on_pick: Callable[[str], None],
               on_toggle: Callable[[str], None], height: int = 560) -> None:
    """Show a picture made by `figures.diagram`, with the part `selected` marked.

    `on_pick(id)` is called when a part is clicked, `on_toggle(id)` when a fold is opened or closed. While `network`
    stays the same the view keeps its place.
    """
    words = {"in": _("Zoom in"), "out": _("Zoom out"), "fit": _("Show all"), "picture": _("Graph of the network")}

    def tell(event: str, listener: Callable[[str], None]) -> None:
        value = getattr(st.session_state[key], event)
        if value:
            listener(value)

    _component(key=key, data={"svg": svg, "network": network, "selected": selected, "height": height, "words": words},
               on_picked_change=lambda: tell("picked", on_pick), on_toggled_change=lambda: tell("toggled", on_toggle))
