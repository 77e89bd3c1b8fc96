"""Runs that are kept: in SQLite beside the app, or in the PostgreSQL database that DATABASE_URL names.

A `Run` is all that one measurement found, with where, when and how. Files of runs (`export`, `import_`) carry them from
one machine to another; runs that come with the app are such files in `lib/data/runs`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import from_json
from sqlalchemy import JSON, case, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, undefer

from lib.architecture import Impossible
from lib.devices import Device
from lib.lab.database import Base, database, insert_into
from lib.lab.jobs import Job
from lib.lab.layers import LayerTimes
from lib.limits import limits
from lib.lab.training import TrainingMemory
from lib.quantities import Line, Text
from lib.records import Latency, Network, Setting, Timed

FORMAT = 1
SHIPPED = Path(__file__).parent.parent / "data" / "runs"
MOST_NAMED = 8
"""Networks that the title of a run names; of more it says how many."""

WORDS = {"latency": "Latency", "layers": "Time of the layers", "training": "Training memory"}

Found = Annotated[Latency | LayerTimes | TrainingMemory, Field(discriminator="kind")]
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=timezone.utc),
                                        lt=datetime(2200, 1, 1, tzinfo=timezone.utc))]


class Run(BaseModel):
    """One run as it is kept and exported. `message` says why it ended early; empty if it went to its end. `note` is what
    whoever measured it says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    taken: Moment
    kind: Literal["latency", "layers", "training"]
    title: Line
    device: Line
    device_name: Line
    host: Line
    setting: Setting
    networks: tuple[Network, ...]
    message: Text = ""
    note: Line = ""
    found: tuple[Found, ...]

    @model_validator(mode="after")
    def found_is_of_one_kind(self) -> Self:
        if any(record.kind != self.kind for record in self.found):
            raise ValueError(f"a run of kind {self.kind} holds something else")
        return self

    @classmethod
    def of(cls, job: Job, device: Device, found: Iterable[Found], message: str = "") -> Run:
        """What a job found on a device, as of now."""
        batches = ", ".join(str(setting.batch) for setting in job.settings())
        what = ", ".join(network.label for network in job.networks)
        if len(job.networks) > MOST_NAMED:
            what = f"{len(job.networks)} networks"
        how = [job.setting.dtype, job.setting.mode] + ["channels last"] * job.setting.channels_last
        title = f"{WORDS[job.kind]}: {what}; batch {batches}, {', '.join(how)}"
        return cls(id=uuid.uuid4().hex, taken=datetime.now(timezone.utc), kind=job.kind, device=device.id,
                   title=title if len(title) <= 300 else title[:299] + "…", device_name=device.name, host=device.host,
                   setting=job.setting, networks=job.networks, message=message[:2000], found=tuple(found))

    @property
    def disturbed(self) -> bool | None:
        """Whether other programs disturbed it, or a part of it; None where nobody looked, and where it does not matter."""
        loads = [record.load for record in self.found if isinstance(record, Timed) and record.load]
        return any(load.busy for load in loads) if loads else None

    @property
    def median_ms(self) -> float | None:
        """The median of the one network that was timed; None if it were several, or none."""
        return self.found[0].latency_ms.median if self.kind == "latency" and len(self.found) == 1 else None


