"""The one way to the record: `transaction()` to change it, `reading()` to look.

SQLite takes its write lock at BEGIN (`BEGIN IMMEDIATE`), so a transaction that will write never
fails half-way because another wrote first. PostgreSQL runs at READ COMMITTED with row locks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from models.settings import get_settings

BUSY_TIMEOUT_MS = 5000
CONNECT_TIMEOUT_SECONDS = 5
TCP_TIMEOUT_MS = 8000
# Twilio waits 15 seconds for the webhook: a stuck database must fail before that, so that the
# text goes to the spool and Twilio gets its answer.
_POSTGRESQL_LIMITS = (
    "-c lock_timeout=4000 -c statement_timeout=8000 -c idle_in_transaction_session_timeout=30000"
)

#: Locks a row against other writers, but not against rows that merely refer to it (FOR NO KEY UPDATE):
#: otherwise a new task for a conversation would wait for the turn that holds it. SQLite has no row locks.
ROW_LOCK = {"key_share": True}

_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)


class _Queue:
    """Lets one thread in at a time; who waits longer than the database would let it gives up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        # The webhook has to answer within Twilio's 15 seconds: this wait and the database's own of
        # the same length leave room for the spool.
        if not self._lock.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise exc.TimeoutError("the database is busy")

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


@dataclass(frozen=True)
class _Record:
    engine: Engine
    writers: sessionmaker[Session]
    readers: sessionmaker[Session]
    #: SQLite has one writer at a time, and who finds it busy sleeps and looks again. The threads of
    #: one process wait in a queue instead, which is ten times quicker when many write at once.
    writing: AbstractContextManager[object]


_record: _Record | None = None


class TransactionOpenError(RuntimeError):
    """Something slow, or a second transaction, was started while a transaction was open."""


def configure(sqlalchemy_url: str) -> Engine:
    """Use the database at this address from now on; returns its engine. Closes the one before."""
    global _record
    dispose()
    built = build_engine(sqlalchemy_url)
    _record = _Record(
        engine=built,
        writers=sessionmaker(built.execution_options(writes=True), expire_on_commit=False),
        readers=sessionmaker(built, expire_on_commit=False),
        writing=_Queue() if is_sqlite(built) else nullcontext(),
    )
    return built


def dispose() -> None:
    """Close every connection; the next use opens them anew."""
    global _record
    if _record is not None:
        _record.engine.dispose()
    _record = None


def engine() -> Engine:
    """The engine of this process, made from the settings at first use."""
    return _current().engine


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits at the end, or changes nothing. The only commit there is.

    Raises `TransactionOpenError` when one is open already in this thread of work: each stage of
    a turn is one transaction, and a hidden second one would break "all or nothing".
    """
    assert_no_transaction()
    mark = _inside.set(True)
    try:
        record = _current()
        with record.writing, record.writers() as session:
            yield session
            session.commit()
    finally:
        _inside.reset(mark)


@contextmanager
def reading() -> Iterator[Session]:
    """A session to look with; it never takes the write lock and never commits."""
    with _current().readers() as session:
        yield session


def assert_no_transaction() -> None:
    """Raise `TransactionOpenError` inside a transaction. Called before anything that waits on a network."""
    if _inside.get():
        raise TransactionOpenError("a transaction is open here")


def is_sqlite(bind: Connection | Engine | Session) -> bool:
    """Whether this runs on SQLite, where one writer at a time makes row locks needless."""
    if isinstance(bind, Session):
        return bind.get_bind().dialect.name == "sqlite"
    return bind.dialect.name == "sqlite"


def build_engine(sqlalchemy_url: str) -> Engine:
    """An engine with our rules for its dialect."""
    url = make_url(sqlalchemy_url)
    if url.get_backend_name() == "sqlite":
        return _sqlite(sqlalchemy_url, url.database)
    return create_engine(
        sqlalchemy_url,
        pool_pre_ping=True,
        pool_size=20,
        max_overflow=20,
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": _POSTGRESQL_LIMITS,
            # The limits above are the server's; these notice a network that is gone.
            "tcp_user_timeout": TCP_TIMEOUT_MS,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        },
    )


def _current() -> _Record:
    if _record is None:
        configure(get_settings().sqlalchemy_url)
    if _record is None:  # pragma: no cover - configure() has just set it
        raise RuntimeError("no database")
    return _record


def _sqlite(sqlalchemy_url: str, database: str | None) -> Engine:
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    built = create_engine(
        sqlalchemy_url,
        pool_size=20,
        max_overflow=20,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(built, "connect", _on_sqlite_connect)
    event.listen(built, "begin", _on_sqlite_begin)
    return built


def _on_sqlite_connect(dbapi_connection: Any, _record: object) -> None:
    # The driver's own transaction handling would hide BEGIN from us.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
