"""A pad to draw a digit on: with mouse, finger or pen, or block by block with the keyboard."""

from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

import streamlit as st

from lib.architecture import Impossible
from lib.inside.drawing import BLOCK, SIDE, Drawing
from lib.ui import _
from lib.ui.address import moved

CSS = """
.pad { position: relative; width: min(100%, 176px); }
canvas { display: block; width: 100%; aspect-ratio: 1; box-sizing: border-box; touch-action: none; cursor: crosshair;
  image-rendering: pixelated; border: 1px solid var(--st-border-color); border-radius: 4px;
  background: var(--st-background-color); }
canvas:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.block { position: absolute; box-sizing: border-box; width: 12.5%; border: 2px solid var(--st-primary-color); aspect-ratio: 1;
  pointer-events: none; display: none; }
canvas:focus-visible ~ .block { display: block; }
button { margin-top: 6px; min-height: 36px; padding: 0 14px; border: 1px solid var(--st-border-color); border-radius: 6px;
  font: inherit; background: var(--st-background-color); color: var(--st-text-color); cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

HTML = '<div class="pad"><canvas tabindex="0" role="application"></canvas><span class="block"></span><button></button></div>'

JS = """
const BRUSH = 1.9;                       // cells around the pen that become black
const LATER = 300;                       // milliseconds without a key, after which the drawing is told
const KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export default function (component) {
  const { data, parentElement, setTriggerValue } = component, { side, block } = data;
  const pad = parentElement.querySelector(".pad"), canvas = pad.querySelector("canvas"), frame = pad.querySelector(".block");
  const clear = pad.querySelector("button"), blocks = side / block;
  canvas.width = canvas.height = side;
  canvas.setAttribute("aria-label", data.words.pad); clear.textContent = data.words.clear;
  pad.sent ??= new Set(); pad.at ??= [0, 0];
  if (data.bits !== pad.known && !pad.sent.has(data.bits)) pad.cells = unpack(data.bits);
  pad.known = data.bits;
  show();

  canvas.onpointerdown = (event) => {
    event.preventDefault(); canvas.setPointerCapture(event.pointerId);
    pad.from = place(event); line(pad.from, pad.from);
  };
  canvas.onpointermove = (event) => {
    if (!pad.from) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) { const to = place(step); line(pad.from, to); pad.from = to; }
  };
  canvas.onpointerup = canvas.onpointercancel = () => { if (pad.from) { pad.from = null; tell(0); } };
  clear.onclick = () => { pad.cells.fill(0); show(); tell(0); };
  canvas.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = KEYS[event.key];
    if (step) pad.at = pad.at.map((from, axis) => Math.min(blocks - 1, Math.max(0, from + step[axis])));
    else if (event.key === " ") { toggle(); tell(LATER); } else return;
    event.preventDefault(); show();
  };

  function place(event) {                // in cells, from the upper left corner
    const box = canvas.getBoundingClientRect();
    return [event.clientY - box.top, event.clientX - box.left].map((at) => (at / box.width) * side);
  }
  function line([row, column], [toRow, toColumn]) {
    const [down, right] = [toRow - row, toColumn - column], steps = 1 + Math.ceil(2 * Math.hypot(down, right));
    for (let step = 0; step <= steps; step++) dot(row + (down * step) / steps, column + (right * step) / steps);
    show();
  }
  function dot(row, column) {
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
      if (Math.hypot(y + 0.5 - row, x + 0.5 - column) <= BRUSH) pad.cells[y * side + x] = 1;
    }
  }
  function toggle() {
    const [row, column] = pad.at.map((at) => at * block), value = 1 - pad.cells[row * side + column];
    for (let y = row; y < row + block; y++) pad.cells.fill(value, y * side + column, y * side + column + block);
  }
  function show() {
    const paint = canvas.getContext("2d");
    paint.clearRect(0, 0, side, side); paint.fillStyle = data.ink;
    pad.cells.forEach((black, cell) => black && paint.fillRect(cell % side, Math.floor(cell / side), 1, 1));
    frame.style.top = pad.at[0] * canvas.clientHeight / blocks + "px"; frame.style.left = (100 * pad.at[1]) / blocks + "%";
  }
  function tell(wait) {
    clearTimeout(pad.waiting);
    pad.waiting = setTimeout(() => {
      const bits = pack(pad.cells);
      pad.sent.add(bits); setTriggerValue("drawn", bits);
    }, wait);
  }
}

function pack(cells) {
  const bytes = new Uint8Array(cells.length / 8);
  cells.forEach((black, cell) => { bytes[cell >> 3] |= black << (7 - (cell & 7)); });
  return btoa(String.fromCharCode(...bytes));
}

function unpack(bits) {
  const bytes = Uint8Array.from(atob(bits), (letter) => letter.charCodeAt(0));
  return Uint8Array.from({ length: 8 * bytes.length }, (_, cell) => (bytes[cell >> 3] >> (7 - (cell & 7))) & 1);
}
"""

_component = st.components.v2.component("backbone_lab.pad", html=HTML, css=CSS, js=JS)


def drawing_pad(drawing: Drawing, key: str, ink: str, on_draw: Callable[[Drawing], None]) -> None:
    """Show a drawing to go on with; `on_draw(drawing)` is called when a line ends."""
    words = {"clear": _("Clear"),
             "pad": _("Draw a digit here. With the keyboard: arrow keys move, the space bar fills a block.")}

    def tell() -> None:
        if drawn := st.session_state[key].drawn:
            moved()
            with suppress(Impossible):  # a browser may send anything
                on_draw(Drawing.read(drawn))
    bits = b64encode(drawing.bits).decode()
    _component(key=key, data={"bits": bits, "side": SIDE, "block": BLOCK, "ink": ink, "words": words}, on_drawn_change=tell)
