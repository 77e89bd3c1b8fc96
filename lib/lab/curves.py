"""Curves of races that are kept, with the weights to go on from, in the same database as the runs.

A curve follows from its entrant and the code, so it is found by these, on the same kind of device.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import ValidationError
from sqlalchemy import JSON, LargeBinary, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from lib.lab.database import Base, database, insert_into
from lib.limits import limits
from lib.training.records import Curve, Entrant

LIB = Path(__file__).parent.parent
FRESH = 20.0
"""Seconds after which a curve that gets no epoch is thought to be trained no longer."""


class Kept(Base):
    """A curve. `epochs` says how many it has, and `state` holds the weights after the last of them; None where the room was
    needed. `used` is when somebody last asked for it, `updated` when its last epoch came."""

    __tablename__ = "curves"
    unkept: ClassVar[str] = "races are run, but not kept"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    device_name: Mapped[str]
    epochs: Mapped[int]
    used: Mapped[datetime]
    updated: Mapped[datetime]
    document: Mapped[dict] = mapped_column(JSON)
    state: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    state_bytes: Mapped[int]


@cache
def _code() -> str:
    """Of the code that a curve follows from, and of torch: of another version of the app nothing is found."""
    digest = blake2b(torch.__version__.encode(), digest_size=8)
    for folder in ("models", "training"):
        for file in sorted((LIB / folder).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _key(entrant: Entrant, device_name: str) -> str:
    """What a curve of this server is kept under."""
    return entrant.key(f"{device_name} {_code()}")


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def keep(entrant: Entrant, device_name: str, curve: Curve, state: bytes) -> bool:
    """Keep a curve and the weights after its last epoch, in place of a shorter one; whether they are kept now. Raises
    `Impossible` if the database cannot be used."""
    if not limits().keep_runs:
        return False
    held = state if len(state) <= limits().most_state_bytes else None
    values = {"id": _key(entrant, device_name), "title": curve.label[:300], "device_name": device_name, "used": _now(),
              "updated": _now(), "epochs": len(curve.epochs), "document": curve.model_dump(mode="json"), "state": held,
              "state_bytes": len(held or b"")}
    with database(Kept) as session:
        insert = insert_into(Kept, session).values(values)
        kept = session.scalar(insert.on_conflict_do_update(
            index_elements=[Kept.id], set_={name: insert.excluded[name] for name in values},
            where=Kept.epochs <= insert.excluded.epochs).returning(Kept.id))
        _make_room(session)
        return kept is not None and held is not None


def _make_room(session: Session) -> None:
    """Let go of the curves that nobody has asked for longest, and of the weights of more than are kept."""
    extra = select(Kept.id).order_by(Kept.used.desc(), Kept.id).offset(limits().most_curves)
    session.execute(delete(Kept).where(Kept.id.in_(extra)))
    total = func.sum(Kept.state_bytes).over(order_by=(Kept.used.desc(), Kept.id))
    sums = select(Kept.id, total.label("total")).where(Kept.state_bytes > 0).subquery()
    beyond = select(sums.c.id).where(sums.c.total > limits().most_state_bytes)
    session.execute(update(Kept).where(Kept.id.in_(beyond)).values(state=None, state_bytes=0))


def find(entrants: Iterable[Entrant], device_name: str) -> dict[Entrant, Curve]:
    """The curves that are kept of these entrants, trained on a device of this name. One may be short of epochs. Raises
    `Impossible` if the database cannot be used."""
    if not limits().keep_runs:
        return {}
    by_key = {_key(entrant, device_name): entrant for entrant in entrants}
    with database(Kept) as session:
        rows = {row.id: row.document for row in session.scalars(select(Kept).where(Kept.id.in_(by_key)))}
        session.execute(update(Kept).where(Kept.id.in_(rows)).values(used=_now()))
    return {by_key[key]: _cut(curve, by_key[key]) for key, document in rows.items() if (curve := _read(document))}


def _read(document: dict) -> Curve | None:
    try:
        return Curve.model_validate(document)
    except ValidationError:  # another version of the app wrote it otherwise
        return None


def _cut(curve: Curve, entrant: Entrant) -> Curve:
    """As far as an entrant asks for it."""
    return curve.first(entrant.recipe.epochs)


def grows(entrants: Iterable[Entrant], device_name: str) -> bool:
    """Whether one of these got an epoch within the last `FRESH` seconds: another process of this server trains it. Raises
    `Impossible` if the database cannot be used."""
    if not limits().keep_runs:
        return False
    keys = [_key(entrant, device_name) for entrant in entrants]
    with database(Kept) as session:
        last = session.scalar(select(func.max(Kept.updated)).where(Kept.id.in_(keys)))
    return last is not None and (_now() - last).total_seconds() < FRESH


def state(entrant: Entrant, device_name: str) -> tuple[int, bytes] | None:
    """After how many epochs, and with which weights, an entrant can go on. None if it cannot, or has gone further than its
    epochs. Raises `Impossible` if the database cannot be used."""
    if not limits().keep_runs:
        return None
    with database(Kept) as session:
        found = session.execute(select(Kept.epochs, Kept.state).where(Kept.id == _key(entrant, device_name))).first()
    return None if found is None or found.state is None else (found.epochs, found.state)