class Stored(Base):
    """A row of the table of runs. Times are in UTC; `document` is the whole `Run`, read only when it is asked for.

    `origin` tells what this server measured from what came in a file or with the app, `disturbed` is that of the run.
    `taken` is when the run says that it was taken, which a file may say of any day. `arrived` is when it came here; None in
    rows of older versions. `owner` is the visitor who measured it or brought the file, as a hash that no file holds; None
    where nobody is known, as in rows of older versions.
    """

    __tablename__ = "runs"
    unkept: ClassVar[str] = "runs are measured, but not kept"

    id: Mapped[str] = mapped_column(primary_key=True)
    taken: Mapped[datetime]
    kind: Mapped[str]
    device_name: Mapped[str]
    host: Mapped[str]
    title: Mapped[str]
    median_ms: Mapped[float | None]
    origin: Mapped[str]
    disturbed: Mapped[bool | None]
    arrived: Mapped[datetime | None]
    owner: Mapped[str | None]
    document: Mapped[dict] = mapped_column(JSON, deferred=True)

    @classmethod
    def of(cls, run: Run, origin: Literal["measured", "imported", "shipped"], owner: str = "") -> Stored:
        arrived = datetime.now(timezone.utc) if origin == "imported" else run.taken
        return cls(id=run.id, taken=_in_utc(run.taken), kind=run.kind, device_name=run.device_name, host=run.host,
                   title=run.title, median_ms=run.median_ms, origin=origin, disturbed=run.disturbed,
                   arrived=_in_utc(arrived), owner=owner or None, document=run.model_dump(mode="json"))

    @property
    def rank(self) -> tuple:
        """By which rows are listed, the largest first: what was measured here, what comes with the app, what came in files;
        of each what came last."""
        return ("imported", "shipped", "measured").index(self.origin), self.arrived or datetime.min, self.taken

    def belongs_to(self, visitor: str) -> bool:
        """Whether this visitor has brought it here."""
        return bool(visitor) and self.owner == visitor

    def run(self) -> Run:
        """The run itself. Raises `Impossible` if another version of the app wrote it otherwise."""
        try:
            return Run.model_validate(self.document)
        except ValidationError:
            raise Impossible(f"The run “{self.title[:80]}” was kept by another version of this app.") from None


