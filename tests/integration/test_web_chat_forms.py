"""The web chat without JavaScript: plain forms, the page as it is shown, and forgetting a chat."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import update

from messaging import visitors
from models.enums import Channel, DeliveryStatus
from models.messages import OutboundMessage
from models.session import transaction
from tests.support.line import Line, inbound
from tests.support.pages import Page, Pages

pytestmark = pytest.mark.usefixtures("database")


def send(pages: Pages, text: str, message_id: str | None = None) -> int:
    body = {"id": message_id or str(uuid4()), "text": text}
    return pages.post("/chat/messages", json=body).status_code


def shown(pages: Pages, after: int = 0) -> list[tuple[int, str, str]]:
    answer = pages.get(f"/chat/messages?after={after}")
    assert answer.status_code == 200
    return [(m["n"], m["from"], m["text"]) for m in answer.get_json()["messages"]]


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
