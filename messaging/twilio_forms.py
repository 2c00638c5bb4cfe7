"""Twilio's webhook forms, turned into our own frozen types. Tolerant of all but a missing sender or id.

Source: Twilio's "Messaging webhooks". New parameters appear there without notice, so all are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from messaging.channels.base import IncomingText
from models.enums import Channel

WHATSAPP_PREFIX = "whatsapp:"

# NUL, and halves of surrogate pairs that stand alone: PostgreSQL stores neither, in text or in JSON.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_MEDIA_URL = re.compile(r"MediaUrl([0-9]{1,3})\Z")

# What the record has room for; Twilio's own ids have 34 characters, a number has at most 16.
_LONGEST_ID = 120
_LONGEST_ADDRESS = 64
_LONGEST_STATUS = 40
_LONGEST_ERROR_CODE = 20

Form = Mapping[str, Sequence[str]]


class NotTwilio(ValueError):  # noqa: N818 - a name for what came, as the callers read it
    """The form lacks what every text from Twilio has. Names the field, never a value."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is missing or too long")
        self.field = field


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What one status callback says. `status` is the supplier's own word, perhaps one we do not know."""

    provider_id: str
    status: str
    error_code: str | None


def incoming_text(form: Form) -> IncomingText:
    """A text from Twilio's message webhook; `form` maps each name to all its values.

    Addresses come back without "whatsapp:". NUL and lone surrogates become U+FFFD everywhere.
    Raises `NotTwilio` when MessageSid, AccountSid or From is missing, blank or longer than the
    record has room for; nothing else.
    """
    raw = _storable(form)
    sender = _required(raw, "From", _LONGEST_ADDRESS)
    is_whatsapp = sender.lower().startswith(WHATSAPP_PREFIX)
    return IncomingText(
        channel=(Channel.WHATSAPP if is_whatsapp else Channel.SMS).value,
        account=_required(raw, "AccountSid", _LONGEST_ID),
        provider_id=_required(raw, "MessageSid", _LONGEST_ID),
        from_address=_address(sender),
        to_address=_address(raw.get("To", "")),
        text=raw.get("Body", ""),
        media=_media(raw),
        raw=raw,
    )


def status_update(form: Form) -> StatusUpdate:
    """A receipt from Twilio's status callback; never raises.

    What is missing comes back empty, what is longer than the record has room for is cut.
    """
    raw = _storable(form)
    return StatusUpdate(
        provider_id=_first(raw, "MessageSid", "SmsSid")[:_LONGEST_ID],
        status=_first(raw, "MessageStatus", "SmsStatus")[:_LONGEST_STATUS],
        error_code=_first(raw, "ErrorCode")[:_LONGEST_ERROR_CODE] or None,
    )


def clean(text: str) -> str:
    """The same text with what no database stores (NUL, lone surrogates) replaced by U+FFFD."""
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def _storable(form: Form) -> dict[str, str]:
    """Every parameter in a storable form. A name that comes again is kept as name#2, name#3, ..."""
    raw: dict[str, str] = {}
    times: Counter[str] = Counter()
    for name, value in _pairs(form):
        key = base = clean(name)
        while key in raw:
            times[base] += 1
            key = f"{base}#{times[base] + 1}"
        raw[key] = clean(value)
    return raw


def _pairs(form: Form) -> Iterable[tuple[str, str]]:
    for name, values in form.items():
        for value in [values] if isinstance(values, str) else values:
            yield name, value


def _required(raw: Mapping[str, str], name: str, longest: int) -> str:
    value = raw.get(name, "").strip()
    if not value or len(value) > longest:
        raise NotTwilio(name)
    return value


def _first(raw: Mapping[str, str], *names: str) -> str:
    return next((value for name in names if (value := raw.get(name, "").strip())), "")


def _address(text: str) -> str:
    stripped = text.strip()
    if stripped.lower().startswith(WHATSAPP_PREFIX):
        return stripped[len(WHATSAPP_PREFIX) :].strip()
    return stripped


def _media(raw: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
    # NumMedia is not believed: what came is what the parameters hold, whatever the count says.
    numbers = sorted({int(match[1]) for name in raw if (match := _MEDIA_URL.match(name))})
    return tuple(
        {"url": url, "content_type": raw.get(f"MediaContentType{number}", "").strip()}
        for number in numbers
        if (url := raw.get(f"MediaUrl{number}", "").strip())
    )
