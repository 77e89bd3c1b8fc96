"""The maps of a layer on the page: pictures whose cells are clicked, or reached with the arrow keys."""

from base64 import b64encode
from collections.abc import Callable

import streamlit as st

from lib.figures.theme import Palette
from lib.inside.looking import Maps
from lib.ui import _
from lib.ui.address import moved

CSS = """
.grid { display: grid; gap: 6px; grid-template-columns: repeat(auto-fill, minmax(var(--tile), 1fr)); }
.map { position: relative; cursor: crosshair; border: 1px solid var(--st-border-color); border-radius: 3px; overflow: hidden; }
.map canvas { display: block; width: 100%; image-rendering: pixelated; }
.map:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.map.chosen { border-color: var(--st-primary-color); }
.cell { position: absolute; box-sizing: border-box; min-width: 6px; min-height: 6px; pointer-events: none; display: none;
  border: 2px solid var(--st-primary-color); box-shadow: 0 0 0 1px var(--st-background-color); }
.map.chosen .cell { display: block; }
.number { position: absolute; left: 0; top: 0; padding: 0 4px; font: 11px/1.5 var(--st-font); pointer-events: none;
  color: var(--st-text-color); background: color-mix(in srgb, var(--st-background-color) 75%, transparent); }
"""

HTML = '<div class="grid"></div>'

JS = """
const KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [0, 0], " ": [0, 0] };
const LATER = 120;                       // milliseconds without a key, after which the place is told

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const grid = parentElement.querySelector(".grid");
  grid.style.setProperty("--tile", data.tile + "px");
  grid.setAttribute("role", "group"); grid.setAttribute("aria-label", data.words.maps);
  const levels = Int8Array.from(atob(data.levels), (letter) => letter.charCodeAt(0));
  const size = data.rows * data.columns, count = levels.length / size;
  while (grid.children.length > count) grid.lastChild.remove();
  while (grid.children.length < count) grid.append(newMap());
  [...grid.children].forEach(draw);
  if (!grid.waiting) { grid.chosen = data.chosen; mark(); }

  function newMap() {
    const map = document.createElement("div");
    map.className = "map"; map.tabIndex = 0; map.setAttribute("role", "button");
    map.innerHTML = '<canvas></canvas><span class="number"></span><span class="cell"></span>';
    return map;
  }
  function draw(map, place) {
    const canvas = map.firstChild, paint = canvas.getContext("2d");
    canvas.width = data.columns; canvas.height = data.rows;
    const image = paint.createImageData(data.columns, data.rows);
    for (let cell = 0; cell < size; cell++) {
      const level = levels[place * size + cell] / 127, full = level < 0 ? data.negative : data.positive;
      data.zero.forEach((none, part) => { image.data[4 * cell + part] = none + Math.abs(level) * (full[part] - none); });
      image.data[4 * cell + 3] = 255;
    }
    paint.putImageData(image, 0, 0);
    map.querySelector(".number").textContent = data.first + place;
    map.onclick = (event) => {
      const box = canvas.getBoundingClientRect();
      if (!event.detail) return;         // a key's own click
      const at = (share, cells) => Math.min(cells - 1, Math.max(0, Math.floor(share * cells)));
      const row = at((event.clientY - box.top) / box.height, data.rows);
      pick([data.first + place, row, at((event.clientX - box.left) / box.width, data.columns)], 0);
    };
    map.onkeydown = (event) => {
      const step = KEYS[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const number = data.first + place, [, ...from] = grid.chosen, move = grid.chosen[0] === number ? step : [0, 0];
      const next = [data.rows, data.columns].map((cells, axis) => Math.min(cells - 1, Math.max(0, from[axis] + move[axis])));
      pick([number, ...next], LATER);
    };
  }
  function pick(chosen, wait) {          // shown at once, told when no more keys come
    grid.chosen = chosen; mark();
    clearTimeout(grid.waiting);
    grid.waiting = setTimeout(() => { grid.waiting = 0; setTriggerValue("picked", chosen); }, wait);
  }
  function mark() {
    const [number, row, column] = grid.chosen;
    [...grid.children].forEach((map, place) => {
      const chosen = data.first + place === number, cell = map.querySelector(".cell");
      map.classList.toggle("chosen", chosen); map.setAttribute("aria-pressed", chosen);
      map.setAttribute("aria-label", data.words.map.replace("{number}", data.first + place)
        + (chosen ? ". " + data.words.cell.replace("{row}", row).replace("{column}", column) : ""));
      cell.style.top = (100 * row) / data.rows + "%"; cell.style.left = (100 * column) / data.columns + "%";
      cell.style.height = 100 / data.rows + "%"; cell.style.width = 100 / data.columns + "%";
    });
  }
}
"""

_component = st.components.v2.component("backbone_lab.maps", html=HTML, css=CSS, js=JS)

TILE, SMALL_TILE = 84, 40
"""Pixels that a map is wide at least, and one of a single cell."""


def maps_view(maps: Maps, name: str, chosen: tuple[int, int, int], key: str, palette: Palette,
              on_pick: Callable[[tuple[int, int, int]], None]) -> None:
    """Show maps, with the cell `chosen` (map, row, column) marked; `on_pick(cell)` is called when another is clicked."""
    _count, rows, columns = maps.levels.shape
    words = {"maps": name, "map": _("Map {number}"), "cell": _("Chosen: row {row}, column {column}. Arrow keys move it")}

    def tell() -> None:
        if picked := st.session_state[key].picked:
            moved()
            on_pick(tuple(int(each) for each in picked))
    _component(key=key, data={
        "levels": b64encode(maps.levels.tobytes()).decode(), "rows": rows, "columns": columns, "first": maps.first,
        "chosen": list(chosen), "words": words, "tile": TILE if rows * columns > 1 else SMALL_TILE,
        "positive": channels(palette.accent), "negative": channels(palette.series[1]), "zero": channels(palette.background)},
        on_picked_change=tell)


def channels(colour: str) -> list[int]:
    """Red, green and blue of a colour such as `#0072b2`."""
    return list(bytes.fromhex(colour[1:]))
