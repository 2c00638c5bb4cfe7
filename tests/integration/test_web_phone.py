"""The phone simulator: by JSON, by plain forms, and whatever else may be sent to it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Engine, update

from care import hubs
from models.conversations import Conversation
from models.enums import DeliveryStatus
from models.messages import OutboundMessage
from models.session import transaction
from models.settings import Settings
from tests.support.line import HUB_NUMBER, PHONE, Line, conversation, inbound
from tests.support.pages import Page, Pages
from web import phone_lines
from web.app import create_app

pytestmark = pytest.mark.usefixtures("database")
OTHER_PHONE = "+447700900002"


@pytest.fixture
def pages(settings: Settings) -> Pages:
    return Pages(create_app(settings))


@pytest.fixture
def app(pages: Pages) -> Flask:
    return pages.client.application


@pytest.fixture
def line(database: Engine) -> Line:
    return Line()


def send(pages: Pages, text: str, number: str = PHONE, **more: str) -> int:
    return pages.post(f"/phone/{number}/messages", json={"text": text, **more}).status_code


def shown(pages: Pages, number: str = PHONE, **query: object) -> list[dict[str, object]]:
    answer = pages.get(f"/phone/{number}/messages", query_string=query)
    assert answer.status_code == 200
    found: list[dict[str, object]] = answer.get_json()["messages"]
    return found


def test_a_text_is_stored_and_answered(pages: Pages, line: Line) -> None:
    assert send(pages, "hello") == 202
    line.work()
    first, second = shown(pages)
    assert (first["n"], first["from"], first["text"]) == (1, "patient", "hello")
    assert (second["n"], second["from"], second["text"]) == (2, "bot", "You said: hello")
    assert (second["status_text"], second["parts"], second["choices"]) == ("Delivered, 1 part", 1, [])
    assert shown(pages, after=1) == [second]
    assert conversation().our_address == HUB_NUMBER


def test_the_answer_says_that_it_is_stored_and_for_whom(pages: Pages, line: Line) -> None:
    answer = pages.post(f"/phone/{PHONE}/messages", json={"text": "hello"})
    assert answer.get_json().keys() == {"stored", "id", "to"}
    assert answer.get_json()["stored"] is True and answer.get_json()["to"] == "skem"


def test_the_same_id_from_the_same_phone_is_the_same_text(pages: Pages, line: Line) -> None:
    message_id = str(uuid4())
    for number in (PHONE, PHONE, OTHER_PHONE):
        assert send(pages, "hello", number, id=message_id) == 202
    assert len(inbound()) == 2
    assert len(shown(pages)) == len(shown(pages, OTHER_PHONE)) == 1


def test_a_phone_may_text_several_hubs(pages: Pages, line: Line) -> None:
    with transaction() as session:
        hubs.add(session, slug="ormskirk", name="Ormskirk Wellbeing", phone_number="+447700900902")
    send(pages, "to the first")
    send(pages, "to the second", to="ormskirk")
    assert [m["text"] for m in shown(pages, to="skem")] == ["to the first"]
    assert [m["text"] for m in shown(pages, to="ormskirk")] == ["to the second"]
    # Without a hub it is the one that this phone texted last.
    send(pages, "and again")
    assert [m["text"] for m in shown(pages)] == ["to the second", "and again"]


def test_a_hub_without_a_number_is_reached_on_the_shared_line(pages: Pages, line: Line) -> None:
    with transaction() as session:
        added = hubs.add(session, slug="shared", name="Shared Wellbeing").id
    send(pages, "hello", to="shared")
    assert conversation().our_address == "" and conversation().hub_id == added
    assert len(shown(pages, to="shared")) == 1


def test_a_text_to_a_number_that_no_hub_has_is_kept_and_answered(pages: Pages, line: Line) -> None:
    assert send(pages, "hello", to="shared-line") == 202
    line.work()
    assert conversation().hub_id is None
    assert len(shown(pages, to="shared-line")) == 2


def test_it_works_before_there_is_any_hub(pages: Pages) -> None:
    assert send(pages, "hello") == 202
    assert len(shown(pages)) == 1
    pages.page("/phone")


@pytest.mark.parametrize(
    "number",
    ["+447911123456", "07911 123456", "+15005550006", "x", "+4477009000011", "+44770090000", "%00", "é"],
)
def test_only_numbers_that_nobody_has(pages: Pages, line: Line, number: str) -> None:
    for answer in (
        pages.get(f"/phone/{number}/messages"),
        pages.post(f"/phone/{number}/messages", json={"text": "hello"}),
    ):
        assert answer.status_code == 404
        assert "07700 900000 to 07700 900999" in answer.get_json()["error"]
    assert inbound() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"{}", 400),
        (b'{"text": 5}', 400),
        (b'{"text": "\xff"}', 400),
        (b'{"text": "x", "id": 5}', 400),
        (b'{"text": "x", "id": "%s"}' % (b"1" * 101), 400),
        (b'{"text": "x", "to": ["skem"]}', 400),
        (b'{"text": "x", "to": "nowhere"}', 404),
        (b"[" * 100_000, 400),
        (b'{"text": "%s"}' % (b"x" * 1_601), 413),
        (b"x" * 10_000_000, 413),
    ],
)
def test_what_is_no_text_is_refused_in_plain_words(
    pages: Pages, line: Line, body: bytes, status: int
) -> None:
    answer = pages.post(f"/phone/{PHONE}/messages", data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.get_json()["error"]
    assert inbound() == []


@pytest.mark.parametrize(
    "text", ["", "  ", "😀", "x" * 1_600, "/restart", " \n/restart", "a\x00b", "half \udc00", "STOP", "HELP"]
)
def test_whatever_is_a_text_is_kept_as_it_is(pages: Pages, line: Line, text: str) -> None:
    assert send(pages, text) == 202
    assert [kept.text for kept in inbound()] == [text.replace("\x00", "\ufffd").replace("\udc00", "\ufffd")]
    line.work()
    assert shown(pages)[0]["from"] == "patient"
    pages.page("/phone")


def test_what_is_not_on_the_handset_is_only_shown_on_request_and_says_why(pages: Pages, line: Line) -> None:
    send(pages, "hello")
    line.work()
    for status, reason, words, settled in [
        (DeliveryStatus.QUEUED, None, "Waiting to be sent, 1 part", False),
        (DeliveryStatus.SENDING, None, "Being sent, 1 part", False),
        (DeliveryStatus.CANCELLED, "opted_out", "Cancelled: they have texted STOP", True),
        (DeliveryStatus.CANCELLED, "something new", "Cancelled: it is no longer needed", True),
        (DeliveryStatus.FAILED, "permanent:30003", "Not delivered, 1 part", True),
        (DeliveryStatus.UNKNOWN, None, "Checking whether it arrived, 1 part", False),
    ]:
        with transaction() as session:
            session.execute(update(OutboundMessage).values(status=status, status_reason=reason))
        assert [m["from"] for m in shown(pages)] == ["patient"]
        entry = shown(pages, unsent=1)[1]
        assert (entry["status_text"], entry["unsent"], entry["settled"]) == (words, True, settled)


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_every_status_has_words(status: DeliveryStatus) -> None:
    assert phone_lines.status_text(status.value, 2, None).split(",")[0]
    assert phone_lines.status_text(None, 1) == "Sent, 1 part"


def test_the_longest_text_counts_its_parts(pages: Pages, line: Line) -> None:
    send(pages, "x" * 1_600)
    assert shown(pages)[0]["status_text"] == "Sent, 11 parts"


# --- the page ------------------------------------------------------------------------------------


def numbers(page: Page) -> list[str]:
    return [box["data-number"] for box in page.all("section") if "data-number" in box]


def test_three_phones_to_begin_with(pages: Pages, line: Line) -> None:
    assert numbers(pages.page("/phone")) == [PHONE, OTHER_PHONE, "+447700900003"]


def test_phones_are_added_changed_and_put_away_by_the_address(pages: Pages, line: Line) -> None:
    with transaction() as session:
        hubs.add(session, slug="ormskirk", name="Ormskirk Wellbeing", phone_number="+447700900902")
    page = pages.page("/phone?handset=001.skem&handset=002.skem&number=07700+900123&to=ormskirk")
    assert numbers(page) == [PHONE, OTHER_PHONE, "+447700900123"]
    page = pages.page("/phone?handset=001.skem&handset=002.skem&number=07700900001&to=ormskirk")
    assert [box["data-line"] for box in page.all("section") if "data-line" in box] == ["ormskirk", "skem"]
    away = [link["href"] for link in page.all("a") if link["href"].startswith("/phone?")]
    assert numbers(pages.page(away[0])) in ([OTHER_PHONE], [PHONE, OTHER_PHONE])


@pytest.mark.parametrize("handset", ["", ".", "x.skem", "0001.skem", "٠٠١.skem", "001.nowhere", "001" * 999])
def test_a_strange_address_shows_phones_all_the_same(pages: Pages, line: Line, handset: str) -> None:
    answer = pages.get("/phone", query_string={"handset": handset})
    assert answer.status_code == 200
    assert numbers(Page(answer.text))


def test_there_is_an_end_to_phones(pages: Pages, line: Line) -> None:
    query = "&".join(f"handset={n:03}.skem" for n in range(40))
    page = pages.page(f"/phone?{query}")
    assert len(numbers(page)) == 12
    assert "Add a phone" not in page.text


def test_a_real_number_is_not_added(pages: Pages, line: Line) -> None:
    page = pages.page("/phone?handset=001.skem&number=07911+123456", 404)
    assert "The simulator knows only the numbers" in page.text
    assert numbers(page) == [PHONE]


def write(pages: Pages, **fields: str) -> Page:
    page = pages.page("/phone")
    handsets = [box["value"] for box in page.all("input", name="handset")][:3]
    form = {
        "csrf_token": page.value("csrf_token"),
        "number": PHONE,
        "to": "skem",
        "handset": handsets,
        **fields,
    }
    answer = pages.post("/phone", data=form)
    if answer.status_code == 303:
        assert answer.headers["Location"].endswith("#handset-001")
        return pages.page(answer.headers["Location"].partition("#")[0])
    return Page(answer.text)


def test_the_form_sends_and_the_page_shows_the_thread(pages: Pages, line: Line) -> None:
    write(pages, text="hello")
    line.work()
    page = pages.page("/phone")
    assert "You said: hello" in page.text and "Delivered, 1 part" in page.text
    write(pages, choice="Yes", text="what was half written")
    assert [text.text for text in inbound()] == ["hello", "Yes"]


def test_the_form_keeps_a_draft_that_is_too_long(pages: Pages, line: Line) -> None:
    page = write(pages, text="x" * 1_601)
    assert "too long" in page.text
    assert "".join(page.texts["textarea"]).count("x") == 1_601
    assert inbound() == []


def test_the_form_needs_its_token(pages: Pages, line: Line) -> None:
    answer = pages.post("/phone", data={"number": PHONE, "to": "skem", "text": "hello"})
    assert answer.status_code == 400
    assert inbound() == []


def test_one_conversation_for_each_phone_and_hub(pages: Pages, line: Line) -> None:
    for number in (PHONE, OTHER_PHONE, PHONE):
        send(pages, "hello", number)
    with transaction() as session:
        assert session.query(Conversation).count() == 2
