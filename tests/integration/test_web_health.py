"""/healthz and /readyz: true, in plain English, and never an exception."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import pytest
from sqlalchemy import Engine, update

from messaging import heartbeats, spool
from messaging.channels.base import IncomingText
from models import session
from models.clock import now
from models.enums import DeliveryStatus
from models.messages import InboundMessage, OutboundMessage
from models.session import transaction
from models.settings import Environment, Settings, get_settings
from tests.support.line import Line
from tests.support.pages import Pages
from web.app import create_app


class ReadyBot(BaseHTTPRequestHandler):
    """A bot that says it is ready."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def well(settings: Settings, database: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """A line with everything in order."""
    with ThreadingHTTPServer(("127.0.0.1", 0), ReadyBot) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("BOT_URL", f"http://127.0.0.1:{server.server_port}")
        get_settings.cache_clear()
        heartbeats.beat("worker", "worker-1")
        heartbeats.beat("scheduler", "scheduler-1")
        yield Pages(create_app(get_settings()))
        server.shutdown()


def reasons(pages: Pages) -> list[str]:
    answer = pages.get("/readyz")
    body = answer.get_json()
    assert body["ready"] is (answer.status_code == 200) is (not body["reasons"])
    found: list[str] = body["reasons"]
    return found


def test_alive(well: Pages) -> None:
    answer = well.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"alive": True})


def test_a_well_line_is_ready(well: Pages) -> None:
    assert reasons(well) == []


def test_what_is_not_running_is_named(settings: Settings, database: Engine) -> None:
    pages = Pages(create_app(settings))
    assert reasons(pages) == [
        "The worker is not running.",
        "The scheduler is not running.",
        "The bot is not ready. Texts are kept and answered later.",
    ]


def test_a_text_that_nobody_screens_is_a_reason(well: Pages) -> None:
    Line().text("hello")
    assert reasons(well) == []
    with transaction() as writing:
        writing.execute(update(InboundMessage).values(stored_at=now() - timedelta(seconds=11)))
    assert reasons(well) == ["1 text is waiting to be checked for signs of danger."]


def test_a_spooled_text_is_a_reason(well: Pages) -> None:
    for _ in range(2):
        spool.keep(IncomingText("sms", "AC1", str(uuid4()), "+447700900001", "", "hello"), now())
    assert reasons(well) == ["2 texts are waiting on disk for the database."]


def test_sends_that_fail_for_our_own_account_and_lost_ones_are_reasons(well: Pages) -> None:
    line = Line()
    line.says("hello")
    values = {"status": DeliveryStatus.QUEUED, "status_reason": "config:20003"}
    with transaction() as writing:
        writing.execute(update(OutboundMessage).values(**values))
    assert reasons(well) == [
        "1 text is waiting because the supplier refuses our account or it is not set up."
    ]
    lost = {"status": DeliveryStatus.UNKNOWN, "created_at": now() - timedelta(minutes=11)}
    with transaction() as writing:
        writing.execute(update(OutboundMessage).values(**lost))
    assert reasons(well) == ["We do not know whether 1 text arrived."]


def test_production_wants_a_hub(well: Pages) -> None:
    settings = get_settings().model_copy(
        update={
            "linkline_env": Environment.PRODUCTION,
            "public_url": "https://line.example.org",
            "secret_key": "x" * 40,
        }
    )
    pages = Pages(create_app(settings))
    assert reasons(pages) == ["There is no hub yet. Run: linkline hub create."]
    Line()
    assert reasons(pages) == []


def test_an_old_database_is_a_reason(settings: Settings, empty_database_url: str) -> None:
    pages = Pages(create_app(settings.model_copy(update={"database_url": empty_database_url})))
    assert reasons(pages)[0] == "The database is not up to date. Run: linkline db upgrade."
    session.dispose()


def test_a_database_that_is_not_there_is_a_reason(settings: Settings) -> None:
    nowhere = "postgresql://linkline@127.0.0.1:1/linkline"
    pages = Pages(create_app(settings.model_copy(update={"database_url": nowhere})))
    assert reasons(pages)[0] == "The database cannot be reached."
    assert pages.get("/healthz").status_code == 200
    session.dispose()
