"""Stored runs: kept, found, deleted, carried from machine to machine; in SQLite and in a real PostgreSQL."""

import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy

from lib.architecture import Impossible
from lib.devices import Device
from lib.lab import curves, store
from lib.lab import database as opened
from lib.lab.jobs import Job
from lib.limits import limits
from lib.records import Latency, Network, Protocol, Setting, Spread
from lib.training.recipe import Recipe
from lib.training.records import Curve, Entrant, Epoch
from tests.engine import records as times

pytestmark = pytest.mark.usefixtures("nothing_shipped")  # the tests count runs

JOB = Job(kind="latency", networks=(Network(preset="lenet5", changed={"input_size": 32}),), setting=Setting(batch=4))
HERE = Device(id="cpu", name="A CPU", memory_bytes=1, cores=1, host="here")
THERE = Device(id="cuda:0", name="A GPU", memory_bytes=1, cores=1, host="there")


def latency(median: float = 2.0) -> Latency:
    return Latency(preset="lenet5", changed={"input_size": 32}, device="cpu", batch=4, dtype="float32", input_size=32, macs=100,
                   params=10, latency_ms=Spread(median=median, p10=1.5, p90=2.5, figures=3), throughput=4e3 / median,
                   flop_per_second=8e5 / median, peak_memory_bytes=None, memory_source="nothing",
                   protocol=Protocol(clock="a clock", synchronised="yes", warm_up=3, stable=True, repetitions=3),
                   environment={"torch": "2.9", "threads": 2}, repetitions_ms=(1.5, median, 2.5))


def run(device: Device = HERE, days: int = 0, **changed) -> store.Run:
    taken = datetime(2026, 3, 1, 12, tzinfo=timezone.utc) + timedelta(days=days)
    return store.Run.of(JOB, device, [latency()]).model_copy(update={"taken": taken, **changed})


@pytest.fixture(scope="module")
def postgres():
    """The address of a PostgreSQL server of our own, which root must not start."""
    if not all(map(shutil.which, ("postgres", "initdb", "pg_ctl"))):
        pytest.skip("needs PostgreSQL: postgres, initdb and pg_ctl on the path")
    folder = Path(tempfile.mkdtemp(prefix="postgres"))
    who = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, who["user"])

    def call(*command):
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **who)
    try:
        call("initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "lab", "-E", "UTF8", "--locale=C", "--no-sync")
        call("pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "start",
             "-o", f"-k {folder} -c listen_addresses='' -c fsync=off")
        yield f"lab@/postgres?host={folder}"
        call("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres", "postgresql"])
def database(request, tmp_path, monkeypatch):
    """An empty database, its address in DATABASE_URL."""
    address = f"sqlite:///{tmp_path / 'runs.sqlite'}"
    if request.param != "sqlite":
        address = f"{request.param}://{request.getfixturevalue('postgres')}"
    monkeypatch.setenv("DATABASE_URL", address)
    store.forget([row.id for row in store.runs()], with_key=True)
    return address


@pytest.fixture
def few(monkeypatch):
    """A server that keeps three runs and takes small files."""
    monkeypatch.setattr(store, "limits", lambda: limits().model_copy(update={"most_runs": 3, "largest_import": 20_000}))


def test_a_run_comes_back_as_it_was(database):
    kept = run()
    store.keep(kept)
    assert store.get([kept.id]) == [kept]
    [row] = store.runs()
    assert (row.kind, row.device_name, row.host, row.median_ms, row.origin) == ("latency", "A CPU", "here", 2.0, "measured")
    assert row.taken == datetime(2026, 3, 1, 12) and "lenet5 input_size=32; batch 4" in row.title


def test_it_lies_in_the_database_and_not_only_in_memory(database):
    kept = run()
    store.keep(kept)
    url = sqlalchemy.make_url(database.replace("postgres://", "postgresql://").replace("postgresql:", "postgresql+psycopg:"))
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        [(id, document)] = connection.exec_driver_sql("SELECT id, document FROM runs").all()
    engine.dispose()
    document = document if isinstance(document, dict) else json.loads(document)
    assert id == kept.id and document["found"][0]["repetitions_ms"] == [1.5, 2.0, 2.5]


