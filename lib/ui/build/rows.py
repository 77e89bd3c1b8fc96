"""The rows of a plan on the page: their numbers beside them, one of them chosen, the reason beneath one that cannot be."""

from collections.abc import Callable

import streamlit as st

from lib.analysis.receptive_field import sides_text
from lib.plan.language import Line, lines
from lib.plan.standing import Numbers, Standing
from lib.plan.word import text_of
from lib.ui import _
from lib.ui.address import moved

CSS = """
.rows { border: 1px solid var(--st-border-color); border-radius: 8px; overflow: auto; background: var(--st-background-color);
  color: var(--st-text-color); font-size: 0.9rem; container-type: inline-size; scrollbar-width: thin; }
.head, .row { display: grid; grid-template-columns: 1.6rem minmax(10rem, 1fr) 6.8rem 5.6rem 7rem 3.6rem; gap: 0.55rem;
  padding: 0.28rem 0.7rem; }
.head { position: sticky; top: 0; z-index: 1; background: var(--st-secondary-background-color); font-size: 0.78rem; }
.row { cursor: pointer; border-top: 1px solid color-mix(in srgb, var(--st-border-color) 45%, transparent); }
.row:hover { background: color-mix(in srgb, var(--st-primary-color) 9%, transparent); }
.row[aria-selected="true"] { background: color-mix(in srgb, var(--st-primary-color) 18%, transparent);
  box-shadow: inset 4px 0 0 var(--st-primary-color); }
.rows:focus { outline: none; }
.rows:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.number { text-align: right; opacity: 0.6; font-variant-numeric: tabular-nums; }
.text { font-family: var(--st-code-font, monospace); white-space: pre-wrap; overflow-wrap: anywhere; }
.cell { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.cell b { display: none; font-weight: 400; opacity: 0.7; }
.times { opacity: 0.7; padding-left: 0.5rem; font-size: 0.85em; }
.row.after { opacity: 0.55; }
.why { grid-column: 2 / -1; color: var(--st-red-text-color, #b3261e); white-space: normal; }
.row.wrong .text { text-decoration: underline wavy var(--st-red-text-color, #b3261e); }
@container (max-width: 620px) {
  .head { display: none; }
  .row { grid-template-columns: 1.6rem repeat(2, minmax(0, 1fr)); gap: 0.1rem 0.5rem; }
  .text { grid-column: 2 / -1; }
  .cell { text-align: left; white-space: normal; font-size: 0.82rem; }
  .cell:nth-of-type(odd) { grid-column: 2; }
  .cell:empty { display: none; }
  .cell b { display: inline; }
}
"""

HTML = """<div class="rows" role="listbox" tabindex="0"></div>"""

