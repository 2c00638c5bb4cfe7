"""The webhooks that Twilio sends, signed as Twilio signs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from twilio.request_validator import RequestValidator

from tests.support.twilio_messages import FakeMessage

#: Posts a body and gives status and text back: (address, body, headers) -> (status, text).
Poster = Callable[[str, bytes, Mapping[str, str]], tuple[int, str]]

# Twilio's own limit for a webhook, in seconds: Twilio error 11205.
_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the webhook answered. `status` is 0 and `error` says why when there was no answer."""

    sid: str
    status: int
    text: str
    elapsed_seconds: float
    error: str = ""


class WebhookSender:
    """Signs and posts. `reach` maps a public base address to where the app really listens."""

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self._account_sid = account_sid
        self._validator = RequestValidator(auth_token)
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=256))
        self._session.trust_env = False
        self.reach: dict[str, str] = {}
        #: Replace it to post into a test client instead of a socket.
        self.poster: Poster = self._post_over_http

    def close(self) -> None:
        self._session.close()

    def inbound(
        self,
        url: str,
        message: FakeMessage,
        media: Sequence[tuple[str, str]] = (),
        extra: Mapping[str, str] | None = None,
        signature: str | None = None,
    ) -> Answer:
        form = {
            **dict.fromkeys(("ToCountry", "FromCountry"), "GB"),
            **dict.fromkeys(("ToState", "ToCity", "ToZip", "FromState", "FromCity", "FromZip"), ""),
            **dict.fromkeys(("MessageSid", "SmsSid", "SmsMessageSid"), message.sid),
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.from_,
            "To": message.to,
            "Body": message.body,
            "NumSegments": str(message.resource["num_segments"]),
            "NumMedia": str(len(media)),
            "SmsStatus": "received",
        }
        for number, (address, content_type) in enumerate(media):
            form[f"MediaUrl{number}"] = address
            form[f"MediaContentType{number}"] = content_type
        return self.post(url, {**form, **(extra or {})}, signature)

    def status(self, message: FakeMessage, status: str, error_code: int | None) -> Answer:
        form = {
            **dict.fromkeys(("MessageSid", "SmsSid"), message.sid),
            **dict.fromkeys(("MessageStatus", "SmsStatus"), status),
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.from_,
            "To": message.to,
        }
        if error_code is not None:
            form["ErrorCode"] = str(error_code)
        return self.post(message.status_callback, form)

    def post(self, url: str, form: Mapping[str, str], signature: str | None = None) -> Answer:
        """Post any form to a webhook, signed over `url` unless another signature is given."""
        signed = self._validator.compute_signature(url, form) if signature is None else signature
        headers = {
            "X-Twilio-Signature": signed,
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": f"{time.monotonic_ns()}",
        }
        body = urlencode(form).encode()
        sid = form.get("MessageSid", "")
        started = time.perf_counter()
        try:
            status, text = self.poster(self._real(url), body, headers)
        except requests.RequestException as error:
            return Answer(sid, 0, "", time.perf_counter() - started, type(error).__name__)
        return Answer(sid, status, text, time.perf_counter() - started)

    def _real(self, url: str) -> str:
        for public, real in self.reach.items():
            if url.startswith(public):
                return real + url[len(public) :]
        return url

    def _post_over_http(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        answer = self._session.post(
            url, data=body, headers=dict(headers), timeout=_TIMEOUT, allow_redirects=False
        )
        return answer.status_code, answer.text


class AutomaticCallbacks:
    """Reports queued, sent and delivered for each text, one after the other, off the sender's thread."""

    statuses: tuple[str, ...] = ("queued", "sent", "delivered")

    def __init__(self, send: Callable[[str, str], Answer]) -> None:
        self._send = send
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="callbacks")
        self._stopping = threading.Event()
        self.delay_seconds: float | None = None
        #: What the app answered to each, in the order of the answers.
        self.answers: list[Answer] = []

    @property
    def is_on(self) -> bool:
        return self.delay_seconds is not None and not self._stopping.is_set()

    def add(self, sid: str) -> None:
        self._pool.submit(self._report, sid)

    def stop(self) -> None:
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _report(self, sid: str) -> None:
        for status in self.statuses:
            if self._stopping.wait(self.delay_seconds):
                return
            self.answers.append(self._send(sid, status))
