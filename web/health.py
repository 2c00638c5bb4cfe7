"""`/healthz`: the process lives. `/readyz`: the line works, or the reasons in plain English why not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Final

import structlog
from alembic.migration import MigrationContext
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.client import BotClient
from messaging import heartbeats, spool
from models.clock import now
from models.enums import DeliveryStatus
from models.logs import describe
from models.messages import InboundMessage, OutboundMessage
from models.migrate import newest_revision
from models.people import Hub
from models.session import engine, reading
from models.settings import Settings

#: A text is screened within two seconds; one that has waited this long shows that nobody screens.
UNSCREENED_AFTER: Final = timedelta(seconds=10)
#: An unknown send is settled within minutes by a callback or by asking; older ones need a person.
UNKNOWN_FOR: Final = timedelta(minutes=10)
_REMEMBER_SECONDS: Final = 1.0

blueprint = Blueprint("health", __name__)
log = structlog.get_logger()


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """This process answers; looks at nothing else, so that a sick database restarts nothing."""
    return jsonify(alive=True)


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """200 when texts are taken in, answered and sent; otherwise 503 and why not."""
    why = reasons(current_app.config["LINKLINE"])
    return jsonify(ready=not why, reasons=why), 503 if why else 200


def reasons(settings: Settings) -> list[str]:
    """Why the line does not work, one plain sentence each; empty when it does. Never raises."""
    found = _guarded(_database, "The database cannot be reached.")
    if not found:
        checks: tuple[Callable[[], list[str]], ...] = (_processes, _texts_in, _texts_out)
        for check in (*checks, lambda: _hubs(settings)):
            found += _guarded(check, "The database cannot be read.")
    found += _guarded(_spooled, "The folder for texts that wait for the database cannot be read.")
    found += _guarded(lambda: _bot(settings), "The bot cannot be asked whether it is ready.")
    return list(dict.fromkeys(found))


def _guarded(check: Callable[[], list[str]], failed: str) -> list[str]:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is a sentence
        log.warning("readiness_check_failed", error=describe(error))
        return [failed]


@lru_cache
def _newest() -> str | None:
    return newest_revision()


def _database() -> list[str]:
    try:
        with engine().connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=describe(error))
        return ["The database cannot be reached."]
    if current != _newest():
        return ["The database is not up to date. Run: linkline db upgrade."]
    return []


def _processes() -> list[str]:
    return [
        f"The {kind} is not running." for kind in ("worker", "scheduler") if not heartbeats.is_alive(kind)
    ]


def _texts_in() -> list[str]:
    with reading() as session:
        waiting = session.scalar(
            select(func.count())
            .select_from(InboundMessage)
            .where(InboundMessage.screened_at.is_(None), InboundMessage.stored_at < now() - UNSCREENED_AFTER)
        )
    return [f"{_texts(waiting)} waiting to be checked for signs of danger."] if waiting else []


def _texts_out() -> list[str]:
    with reading() as session:
        not_set_up = session.scalar(
            _count().where(
                OutboundMessage.status == DeliveryStatus.QUEUED,
                OutboundMessage.status_reason.startswith("config:"),
            )
        )
        unknown = session.scalar(
            _count().where(
                OutboundMessage.status == DeliveryStatus.UNKNOWN,
                OutboundMessage.created_at < now() - UNKNOWN_FOR,
            )
        )
    found = []
    if not_set_up:
        found.append(
            f"{_texts(not_set_up)} waiting because the supplier refuses our account or it is not set up."
        )
    if unknown:
        found.append(f"We do not know whether {_texts(unknown, verb=False)} arrived.")
    return found


def _hubs(settings: Settings) -> list[str]:
    if not settings.is_production:
        return []
    with reading() as session:
        hub = session.scalar(select(Hub.id).limit(1))
    return [] if hub else ["There is no hub yet. Run: linkline hub create."]


def _spooled() -> list[str]:
    count = len(spool.waiting())
    return [f"{_texts(count)} waiting on disk for the database."] if count else []


class _BotWatch:
    """Asks the bot at most once a second, however many ask us."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: BotClient | None = None
        self._key: tuple[tuple[str, ...], str] | None = None
        self._asked_at = float("-inf")
        self._ready = False

    def ready(self, settings: Settings) -> bool:
        with self._lock:
            key = (settings.bot_urls, settings.bot_secret())
            if key != self._key:
                if self._client is not None:
                    self._client.close()
                self._client = BotClient(*key, timeout_seconds=2, tries=1)
                self._key, self._asked_at = key, float("-inf")
            if self._client is not None and time.monotonic() - self._asked_at > _REMEMBER_SECONDS:
                self._ready = self._client.ready()
                self._asked_at = time.monotonic()
            return self._ready


_watch = _BotWatch()


def _bot(settings: Settings) -> list[str]:
    return [] if _watch.ready(settings) else ["The bot is not ready. Texts are kept and answered later."]


def _count() -> Select[int]:
    return select(func.count()).select_from(OutboundMessage)


def _texts(count: int, *, verb: bool = True) -> str:
    noun = "1 text" if count == 1 else f"{count} texts"
    return noun + (" is" if count == 1 else " are") if verb else noun