def test_the_newest_come_first_and_filters_narrow(database):
    ours, theirs, newer = run(), run(THERE, days=1), run(days=2)
    for each in (theirs, newer, ours):
        store.keep(each)
    assert [row.id for row in store.runs()] == [newer.id, theirs.id, ours.id]
    assert [row.id for row in store.runs(limit=1)] == [newer.id]
    assert [row.id for row in store.runs(device_name="A GPU")] == [theirs.id]
    assert store.runs(kind="training") == [] and len(store.runs(kind="latency")) == 3
    assert store.device_names() == ["A CPU", "A GPU"]
    assert [found.host for found in store.get([ours.id, theirs.id])] == ["here", "there"]


def test_the_oldest_make_room(database, few):
    kept = [run(days=day) for day in (3, 1, 4, 2)]
    for each in kept:
        store.keep(each)
    assert [row.id for row in store.runs()] == [kept[2].id, kept[0].id, kept[3].id]


def test_imports_push_nothing_out(database, few):
    store.keep(run())
    with pytest.raises(Impossible, match="3 more runs do not fit: this server keeps 3"):
        store.take_in([run(days=day) for day in (1, 2, 3)])
    assert len(store.runs()) == 1


def test_no_date_of_a_file_pushes_out_what_was_measured(database, few):
    future = datetime(2199, 12, 31, tzinfo=timezone.utc)
    imported = [run().model_copy(update={"taken": future}) for _ in range(2)]
    assert store.take_in(imported[:1]) == store.take_in(imported[1:]) == 1
    measured = [run(days=day) for day in range(4)]
    for each in measured[:2]:
        store.keep(each)
    assert [row.id for row in store.runs()] == [measured[1].id, measured[0].id, imported[1].id]  # what came first has gone
    for each in measured[2:]:
        store.keep(each)
    assert [row.id for row in store.runs()] == [each.id for each in measured[:0:-1]]


def test_rows_of_an_older_version_go_before_those_that_came_later(database, few):
    old, older, new = run(days=1), run(), run(days=2)
    for each in (older, old):
        store.keep(each)
    with opened.database(store.Stored) as session:
        session.execute(sqlalchemy.update(store.Stored).values(arrived=None))
    store.keep(new)
    assert [row.id for row in store.runs()] == [new.id, old.id, older.id]
    store.keep(run(days=3))
    assert older.id not in {row.id for row in store.runs()}


def test_deleted_and_put_back(database):
    one, other = run(), run(THERE)
    store.keep(one, "anna")
    store.take_in([other], "anna")
    gone = store.forget([one.id, other.id, "f" * 32], "anna")
    assert store.runs() == [] and store.get([one.id]) == []
    store.restore(gone)
    assert {row.id: row.origin for row in store.runs()} == {one.id: "measured", other.id: "imported"}
    assert {row.owner for row in store.runs()} == {"anna"}
    assert store.get([one.id]) == [one]


def test_a_run_is_removed_by_its_owner_or_with_the_key(database):
    annas, bens, nobodys = run(), run(days=1), run(days=2)
    store.keep(annas, "anna")
    store.take_in([bens], "ben")
    store.keep(nobodys)
    everything = [annas.id, bens.id, nobodys.id]
    assert store.forget(everything) == store.forget(everything, "") == store.forget(everything, "carl") == []
    assert [row.id for row in store.forget(everything, "anna")] == [annas.id]
    assert [row.id for row in store.runs()] == [nobodys.id, bens.id]
    assert len(store.forget(everything, "anna", with_key=True)) == 2 and store.runs() == []


def test_a_file_does_not_say_whose_a_run_is(database):
    kept = run()
    store.keep(kept, "anna")
    text = store.export(store.get([kept.id]))
    assert "anna" not in text and "owner" not in text
    store.forget([kept.id], "anna")
    store.take_in(store.import_(text), "ben")  # whoever brings a file has brought it
    assert [row.owner for row in store.runs()] == ["ben"]
    store.take_in(store.import_(text), "carl")
    assert [row.owner for row in store.runs()] == ["ben"]


def test_whoever_has_most_makes_room(database, few):
    first, *many = [run(days=day) for day in range(6)]
    store.keep(first, "anna")
    for each in many:
        store.keep(each, "ben")
    assert {row.id for row in store.runs()} == {first.id, many[-1].id, many[-2].id}  # though Anna's is the oldest
    late = run(days=9)
    store.keep(late, "carl")
    assert {row.id: row.owner for row in store.runs()} == {first.id: "anna", many[-1].id: "ben", late.id: "carl"}


