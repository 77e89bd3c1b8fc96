"""Stored runs: a table of them, what the selected ones found side by side, and files of runs in and out."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from lib.architecture import Impossible
from lib.digits import rounded
from lib.figures.lab_stored import SYMBOLS, Series, side_by_side
from lib.lab import shipped, store
from lib.lab.doubts import doubts
from lib.lab.latency_tables import machine
from lib.lab.layers import LayerTimes
from lib.limits import limits
from lib.lab.store import Run, Stored
from lib.records import Latency, Network
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import moved, plain
from lib.ui.controls import kept
from lib.ui.lab.asked import Asked
from lib.ui.lab.latency import say_doubts
from lib.ui.lab.shipped import MACHINES
from lib.ui.provenance import mark
from lib.ui.visitor import ask_for_key, has_key, visitor

MOST_ROWS = 500
KINDS = {"latency": _("Latency"), "layers": _("Layers"), "training": _("Training")}
DISTURBED = {None: None, False: _("quiet"), True: _("busy")}
ORIGINS = {"measured": _("measured here"), "imported": _("from a file"), "shipped": _("comes with the app")}


def show(asked: Asked) -> None:
    """The panel. It shows runs of the past, whatever is asked for now."""
    st.markdown(prose("timing_stored", "What") if limits().keep_runs else prose("timing_stored", "Not kept"))
    if not any(run.device.startswith("cuda") for kind in KINDS for run in shipped.runs(kind)):
        st.caption(prose("timing_stored", "No GPU"))
    _say()
    _list()
    _upload()


def _held() -> dict[str, Stored]:
    """Runs of files that only this visitor's page holds, as the server does not keep them."""
    return st.session_state.setdefault("stored_held", {})


def _picked() -> list[str]:
    """The ids of the selected runs."""
    return st.session_state.setdefault("stored_picked", [])


def _list() -> None:
    """The runs that the filters let through, as a table to select from; of a database that fails only that is said."""
    known, problem = _asked(store.device_names)
    kind, name = _filters(known)
    found, problem = _asked(store.runs, kind or None, name or None, MOST_ROWS) if not problem else ([], problem)
    if problem:
        st.warning(plain(problem))
        found = store.shipped().values()
    if len(found) == MOST_ROWS:
        st.caption(prose("timing_stored", "Cut", shown=MOST_ROWS))
    rows = {row.id: row for row in (*_held().values(), *found) if kind in ("", row.kind) and name in ("", row.device_name)}
    if rows:
        listed = sorted(rows.values(), key=lambda row: row.rank, reverse=True)
        _table(listed)
        _open([row for row in listed if row.id in _picked()])
    elif kind or name:
        st.info(prose("timing_stored", "None of these"))
    elif not problem:
        st.info(prose("timing_stored", "Nothing"))


def _asked(question: Callable[..., list], *arguments) -> tuple[list, str]:
    """What the store answers, and why it does not."""
    try:
        return question(*arguments), ""
    except Impossible as error:
        return [], str(error)


def _filters(known: list[str]) -> tuple[str, str]:
    """The kind and the device to list; empty for all. `known` are the devices that the store names."""
    kinds, names = st.columns(2)
    kind = kinds.selectbox(_("Kind"), ["", *KINDS], **kept("stored_kind", ""),
                           format_func=lambda kind: KINDS.get(kind, _("all kinds")), help=_("List runs of one kind only."))
    devices = sorted({*known, *(row.device_name for row in (*store.shipped().values(), *_held().values()))})
    name = names.selectbox(_("Of device"), ["", *devices], **kept("stored_device", "", devices),
                           format_func=lambda name: name or _("all devices"), help=_("List runs of one device only."))
    return kind, name


def _table(rows: list[Stored]) -> None:
    """The runs as a table whose selection follows the runs, not their places: others may come while one is looking."""
    ids = [row.id for row in rows]
    key = f"stored_table_{zlib.crc32(''.join(ids).encode())}_{st.session_state.setdefault('stored_number', 0)}"

    def pick() -> None:
        moved()
        st.session_state["stored_picked"] = [ids[row] for row in st.session_state[key].selection.rows]

    me = visitor()
    selected = [index for index, id in enumerate(ids) if id in _picked()]
    table = [(row.taken, row.device_name, row.host, row.title, row.median_ms, DISTURBED[row.disturbed], ORIGINS[row.origin],
              _("yours") if row.belongs_to(me) else None) for row in rows]
    columns = ["taken", "device", "host", "what", "median", "machine", "origin", "owner"]
    st.dataframe(pd.DataFrame(table, columns=columns), key=key,
                 on_select=pick, selection_mode="multi-row", hide_index=True, height=390 if len(ids) > 10 else "auto",
                 selection_default={"selection": {"rows": selected}} if selected else None, placeholder="–",
                 column_config={
                     "taken": st.column_config.DatetimeColumn(_("When (UTC)"), format="YYYY-MM-DD HH:mm"),
                     "device": _("Device"), "host": _("Host"),
                     "what": st.column_config.TextColumn(_("What ran"), width="large"),
                     "median": st.column_config.NumberColumn(_("Median, ms"), format="%g", help=_("Of runs of one network.")),
                     "machine": st.column_config.TextColumn(_("Machine"), help=_(
                         "Busy: other programs disturbed the run, or a part of it. Empty where it does not matter, or where "
                         "nobody looked.")),
                     "origin": _("Where it comes from"),
                     "owner": st.column_config.TextColumn(_("Whose"), help=_(
                         "Yours: measured or brought here with this browser, which can remove it."))})
    mark("measured", _("on the hosts and at the times in the table; runs from a file as the file says"))


