"""Signs of life of the worker and the scheduler, which `/readyz` looks for."""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from models.clock import now
from models.logs import describe
from models.session import reading, transaction
from models.staff import Heartbeat
from models.upsert import insert_if_new

BEAT_SECONDS = 5.0
#: A process that has been silent for so long counts as dead.
SILENT_AFTER = timedelta(seconds=30)
#: Rows of processes long gone are cleared away.
FORGET_AFTER = timedelta(days=1)

log = structlog.get_logger()


def beat(kind: str, process: str) -> None:
    """Say that this process of this kind is alive."""
    with transaction() as session:
        insert_if_new(session, Heartbeat, ("process",), process=process, kind=kind, at=now())
        session.get_one(Heartbeat, process).at = now()
        session.execute(delete(Heartbeat).where(Heartbeat.at < now() - FORGET_AFTER))


def beat_until(stopping: threading.Event, kind: str, process: str) -> None:
    """Beat until told to stop. A database that is away is no reason to die."""
    while not stopping.is_set():
        try:
            beat(kind, process)
        except SQLAlchemyError as error:
            log.warning("heartbeat_failed", error=describe(error))
        stopping.wait(BEAT_SECONDS)


def is_alive(kind: str) -> bool:
    """Whether any process of this kind has beaten lately."""
    with reading() as session:
        latest = session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.kind == kind))
    return latest is not None and latest > now() - SILENT_AFTER
