"""The fake's book: every text in and out as Twilio's Message resource, the list, the faults to come."""

from __future__ import annotations

import json
import math
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.twilio_rules import LIST_PARAMETERS, Form, Problem

_UCS2_PART, _GSM_PART = 67, 153


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for a request to send to go wrong.

    `code` is Twilio's; `status` is HTTP's (400 for a code, unless given); `hang_seconds` waits
    before the answer or the cut; `drop` cuts the connection without an answer; `accept` takes the
    text on first, so that only the answer fails; `raw_body` answers with these words (201 unless
    `status` says otherwise); `to` keeps the fault for one number. Several may stand together.
    """

    code: int = 0
    status: int = 0
    hang_seconds: float = 0.0
    drop: bool = False
    accept: bool = False
    raw_body: str | None = None
    to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code and not self.status:
            usual = {20003: 401, 20429: 429, 20404: 404}
            object.__setattr__(self, "status", usual.get(self.code, 400))
        only_hangs = self.hang_seconds and not (self.status or self.drop or self.raw_body is not None)
        if only_hangs or (self.raw_body is not None and not self.status):
            # A slow or an unreadable success is a success: the text is on its way.
            object.__setattr__(self, "accept", True)


@dataclass(slots=True)
class FakeMessage:
    """One text. `received_at` is when this server took it in; `received_monotonic` the same, to measure with."""

    resource: dict[str, Any]
    status_callback: str = ""
    form: Form = field(default_factory=dict)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    received_monotonic: float = field(default_factory=time.monotonic)

    @property
    def sid(self) -> str:
        return str(self.resource["sid"])

    @property
    def to(self) -> str:
        return str(self.resource["to"])

    @property
    def from_(self) -> str:
        return str(self.resource["from"] or "")

    @property
    def body(self) -> str:
        return str(self.resource["body"])

    @property
    def status(self) -> str:
        return str(self.resource["status"])


class MessageBook:
    """Texts and faults behind one lock. Accepted texts are appended to `log` as JSON lines."""

    def __init__(self, account_sid: str, log: Path | None) -> None:
        self._account_sid = account_sid
        self._log = log
        self._lock = threading.RLock()
        self._messages: list[FakeMessage] = []
        self._by_sid: dict[str, FakeMessage] = {}
        self._faults: deque[Fault] = deque()

    def outbound(self) -> list[FakeMessage]:
        with self._lock:
            return [m for m in self._messages if m.resource["direction"] != "inbound"]

    def find(self, sid: str) -> FakeMessage | None:
        with self._lock:
            return self._by_sid.get(sid)

    def add_faults(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self._faults.extend(faults)

    def next_fault(self, form: Form) -> Fault | None:
        """The first fault that fits this request, which is then used up."""
        to = (form.get("To") or [""])[0]
        with self._lock:
            for fault in self._faults:
                if fault.to in {"", to}:
                    self._faults.remove(fault)
                    return fault
        return None

    def accept(self, form: Form) -> FakeMessage:
        """Take a text on. It is in the log, flushed to the disk, before this returns."""

        def first(name: str) -> str | None:
            return (form.get(name) or [None])[0]  # type: ignore[list-item]

        resource = self._resource("outbound-api", "queued", first("To") or "", first("Body") or "")
        resource |= {"from": first("From"), "messaging_service_sid": first("MessagingServiceSid")}
        message = FakeMessage(resource, first("StatusCallback") or "", form)
        self._keep(message)
        return message

    def receive(self, from_: str, to: str, body: str, sid: str | None, media: int) -> FakeMessage:
        """Note a text from a person. The same id again is the same text again."""
        with self._lock:
            if sid in self._by_sid:
                return self._by_sid[sid]
            resource = self._resource("inbound", "received", to, body, sid, "MM" if media else "SM")
            resource |= {"from": from_, "num_media": str(media)}
            message = FakeMessage(resource)
            self._keep(message)
            return message

    def update(self, sid: str, status: str, error_code: int | None) -> FakeMessage:
        with self._lock:
            message = self._by_sid[sid]
            now = format_datetime(datetime.now(UTC))
            message.resource |= {"status": status, "error_code": error_code, "date_updated": now}
            return message

    def page(self, query: Mapping[str, list[str]]) -> dict[str, Any] | Problem:
        """One page of the list, newest first, as Twilio's `GET Messages.json` gives it."""
        if unknown := query.keys() - LIST_PARAMETERS:
            return Problem(400, 20001, f"Unknown parameter {min(unknown)}")
        asked = {name: values[0] for name, values in query.items()}
        try:
            size, number = int(asked.get("PageSize", 50)), int(asked.get("Page", 0))
            with self._lock:
                found = [m for m in reversed(self._messages) if _matches(m, asked)]
        except ValueError:
            return Problem(400, 20001, "Invalid parameter")
        if not 1 <= size <= 1000:
            return Problem(400, 20006, "Page size must be from 1 to 1000")
        sids = [m.sid for m in found]
        token = asked.get("PageToken", "").removeprefix("PA")
        start = sids.index(token) + 1 if token in sids else number * size
        shown = found[start : start + size]
        base = f"/2010-04-01/Accounts/{self._account_sid}/Messages.json"
        more = start + size < len(found)
        after = {**asked, "PageSize": str(size), "Page": str(number + 1)}
        if shown:
            after["PageToken"] = f"PA{shown[-1].sid}"
        return {
            "messages": [dict(m.resource) for m in shown],
            "first_page_uri": f"{base}?{urlencode({**asked, 'PageSize': size, 'Page': 0})}",
            "next_page_uri": f"{base}?{urlencode(after)}" if more else None,
            "previous_page_uri": None,
            "uri": f"{base}?{urlencode(asked)}",
            "page": number,
            "page_size": size,
            "start": start,
            "end": start + max(len(shown) - 1, 0),
        }

    def _keep(self, message: FakeMessage) -> None:
        with self._lock:
            self._messages.append(message)
            self._by_sid[message.sid] = message
            if self._log and message.resource["direction"] != "inbound":
                with self._log.open("a", encoding="utf-8") as file:
                    line = {
                        **message.resource,
                        "status_callback": message.status_callback,
                        "received_at": message.received_at.isoformat(),
                    }
                    file.write(json.dumps(line) + "\n")
                    file.flush()
                    os.fsync(file.fileno())

    def _resource(
        self, direction: str, status: str, to: str, body: str, sid: str | None = None, kind: str = "SM"
    ) -> dict[str, Any]:
        sid = sid or kind + secrets.token_hex(16)
        now = format_datetime(datetime.now(UTC))
        uri = f"/2010-04-01/Accounts/{self._account_sid}/Messages/{sid}"
        return {
            "account_sid": self._account_sid,
            "api_version": "2010-04-01",
            "body": body,
            "date_created": now,
            "date_sent": now,
            "date_updated": now,
            "direction": direction,
            "error_code": None,
            "error_message": None,
            "from": None,
            "messaging_service_sid": None,
            "num_media": "0",
            # Near enough for a fake; the app's own count is tested against the standard.
            "num_segments": str(max(1, math.ceil(len(body) / (_GSM_PART if body.isascii() else _UCS2_PART)))),
            "price": None,
            "price_unit": None,
            "sid": sid,
            "status": status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": to,
            "uri": f"{uri}.json",
        }


def _matches(message: FakeMessage, asked: Mapping[str, str]) -> bool:
    if asked.get("To", message.to) != message.to or asked.get("From", message.from_) != message.from_:
        return False
    sent = parsedate_to_datetime(message.resource["date_sent"])
    on, before, after = (asked.get(name) for name in ("DateSent", "DateSent<", "DateSent>"))
    if on and not (_span(on)[0] <= sent < _span(on)[1]):
        return False
    if before and sent >= _span(before)[1]:
        return False
    return not (after and sent < _span(after)[0])


def _span(text: str) -> tuple[datetime, datetime]:
    """The first moment that a date or a time names, and the first moment after it. UTC."""
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at, at + (timedelta(days=1) if len(text) <= len("2026-11-22") else timedelta(seconds=1))
