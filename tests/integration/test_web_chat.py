"""The web chat: by JSON, and whatever else may be sent to it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from messaging import spool, visitors
from models.settings import Settings
from tests.support.line import Line, inbound
from tests.support.pages import Pages

pytestmark = pytest.mark.usefixtures("database")


def send(pages: Pages, text: str, message_id: str | None = None) -> int:
    body = {"id": message_id or str(uuid4()), "text": text}
    return pages.post("/chat/messages", json=body).status_code


def shown(pages: Pages, after: int = 0) -> list[tuple[int, str, str]]:
    answer = pages.get(f"/chat/messages?after={after}")
    assert answer.status_code == 200
    return [(m["n"], m["from"], m["text"]) for m in answer.get_json()["messages"]]


def test_a_message_is_stored_and_answered(pages: Pages, line: Line) -> None:
    assert send(pages, "hello") == 202
    assert shown(pages) == [(1, "patient", "hello")]
    line.work()
    assert shown(pages) == [(1, "patient", "hello"), (2, "bot", "You said: hello")]
    assert shown(pages, after=1) == [(2, "bot", "You said: hello")]


def test_a_message_has_every_field_of_the_contract(pages: Pages, line: Line) -> None:
    send(pages, "hello")
    [message] = pages.get("/chat/messages?after=0").get_json()["messages"]
    assert message.keys() == {"n", "from", "text", "choices", "at"}
    assert message["choices"] == [] and message["at"].endswith("+00:00")


def test_a_visitor_starts_with_the_first_post_and_sees_only_their_own(app: Flask, line: Line) -> None:
    one, other = Pages(app), Pages(app)
    send(one, "mine")
    send(other, "theirs")
    assert shown(one) == [(1, "patient", "mine")]
    assert shown(other) == [(1, "patient", "theirs")]
    assert shown(Pages(app)) == []


def test_the_same_id_again_is_the_same_message(pages: Pages, line: Line) -> None:
    message_id = str(uuid4())
    assert send(pages, "hello", message_id) == 202
    assert send(pages, "hello", message_id.upper()) == 202
    assert len(inbound()) == 1


def test_the_same_message_five_times_at_once_is_one(app: Flask, line: Line) -> None:
    pages = Pages(app)
    pages.get("/chat")
    cookie = pages.client.get_cookie(visitors.COOKIE)
    assert cookie is not None
    body = {"id": str(uuid4()), "text": "hello"}

    def post(_: int) -> int:
        client = app.test_client()
        client.set_cookie(visitors.COOKIE, cookie.value)
        return client.post("/chat/messages", json=body).status_code

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(post, range(5))) == [202] * 5
    assert len(inbound()) == 1


def test_two_visitors_may_use_the_same_id(app: Flask, line: Line) -> None:
    message_id = str(uuid4())
    send(Pages(app), "mine", message_id)
    send(Pages(app), "theirs", message_id)
    assert sorted(text.text for text in inbound()) == ["mine", "theirs"]


@pytest.mark.parametrize(
    "tamper", [lambda value: value[:-1] + "x", lambda value: "x" + value, lambda _: "é.é"]
)
def test_a_cookie_that_we_did_not_sign_is_nobodys(app: Flask, line: Line, tamper: object) -> None:
    pages = Pages(app)
    send(pages, "hello")
    cookie = pages.client.get_cookie(visitors.COOKIE)
    assert cookie is not None and callable(tamper)
    forged = Pages(app)
    forged.client.set_cookie(visitors.COOKIE, tamper(cookie.value))
    assert shown(forged) == []


def test_another_secret_signs_another_cookie(settings: Settings) -> None:
    visitor = visitors.new_visitor()
    other = settings.model_copy(update={"secret_key": "another"})
    assert visitors.read(visitors.signed(visitor, settings), settings) == visitor
    assert visitors.read(visitors.signed(visitor, other), settings) is None
    assert visitors.read(None, settings) is None
    assert visitors.read(visitors.signed("not a uuid", settings), settings) is None


ID = "0b0e3ae9-41d1-4c8a-9a2e-6f6f0a1f8a11"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b'{"text": "x"}', 400),
        (b'{"id": "1", "text": "x"}', 400),
        (b'{"id": 5, "text": "x"}', 400),
        (b'{"id": "%s"}' % ID.encode(), 400),
        (b'{"id": "%s", "text": null}' % ID.encode(), 400),
        (b'{"id": "%s", "text": ["x"]}' % ID.encode(), 400),
        (b'{"id": "%s", "text": "\xff\xfe"}' % ID.encode(), 400),
        (b"[" * 100_000, 400),
        (b'{"id": "%s", "text": %s}' % (ID.encode(), b"9" * 10_000), 400),
        (b'{"id": "%s", "text": "%s"}' % (ID.encode(), b"x" * 5_001), 413),
        (b"x" * 10_000_000, 413),
    ],
)
def test_what_is_no_message_is_refused_in_plain_words(pages: Pages, body: bytes, status: int) -> None:
    answer = pages.post("/chat/messages", data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.get_json()["error"].endswith((".", "two."))
    assert inbound() == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "😀",
        "👨‍👩‍👧‍👦" * 20,
        "/restart",
        " \n/restart",
        "a\x00b",
        "half \ud83d",
        "x" * 1_600,
        "😀" * 5_000,
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}",
    ],
)
def test_whatever_is_a_text_is_kept_as_it_is(pages: Pages, line: Line, text: str) -> None:
    body = {"id": str(uuid4()), "text": text}
    assert pages.post("/chat/messages", json=body).status_code == 202
    [kept] = inbound()
    assert kept.text == text.replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")
    assert pages.get("/chat").status_code == 200
    assert line.work() >= 1


def test_another_site_cannot_post_json_as_a_form(pages: Pages) -> None:
    body = json.dumps({"id": ID, "text": "x"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert pages.post("/chat/messages", data=body, content_type=kind).status_code == 415
    assert inbound() == []


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "٣", "9" * 19, "9" * 400, "1e3", " 1"])
def test_after_must_be_a_number(pages: Pages, after: str) -> None:
    assert pages.get("/chat/messages", query_string={"after": after}).status_code == 400


def test_after_may_be_any_number(pages: Pages, line: Line) -> None:
    send(pages, "hello")
    assert shown(pages, after=2**63 - 1) == []
    assert len(pages.get("/chat/messages").get_json()["messages"]) == 1


def test_without_the_database_a_message_goes_to_the_spool(
    pages: Pages, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("x", {}, Exception("x"))

    monkeypatch.setattr("messaging.intake.store", refuse)
    assert send(pages, "hello") == 202
    assert len(spool.waiting()) == 1
    monkeypatch.setattr("messaging.spool._write", lambda *_: (_ for _ in ()).throw(OSError))
    assert send(pages, "hello again") == 503
