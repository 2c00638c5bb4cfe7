"""Texts through Twilio: signatures, receipts, failures, and sends whose end nobody saw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from messaging import delivery, turns, unknown_sends
from models import clock
from models.enums import DeliveryStatus, TaskKind
from models.messages import DeliveryReceipt, InboundMessage
from models.safety import Task
from models.settings import Settings
from tests.support.line import HUB_NUMBER, PHONE, inbound, outbound, record
from tests.support.twilio_line import TwilioLine, twilio_line

RISKY = "I want to kill myself"


@pytest.fixture
def line(database: Engine, settings: Settings) -> Iterator[TwilioLine]:
    with twilio_line(settings) as running:
        yield running


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(clock, "_moved", timedelta(seconds=seconds))


def _tasks() -> list[TaskKind]:
    with record() as session:
        return list(session.scalars(select(Task.kind)))


def test_a_signed_text_is_stored_and_answered_from_the_number_that_was_texted(line: TwilioLine) -> None:
    answer = line.receives("hello", extra={"ANewParameter": "Twilio adds these"})
    assert (answer.status, answer.text) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
    line.work()
    [sent] = line.fake.messages
    assert (sent.body, sent.to, sent.from_) == ("You said: hello", PHONE, HUB_NUMBER)
    [text] = inbound()
    assert text.raw["ANewParameter"] == "Twilio adds these"


def test_a_wrong_signature_is_refused_and_stores_nothing(line: TwilioLine) -> None:
    assert line.receives("hello", signature="bm90IHRoaXM=").status == 403
    assert line.receives("hello", signature="").status == 403
    assert inbound() == []


def test_the_same_text_again_is_200_and_nothing_new(line: TwilioLine) -> None:
    for _ in range(3):
        assert line.receives("hello", sid="SM" + "a" * 32).status == 200
    line.work()
    assert line.answered() == ["You said: hello"]


def test_a_body_that_is_not_twilios_is_400(line: TwilioLine) -> None:
    url = "https://line.example.org/linkline/webhooks/twilio/inbound"
    assert line.fake.webhooks.post(url, {"Hello": "there"}).status == 400


def test_receipts_move_a_text_forward_in_any_order_and_number(line: TwilioLine) -> None:
    line.receives("hello")
    line.work()
    sid = line.fake.messages[0].sid
    for status in ("queued", "delivered", "sent", "delivered", "sending"):
        assert line.fake.send_status(sid, status).status == 204
    assert [m.status for m in outbound()] == [DeliveryStatus.DELIVERED]
    with record() as session:
        assert len(session.scalars(select(DeliveryReceipt)).all()) == 4


def test_receipts_we_cannot_place_are_204(line: TwilioLine) -> None:
    url = "https://line.example.org/linkline/webhooks/twilio/status"
    known = {"MessageSid": "SMx", "MessageStatus": "sent", "AccountSid": line.fake.account_sid}
    assert line.fake.webhooks.post(url, known).status == 204
    assert line.fake.webhooks.post(f"{url}?message=999", known | {"MessageStatus": "eaten"}).status == 204
    assert line.fake.webhooks.post(f"{url}?message=x", {}).status == 204
    assert line.fake.webhooks.post(f"{url}?message={'9' * 20}", known).status == 204
    assert line.fake.webhooks.post(url, known, signature="wrong").status == 403


def test_an_undelivered_text_is_a_task_for_a_person(line: TwilioLine) -> None:
    line.receives("hello")
    line.work()
    line.fake.send_status(line.fake.messages[0].sid, "undelivered", 30005)
    assert (outbound()[0].status, outbound()[0].status_reason) == (DeliveryStatus.UNDELIVERED, "30005")
    assert _tasks() == [TaskKind.TEXT_NOT_DELIVERED]


def test_an_answer_lost_after_acceptance_is_settled_by_the_callback(line: TwilioLine) -> None:
    line.fake.fail_next(drop=True, accept=True)
    line.receives("hello")
    line.work()
    assert [m.status for m in outbound()] == [DeliveryStatus.UNKNOWN]
    line.fake.send_status(line.fake.messages[0].sid, "sent")
    assert [m.status for m in outbound()] == [DeliveryStatus.SENT]
    assert line.answered() == ["You said: hello"]


@pytest.mark.parametrize("accepted", [True, False])
def test_without_a_callback_the_suppliers_own_list_settles_it(
    line: TwilioLine, accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.fake.fail_next(drop=True, accept=accepted)
    line.receives("hello")
    line.work()
    assert unknown_sends.settle_unknown(line.channels) == 0, "too early"
    _later(monkeypatch, 61)
    assert unknown_sends.settle_unknown(line.channels) == 1
    line.work()
    assert line.answered() == ["You said: hello"], "sent once, whether it was accepted or not"
    assert [m.status for m in outbound()] == [DeliveryStatus.ACCEPTED]
    assert outbound()[0].provider_id == line.fake.messages[0].sid


def test_the_same_words_sent_twice_are_told_apart(line: TwilioLine, monkeypatch: pytest.MonkeyPatch) -> None:
    line.receives("hello")
    line.work()
    line.fake.fail_next(status=503)
    line.receives("hello")
    line.work()
    _later(monkeypatch, 61)
    unknown_sends.settle_unknown(line.channels)
    line.work()
    assert line.answered() == ["You said: hello"] * 2
    assert len({m.provider_id for m in outbound()}) == 2


def test_a_worker_that_died_while_sending_leaves_an_unknown_send(
    line: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:

    line.receives("hello")
    line.work_screening()

    _found, lease = turns.claim()
    assert lease
    turns.run(lease, line.bot)
    _found, claim = delivery.claim()
    assert claim
    _later(monkeypatch, 31)
    assert unknown_sends.release_broken_off(line.channels) == 1
    assert [m.status for m in outbound()] == [DeliveryStatus.UNKNOWN]
    # The worker was only slow after all: its answer still counts, and nothing is sent again.
    delivery.send(claim, line.channels)
    _later(monkeypatch, 120)
    unknown_sends.settle_unknown(line.channels)
    line.work()
    assert line.answered() == ["You said: hello"]


def test_a_supplier_that_is_down_is_tried_again_and_the_text_kept(
    line: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.fake.fail_next(code=20429)
    line.fake.fail_next(code=20003)
    line.receives("hello")
    line.work()
    _later(monkeypatch, 4000)
    line.work()
    assert outbound()[0].status_reason == "config:20003"
    _later(monkeypatch, 4100)
    line.work()
    assert line.answered() == ["You said: hello"]


def test_the_supplier_knows_of_a_stop_that_we_missed(line: TwilioLine) -> None:
    line.fake.opted_out.add(PHONE)
    line.receives("hello")
    line.work()
    line.receives("hello again")
    line.work()
    assert len(line.bot.requests) == 1
    assert line.answered() == []
    line.fake.opted_out.clear()
    line.receives("START")
    line.receives("hello again")
    line.work()
    assert line.answered() == ["You said: hello again"], "START itself is answered by Twilio"


def test_a_crisis_reply_that_the_supplier_refuses_means_a_person_must_phone(line: TwilioLine) -> None:
    line.fake.opted_out.add(PHONE)
    line.receives(RISKY)
    line.work()
    assert _tasks() == [TaskKind.PHONE_THIS_PERSON]


def test_a_crisis_reply_of_unknown_fate_is_sent_again_after_a_minute(
    line: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.fake.fail_next(status=500)
    line.receives(RISKY)
    line.work()
    assert line.answered() == []
    _later(monkeypatch, 61)
    unknown_sends.settle_unknown(line.channels)
    line.work()
    assert len(line.answered()) == 1


def test_a_whatsapp_is_answered_on_whatsapp(line: TwilioLine) -> None:
    line.receives("hello", sender=f"whatsapp:{PHONE}", to=f"whatsapp:{HUB_NUMBER}")
    line.work()
    [sent] = line.fake.messages
    assert (sent.to, sent.from_) == (f"whatsapp:{PHONE}", f"whatsapp:{HUB_NUMBER}")


@pytest.mark.parametrize(
    "body",
    ["", "   ", "\x00", "😀😀", "x" * 1600, " /restart", "\n\n/slot{}", "Zalgo h̸̡̪e", "\ud800", "\u202ertl"],
)
def test_odd_texts_are_stored_and_answered(line: TwilioLine, body: str) -> None:
    sendable = body.encode("utf-8", "replace").decode()
    assert line.receives(sendable).status == 200
    line.work()
    [text] = inbound()
    assert text.turn_id is not None
    assert len(line.answered()) == 1


def test_a_text_from_a_name_is_stored_and_not_answered(line: TwilioLine) -> None:
    assert line.receives("Your parcel is waiting", sender="PARCELCO").status == 200
    line.work()
    assert line.answered() == []
    assert (outbound()[0].status, outbound()[0].status_reason) == (
        DeliveryStatus.CANCELLED,
        "cannot_be_texted",
    )


@pytest.mark.parametrize("sender", ["+447911123456", "+15005550006", "+441695550100", "+353851234567"])
def test_whoever_texts_from_a_number_can_be_answered(line: TwilioLine, sender: str) -> None:
    line.receives("hello", sender=sender)
    line.work()
    assert [message.to for message in line.fake.messages] == [sender]


def test_a_text_to_a_number_that_is_no_hubs_is_answered(line: TwilioLine) -> None:
    line.receives("hello", to="+447700900950")
    line.work()
    assert line.fake.messages[0].from_ == "+447700900950"
    with record() as session:
        assert session.scalars(select(InboundMessage)).one().text == "hello"


def test_ten_megabytes_are_413(line: TwilioLine) -> None:
    assert line.receives("x" * 10_000_000).status == 413
    assert inbound() == []
