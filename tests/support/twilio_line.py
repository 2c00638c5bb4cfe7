"""A line whose texts come and go through the loopback Twilio, over its real protocol, in one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from flask import Flask

from messaging import webhooks, worker
from messaging.channels.registry import channels
from models.settings import Settings
from tests.support.fake_twilio import FakeTwilio
from tests.support.line import HUB_NUMBER, PHONE, EchoBot, Line
from tests.support.twilio_webhooks import Answer

PUBLIC_URL = "https://line.example.org/linkline"


class TwilioLine(Line):
    """The same line, reached by text."""

    def __init__(self, fake: FakeTwilio, settings: Settings) -> None:
        self.fake = fake
        super().__init__(channels(settings))
        self.bot = EchoBot()

    def receives(self, body: str, *, sender: str = PHONE, sid: str | None = None, **more: object) -> Answer:
        """A person texts the hub's number; returns what the webhook said to Twilio."""
        return self.fake.text(
            f"{PUBLIC_URL}/webhooks/twilio/inbound", sender, body, sid, **{"to": HUB_NUMBER, **more}
        )

    def answered(self) -> list[str]:
        """Every text that Twilio took on."""
        return [message.body for message in self.fake.messages]

    def work(self) -> int:
        return worker.run_once(self.bot, self.channels)


@contextmanager
def twilio_line(settings: Settings) -> Iterator[TwilioLine]:
    """A loopback Twilio and a line that is set up for it, behind a proxy at `PUBLIC_URL`."""
    with FakeTwilio() as fake:
        told = settings.model_copy(
            update={
                "twilio_account_sid": fake.account_sid,
                "twilio_auth_token": fake.auth_token,
                "twilio_from": HUB_NUMBER,
                "twilio_api_url": fake.url,
                "public_url": PUBLIC_URL,
            }
        )
        app = Flask("webhooks")
        app.config["LINKLINE"] = told
        app.register_blueprint(webhooks.blueprint)
        client = app.test_client()

        def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
            parts = urlsplit(url)
            # The proxy in front of us takes the prefix off the path.
            path = parts.path.removeprefix("/linkline")
            answer = client.post(
                f"{path}?{parts.query}" if parts.query else path, data=body, headers=dict(headers)
            )
            return answer.status_code, answer.text

        fake.webhooks.poster = post
        yield TwilioLine(fake, told)