def _in_utc(moment: datetime) -> datetime:
    """As the database keeps it: without its zone."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


RANKED = (case((Stored.origin == "measured", 0), else_=1), Stored.arrived.desc().nulls_last(), Stored.taken.desc(), Stored.id)
"""`Stored.rank` in SQL."""


def keep(run: Run, owner: str = "") -> None:
    """Store what a visitor has measured here. Files' runs make room for it, and then the oldest of whoever has most. Raises
    `Impossible` if the database cannot be used."""
    if limits().keep_runs:
        with database(Stored) as session:
            _insert(session, [Stored.of(run, "measured", owner)])
            _make_room(session)


def take_in(runs: Sequence[Run], owner: str = "") -> int:
    """Store runs of a visitor's file; how many were new. Files' runs of whoever has most make room, nothing that was measured
    does. Raises `Impossible` if they do not fit, or the database cannot be used."""
    with database(Stored) as session:
        new = _insert(session, [Stored.of(run, "imported", owner) for run in runs if run.id not in shipped()])
        if new & _make_room(session):
            raise Impossible(f"{len(new)} more runs do not fit: this server keeps {limits().most_runs}, shared out among "
                             "its visitors.")
        return len(new)


def _make_room(session: Session) -> set[str]:
    """Delete what is too much, and give its ids. Visitors keep in turns their newest run, their next one, and so on, so that
    the room is made by whoever has most."""
    turn = func.row_number().over(partition_by=(Stored.owner, Stored.origin), order_by=RANKED)
    extra = select(Stored.id).order_by(RANKED[0], turn, *RANKED[1:]).offset(limits().most_runs)
    return set(session.scalars(delete(Stored).where(Stored.id.in_(extra)).returning(Stored.id)))


def runs(kind: str | None = None, device_name: str | None = None, limit: int | None = None) -> list[Stored]:
    """The first runs by their rank, without their documents. Raises `Impossible` if the database cannot be used."""
    chosen = select(Stored).order_by(*RANKED).limit(limit)
    if kind:
        chosen = chosen.where(Stored.kind == kind)
    if device_name:
        chosen = chosen.where(Stored.device_name == device_name)
    found = [row for row in shipped().values() if kind in (None, row.kind) and device_name in (None, row.device_name)]
    if limits().keep_runs:
        with database(Stored) as session:
            found += session.scalars(chosen)
    return sorted(found, key=lambda row: row.rank, reverse=True)[:limit]


def device_names() -> list[str]:
    """The names of the devices that there are runs of. Raises `Impossible` as `runs` does."""
    found = {row.device_name for row in shipped().values()}
    if limits().keep_runs:
        with database(Stored) as session:
            found |= set(session.scalars(select(Stored.device_name).distinct()))
    return sorted(found)


def get(ids: Iterable[str]) -> list[Run]:
    """These runs, as far as they are still there, in this order. Raises `Impossible` as `runs` does."""
    ids = list(ids)
    found = dict(shipped())
    if limits().keep_runs:
        with database(Stored) as session:
            found |= {row.id: row for row in _with_documents(session, ids)}
    return [found[id].run() for id in ids if id in found]


def forget(ids: Iterable[str], visitor: str = "", with_key: bool = False) -> list[Stored]:
    """Delete those of these runs that are a visitor's own, or all with the server's key; what was deleted, for `restore`."""
    with database(Stored) as session:
        rows = [row for row in _with_documents(session, ids) if with_key or row.belongs_to(visitor)]
        session.execute(delete(Stored).where(Stored.id.in_([row.id for row in rows])))
        return rows


def restore(rows: Iterable[Stored]) -> None:
    """Put back what `forget` has deleted."""
    with database(Stored) as session:
        _insert(session, rows)


def _with_documents(session: Session, ids: Iterable[str]) -> list[Stored]:
    return list(session.scalars(select(Stored).where(Stored.id.in_(list(ids))).options(undefer(Stored.document))))


def _insert(session: Session, rows: Iterable[Stored]) -> set[str]:
    """Add rows whose id is not there yet; the ids of those that were added."""
    statement = insert_into(Stored, session).on_conflict_do_nothing().returning(Stored.id)
    values = [{name: getattr(row, name) for name in Stored.__table__.columns.keys()} for row in rows]
    return {session.scalar(statement.values(value)) for value in values} - {None}


@cache
def shipped() -> dict[str, Stored]:
    """The runs that come with the app, by their ids."""
    files = sorted(SHIPPED.glob("*.json"))
    return {run.id: Stored.of(run, "shipped") for file in files for run in import_(file.read_bytes())}


def export(runs: Iterable[Run]) -> str:
    """Runs as the text of a file that `import_` reads, one on a line."""
    return "[\n" + ",\n".join(json.dumps(run.model_dump(mode="json"), ensure_ascii=False) for run in runs) + "\n]\n"


def import_(text: str | bytes) -> list[Run]:
    """The runs of a file; the same run may come twice. Raises `Impossible`, in one plain sentence, for what is not right."""
    size = len(text.encode() if isinstance(text, str) else text)
    if size > limits().largest_import:
        raise Impossible(f"This file has {size:,} bytes; files of runs may have {limits().largest_import:,}.")
    try:
        documents = from_json(text, allow_inf_nan=False)
        json.dumps(documents, allow_nan=False)  # 1e999 is read as infinity
    except ValueError as error:
        raise Impossible(f"This file is not JSON: {error}.") from None
    if not isinstance(documents, list) or not documents or not all(isinstance(document, dict) for document in documents):
        raise Impossible("This file holds no list of runs.")
    return [_read(document, number) for number, document in enumerate(documents, 1)]


def _read(document: dict, number: int) -> Run:
    if document.get("format") != FORMAT:
        raise Impossible(f"Run {number} of this file has the format {str(document.get('format'))[:20]}; "
                         f"this version of the app reads format {FORMAT}.")
    try:
        return Run.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:100]
        given = f" = {first['input']}"[:40] if type(first["input"]) in (int, float) else ""
        what = f"{place or 'the run'}{given}: {first['msg'][:200]}"
        raise Impossible(f"Run {number} of this file is not right: {what}.") from None