def test_nobody_fills_the_store_with_files_and_shuts_out_the_others(database, few):
    store.take_in([run(days=day) for day in range(3)], "ben")
    annas = run(days=9)
    assert store.take_in([annas], "anna") == 1
    assert sorted(row.owner for row in store.runs()) == ["anna", "ben", "ben"]
    with pytest.raises(Impossible, match="3 more runs do not fit: this server keeps 3, shared out among"):
        store.take_in([run(), run(), run()], "anna")
    assert store.get([annas.id]) == [annas] and len(store.runs()) == 3  # nothing has changed


def test_threads_keep_at_once(database):
    kept = [run(days=day) for day in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(store.keep, kept))
    assert {row.id for row in store.runs()} == {each.id for each in kept}


def test_from_machine_to_machine(database):
    runs = [run(), run(THERE, message="Stopped.")]
    again = store.import_(store.export(runs))
    assert again == runs
    assert store.take_in([*again, again[0]]) == 2
    assert store.take_in(again) == 0
    assert store.get([each.id for each in runs]) == runs


def test_a_file_does_not_overwrite_what_was_measured(database):
    measured = run()
    store.keep(measured)
    assert store.take_in([measured.model_copy(update={"title": "another"})]) == 0
    assert store.get([measured.id]) == [measured] and store.runs()[0].origin == "measured"


def test_a_new_database_is_made_once_by_many(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'new.sqlite'}")
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: store.runs(), range(8))) == [[]] * 8


def changed(**fields) -> str:
    return json.dumps([{**run().model_dump(mode="json"), **fields}])


BROKEN = {
    "not JSON": ("{", "is not JSON"),
    "not text": (b"\xff\xfe", "is not JSON"),
    "nested": ("[" * 10_000, "is not JSON"),
    "half a letter": ('["\\ud800"]', "is not JSON"),
    "no number": (changed(found=[float("nan")]), "is not JSON"),
    "infinite": ('[{"taken": 1e999}]', "is not JSON"),
    "no list": ("{}", "holds no list of runs"),
    "empty": ("[]", "holds no list of runs"),
    "no runs": ("[1]", "holds no list of runs"),
    "format": (changed(format=2), "has the format 2; this version of the app reads format 1"),
    "no format": ("[{}]", "has the format None"),
    "unknown field": (changed(colour="red"), "colour"),
    "missing": ('[{"format": 1}]', "Run 1 of this file is not right: id"),
    "id": (changed(id="../../etc"), "id"),
    "time without a zone": (changed(taken="2026-01-01T00:00:00"), "taken"),
    "time of old": (changed(taken="0001-01-01T00:00:00+14:00"), "taken"),
    "kind": (changed(kind="dreams"), "kind"),
    "control characters": (changed(host="a\u0000b"), "host"),
    "long": (changed(device_name="x" * 301), "device_name"),
    "setting": (changed(setting={"batch": 0}), "setting"),
    "a list for a choice": (changed(setting={"dtype": ["float32"]}), "setting"),
    "record": (changed(found=[{"kind": "latency"}]), "found"),
    "no record": (changed(found=[7]), "found"),
    "another kind": (changed(kind="training"), "holds something else"),
}


@pytest.mark.parametrize("text, words", BROKEN.values(), ids=BROKEN)
def test_broken_files_are_refused_in_one_sentence(text, words):
    with pytest.raises(Impossible) as refused:
        store.import_(text)
    message = str(refused.value)
    assert words in message and "\n" not in message and len(message) < 400 and "errors.pydantic" not in message


def test_a_large_file_is_refused(few):
    with pytest.raises(Impossible, match="has 20,001 bytes; files of runs may have 20,000"):
        store.import_(" " * 20_001)


