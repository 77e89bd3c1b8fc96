"""The graph on the page: a picture to zoom, move and click."""

from collections.abc import Callable

import streamlit as st

from lib.figures.diagram import can_lay_out, svg
from lib.ui import _
from lib.ui.address import moved

CSS = """
.frame { position: relative; border: 1px solid var(--st-border-color); border-radius: 8px; overflow: hidden;
  background: var(--st-background-color); }
.canvas { height: 100%; overflow: auto; cursor: grab; touch-action: pan-x pan-y; scrollbar-width: thin; }
.canvas.dragged { cursor: grabbing; user-select: none; }
.canvas svg { display: block; margin: 0 auto; }
.canvas a { cursor: pointer; text-decoration: none; }
.canvas a:hover text { text-decoration: underline; }
.canvas a:focus { outline: none; }
.canvas a:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.canvas .mark { fill: none; stroke: var(--st-primary-color); stroke-width: 2.5; pointer-events: none; }
.tools { position: absolute; top: 8px; right: 16px; display: flex; gap: 4px; }
.tools button { width: 36px; height: 36px; padding: 0; border: 1px solid var(--st-border-color); border-radius: 6px;
  font-size: 18px; line-height: 1; background: var(--st-background-color); color: var(--st-text-color); cursor: pointer; }
.tools button:hover, .tools button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

HTML = """<div class="frame"><div class="canvas"></div><div class="tools">
<button data-zoom="in">+</button><button data-zoom="out">−</button><button data-zoom="fit">⤢</button></div></div>"""

JS = """
const SMALLEST = 0.85, LARGEST = 1.45;   // at the start: screen pixels for a point of the picture
const CLICK = 4;                         // a press that moves further, in pixels, is a drag

const href = (link) => link.getAttribute("xlink:href").slice(1);

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const frame = parentElement.querySelector(".frame"), canvas = parentElement.querySelector(".canvas");
  const linksTo = (id) => [...canvas.querySelectorAll("a")].filter((link) => href(link) === id);
  frame.style.height = data.height + "px";
  for (const button of parentElement.querySelectorAll(".tools button")) {
    button.title = data.words[button.dataset.zoom]; button.setAttribute("aria-label", button.title);
    button.onclick = () => ({ in: () => zoom(1.25), out: () => zoom(0.8), fit: () => fit(0, 0) })[button.dataset.zoom]();
  }
  if (canvas.drawn !== data.svg) draw();
  mark();
  canvas.onwheel = (event) => {           // without a key it scrolls the canvas, and at its end the page
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 200), event.clientX, event.clientY);
  };
  listenToMouse(canvas);
  listenToFingers(canvas, zoom);
  canvas.onclick = (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    if (event.detail && canvas.moved > CLICK) return;
    const [verb, ...id] = href(link).split(":");
    if (verb !== "open" && verb !== "close") setTriggerValue("picked", href(link));
    else if (event.detail < 2) toggle(id.join(":"), link);
  };
  canvas.ondblclick = (event) => {
    const box = event.target.closest("g.node, g.cluster");
    const link = [...(box?.querySelectorAll("a") ?? [])].find((a) => /^(open|close):/.test(href(a)));
    if (link && !link.contains(event.target)) toggle(href(link).replace(/^(open|close):/, ""), link);
  };

  function draw() {                       // our own picture: all text in it was escaped when it was made
    const { scrollLeft, scrollTop } = canvas, focused = canvas.toggled && canvas.toggled.focused;
    canvas.innerHTML = data.svg; canvas.drawn = data.svg;
    const svg = canvas.querySelector("svg"), box = svg.viewBox.baseVal;
    canvas.natural = [box.width, box.height];
    svg.setAttribute("role", "group"); svg.setAttribute("aria-label", data.words.picture);
    for (const link of svg.querySelectorAll("a")) {
      if (/^(open|close):/.test(href(link))) link.setAttribute("aria-label", link.getAttribute("xlink:title"));
    }
    if (canvas.network !== data.network) {
      canvas.network = data.network;
      const watch = new ResizeObserver(() => {
        if (canvas.clientWidth) { watch.disconnect(); fit(SMALLEST, data.least); show(data.selected); }
      });
      watch.observe(canvas);
      return;
    }
    resize(); canvas.scrollTo(scrollLeft, scrollTop);
    if (canvas.toggled) {                 // what was opened stays where it was on the screen
      const { id, x, y } = canvas.toggled, [now] = linksTo("open:" + id).concat(linksTo("close:" + id));
      canvas.toggled = null;
      if (!now) return;
      const { left, top } = now.getBoundingClientRect();
      canvas.scrollBy(left - x, top - y);
      if (focused) now.focus({ preventScroll: true });
    }
  }
  function toggle(id, link) {
    const { left: x, top: y } = link.getBoundingClientRect();
    canvas.toggled = { id, x, y, focused: link.matches(":focus") };
    setTriggerValue("toggled", id);
  }
  function mark() {                       // a line around the selected row, fold or frame
    canvas.querySelectorAll(".mark").forEach((old) => old.remove());
    canvas.querySelectorAll("a.chosen").forEach((old) => old.classList.remove("chosen"));
    const chosen = data.selected ? linksTo(data.selected) : [];
    chosen.forEach((link) => link.classList.add("chosen"));
    if (!chosen.length) return;
    const folds = linksTo("open:" + data.selected).concat(linksTo("close:" + data.selected)).length;
    const part = folds ? chosen[0].closest("g.node, g.cluster") : chosen[0], box = part.getBBox();
    const line = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const place = { class: "mark", x: box.x - 2, y: box.y - 2, width: box.width + 4, height: box.height + 4, rx: folds ? 10 : 5 };
    for (const name in place) line.setAttribute(name, place[name]);
    canvas.querySelector("g.graph").append(line);
  }
  function show(id) {
    const [link] = id ? linksTo(id) : [];
    if (!link) return;
    const seen = canvas.getBoundingClientRect(), { top, bottom } = link.getBoundingClientRect();
    if (top < seen.top || bottom > seen.bottom) canvas.scrollTop += (top + bottom - seen.top - seen.bottom) / 2;
  }
  function resize() {
    const svg = canvas.querySelector("svg");
    svg.setAttribute("width", canvas.natural[0] * canvas.scale); svg.setAttribute("height", canvas.natural[1] * canvas.scale);
  }
  function fit(smallest, least) {         // the whole picture, but at the start no smaller than can be read
    const [width, height] = canvas.natural, wide = (canvas.clientWidth - 2) / width, high = (canvas.clientHeight - 2) / height;
    canvas.scale = Math.min(LARGEST, Math.max(Math.min(wide, high), Math.min(wide, smallest), least));
    resize();
    const seen = canvas.getBoundingClientRect(), first = canvas.querySelector("g.node").getBoundingClientRect();
    canvas.scrollBy((first.left + first.right - seen.left - seen.right) / 2, -canvas.scrollTop);
  }
  function zoom(factor, x, y) {           // what lies at this point of the screen stays there
    const seen = canvas.getBoundingClientRect(), svg = canvas.querySelector("svg"), before = svg.getBoundingClientRect();
    x ??= seen.left + seen.width / 2; y ??= seen.top + seen.height / 2;
    const across = (x - before.left) / before.width, down = (y - before.top) / before.height;
    canvas.scale = Math.min(4, Math.max(0.1, canvas.scale * factor));
    resize();
    const after = svg.getBoundingClientRect();
    canvas.scrollBy(after.left + across * after.width - x, after.top + down * after.height - y);
  }
}

