"""The database of what is kept: an SQLite file beside the app, or the PostgreSQL database that DATABASE_URL names."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import ClassVar

from sqlalchemy import DDL, Connection, Engine, NullPool, create_engine, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.schema import CreateTable

from lib.architecture import Impossible

SQLITE = Path(__file__).parent.parent.parent / "runs.sqlite"


class Base(DeclarativeBase):
    """A table. `unkept` says what it means when nothing can be written there."""

    unkept: ClassVar[str]


@contextmanager
def database(*tables: type[Base]) -> Iterator[Session]:
    """A transaction on these tables, made if they are not there. Raises `Impossible` if the database cannot be used; the log
    says what was wrong with it."""
    try:
        with Session(_engine(os.environ.get("DATABASE_URL") or f"sqlite:///{SQLITE}", tables), expire_on_commit=False) as session, \
                session.begin():
            yield session
    except SQLAlchemyError as error:
        logging.warning("the database of runs: %s", error)
        _open.cache_clear()  # the next who come begin anew, with a table if there is none
        raise Impossible(f"The database of stored runs {fault(error)}; {tables[0].unkept}.") from None


def insert_into(table: type[Base], session: Session) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do with a row that is there already."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[session.bind.dialect.name](table)


BUSY = "is busy with other work"
FAULTS = {
    "is full: its disk, or what it may take of it": (sqlite3.SQLITE_FULL, "53100"),
    "may be read, but not written": (sqlite3.SQLITE_READONLY, "25006", "42501"),
    "is damaged": (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, "XX001", "XX002"),
    BUSY: (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, "53300", "55P03"),
}
"""What may be wrong, by SQLite's numbers and PostgreSQL's codes."""


def fault(error: SQLAlchemyError) -> str:
    """What is wrong with the database, as the end of a sentence."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", 0) & 0xff or getattr(cause, "sqlstate", None)
    return next((fault for fault, codes in FAULTS.items() if code in codes), "cannot be reached just now")


def _engine(address: str, tables: tuple[type[Base], ...]) -> Engine:
    """The database with these tables. A file that was deleted is made anew, so that later runs are kept."""
    with _opening:
        engine = _open(address, tables)
        if engine.dialect.name == "sqlite" and not Path(engine.url.database).exists():
            logging.warning("the file of stored runs is gone; a new one is begun: %s", engine.url.database)
            _open.cache_clear()
            engine = _open(address, tables)
        return engine


_opening = Lock()


@cache
def _open(address: str, tables: tuple[type[Base], ...]) -> Engine:
    """The connections to a database, its tables made. Raises `Impossible` for an address that is none, or of another kind."""
    try:
        url = make_url(address)
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            more = {"poolclass": NullPool, "connect_args": {"timeout": PATIENCE}}  # opened anew each time: a file may be deleted
        elif url.get_backend_name() == "postgresql":
            more = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
        else:
            raise ValueError(url.drivername)
        engine = create_engine(url, **more)
    except ModuleNotFoundError as error:
        raise Impossible(f"The database of stored runs needs the Python package {error.name}.") from None
    except (SQLAlchemyError, ValueError):
        raise Impossible("DATABASE_URL is not the address of an SQLite file or PostgreSQL database.") from None
    _prepare(engine, tables)
    return engine


PATIENCE = 20.0
"""Seconds that others may take with the database."""


def _prepare(engine: Engine, tables: tuple[type[Base], ...]) -> None:
    """Make what is not there. SQLite does not wait by itself where several processes set up a new file at once."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with engine.connect() as connection:
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # from now on one may read while another writes
                for table in tables:
                    connection.execute(CreateTable(table.__table__, if_not_exists=True))
                    _add_new_columns(connection, table)
                connection.commit()
            return
        except OperationalError as error:
            if fault(error) != BUSY or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _add_new_columns(connection: Connection, table: type[Base]) -> None:
    """Give a table that an older version of the app has made the columns that have come since; they may be empty."""
    there = {column["name"] for column in inspect(connection).get_columns(table.__tablename__)}
    for column in table.__table__.columns:
        if column.name not in there:
            kind = column.type.compile(connection.dialect)
            connection.execute(DDL(f"ALTER TABLE {table.__tablename__} ADD COLUMN {column.name} {kind}"))
