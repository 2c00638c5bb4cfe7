"""The supplier's side: people's texts posted to the line, and which texts it took on for them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN
from tests.support.line import HUB_NUMBER
from tests.support.twilio_messages import MessageBook
from tests.support.twilio_webhooks import Answer, WebhookSender

#: How long the supplier goes on repeating one webhook before the test gives up.
REPEAT_SECONDS = 60.0


@dataclass(frozen=True)
class Taken:
    """One text that the supplier took on. `message_id` is ours, from the callback's address."""

    sid: str
    to: str
    body: str
    message_id: int
    status_callback: str
    at: datetime


class Supplier:
    """Posts signed webhooks to the line and reads the log of the loopback Twilio. Safe between threads."""

    def __init__(self, line_url: str, log: Path) -> None:
        self.log = log
        self._url = f"{line_url}/webhooks/twilio/inbound"
        self._book = MessageBook(ACCOUNT_SID, None)
        self._webhooks = WebhookSender(ACCOUNT_SID, AUTH_TOKEN)

    def close(self) -> None:
        self._webhooks.close()

    def text(self, sender: str, body: str, sid: str | None = None, **more: str) -> Answer:
        """This person texts the line: posted once; `status` 0 when nobody answered."""
        message = self._book.receive(sender, HUB_NUMBER, body, sid, 0)
        return self._webhooks.inbound(self._url, message, signature=more.get("signature"))

    def text_until_taken(self, sender: str, body: str) -> str:
        """The same, repeated with the same id until the line takes it, as suppliers do; returns the id."""
        sid = f"SM{uuid4().hex}"
        until = time.monotonic() + REPEAT_SECONDS
        while (answer := self.text(sender, body, sid)).status != 200:
            assert time.monotonic() < until, f"nobody took the text: {answer.status} {answer.error}"
            time.sleep(0.1)
        return sid

    def report(self, taken: Taken, status: str) -> Answer:
        """Post a status callback about a text that was taken on."""
        form = {
            **dict.fromkeys(("MessageSid", "SmsSid"), taken.sid),
            **dict.fromkeys(("MessageStatus", "SmsStatus"), status),
            "AccountSid": ACCOUNT_SID,
            "ApiVersion": "2010-04-01",
            "From": HUB_NUMBER,
            "To": taken.to,
        }
        return self._webhooks.post(taken.status_callback, form)

    def taken(self, *people: str) -> list[Taken]:
        """Every text that was taken on, in order; only those to these people when any are named."""
        if not self.log.exists():
            return []
        lines = self.log.read_bytes().split(b"\n")[:-1]  # the last one may be half written
        found = [_taken(json.loads(line)) for line in lines]
        return [taken for taken in found if not people or taken.to in people]


def _taken(line: dict[str, str]) -> Taken:
    [message_id] = parse_qs(urlsplit(line["status_callback"]).query)["message"]
    at = datetime.fromisoformat(line["received_at"])
    return Taken(line["sid"], line["to"], line["body"], int(message_id), line["status_callback"], at)
