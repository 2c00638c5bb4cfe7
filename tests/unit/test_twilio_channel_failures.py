"""Every way in which a send can fail, and what the channel makes of it."""

import socket
import ssl
import time
from typing import Any

import pytest
import requests
import urllib3
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError

from messaging.channels.base import Failure
from tests.support.fake_twilio import FakeTwilio
from tests.support.twilio_channel import (
    MARKER,
    PERSON,
    a_text,
    channel,
    failure_of,
)
from tests.support.twilio_messages import Fault


@pytest.mark.parametrize(
    ("fault", "failure", "code"),
    [
        ({"code": 20429, "headers": {"Retry-After": "7"}}, Failure.RETRY, "20429"),
        ({"status": 429}, Failure.RETRY, "http_429"),
        ({"code": 20429, "status": 400}, Failure.RETRY, "20429"),
        ({"code": 21611}, Failure.RETRY, "21611"),
        ({"code": 21211}, Failure.PERMANENT, "21211"),
        ({"code": 21617}, Failure.PERMANENT, "21617"),
        ({"code": 21610}, Failure.OPTED_OUT, "21610"),
        ({"code": 21610, "status": 403}, Failure.OPTED_OUT, "21610"),
        ({"code": 21606}, Failure.CONFIG, "21606"),
        ({"code": 20003}, Failure.CONFIG, "20003"),
        ({"code": 29999, "status": 401}, Failure.CONFIG, "29999"),
        ({"status": 403}, Failure.CONFIG, "http_403"),
        ({"status": 404}, Failure.CONFIG, "http_404"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, Failure.CONFIG, "http_302"),
        ({"code": 29999}, Failure.PERMANENT, "29999"),
        ({"status": 400}, Failure.PERMANENT, "http_400"),
        ({"status": 400, "raw_body": '{"code": "x"}'}, Failure.PERMANENT, "http_400"),
        ({"status": 400, "raw_body": f'{{"code": "{MARKER}"}}'}, Failure.PERMANENT, "http_400"),
        ({"status": 400, "raw_body": "[" * 100_000}, Failure.PERMANENT, "http_400"),
        ({"status": 408}, Failure.UNKNOWN, "http_408"),
        ({"status": 500}, Failure.UNKNOWN, "http_500"),
        ({"status": 503, "code": 20503}, Failure.UNKNOWN, "20503"),
        ({"status": 500, "code": 21211}, Failure.UNKNOWN, "21211"),
        ({"status": 500, "accept": True}, Failure.UNKNOWN, "http_500"),
        ({"drop": True}, Failure.UNKNOWN, "connection_broken"),
        ({"drop": True, "accept": True}, Failure.UNKNOWN, "connection_broken"),
        ({"raw_body": "<html>"}, Failure.UNKNOWN, "unreadable"),
        ({"raw_body": "[]"}, Failure.UNKNOWN, "unreadable"),
        ({"raw_body": ""}, Failure.UNKNOWN, "no_sid"),
        ({"raw_body": "{}"}, Failure.UNKNOWN, "no_sid"),
        ({"raw_body": '{"sid": null}'}, Failure.UNKNOWN, "no_sid"),
        ({"raw_body": '{"sid": 5}'}, Failure.UNKNOWN, "no_sid"),
        ({"raw_body": '{"sid": "SM\\u0000"}'}, Failure.UNKNOWN, "no_sid"),
        ({"raw_body": '{"sid": "' + "S" * 121 + '"}'}, Failure.UNKNOWN, "no_sid"),
        ({"raw_body": '{"sid": "SM1", "date_sent": "nonsense", "error_code": "x"}'}, None, "SM1"),
    ],
)
def test_every_way_to_fail_has_its_meaning(
    fake: FakeTwilio, fault: dict[str, Any], failure: Failure | None, code: str
) -> None:
    fake.fail_next(**fault)
    sender = channel(fake)
    if failure is None:
        assert sender.send(a_text()).provider_id == code
    else:
        error = failure_of(sender)
        assert (error.failure, error.code) == (failure, code)
    sender.send(a_text())  # one fault, one failure: the connection serves again
    assert len(fake.messages) == 1 + Fault(**fault).accept  # and nothing was sent twice on the way


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("99999", 3600), ("Sun, 22 Nov 2026 12:00:00 GMT", None), ("-1", None), ("²", None)],
)
def test_retry_after_is_handed_on_within_reason(fake: FakeTwilio, header: str, seconds: int | None) -> None:
    for status in (429, 400):
        fake.fail_next(code=20429, status=status, headers={"Retry-After": header})
        assert failure_of(channel(fake)).retry_after_seconds == seconds


def test_a_slow_answer_is_unknown_and_the_text_is_on_its_way(fake: FakeTwilio) -> None:
    fake.fail_next(hang_seconds=5)
    started = time.monotonic()
    error = failure_of(channel(fake, timeout_seconds=0.3))
    assert (error.failure, error.code) == (Failure.UNKNOWN, "read_timeout")
    assert time.monotonic() - started < 2
    assert len(fake.messages) == 1


def test_a_number_that_said_stop_is_opted_out(fake: FakeTwilio) -> None:
    fake.opted_out.add(PERSON)
    assert failure_of(channel(fake)).failure is Failure.OPTED_OUT
    assert failure_of(channel(fake, whatsapp=True)).failure is Failure.OPTED_OUT
    channel(fake).send(a_text(to_address="+447700900124"))
    assert [message.to for message in fake.messages] == ["+447700900124"]


def test_wrong_keys_are_a_setting(fake: FakeTwilio) -> None:
    error = failure_of(channel(fake, auth_token="another"))
    assert (error.failure, error.code) == (Failure.CONFIG, "20003")


def refusing_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("api_url", "failure", "code"),
    [
        ("http://127.0.0.1:{closed}", Failure.RETRY, "connect"),
        ("http://no-such-host.invalid", Failure.RETRY, "connect"),
        ("http://", Failure.CONFIG, "settings"),
        ("gopher://127.0.0.1", Failure.CONFIG, "settings"),
        ("https://127.0.0.1:{open}", Failure.UNKNOWN, "connection_broken"),  # speaks no TLS
    ],
)
def test_what_never_connects_may_be_tried_again(
    fake: FakeTwilio, api_url: str, failure: Failure, code: str
) -> None:
    address = api_url.format(closed=refusing_port(), open=fake.url.rsplit(":", 1)[1])
    error = failure_of(channel(fake, api_url=address, timeout_seconds=2.0))
    assert (error.failure, error.code) == (failure, code)


def test_a_connection_that_times_out_may_be_tried_again(
    fake: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}"
        error = failure_of(channel(fake, api_url=address, timeout_seconds=0.3))
        for client in waiting:
            client.close()
    assert (error.failure, error.code) == (Failure.RETRY, "connect")


@pytest.mark.parametrize(
    ("inner", "failure", "code"),
    [
        (ssl.SSLCertVerificationError("no"), Failure.CONFIG, "certificate"),
        (ssl.SSLEOFError("cut"), Failure.UNKNOWN, "connection_broken"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_a_setting(
    fake: FakeTwilio, monkeypatch: pytest.MonkeyPatch, inner: ssl.SSLError, failure: Failure, code: str
) -> None:
    wrapped = MaxRetryError(HTTPConnectionPool("h"), "/", urllib3.exceptions.SSLError(inner))

    def refuse(*_arguments: Any, **_named: Any) -> None:
        raise requests.exceptions.SSLError(wrapped)

    monkeypatch.setattr(requests.Session, "send", refuse)
    error = failure_of(channel(fake))
    assert (error.failure, error.code) == (failure, code)
