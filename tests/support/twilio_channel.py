"""What the tests of the Twilio channel share: a server, a channel to it, a text, and how it fails."""

from pathlib import Path
from typing import Any

import pytest

from messaging.channels.base import OutgoingText, SendError
from messaging.channels.twilio import TwilioChannel
from tests.support.fake_twilio import LINE, FakeTwilio

PUBLIC = "https://line.example/sub/"
SERVICE = "MG" + "ab" * 16
MARKER = "a very private sentence"
PERSON = "+447700900123"
ROOT = Path(__file__).parents[2]


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
