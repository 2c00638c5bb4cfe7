"""The server that stands for Twilio in tests: does it keep to Twilio's own document?"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from messaging.channels.base import Failure
from messaging.channels.twilio import TwilioChannel, twilio_client
from messaging.signature import is_signed
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, LINE, FakeTwilio
from tests.support.twilio_channel import (
    MARKER,
    PERSON,
    PUBLIC,
    ROOT,
    SERVICE,
    a_text,
    channel,
    failure_of,
)
from tests.support.twilio_rules import problem_of


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