def _open(rows: list[Stored]) -> None:
    """What the selected runs found, and what can be done with them."""
    if not rows:
        st.caption(prose("timing_stored", "Select"))
        return
    ids = [row.id for row in rows]
    try:
        runs = [row.run() for row in (_held()[id] for id in ids if id in _held())]
        runs += store.get(id for id in ids if id not in _held())
    except Impossible as error:
        st.warning(plain(str(error)))
        return
    with st.container(horizontal=True):
        st.download_button(_("Download selected"), store.export(runs), "runs.json", "application/json", on_click="ignore",
                           key="stored_download", icon=":material/download:", help=_("The selected runs as a JSON file."))
        if limits().keep_runs:
            st.button(_("Delete selected"), key="stored_delete", icon=":material/delete:", on_click=_delete, args=(rows,),
                      help=_("Removes those of the selected runs that are yours; it can be undone."))
            ask_for_key()
    for note in dict.fromkeys(run.note for run in runs if run.note):
        st.caption(plain(note))
    if latencies := [run for run in runs if run.kind == "latency"]:
        _latencies(latencies)
    for run in runs:
        if run.kind != "latency":
            _other(run)


def _name(number: int, run: Run) -> str:
    """What to call a run in picture and table: short enough for a phone."""
    device, host = (name if len(name) <= 24 else name[:23] + "…" for name in (run.device_name, run.host))
    return f"{number}: {device}, {host}, {run.taken:%Y-%m-%d}"


def _network(found: Latency) -> str:
    return f"{Network(preset=found.preset, changed=found.changed).label}, batch {found.batch}"


def _latencies(runs: list[Run]) -> None:
    """Latency runs side by side, as a picture and as a table."""
    if len(runs) > len(SYMBOLS):
        st.warning(prose("timing_stored", "Too many", count=len(runs), most=len(SYMBOLS)))
        return
    names = [_name(number, run) for number, run in enumerate(runs, 1)]
    for name, run in zip(names, runs):
        if against := doubts(run.found):
            st.warning(f"**{plain(name)}**: {plain(' '.join(against))}")
    series = [Series.of(name, [_network(found) for found in run.found], run.found) for name, run in zip(names, runs)]
    st.markdown(prose("timing_stored", "Read"))
    st.plotly_chart(side_by_side(series, current_palette()), key="stored_chart", config={"displayModeBar": False},
                    alt=_("Median latency with its spread, by network and run; the table below holds the same numbers."))
    mark("measured", _("on the hosts and dates named above it; runs from a file as the file says"))
    rows = [_row(name, run, found) for name, run in zip(names, runs) for found in run.found]
    number = st.column_config.NumberColumn
    st.dataframe(pd.DataFrame(rows), key="stored_latencies", hide_index=True, column_config=dict.fromkeys(
        (_("Images a second"), _("Peak memory, bytes")), number(format="localized")) | dict.fromkeys(
        (_("Median, ms"), _("10th, ms"), _("90th, ms")), number(format="%g")))
    mark("measured", _("as the picture"))


def _row(name: str, run: Run, found: Latency) -> dict[str, object]:
    how, here, borne = found.protocol, found.environment, found.latency_ms.figures
    median, low, high, throughput = (rounded(value, borne) for value in (
        found.latency_ms.median, found.latency_ms.p10, found.latency_ms.p90, found.throughput))
    return {_("Run"): name, _("Network"): _network(found), _("Median, ms"): median, _("10th, ms"): low, _("90th, ms"): high,
            _("Images a second"): throughput, _("Machine"): MACHINES[machine(found)],
            _("Peak memory, bytes"): found.peak_memory_bytes, _("Numbers"): found.dtype, _("Run as"): how.mode,
            _("Input, px"): found.input_size, _("Channels last"): how.channels_last, _("L2 flushed"): how.flush_l2,
            _("Repetitions"): how.repetitions, _("Stable"): how.stable, _("Threads"): str(here.get("threads", _("unknown"))),
            "PyTorch": str(here.get("torch", _("unknown"))), _("Ended early"): run.message}


