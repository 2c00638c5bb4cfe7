"""How the worker learns at once that there is something to do.

PostgreSQL: NOTIFY inside the transaction that stores a text, LISTEN in the worker. A lost NOTIFY
costs at most the poll. SQLite: a look at `PRAGMA data_version`, which changes with every commit
of another connection and costs microseconds.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.logs import describe
from models.session import is_sqlite

NOTIFY_CHANNEL = "linkline"
POLL_SECONDS = 1.0
SQLITE_POLL_SECONDS = 0.02

log = structlog.get_logger()


def notify(session: Session) -> None:
    """Tell every worker, when this transaction commits, that there is something to do."""
    if not is_sqlite(session):
        session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": NOTIFY_CHANNEL})


class Bell:
    """Wakes one of the threads that wait on it; who finds work rings again, so that the next looks too.

    A ring while nobody waits is kept for the next who does.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = False

    def ring(self) -> None:
        with self._condition:
            self._rung = True
            self._condition.notify()

    def wait(self, seconds: float) -> None:
        """Wait for a ring, at most so many seconds."""
        with self._condition:
            if not self._rung:
                self._condition.wait(seconds)
            self._rung = False


class Listener(threading.Thread):
    """Rings the bells when the database has news, until told to stop."""

    def __init__(self, engine: Engine, bells: Iterable[Bell], stopping: threading.Event) -> None:
        super().__init__(name="listener", daemon=True)
        self._engine = engine
        self._bells = tuple(bells)
        self._stopping = stopping

    def run(self) -> None:
        watch = self._watch_sqlite if is_sqlite(self._engine) else self._listen_postgresql
        while not self._stopping.is_set():
            try:
                watch()
            # psycopg's own errors are not wrapped outside SQLAlchemy's calls.
            except Exception as error:  # noqa: BLE001 - whatever it is, listening must begin again
                log.warning("listener_restarts", error=describe(error))
                self._ring()
                self._stopping.wait(POLL_SECONDS)

    def _ring(self) -> None:
        for bell in self._bells:
            bell.ring()

    def _watch_sqlite(self) -> None:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            seen = None
            while not self._stopping.wait(SQLITE_POLL_SECONDS):
                version = cursor.execute("PRAGMA data_version").fetchone()
                if version != seen:
                    seen = version
                    self._ring()
        finally:
            connection.close()

    def _listen_postgresql(self) -> None:
        with self._engine.connect() as connection:
            # Asked for first: a detached connection no longer says what the driver's own is.
            driver = connection.connection.driver_connection
            # LISTEN must not wait for a commit, and this connection never goes back to the pool.
            connection.detach()
            if driver is None:
                raise SQLAlchemyError("no connection")
            with contextlib.closing(driver):
                driver.autocommit = True
                driver.execute(f"LISTEN {NOTIFY_CHANNEL}")
                self._ring()
                while not self._stopping.is_set():
                    for _note in driver.notifies(timeout=POLL_SECONDS, stop_after=1):
                        pass
                    self._ring()
