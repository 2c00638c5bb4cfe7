"""Queue a text to a person, with its place in the conversation, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care import alerts
from messaging import intake, sms_text, wake
from models.clock import now
from models.conversations import Conversation
from models.enums import DeliveryStatus, Purpose, Sender, TaskKind
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
    """Cancel every text to this contact point that has not been handed to a supplier.

    The one text that says that STOP worked still goes. A crisis reply that does not go out becomes a
    task: a person has to phone instead.
    """
    conversations = select(Conversation.id).where(Conversation.contact_point_id == contact_point_id)
    waiting = session.scalars(
        select(OutboundMessage)
        .where(
            OutboundMessage.conversation_id.in_(conversations),
            OutboundMessage.status.in_((DeliveryStatus.QUEUED, DeliveryStatus.HELD)),
            OutboundMessage.purpose != Purpose.OPT_OUT_CONFIRMATION,
        )
        .order_by(OutboundMessage.id)
        .with_for_update(key_share=True)
    ).all()
    for message in waiting:
        cancel(session, message, reason)


def cancel(session: Session, message: OutboundMessage, reason: str) -> None:
    """This text does not go out; where it was the help in a crisis, a person has to phone."""
    message.status = DeliveryStatus.CANCELLED
    message.status_reason = reason
    if message.purpose is Purpose.CRISIS:
        cause = f"outbound:{message.id}"
        alerts.add_task(session, TaskKind.PHONE_THIS_PERSON, message.conversation_id, cause=cause)


def last_text_to(session: Session, conversation_id: UUID, *, before: datetime) -> str | None:
    """What we had last said in this conversation by then: a short reply means nothing without it.

    A text can answer only what was sent before it arrived, so what still waited then does not count.
    """
    return session.scalar(
        select(OutboundMessage.text)
        .where(OutboundMessage.conversation_id == conversation_id, OutboundMessage.accepted_at <= before)
        .order_by(OutboundMessage.n.desc())
        .limit(1)
    )