JS = """
const MOST_TOLD = 20;

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const list = parentElement.querySelector(".rows");
  list.mount ??= Math.random();           // who presses quickly is heard in whole: what was told last goes along
  list.told ??= [];
  const tell = (verb, line) => {
    list.told.push({ verb, line, plan: data.plan, number: list.count = (list.count ?? 0) + 1 });
    list.told = list.told.slice(-MOST_TOLD);
    setTriggerValue("did", { mount: list.mount, told: list.told });
  };
  list.setAttribute("aria-label", data.label);
  list.style.maxHeight = data.height;
  if (list.drawn !== data.drawn) draw();
  if (list.asked === undefined || list.shown !== data.selected || list.drawnFor !== data.plan) choose(data.selected);
  list.shown = data.selected; list.drawnFor = data.plan;
  list.onclick = (event) => {
    const row = event.target.closest(".row");
    if (!row || getSelection().toString()) return;
    pick([...list.querySelectorAll(".row")].indexOf(row));
  };
  list.onkeydown = (event) => {
    const last = data.rows.length - 1, now = list.asked;
    const to = { ArrowUp: now - 1, ArrowDown: now + 1, Home: 0, End: last }[event.key];
    if (event.key === "Delete") tell("delete", now);
    else if (event.altKey && event.key === "ArrowUp") tell("up", now);
    else if (event.altKey && event.key === "ArrowDown") tell("down", now);
    else if ((event.ctrlKey || event.metaKey) && event.key === "z") tell(event.shiftKey ? "redo" : "undo", now);
    else if (to !== undefined && !event.altKey) pick(Math.max(0, Math.min(last, to)));
    else return;
    event.preventDefault();
  };

  function pick(line) {
    choose(line);
    tell("choose", line);
  }
  function choose(line) {
    list.asked = line;
    list.querySelectorAll(".row").forEach((row, index) => row.setAttribute("aria-selected", index === line));
    const row = list.querySelectorAll(".row")[line];
    if (!row) return;
    list.setAttribute("aria-activedescendant", row.id);
    const seen = list.getBoundingClientRect(), place = row.getBoundingClientRect(), head = 26;
    if (place.top < seen.top + head) list.scrollTop -= seen.top + head - place.top;
    else if (place.bottom > seen.bottom) list.scrollTop += place.bottom - seen.bottom;
  }
  function piece(kind, text) {                // as text, whatever it holds
    const box = document.createElement("div");
    box.className = kind; box.textContent = text;
    return box;
  }
  function draw() {
    const top = list.scrollTop, head = piece("head", "");
    head.append(piece("number", ""), piece("", data.heads[0]), ...data.heads.slice(1).map((name) => piece("cell", name)));
    const rows = data.rows.map((row, index) => {
      const line = piece("row" + (row.why ? " wrong" : "") + (row.after ? " after" : ""), "");
      line.id = "plan-line-" + index; line.setAttribute("role", "option");
      const text = piece("text", "\\u00a0\\u00a0".repeat(row.indent) + row.text);
      if (row.times) text.append(piece("times", row.times));
      text.querySelectorAll(".times").forEach((times) => times.style.display = "inline");
      line.append(piece("number", index + 1), text);
      row.cells.forEach((value, column) => {
        const cell = piece("cell", "");
        const name = document.createElement("b");
        name.textContent = data.heads[column + 1] + " ";
        if (value) cell.append(name, value);
        line.append(cell);
      });
      if (row.why) line.append(piece("why", "✕ " + row.why));
      return line;
    });
    list.replaceChildren(head, ...rows);
    list.drawn = data.drawn; list.scrollTop = top;
  }
}
"""

_component = st.components.v2.component("backbone_lab.rows", html=HTML, css=CSS, js=JS)

HEADS = (_("Row"), _("Output"), _("Parameters"), _("MACs"), _("Field, px"))


def show(stands: Standing, text: str, selected: int, did: Callable[[str, int, str], None], height: str = "26rem") -> None:
    """The rows as a list to choose from. When a person chooses, moves or deletes a line there, `did(verb, line, plan)` is
    called, with the text of the plan that the person saw."""
    key = "plan_rows"

    def heard() -> None:
        if said := st.session_state[key].did:
            moved()
            for each in _unheard(said):
                did(each["verb"], each["line"], each["plan"])

    _component(key=key, data={"rows": rows_of(stands), "plan": text, "drawn": text, "selected": selected, "heads": HEADS,
                              "height": height, "label": _("Rows of the plan")}, on_did_change=heard)


def _unheard(said: dict) -> list[dict]:
    """What was told since the last time. A message that the server was too busy for is followed by one that holds both."""
    heard = st.session_state.setdefault("plan_rows_heard", {})
    new = [each for each in said["told"] if each["number"] > heard.get(said["mount"], 0)]
    st.session_state["plan_rows_heard"] = {said["mount"]: said["told"][-1]["number"]}
    return new


def rows_of(stands: Standing) -> list[dict]:
    """A line for each line of the plan: its text, how deep it stands, its numbers, and why it cannot be."""
    end = stands.refused.place if stands.refused else None
    found = []
    for line in lines(stands.plan):
        told = stands.rows.get(line.place)
        wrong = end is not None and line.place == end and not line.closes
        found.append({
            "text": line.text, "indent": max(0, len(line.place) - 1), "cells": _cells(line, told, stands),
            "times": _("×{count}").format(count=told.copies) if told and told.copies > 1 and not line.closes else "",
            "why": stands.refused.reason if wrong else "",
            "after": end is not None and line.place > end and line.place not in stands.rows})
    return found


def _cells(line: Line, told: Numbers | None, stands: Standing) -> list[str]:
    """What a row gives and costs, as text; nothing for a brace and for what was not reached."""
    if not line.place:
        return [text_of(stands.plan.image.shape), "", "", ""]
    if line.closes or told is None:
        return ["", "", "", ""]
    macs = _("unknown") if told.macs is None else f"{told.macs:,}"
    return [text_of(told.shape), f"{told.params:,}", macs, _field(told)]


def _field(told: Numbers) -> str:
    """The receptive field of a row's output: of a map in pixels, after that the whole image."""
    field = told.last and told.last.field
    if not field:
        return ""
    return _("all") if field.whole_image else sides_text(field.size)