@pytest.mark.parametrize("address, words", {
    "no address": "is not the address of an SQLite file or PostgreSQL database",
    "mysql://localhost/runs": "is not the address of an SQLite file or PostgreSQL database",
    "sqlite://": "is not the address of an SQLite file or PostgreSQL database",
    "sqlite:////nowhere/at/all/runs.sqlite": "cannot be reached just now",
    "postgresql://lab:secret@127.0.0.1:1/runs": "cannot be reached just now",
}.items())
def test_a_database_that_is_not_there_is_said(address, words, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", address)
    for use in (store.runs, lambda: store.keep(run()), lambda: store.get(["a"]), lambda: store.forget(["a"])):
        with pytest.raises(Impossible, match=words) as refused:
            use()
        assert "secret" not in str(refused.value)


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    address = f"sqlite:///{tmp_path / 'runs.sqlite'}"
    monkeypatch.setenv("DATABASE_URL", address)
    kept = run()
    store.keep(kept)
    sqlalchemy.event.listen(opened._open(address, (store.Stored,)), "connect", lambda file, _: file.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(Impossible, match="stored runs is full: .*; runs are measured, but not kept"):
        store.take_in([run() for _ in range(9)])
    assert store.get([kept.id]) == [kept]


@pytest.mark.parametrize("code, words", {"53100": "is full", "25006": "may be read, but not written", "53300": "is busy",
                                         "08006": "cannot be reached just now"}.items())
def test_what_postgres_says_is_said(code, words):
    cause = Exception()
    cause.sqlstate = code
    assert words in opened.fault(sqlalchemy.exc.OperationalError("", {}, cause))


@pytest.mark.parametrize("content, words", {b"": "cannot be reached", b"This is no database. " * 99: "is damaged"}.items())
def test_another_file_in_the_place_of_the_database(content, words, tmp_path, monkeypatch):
    """The file is deleted while the server runs: later runs are kept in a new one. What else lies there is not touched."""
    file = tmp_path / "runs.sqlite"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    store.keep(run())
    file.unlink()
    later = run(days=1)
    store.keep(later)
    assert [row.id for row in store.runs()] == [later.id]
    file.write_bytes(content)
    with pytest.raises(Impossible, match=words):
        store.keep(later)
    if content:
        assert file.read_bytes() == content
    else:
        store.keep(later)
        assert store.get([later.id]) == [later]


def test_where_nothing_is_kept(database, monkeypatch):
    monkeypatch.setattr(store, "limits", lambda: limits().model_copy(update={"keep_runs": False}))
    kept = run()
    store.keep(kept)
    assert store.runs() == [] and store.get([kept.id]) == []


def test_shipped_runs_are_listed_but_not_stored(database, tmp_path, monkeypatch):
    ours = run(THERE)
    (tmp_path / "gpu.json").write_text(store.export([ours]))
    monkeypatch.setattr(store, "SHIPPED", tmp_path)
    store.shipped.cache_clear()
    assert [(row.id, row.origin) for row in store.runs()] == [(ours.id, "shipped")]
    assert store.get([ours.id]) == [ours]
    assert store.take_in([ours]) == 0 and store.forget([ours.id]) == []


def test_a_run_of_another_version_is_said(database):
    store.keep(run())
    with opened.database(store.Stored) as session:
        session.execute(sqlalchemy.update(store.Stored).values(document={"format": 0}))
    with pytest.raises(Impossible, match="kept by another version"):
        store.get([row.id for row in store.runs()])


def test_a_long_title_is_cut():
    networks = tuple(Network(preset=f"resnet{number}" * 20) for number in range(8))
    assert len(store.Run.of(JOB.model_copy(update={"networks": networks}), HERE, []).title) == 300


def test_a_disturbed_run_stays_marked(database):
    quiet, busy, old = (run(days=day, found=(times.latency(load=load),)) for day, load in
                        enumerate((times.QUIET, times.BUSY, None)))
    for each in (quiet, busy, old):
        store.keep(each)
    marks = {row.id: row.disturbed for row in store.runs()}
    assert [marks[each.id] for each in (quiet, busy, old)] == [False, True, None]
    assert [each.found[0].busy for each in store.get([quiet.id, busy.id, old.id])] == [False, True, False]
    part = run(found=(times.latency(), times.latency("vgg16", load=times.BUSY)))
    assert part.disturbed and store.import_(store.export([busy]))[0].found[0].load == times.BUSY


def test_a_table_of_an_older_version_gets_the_new_columns(database):
    kept = run()
    store.keep(kept, "anna")
    engine = opened._open(database, (store.Stored,))
    with engine.begin() as connection:
        for column in ("disturbed", "owner"):
            connection.execute(sqlalchemy.text(f"ALTER TABLE runs DROP COLUMN {column}"))
    opened._open.cache_clear()
    later = run(days=1, found=(times.latency(load=times.BUSY),))
    store.keep(later, "anna")
    assert [(row.id, row.disturbed, row.owner) for row in store.runs()] == [(later.id, True, "anna"), (kept.id, None, None)]
    assert [row.id for row in store.forget([kept.id, later.id], "anna")] == [later.id]


def test_records_from_before_digits_were_counted_get_them():
    document = run().model_dump(mode="json")
    record = document["found"][0]
    record["repetitions_ms"] = [24.13, 24.98, 23.7, 26.12, 24.42, 25.0, 24.2, 24.9, 25.3, 24.6]
    record["latency_ms"] = {"median": 24.750000001, "p10": 24.08700002, "p90": 25.382000003}
    del record["load"], record["protocol"]["threads_asked"], document["note"]
    [kept] = store.import_(json.dumps([document]))
    assert kept.found[0].latency_ms == Spread.of(record["repetitions_ms"]) and kept.found[0].latency_ms.median == 24.8
    assert kept.disturbed is None


def test_a_title_names_some_networks_and_counts_many():
    many = JOB.model_copy(update={"networks": tuple(Network(preset=f"resnet{depth}") for depth in range(9))})
    assert store.Run.of(many, HERE, []).title.startswith("Latency: 9 networks; batch 4")
    assert "lenet5 input_size=32; batch 4" in store.Run.of(JOB, HERE, []).title


def curve(epochs: int, seed: int = 0) -> tuple[Entrant, Curve]:
    """An entrant, and a curve of it that is made up."""
    entrant = Entrant(network=Network(preset="resnet18", changed={"depths": (1, 1, 1, 1)}), recipe=Recipe(), seed=seed)
    each = Epoch.of(1.5, 40.0, 0.1, 0.2, 30.0)
    return entrant, Curve(preset="resnet18", changed=entrant.network.changed, seed=seed, settings=entrant.recipe, input_size=8,
                          taken=datetime(2026, 3, 1, tzinfo=timezone.utc), environment={}, epochs=(each,) * epochs)


def test_a_curve_grows_and_its_weights_lie_beside_it(database, monkeypatch):
    with opened.database(curves.Kept) as session:
        session.execute(sqlalchemy.delete(curves.Kept))
    entrant, short = curve(2)
    curves.keep(entrant, "A CPU", short, b"weights of two")
    curves.keep(entrant, "A CPU", curve(3)[1], b"weights of three")
    curves.keep(entrant, "A CPU", short, b"late and shorter")  # of another process
    [(found, kept)] = curves.find([entrant], "A CPU").items()
    assert found == entrant and kept.epochs == curve(3)[1].epochs and not curves.find([entrant], "A GPU")
    assert curves.state(entrant, "A CPU") == (3, b"weights of three") and curves.grows([entrant], "A CPU")
    monkeypatch.setattr(curves, "limits", lambda: limits().model_copy(update={"most_curves": 2, "most_state_bytes": 10}))
    for seed in (1, 2):
        curves.keep(*(curve(1, seed)[0], "A CPU", curve(1, seed)[1], b"small"))
    assert [len(curves.find([curve(1, seed)[0]], "A CPU")) for seed in range(3)] == [0, 1, 1]
    assert curves.state(curve(1, 2)[0], "A CPU") == (1, b"small")
    curves.keep(curve(2, 2)[0], "A CPU", curve(2, 2)[1], b"more than may be kept")
    assert curves.state(curve(2, 2)[0], "A CPU") is None and len(curves.find([curve(2, 2)[0]], "A CPU")) == 1


def test_a_new_file_that_another_process_sets_up_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'runs.sqlite'}")
    tries, add = [], opened._add_new_columns

    def busy_at_first(connection, table):
        tries.append(table)
        if len(tries) < 3:
            cause = sqlite3.OperationalError("database is locked")
            cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise sqlalchemy.exc.OperationalError("", {}, cause)
        add(connection, table)
    monkeypatch.setattr(opened, "_add_new_columns", busy_at_first)
    store.keep(run())
    assert len(tries) == 3 and [row.origin for row in store.runs() if row.host == "here"] == ["measured"]
