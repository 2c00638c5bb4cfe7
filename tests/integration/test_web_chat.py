"""The web chat: by JSON, by plain forms, and whatever else may be sent to it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Engine, update
from sqlalchemy.exc import OperationalError

from messaging import spool, visitors
from models.enums import Channel, DeliveryStatus
from models.messages import OutboundMessage
from models.session import transaction
from models.settings import Settings
from tests.support.line import Line, inbound
from tests.support.pages import Page, Pages
from web.app import create_app

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def pages(app: Flask) -> Pages:
    return Pages(app)


@pytest.fixture
def line(database: Engine) -> Line:
    return Line()


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


# --- without scripts ----------------------------------------------------------------------------


def write(pages: Pages, text: str, **more: str) -> Page:
    page = pages.page("/chat")
    form = {"csrf_token": page.value("csrf_token"), "id": page.value("id"), "text": text, **more}
    answer = pages.post("/chat", data=form)
    if answer.status_code == 303:
        assert answer.headers["Location"] == "/chat#latest"
        return pages.page("/chat")
    return Page(answer.get_data(as_text=True))


def test_the_form_sends_and_the_page_shows_the_thread(pages: Pages, line: Line) -> None:
    assert "We have your message" in write(pages, "hello\r\nthere").text
    line.work()
    page = pages.page("/chat")
    assert "You said: hello" in page.text
    assert [text.text for text in inbound()] == ["hello\nthere"]
    assert [item["data-n"] for item in page.all("li") if "data-n" in item] == ["1", "2"]


def test_the_form_sent_twice_is_one_message(pages: Pages, line: Line) -> None:
    page = pages.page("/chat")
    form = {name: page.value(name) for name in ("csrf_token", "id")} | {"text": "hello"}
    for _ in range(2):
        assert pages.post("/chat", data=form).status_code == 303
    assert len(inbound()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Write a message first."), (" \r\n", "Write a message"), ("x" * 5_001, "too long")],
)
def test_the_form_says_what_is_wrong_and_keeps_the_draft(pages: Pages, text: str, words: str) -> None:
    page = write(pages, text)
    assert words in page.text
    assert "".join(page.texts["textarea"]).strip() == text.strip()
    assert "".join(page.texts["title"]).startswith("Problem: ")
    assert inbound() == []


def test_a_form_without_a_good_token_stores_nothing_and_loses_nothing(pages: Pages) -> None:
    for token in ({}, {"csrf_token": "forged"}):
        answer = pages.post("/chat", data={"text": "a long story", **token})
        assert answer.status_code == 400
        page = Page(answer.get_data(as_text=True))
        assert "Please send it again" in page.text
        assert "".join(page.texts["textarea"]).strip() == "a long story"
    assert inbound() == []


def test_the_page_shows_choices_as_buttons(pages: Pages, line: Line) -> None:
    write(pages, "hello")
    line.work()
    with transaction() as session:
        session.execute(update(OutboundMessage).values(choices=["Yes", "No <b>"]))
    page = pages.page("/chat")
    assert [button["value"] for button in page.all("button", name="text")] == ["Yes", "No <b>"]
    answer = pages.post("/chat", data={"csrf_token": page.value("csrf_token"), "text": "Yes"})
    assert answer.status_code == 303
    assert [text.text for text in inbound()] == ["hello", "Yes"]


def test_what_people_write_is_shown_as_text_only(pages: Pages, line: Line) -> None:
    page = write(pages, "<script>alert(1)</script>{{ 7*7 }}")
    assert "<script>alert(1)</script>{{ 7*7 }}" in page.text
    assert len(page.all("script")) == 2


def test_a_chat_can_be_forgotten(pages: Pages, line: Line) -> None:
    page = write(pages, "hello")
    answer = pages.post("/chat/end", data={"csrf_token": page.value("csrf_token")})
    assert answer.headers["Location"] == "/chat?ended=1"
    assert pages.client.get_cookie(visitors.COOKIE) is None
    assert "has forgotten your chat" in pages.page("/chat?ended=1").text
    assert shown(pages) == []
    assert pages.post("/chat/end").status_code == 400


def test_a_text_that_has_not_reached_them_is_not_shown(pages: Pages, line: Line) -> None:
    send(pages, "hello")
    line.work()
    with transaction() as session:
        session.execute(update(OutboundMessage).values(status=DeliveryStatus.QUEUED))
    assert [who for _, who, _ in shown(pages)] == ["patient"]
    assert "You said" not in pages.page("/chat").text


def test_a_visitor_has_one_conversation(pages: Pages, line: Line) -> None:
    for text in ("one", "two", "three"):
        send(pages, text)
    assert {text.channel for text in inbound()} == {Channel.WEBCHAT}
    assert len({text.conversation_id for text in inbound()}) == 1
