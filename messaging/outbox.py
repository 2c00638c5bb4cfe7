"""Queue a text to a person, with its place in the conversation, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from messaging import intake, sms_text, wake
from models.clock import now
from models.conversations import Conversation
from models.enums import DeliveryStatus, Purpose, Sender
from models.messages import OutboundMessage
from models.upsert import insert_if_new


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to queue. `cause` names what made it: the same cause never makes two texts."""

    text: str
    cause: str
    purpose: Purpose
    sender: Sender = Sender.SYSTEM
    choices: Sequence[str] = ()
    turn_id: UUID | None = None
    not_before: datetime | None = None


def queue(session: Session, conversation: Conversation, new: NewText) -> int | None:
    """Put a text at the end of the conversation's queue; returns its id, or `None` if it is there already.

    Typographic quotes and dashes become plain ones, which keeps the text in one part; letters
    are never changed.
    """
    wording = sms_text.plain(new.text)
    moment = now()
    outbound_id: int | None = insert_if_new(
        session,
        OutboundMessage,
        ("cause",),
        conversation_id=conversation.id,
        n=intake.take_number(session, conversation),
        turn_id=new.turn_id,
        cause=new.cause,
        sender=new.sender,
        purpose=new.purpose,
        text=wording,
        choices=list(new.choices),
        parts=sms_text.describe(wording).parts,
        not_before=new.not_before or moment,
        created_at=moment,
    )
    wake.notify(session)
    return outbound_id


def cancel_waiting(session: Session, contact_point_id: int, reason: str) -> None:
    """Cancel every text to this contact point that has not been handed to a supplier."""
    conversations = select(Conversation.id).where(Conversation.contact_point_id == contact_point_id)
    session.execute(
        update(OutboundMessage)
        .where(
            OutboundMessage.conversation_id.in_(conversations),
            OutboundMessage.status.in_((DeliveryStatus.QUEUED, DeliveryStatus.HELD)),
        )
        .values(status=DeliveryStatus.CANCELLED, status_reason=reason)
        .execution_options(synchronize_session=False)
    )


def last_text_to(session: Session, conversation_id: UUID) -> str | None:
    """What we last said in this conversation: a short reply means nothing without it."""
    return session.scalar(
        select(OutboundMessage.text)
        .where(OutboundMessage.conversation_id == conversation_id)
        .order_by(OutboundMessage.n.desc())
        .limit(1)
    )
