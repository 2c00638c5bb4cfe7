"""What the chat page and the phone simulator send and are sent: JSON bodies, cleaned and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from messaging.threads import Entry
from messaging.twilio_forms import clean

#: Far more than any text that is allowed; anything near it is not a text.
BODY_LIMIT: Final = 256 * 1024
#: The record counts texts in 64 bits.
_HIGHEST_NUMBER: Final = 2**63 - 1
_DIGITS: Final = 19


class BadRequestError(ValueError):
    """What came is not a text we can take. The message is plain English and quotes nothing of it."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Posted:
    """One text from a page. `message_id` is the page's own, so that a second try is the same text."""

    text: str
    message_id: str | None
    to: str | None


def posted(body: bytes, *, limit: int) -> Posted:
    """Read `{"text": ..., "id": ..., "to": ...}`; `id` and `to` may be missing.

    NUL and lone surrogates become U+FFFD. Raises `BadRequestError` for anything else than an object
    with a text of at most `limit` characters; an empty text is a text.
    """
    # A body without a stated length is cut at the limit, not refused.
    if len(body) >= BODY_LIMIT:
        raise BadRequestError(f"This message is too long. It can be up to {limit:,} characters.", 413)
    fields = _object(body)
    text = fields.get("text")
    if not isinstance(text, str):
        raise BadRequestError('Send a JSON object with a "text" that is a string.')
    return Posted(
        text=checked_text(text, limit),
        message_id=_optional(fields, "id"),
        to=_optional(fields, "to"),
    )


def checked_text(text: str, limit: int) -> str:
    """The text in a storable form. Raises `BadRequestError` (413) when it is over the limit."""
    if len(text) > limit:
        message = f"This message is too long. It can be up to {limit:,} characters. Please send it in two."
        raise BadRequestError(message, 413)
    return clean(text)


def message_uuid(raw: str | None) -> str:
    """The page's id for a text in its one written form. Raises `BadRequestError` when it is no UUID."""
    try:
        return str(UUID(raw or ""))
    except ValueError:
        raise BadRequestError('Send an "id" that is a UUID, a new one for each message.') from None


def number_after(raw: str | None) -> int:
    """The `after` of a request, 0 when there is none. Raises `BadRequestError` when it is no number."""
    text = raw or "0"
    # Other scripts have digits too, and a very long number would not fit the record.
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS) or int(text) > _HIGHEST_NUMBER:
        raise BadRequestError('"after" is the number of the last message you have, such as 0.')
    return int(text)


def entry_json(entry: Entry) -> dict[str, Any]:
    """One text of a thread in the shape of the public JSON."""
    return {
        "n": entry.n,
        "from": entry.sender,
        "text": entry.text,
        "choices": list(entry.choices),
        "at": entry.at.isoformat(),
    }


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    # Deep nesting is a RecursionError; "from None" because the decoder's message quotes the text.
    except (ValueError, RecursionError):
        raise BadRequestError("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise BadRequestError("The body is not a JSON object.")
    return fields


def _optional(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > 100:  # noqa: PLR2004 - the record has room for 120
        raise BadRequestError(f'"{name}" is not a short string.')
    return clean(value)
