"""Texts and WhatsApp messages out through Twilio. Every way to fail becomes one `SendError`.

The rule behind the mapping: a text is tried again only if it surely did not leave. Twilio's API
takes no idempotency key, so a lost answer is UNKNOWN and is settled by the status callback, which
carries our own message id.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from messaging.channels.base import Accepted, Failure, OutgoingText, SendError
from messaging.channels.twilio_errors import classify, known_codes
from messaging.twilio_forms import WHATSAPP_PREFIX
from models.session import assert_no_transaction

__all__ = ["TwilioChannel", "classify", "twilio_client"]

STATUS_PATH: Final = "/webhooks/twilio/status"
POOL_SIZE: Final = 32
#: How many of the latest texts to one number are looked through.
LISTED: Final = 50
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
# A supplier that asks for more than this is not obeyed to the letter; the outbox has its own longest wait.
LONGEST_RETRY_AFTER_SECONDS: Final = 3600
_LONGEST_ERROR_CODE: Final = 10
# Any plain word: a stricter pattern would turn a text that was accepted into one of unknown fate.
_SID: Final = re.compile(r"[\x21-\x7e]{1,120}\Z")
_NOT_ALLOWED: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
)


class TwilioChannel:
    """Sends through Twilio's Messages API. Safe to share between threads.

    `api_url` is the base address of the API; `public_url` is where Twilio reaches us. Without a
    `from_address` in the message, the messaging service picks the sender.
    """

    repeat_is_safe = False

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        api_url: str,
        public_url: str,
        messaging_service_sid: str | None,
        timeout_seconds: float = 10.0,
        *,
        whatsapp: bool = False,
    ) -> None:
        self._client = twilio_client(account_sid, auth_token, api_url, timeout_seconds)
        self._status_callback = f"{public_url.rstrip('/')}{STATUS_PATH}"
        self._messaging_service_sid = messaging_service_sid
        self._prefix = WHATSAPP_PREFIX if whatsapp else ""

    def send(self, message: OutgoingText) -> Accepted:
        """Hand one text to Twilio. Raises `SendError`, without the text or a number in it."""
        assert_no_transaction()
        arguments = self._arguments(message)
        # The error is raised outside the handlers: within them it would carry, as its context, an
        # exception of a library's that quotes the number.
        outcome = self._attempt(arguments)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def taken_on(self, message: OutgoingText, since: datetime) -> list[Accepted]:
        """Every text in Twilio's own list with this number and these words, made at or after `since`.

        The list does not carry our id, so number, words and time must do. Raises `SendError` when
        the list cannot be read.
        """
        assert_no_transaction()
        # Our clock and Twilio's may differ, and its times have whole seconds only.
        earliest = since - CLOCK_TOLERANCE
        unread: SendError | None = None
        alike: list[Accepted] = []
        try:
            listed = self._client.messages.list(to=f"{self._prefix}{message.to_address}", limit=LISTED)
            alike = [
                Accepted(item.sid)
                for item in listed
                if (item.body or "").strip() == message.text.strip() and item.date_created >= earliest
            ]
        except SendError as error:
            unread = error
        except Exception:  # noqa: BLE001 - whatever went wrong, we know nothing new
            unread = SendError(Failure.UNKNOWN, "list_unreadable")
        # Raised outside the handlers, as in `send`.
        if unread is not None:
            raise unread
        return alike

    def _arguments(self, message: OutgoingText) -> dict[str, str]:
        try:
            message.text.encode()
            unsendable = False
        except UnicodeEncodeError:
            unsendable = True
        if unsendable:
            raise SendError(Failure.PERMANENT, "not_unicode")
        arguments = {
            "to": f"{self._prefix}{message.to_address}",
            "body": message.text,
            "status_callback": f"{self._status_callback}?message={message.message_id}",
        }
        if message.from_address:
            arguments["from_"] = f"{self._prefix}{message.from_address}"
        elif self._messaging_service_sid:
            arguments["messaging_service_sid"] = self._messaging_service_sid
        else:
            raise SendError(Failure.CONFIG, "no_sender")
        return arguments

    def _attempt(self, arguments: dict[str, str]) -> Accepted | SendError:
        try:
            created = self._client.messages.create(**arguments)
        except SendError as error:
            return error
        except requests.RequestException as error:
            return _from_network(error)
        except Exception:  # noqa: BLE001 - see below
            # The answer was a 2xx that the library could not read, whatever its shape made it raise.
            return SendError(Failure.UNKNOWN, "unreadable")
        sid = created.sid
        if not isinstance(sid, str) or not _SID.match(sid):
            return SendError(Failure.UNKNOWN, "no_sid")
        return Accepted(sid)


def twilio_client(account_sid: str, auth_token: str, api_url: str, timeout_seconds: float) -> Client:
    """Twilio's client with a time-out, pooled connections and no log of its own, speaking to `api_url`.

    Any answer of 300 and above comes out as `SendError`, network trouble as `requests`' exceptions.
    """
    return Client(account_sid, auth_token, http_client=_Transport(api_url, timeout_seconds))


class _Transport(TwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """The library's transport, sent to our base address, silent, and failing in our words."""

    def __init__(self, api_url: str, timeout_seconds: float) -> None:
        super().__init__(timeout=timeout_seconds)
        self._base = api_url.rstrip("/")
        # Never repeats by itself: a request that reached Twilio may have become a text.
        adapter = HTTPAdapter(pool_maxsize=POOL_SIZE, max_retries=0)
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, adapter)

    def request(self, method: str, url: str, *arguments: Any, **named: Any) -> Response:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        response = super().request(method, f"{self._base}{parts.path}{query}", *arguments, **named)
        if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise _from_answer(response)
        return response

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: the library would log addresses and parameters, which hold phone numbers."""

    def log_response(self, status_code: int, response: requests.Response) -> None:
        """Nothing, for the same reason."""


def _from_answer(response: Response) -> SendError:
    status = int(response.status_code)
    code = _twilio_code(response.text)
    name = code or f"http_{status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return SendError(Failure.UNKNOWN, name)
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "20429":
        return SendError(Failure.RETRY, name, retry_after_seconds=_retry_after(response))
    if code in known_codes():
        return SendError(classify(code), name)
    is_redirect = status < HTTPStatus.BAD_REQUEST
    if status in _NOT_ALLOWED or is_redirect or (status == HTTPStatus.NOT_FOUND and not code):
        # Wrong keys, or an address that is not Twilio's: nothing about this one text.
        return SendError(Failure.CONFIG, name)
    return SendError(Failure.PERMANENT, name)


def _twilio_code(body: str) -> str:
    """The number in Twilio's JSON error, or nothing. Only digits: the rest may quote the text."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    code = str(answer.get("code", "")) if isinstance(answer, dict) else ""
    return code if code.isascii() and code.isdigit() and len(code) <= _LONGEST_ERROR_CODE else ""


def _retry_after(response: Response) -> int | None:
    """Seconds from the Retry-After header; its other form, a date, is left to our own backoff."""
    value = str((response.headers or {}).get("Retry-After", "")).strip()
    if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_ERROR_CODE):
        return None
    return min(int(value), LONGEST_RETRY_AFTER_SECONDS)


def _from_network(error: requests.RequestException) -> SendError:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return SendError(Failure.CONFIG, "certificate")
    never_connected = (requests.ConnectTimeout, requests.exceptions.ProxyError, NewConnectionError)
    if any(isinstance(cause, never_connected) for cause in causes):
        return SendError(Failure.RETRY, "connect")
    if isinstance(error, requests.ReadTimeout):
        return SendError(Failure.UNKNOWN, "read_timeout")
    if isinstance(error, ValueError) and not isinstance(error, requests.JSONDecodeError):
        # `requests` refused the address or a header before it opened a connection.
        return SendError(Failure.CONFIG, "settings")
    return SendError(Failure.UNKNOWN, "connection_broken")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and those inside it, however the libraries wrapped them."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        # Not `__context__`: it may be an earlier send's failure, when this one is called in a handler.
        waiting += [getattr(current, "reason", None), current.__cause__, *current.args]
