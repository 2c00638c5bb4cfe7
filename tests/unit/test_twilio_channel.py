"""The channel against a server on this machine that speaks Twilio's protocol (`tests.support`)."""

import json
import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from messaging.channels import twilio as channel_module
from messaging.channels.base import Accepted, Failure
from messaging.channels.twilio import twilio_client
from messaging.channels.twilio_errors import classify, known_codes
from models.session import TransactionOpenError
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, LINE, FakeTwilio
from tests.support.twilio_channel import (
    MARKER,
    PERSON,
    SERVICE,
    a_text,
    channel,
    failure_of,
)
from tests.support.twilio_rules import broken_shape


def test_a_text_is_accepted_with_our_id_in_the_callback(fake: FakeTwilio) -> None:
    accepted = channel(fake).send(a_text())
    (message,) = fake.messages
    assert accepted == Accepted(message.sid)
    assert (message.to, message.from_, message.body) == (PERSON, LINE, MARKER)
    assert message.status_callback == "https://line.example/sub/webhooks/twilio/status?message=7"
    assert broken_shape(message.resource) == []


def test_without_a_number_of_its_own_the_messaging_service_sends(fake: FakeTwilio) -> None:
    sender = channel(fake, messaging_service_sid=SERVICE)
    sender.send(a_text(from_address=""))
    sender.send(a_text())
    first, second = (message.form for message in fake.messages)
    assert ("From" in first, first["MessagingServiceSid"]) == (False, [SERVICE])
    assert ("MessagingServiceSid" in second, second["From"]) == (False, [LINE])


def test_without_any_sender_nothing_leaves(fake: FakeTwilio) -> None:
    error = failure_of(channel(fake), a_text(from_address=""))
    assert (error.failure, error.code) == (Failure.CONFIG, "no_sender")
    assert fake.messages == []


def test_whatsapp_marks_both_addresses(fake: FakeTwilio) -> None:
    channel(fake, whatsapp=True).send(a_text())
    (message,) = fake.messages
    assert (message.to, message.from_) == (f"whatsapp:{PERSON}", f"whatsapp:{LINE}")


def test_every_character_arrives(fake: FakeTwilio) -> None:
    text = "é€👍🏽 & = + % \n\t" + "x" * 1500
    channel(fake).send(a_text(text=text))
    assert fake.messages[0].body == text


def test_a_text_that_has_no_utf8_form_does_not_leave(fake: FakeTwilio) -> None:
    error = failure_of(channel(fake), a_text(text="\ud800"))
    assert (error.failure, error.code) == (Failure.PERMANENT, "not_unicode")


def test_the_base_address_may_have_a_path(fake: FakeTwilio) -> None:
    assert failure_of(channel(fake, api_url=fake.url + "/edge/")).code == "20404"  # it asked below /edge


def test_the_environment_does_not_move_the_address(fake: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    channel(fake).send(a_text())
    assert len(fake.messages) == 1


def test_an_earlier_failure_does_not_colour_this_one(fake: FakeTwilio) -> None:
    sender = channel(fake)
    fake.fail_next(drop=True, accept=True)
    try:
        raise requests.ConnectTimeout
    except requests.ConnectTimeout:
        error = failure_of(sender)
    assert error.failure is Failure.UNKNOWN


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 400, "raw_body": json.dumps({"code": 21211, "message": f"'{PERSON}' {MARKER}"})},
        {"status": 500, "raw_body": f"{PERSON} {MARKER}"},
        {"raw_body": f"{PERSON} {MARKER}"},
        {"drop": True},
        {"hang_seconds": 5},
        {},
    ],
)
def test_neither_text_nor_number_is_logged_or_raised(
    fake: FakeTwilio, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("twilio.http_client").setLevel(logging.DEBUG)
    said = ""
    if fault:
        fake.fail_next(**fault)
        error = failure_of(channel(fake, timeout_seconds=0.3))
        assert error.__cause__ is None
        assert error.__context__ is None
        said = "".join(traceback.format_exception(error)) + repr(error)
    else:
        channel(fake).send(a_text())
        twilio_client(ACCOUNT_SID, AUTH_TOKEN, fake.url, 5.0).messages.list(to="+449999999999")
    said += caplog.text
    for secret in (MARKER, MARKER.replace(" ", "+"), PERSON, PERSON[1:], AUTH_TOKEN):
        assert secret not in said
    assert not [record for record in caplog.records if record.name.startswith("twilio")]


def test_nothing_is_sent_inside_a_transaction(fake: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise TransactionOpenError

    monkeypatch.setattr(channel_module, "assert_no_transaction", refuse)
    with pytest.raises(TransactionOpenError):
        channel(fake).send(a_text())
    assert fake.messages == []


def test_a_repeat_is_a_second_text_and_the_channel_says_so(fake: FakeTwilio) -> None:
    sender = channel(fake)
    assert sender.repeat_is_safe is False
    assert sender.send(a_text()) != sender.send(a_text())


def test_many_at_once_share_one_channel(fake: FakeTwilio) -> None:
    sender = channel(fake, timeout_seconds=20.0)
    ready = threading.Barrier(50)

    def send(number: int) -> str:
        if number < 50:
            ready.wait()
        return sender.send(a_text(message_id=number, text=f"text {number}")).provider_id

    with ThreadPoolExecutor(50) as pool:
        sids = list(pool.map(send, range(200)))
    assert sids == [sid for _, sid in sorted((int(m.body.split()[1]), m.sid) for m in fake.messages)]
    assert len(set(sids)) == 200


def test_every_code_in_the_table_has_a_class() -> None:
    assert len(known_codes()) > 20
    assert (classify(30003), classify("30005")) == (Failure.RETRY, Failure.PERMANENT)
    assert (classify("30002"), classify(21610)) == (Failure.CONFIG, Failure.OPTED_OUT)
    assert classify("no such code") == classify(None) == Failure.PERMANENT