function listenToMouse(canvas) {
  let from = null;
  canvas.ondragstart = (event) => event.preventDefault();
  canvas.onpointerdown = (event) => { canvas.moved = 0; from = event.pointerType === "mouse" && event.button === 0 ? event : null; };
  canvas.onpointerup = canvas.onpointercancel = canvas.onpointerleave = () => { from = null; canvas.classList.remove("dragged"); };
  canvas.onpointermove = (event) => {
    if (!from) return;
    const x = event.clientX - from.clientX, y = event.clientY - from.clientY;
    canvas.moved += Math.abs(x) + Math.abs(y);
    from = event;
    if (canvas.moved > CLICK) { canvas.classList.add("dragged"); canvas.scrollBy(-x, -y); }
  };
}

function listenToFingers(canvas, zoom) {  // one finger scrolls by itself, two zoom
  let spread = 0;
  const apart = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  canvas.ontouchstart = (event) => { spread = event.touches.length === 2 ? apart(event.touches) : 0; };
  canvas.ontouchmove = (event) => {
    if (event.touches.length !== 2 || !spread) return;
    event.preventDefault();
    const [a, b] = event.touches, now = apart(event.touches);
    zoom(now / spread, (a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2);
    spread = now;
  };
}
"""

_component = st.components.v2.component("backbone_lab.graph", html=HTML, css=CSS, js=JS)


def picture(source: str, caption: str) -> None:
    """A diagram to look at: laid out here, or by the browser where this machine cannot."""
    if can_lay_out():
        st.image(svg(source), caption=caption)
    else:
        st.graphviz_chart(source, alt=caption)


def graph_view(source: str, network: str, selected: str, key: str, on_pick: Callable[[str], None],
               on_toggle: Callable[[str], None], height: int = 560, alt: str = _("Graph of the network"),
               least: float = 0.64) -> None:
    """Show a diagram of `figures.diagram` to zoom and click, with the part `selected` marked; only to look at where this
    machine cannot lay it out.

    `on_pick(id)` is called when a part is clicked, `on_toggle(id)` when a fold is opened or closed. While `network`
    stays the same the view keeps its place. At the start a point of it has at least
    `least` pixels of the screen.
    """
    if not can_lay_out():
        st.graphviz_chart(source, alt=alt)
        return
    words = {"in": _("Zoom in"), "out": _("Zoom out"), "fit": _("Show all"), "picture": alt}

    def tell(event: str, listener: Callable[[str], None]) -> None:
        value = getattr(st.session_state[key], event)
        if value:
            moved()
            listener(value)

    _component(key=key, data={"svg": svg(source), "network": network, "selected": selected, "height": height, "words": words,
                          "least": least},
               on_picked_change=lambda: tell("picked", on_pick), on_toggled_change=lambda: tell("toggled", on_toggle))