def _other(run: Run) -> None:
    """What a run of another kind found: its single values, and of the layers each one's time."""
    st.markdown(f"**{plain(run.title)}** ({plain(run.device_name)}, {plain(run.host)}, {run.taken:%Y-%m-%d})")
    if run.message:
        st.caption(plain(run.message))
    for record in run.found:
        if isinstance(record, LayerTimes):
            say_doubts([record])
            rows = [(name, *(rounded(value, spread.figures) for value in (spread.median, spread.p10, spread.p90)))
                    for name, spread in zip(record.names, record.layer_ms)]
            columns = [_("Layer"), _("Median, ms"), _("10th, ms"), _("90th, ms")]
            st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, column_config=dict.fromkeys(
                columns[1:], st.column_config.NumberColumn(format="%g")))
        st.dataframe(pd.DataFrame(_values(record), columns=[_("Quantity"), _("Value")]), hide_index=True)
        mark("measured", _("on the host and date named above it; runs from a file as the file says"))


def _values(record: Iterable[tuple[str, object]]) -> list[tuple[str, str]]:
    """The single values of a record, and those of the records in it."""
    found = []
    for name, value in record:
        if isinstance(value, (BaseModel, dict)):
            inner = value.items() if isinstance(value, dict) else value
            found += [(f"{name}: {part}", text) for part, text in _values(inner)]
        elif not isinstance(value, (tuple, list)):
            found.append((name, _("unknown") if value is None else f"{value:,}" if type(value) is int else str(value)))
    return found


def _upload() -> None:
    """Takes a file of runs, once when it is chosen."""
    st.markdown(prose("timing_stored", "File", size=f"{_largest_file():,}"))
    st.file_uploader(_("Open a file of runs"), type="json", key="stored_file", on_change=_import,
                     help=_("JSON, as “Download selected” writes it."))


def _largest_file() -> int:
    """Bytes that a file of runs may have: neither the lab's limit nor the server's for any file may be passed."""
    return min(limits().largest_import, st.get_option("server.maxUploadSize") << 20)


def _import() -> None:
    moved()
    file = st.session_state["stored_file"]
    if file is None:
        return
    try:
        runs = store.import_(file.getvalue())
        new = store.take_in(runs, visitor()) if limits().keep_runs else _hold(runs)
    except Impossible as error:
        _tell("error", str(error))
        return
    text = _("Runs taken in: {new}.").format(new=new)
    if known := len(runs) - new:
        text += " " + _("Here already, or twice in the file, and kept once: {known}.").format(known=known)
    st.session_state["stored_picked"] = list(dict.fromkeys(run.id for run in runs))
    _tell("success", text)


def _hold(runs: list[Run]) -> int:
    """Keep runs in this visitor's page; how many were new."""
    before, held = len(_held()), _held()
    for run in runs:
        if run.id not in store.shipped():
            held.setdefault(run.id, Stored.of(run, "imported"))
    return len(held) - before


def _delete(rows: list[Stored]) -> None:
    moved()
    try:
        gone = store.forget([row.id for row in rows], visitor(), has_key())
    except Impossible as error:
        _tell("error", str(error))
        return
    ids = {row.id for row in gone}
    st.session_state["stored_picked"] = [row.id for row in rows if row.id not in ids]
    said = _why_left([row for row in rows if row.id not in ids])
    if gone:
        st.session_state["stored_gone"] = gone
        said.insert(0, _("Deleted: {titles}.").format(titles=_titles(gone)))
    _tell("info" if gone else "warning", " ".join(said) or _("Nothing was deleted: the runs are gone already."))


def _why_left(rows: list[Stored]) -> list[str]:
    """Which runs could not be deleted, and how they can be."""
    said = []
    if ours := [row for row in rows if row.origin == "shipped"]:
        said.append(prose("timing_stored", "Shipped", titles=_titles(ours)))
    if others := [row for row in rows if row not in ours and not has_key() and not row.belongs_to(visitor())]:
        said.append(prose("timing_stored", "Of others", titles=_titles(others)))
    return said


def _titles(rows: list[Stored]) -> str:
    return "; ".join(row.title for row in rows)


def _undo() -> None:
    moved()
    rows = st.session_state.pop("stored_gone", [])
    try:
        store.restore(rows)
    except Impossible as error:
        st.session_state["stored_gone"] = rows
        _tell("error", str(error))
        return
    st.session_state["stored_picked"] = [row.id for row in rows]
    _tell("info", _("Put back: {titles}.").format(titles=_titles(rows)))


def _tell(kind: str, text: str) -> None:
    """Say something above the table, which is mounted anew, with what is selected now."""
    st.session_state["stored_said"] = (kind, text)
    st.session_state["stored_number"] = st.session_state.get("stored_number", 0) + 1


def _say() -> None:
    """What the last file or deletion came to, once; and the way back from a deletion."""
    kind, text = st.session_state.pop("stored_said", ("", ""))
    if kind:
        getattr(st, kind)(plain(text))
    if st.session_state.get("stored_gone"):
        st.button(_("Undo the deletion"), key="stored_undo", icon=":material/undo:", on_click=_undo,
                  help=_("Puts the runs back that were deleted last."))
