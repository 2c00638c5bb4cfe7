"""The channel against a server on this machine that speaks Twilio's protocol (`tests.support`)."""

import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError

from messaging.channels import twilio as channel_module
from messaging.channels.base import Accepted, Failure, OutgoingText, SendError
from messaging.channels.twilio import TwilioChannel, twilio_client
from messaging.channels.twilio_errors import classify, known_codes
from messaging.signature import is_signed
from models.session import TransactionOpenError
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, LINE, FakeTwilio
from tests.support.twilio_messages import Fault
from tests.support.twilio_rules import broken_shape, problem_of

PUBLIC = "https://line.example/sub/"
SERVICE = "MG" + "ab" * 16
MARKER = "a very private sentence"
PERSON = "+447700900123"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    with FakeTwilio() as server:
        yield server


def channel(fake: FakeTwilio, **settings: Any) -> TwilioChannel:
    named: dict[str, Any] = {
        "account_sid": fake.account_sid,
        "auth_token": fake.auth_token,
        "api_url": fake.url,
        "public_url": PUBLIC,
        "messaging_service_sid": None,
        "timeout_seconds": 5.0,
    }
    return TwilioChannel(**(named | settings))


def a_text(**parts: Any) -> OutgoingText:
    named: dict[str, Any] = {"message_id": 7, "to_address": PERSON, "from_address": LINE, "text": MARKER}
    return OutgoingText(**(named | parts))


def failure_of(sender: TwilioChannel, text: OutgoingText | None = None) -> SendError:
    with pytest.raises(SendError) as raised:
        sender.send(text or a_text())
    return raised.value


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


# --- the server itself --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "07700900123"}, 21211),
        ({"From": None}, 21603),
        ({"From": "!"}, 21212),
        ({"From": f"whatsapp:{LINE}"}, 21910),
        ({"Body": None}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "/webhooks"}, 21609),
        ({"StatusCallback": "http://my_host/x"}, 21609),
        ({"MessagingServiceSid": "MG1"}, 20001),
        ({"ValidityPeriod": "soon"}, 20001),
        ({"RiskCheck": "perhaps"}, 20001),
        ({"Txt": "x"}, 20001),
        ({"RiskCheck": "enable", "ValidityPeriod": "60", "MessagingServiceSid": SERVICE}, None),
    ],
)
def test_the_server_keeps_to_the_document(changes: dict[str, str | None], code: int | None) -> None:
    form = {"To": PERSON, "From": LINE, "Body": "x", "StatusCallback": "https://line.example/s"} | changes
    problem = problem_of({name: [value] for name, value in form.items() if value is not None})
    assert (problem and problem.code) == code


def test_the_list_has_pages_and_filters(fake: FakeTwilio) -> None:
    sender = channel(fake)
    sids = [sender.send(a_text(text=str(n))).provider_id for n in range(7)]
    sender.send(a_text(to_address="+447700900777"))
    fake.text("http://127.0.0.1:1/", "+447700900888", "hello")  # nobody listens: a lost webhook
    messages = twilio_client(ACCOUNT_SID, AUTH_TOKEN, fake.url, 5.0).messages
    assert [m.sid for m in messages.list(to=PERSON, page_size=3)] == sids[::-1]
    assert [m.body for m in messages.list(from_="+447700900888")] == ["hello"]
    today = fake.messages[0].received_at
    assert len(messages.list(date_sent_after=today.replace(hour=0, minute=0))) == 9
    assert messages.list(date_sent_before=today.replace(year=2020)) == []
    assert messages(sids[0]).fetch().status == "queued"


class Listener:
    """A poster that checks the signature as the app does, and remembers what came."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.came: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []

    def __call__(self, url: str, body: bytes, headers: Any) -> tuple[int, str]:
        self.came.append((url, body))
        self.headers.append(dict(headers))
        return self.status, "<Response/>"


def test_webhooks_are_signed_over_the_public_address(fake: FakeTwilio) -> None:
    listener = Listener()
    fake.webhooks.poster = listener
    fake.webhooks.reach = {"https://line.example/sub": "http://127.0.0.1:1"}
    sid = channel(fake).send(a_text()).provider_id
    answer = fake.text("https://line.example/sub/webhooks/twilio/inbound", PERSON, "naïve & 👍", sid="SM1")
    fake.send_status(sid, "failed", 30003)
    assert (answer.sid, answer.status, answer.text) == ("SM1", 200, "<Response/>")
    publics = ["/webhooks/twilio/inbound", "/webhooks/twilio/status?message=7"]
    for (url, body), headers, path in zip(listener.came, listener.headers, publics, strict=True):
        assert url == f"http://127.0.0.1:1{path}"
        assert is_signed(f"https://line.example/sub{path}", body, headers, AUTH_TOKEN)
        assert not is_signed(url, body, headers, AUTH_TOKEN)
    assert b"ErrorCode=30003" in listener.came[1][1]
    assert fake.messages[0].status == "failed"


def test_statuses_are_reported_by_themselves_in_order(fake: FakeTwilio) -> None:
    listener = Listener(204)
    fake.webhooks.poster = listener
    fake.send_callbacks(0.01)
    channel(fake).send(a_text())
    until = time.monotonic() + 5
    while len(listener.came) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    reported = [body.split(b"MessageStatus=")[1].split(b"&")[0] for _, body in listener.came]
    assert reported == [b"queued", b"sent", b"delivered"]
    fake.automatic.stop()
    assert [answer.status for answer in fake.automatic.answers] == [204, 204, 204]


def test_the_same_id_is_one_text_however_often_and_at_once(fake: FakeTwilio) -> None:
    fake.webhooks.poster = Listener()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: fake.text("http://h/x", PERSON, "hi", sid="SM5"), range(20)))
    assert {answer.sid for answer in answers} == {"SM5"}
    messages = twilio_client(ACCOUNT_SID, AUTH_TOKEN, fake.url, 5.0).messages
    assert len(messages.list(from_=PERSON)) == 1


def test_it_runs_as_a_process_and_logs_before_it_answers(tmp_path: Path) -> None:
    log = tmp_path / "sent.jsonl"
    command = [sys.executable, "-m", "tests.support.fake_twilio", "--port", "0", "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            requests.post(f"{url}/_fake/faults", json={"drop": True, "accept": True}, timeout=5)
            sender = TwilioChannel(ACCOUNT_SID, AUTH_TOKEN, url, PUBLIC, None)
            assert failure_of(sender).failure is Failure.UNKNOWN
            sid = sender.send(a_text(text="second")).provider_id
            lines = [json.loads(line) for line in log.read_text().splitlines()]
        finally:
            process.kill()
    assert [line["body"] for line in lines] == [MARKER, "second"]
    assert lines[1]["sid"] == sid
    assert lines[0]["status_callback"].endswith("?message=7")
