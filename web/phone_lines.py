"""What the phone simulator can text and shows: our lines, its handsets, and each text's fate in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care import hubs
from messaging import sms_text, threads
from messaging.page_texts import BadRequestError, entry_json
from messaging.threads import Entry
from models import phone_numbers
from models.enums import Channel, DeliveryStatus
from models.messages import OutboundMessage
from models.settings import Settings

#: The name of the line that belongs to no hub, or to the hubs without a number of their own.
SHARED: Final = "shared-line"

_STATUS_WORDS: Final = {
    DeliveryStatus.QUEUED: "Waiting to be sent",
    DeliveryStatus.HELD: "Held back for now",
    DeliveryStatus.SENDING: "Being sent",
    DeliveryStatus.ACCEPTED: "Delivered",
    DeliveryStatus.SENT: "Delivered",
    DeliveryStatus.DELIVERED: "Delivered",
    DeliveryStatus.UNDELIVERED: "Not delivered",
    DeliveryStatus.FAILED: "Not delivered",
    DeliveryStatus.CANCELLED: "Cancelled",
    DeliveryStatus.EXPIRED: "Not sent: it was too old",
    DeliveryStatus.UNKNOWN: "Checking whether it arrived",
}
_REASON_WORDS: Final = {
    "opted_out": "they have texted STOP",
    "not_safe_to_text": "it is not safe to text them",
    "frozen": "this conversation is closed",
    "erased": "their details have been erased",
}
_ON_THE_HANDSET: Final = frozenset({DeliveryStatus.ACCEPTED, DeliveryStatus.SENT, DeliveryStatus.DELIVERED})
#: Nothing more happens to a text with one of these.
SETTLED: Final = frozenset(
    {
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.FAILED,
        DeliveryStatus.CANCELLED,
        DeliveryStatus.EXPIRED,
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """A number of ours that a handset can text; `address` is empty when there is no number."""

    slug: str
    label: str
    address: str


def lines(session: Session, settings: Settings) -> list[Line]:
    """Every hub's line, and the one that hubs without a number share."""
    # The oldest first: the first line is the one that a handset texts unless told otherwise.
    known = sorted(hubs.all_hubs(session), key=lambda hub: hub.id)
    own = [Line(hub.slug, hub.name, hub.phone_number) for hub in known if hub.phone_number]
    sharing = [hub for hub in known if not hub.phone_number]
    if len(sharing) == 1:
        return [*own, Line(sharing[0].slug, sharing[0].name, settings.twilio_from)]
    return [*own, Line(SHARED, "A number that no hub has", settings.twilio_from)]


def line_called(session: Session, settings: Settings, slug: str) -> Line:
    """The line of a hub. Raises `BadRequestError` (404) when there is no such hub."""
    found = lines(session, settings)
    for line in found:
        if slug == line.slug:
            return line
    if slug in {hub.slug for hub in hubs.all_hubs(session)}:
        return found[-1]
    raise BadRequestError("There is no hub called that. `linkline hub list` shows the hubs.", 404)


def line_texted(session: Session, settings: Settings, e164: str) -> Line:
    """The line that this handset texted last; one that has texted nobody texts the first."""
    found = lines(session, settings)
    conversation = threads.find(session, Channel.SIMULATOR, e164)
    if conversation is None:
        return found[0]
    return next((line for line in found if line.address == conversation.our_address), found[0])


def thread(
    session: Session, e164: str, line: Line, *, after: int = 0, unsent: bool = False
) -> list[dict[str, Any]]:
    """The texts between a handset and a line, as JSON; with `unsent` also those not on the handset (yet)."""
    conversation = threads.find(session, Channel.SIMULATOR, e164, line.address)
    if conversation is None:
        return []
    found = threads.entries(session, conversation.id, after=after, reached_only=not unsent)
    reasons = _reasons(session, conversation.id) if unsent else {}
    return [_with_status(entry, reasons.get(entry.n)) for entry in found]


def drama_number(raw: str) -> str:
    """The E.164 form of one of Ofcom's drama numbers. Raises `BadRequestError` (404) for any other."""
    e164 = phone_numbers.normalise(raw, allow_test_numbers=True)
    if e164 is None or not phone_numbers.is_test_number(e164):
        message = "The simulator knows only the numbers 07700 900000 to 07700 900999, which nobody has."
        raise BadRequestError(message, 404)
    return e164


def status_text(status: str | None, parts: int, reason: str | None = None) -> str:
    """What became of a text, for people: "Delivered, 1 part"."""
    size = f"{parts} part" if parts == 1 else f"{parts} parts"
    if status is None:
        return f"Sent, {size}"
    words = _STATUS_WORDS[DeliveryStatus(status)]
    if status == DeliveryStatus.CANCELLED and reason:
        return f"{words}: {_REASON_WORDS.get(reason, 'it is no longer needed')}"
    return f"{words}, {size}"


def _with_status(entry: Entry, reason: str | None) -> dict[str, Any]:
    parts = sms_text.describe(entry.text).parts if entry.parts is None else entry.parts
    return {
        **entry_json(entry),
        "status": entry.status,
        "status_text": status_text(entry.status, parts, reason),
        "parts": parts,
        "unsent": entry.status is not None and entry.status not in _ON_THE_HANDSET,
        "settled": entry.status is None or entry.status in SETTLED,
    }


def _reasons(session: Session, conversation_id: UUID) -> dict[int, str | None]:
    rows = session.execute(
        select(OutboundMessage.n, OutboundMessage.status_reason).where(
            OutboundMessage.conversation_id == conversation_id,
            OutboundMessage.status_reason.is_not(None),
        )
    )
    return {row.n: row.status_reason for row in rows}
