"""A conversation as its two sides read it: texts in the order of storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care import contact_points
from models.conversations import Conversation
from models.enums import Channel, ContactKind, DeliveryStatus, Sender
from models.messages import InboundMessage, OutboundMessage

PATIENT = "patient"
BOT = "bot"
LINK_WORKER = "link_worker"


@dataclass(frozen=True, slots=True)
class Entry:
    """One text in a thread. `n` is its place; `status` and `parts` are empty for the person's own."""

    n: int
    sender: str
    text: str
    choices: tuple[str, ...]
    at: datetime
    status: str | None
    parts: int | None


def find(
    session: Session, channel: Channel, their_address: str, our_address: str | None = None
) -> Conversation | None:
    """The person's conversation on this channel: with this address of ours, or the latest with any."""
    kind = ContactKind.WEBCHAT if channel is Channel.WEBCHAT else ContactKind.PHONE
    contact = contact_points.find(session, kind, their_address)
    if contact is None:
        return None
    query = select(Conversation).where(
        Conversation.contact_point_id == contact.id, Conversation.channel == channel
    )
    if our_address is not None:
        query = query.where(Conversation.our_address == our_address)
    return session.scalar(query.order_by(Conversation.created_at.desc()).limit(1))


def entries(
    session: Session, conversation_id: UUID, *, after: int = 0, reached_only: bool = False
) -> list[Entry]:
    """The thread's texts numbered above `after`, in order.

    With `reached_only`, texts to the person that are still on their way are left out, and so is
    everything behind the first of them: a reader who asks for what comes `after` must miss nothing.
    """
    inbound = session.scalars(
        select(InboundMessage).where(
            InboundMessage.conversation_id == conversation_id, InboundMessage.n > after
        )
    )
    outbound = session.scalars(
        select(OutboundMessage).where(
            OutboundMessage.conversation_id == conversation_id, OutboundMessage.n > after
        )
    )
    found = sorted([*map(_from_person, inbound), *map(_to_person, outbound)], key=lambda entry: entry.n)
    return _without_unreached(found) if reached_only else found


_ON_ITS_WAY = {DeliveryStatus.QUEUED.value, DeliveryStatus.SENDING.value, DeliveryStatus.UNKNOWN.value}
_NEVER_ARRIVES = {
    DeliveryStatus.CANCELLED.value,
    DeliveryStatus.EXPIRED.value,
    DeliveryStatus.FAILED.value,
    DeliveryStatus.UNDELIVERED.value,
    DeliveryStatus.HELD.value,
}


def _without_unreached(found: list[Entry]) -> list[Entry]:
    shown: list[Entry] = []
    for entry in found:
        if entry.status in _ON_ITS_WAY:
            break
        if entry.status not in _NEVER_ARRIVES:
            shown.append(entry)
    return shown


def _from_person(message: InboundMessage) -> Entry:
    return Entry(
        n=message.n,
        sender=PATIENT,
        text=message.text,
        choices=(),
        at=message.received_at,
        status=None,
        parts=None,
    )


def _to_person(message: OutboundMessage) -> Entry:
    return Entry(
        n=message.n,
        sender=LINK_WORKER if message.sender is Sender.LINK_WORKER else BOT,
        text=message.text,
        choices=tuple(message.choices),
        at=message.accepted_at or message.created_at,
        status=message.status.value,
        parts=message.parts,
    )
