"""T3: texts go out one at a time and in order within a conversation, and never twice on a guess.

T3a claims a text and commits; it is sent with no transaction open; T3b writes what became of it.
A send whose end we did not see is *unknown*: `messaging/unknown_sends.py` finds out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Select, case, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from care import alerts, opt_outs
from messaging import outbox, send_guard
from messaging.channels.base import Accepted, Channel, Failure, OutgoingText, SendError
from models import enums
from models.clock import now
from models.conversations import Conversation
from models.enums import DeliveryStatus, OptChoice, Purpose, TaskKind
from models.logs import describe
from models.messages import OutboundMessage
from models.people import ContactPoint
from models.session import ROW_LOCK, reading, transaction
from models.settings import get_settings

Channels = Mapping[enums.Channel, Channel]

#: Seconds until the next try, by how many there have been; the last one repeats until the text is too old.
BACKOFF_SECONDS = (2, 10, 30, 60, 120, 300)
#: A crisis reply is never further away than this.
CRISIS_RETRY_SECONDS = 20
#: Our account is wrong or out of money: keep every text and look again, until the text is too old.
CONFIG_RETRY_SECONDS = 60
#: A reply a day late answers a question nobody remembers.
TOO_OLD = timedelta(hours=24)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claim:
    """A text that this worker, and no other, is sending. `attempt` tells this try from the next."""

    message: OutgoingText
    channel: enums.Channel
    attempt: int


def claim(*, crisis_only: bool = False) -> tuple[bool, Claim | None]:
    """T3a: claim the next text that may go. Returns (whether there was one, the claim).

    With `crisis_only`, nothing but a crisis reply is taken.

    There is no claim when the send guard stopped the text or it is too old; that is written.
    """
    with reading() as session:
        if session.execute(_next_to_send(crisis_only=crisis_only)).first() is None:
            return False, None
    with transaction() as session:
        message = session.scalar(
            _next_to_send(crisis_only=crisis_only).with_for_update(
                skip_locked=True, key_share=True, of=OutboundMessage
            )
        )
        if message is None:
            return False, None
        conversation = session.get_one(Conversation, message.conversation_id)
        if not _may_go(session, message, conversation):
            return True, None
        message.status = DeliveryStatus.SENDING
        message.attempts += 1
        message.sending_until = now() + timedelta(seconds=get_settings().send_lease_seconds)
        return True, Claim(
            message=outgoing(session, message, conversation),
            channel=conversation.channel,
            attempt=message.attempts,
        )


def send(claimed: Claim, channels: Channels) -> None:
    """Hand the text over and write what became of it (T3b)."""
    try:
        accepted = channels[claimed.channel].send(claimed.message)
    except SendError as error:
        _write_failure(claimed, error)
    except Exception as error:  # noqa: BLE001 - we cannot know how far it got
        log.error("send_broke", outbound_id=claimed.message.message_id, error=describe(error))
        _write_failure(claimed, SendError(Failure.UNKNOWN, "our_fault"))
    else:
        _write_accepted(claimed, accepted)


def outgoing(session: Session, message: OutboundMessage, conversation: Conversation) -> OutgoingText:
    """The text as a channel takes it; it leaves from the address that the person wrote to."""
    contact = session.get_one(ContactPoint, conversation.contact_point_id)
    return OutgoingText(
        message_id=message.id,
        to_address=contact.address or "",
        from_address=conversation.our_address,
        text=message.text,
        choices=tuple(message.choices),
    )


def give_up(session: Session, message: OutboundMessage, status: DeliveryStatus, reason: str) -> None:
    """The text will not arrive: write why, and have a person make up for it."""
    message.status = status
    message.status_reason = reason
    message.sending_until = None
    kind = TaskKind.PHONE_THIS_PERSON if message.purpose is Purpose.CRISIS else TaskKind.TEXT_NOT_DELIVERED
    alerts.add_task(session, kind, message.conversation_id, cause=f"outbound:{message.id}")


def supplier_refused_opt_out(session: Session, message: OutboundMessage) -> None:
    """The supplier says that this person said STOP: our record learns it, and nothing more goes out."""
    conversation = session.get_one(Conversation, message.conversation_id)
    opt_outs.record(
        session,
        conversation.contact_point_id,
        OptChoice.OUT,
        # Not now: the refusal may be about a text older than a START that has come since.
        received_at=message.created_at,
        evidence=opt_outs.SUPPLIER_REFUSED,
    )


def _next_to_send(*, crisis_only: bool) -> Select[OutboundMessage]:
    """The head of each conversation's queue that is due: crisis replies first, then the oldest."""
    ahead = aliased(OutboundMessage)
    heads = (
        select(ahead.conversation_id, func.min(ahead.n))
        .where(ahead.status.in_((DeliveryStatus.QUEUED, DeliveryStatus.SENDING)))
        .group_by(ahead.conversation_id)
    )
    is_crisis = OutboundMessage.purpose == Purpose.CRISIS
    is_head = tuple_(OutboundMessage.conversation_id, OutboundMessage.n).in_(heads)
    return (
        select(OutboundMessage)
        .where(
            OutboundMessage.status == DeliveryStatus.QUEUED,
            OutboundMessage.not_before <= now(),
            # A crisis reply waits for nothing, not even for the text ahead of it.
            is_crisis if crisis_only else or_(is_crisis, is_head),
        )
        .order_by(case((is_crisis, 0), else_=1), OutboundMessage.id)
        .limit(1)
    )


def _may_go(session: Session, message: OutboundMessage, conversation: Conversation) -> bool:
    verdict = send_guard.check(session, message, conversation)
    if verdict.stopped_by is not None:
        outbox.cancel(session, message, verdict.stopped_by.value)
        return False
    if message.created_at < now() - TOO_OLD:
        give_up(session, message, DeliveryStatus.EXPIRED, "too_old")
        return False
    return True


def _write_accepted(claimed: Claim, accepted: Accepted) -> None:
    with transaction() as session:
        message = session.get_one(OutboundMessage, claimed.message.message_id, with_for_update=ROW_LOCK)
        if message.attempts != claimed.attempt:
            return
        message.provider_id = accepted.provider_id
        message.accepted_at = now()
        # A receipt may have come before the answer: then the text is further along already. A text
        # that was given up for unknown and queued again has been taken on after all.
        if message.status in (DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN, DeliveryStatus.QUEUED):
            message.status = DeliveryStatus.ACCEPTED
            message.status_reason = None
            message.sending_until = None


def _write_failure(claimed: Claim, error: SendError) -> None:
    log.warning("send_failed", outbound_id=claimed.message.message_id, error=str(error))
    with transaction() as session:
        message = session.get_one(OutboundMessage, claimed.message.message_id, with_for_update=ROW_LOCK)
        if message.attempts != claimed.attempt or message.status is not DeliveryStatus.SENDING:
            return
        message.sending_until = None
        message.status_reason = str(error)
        if error.failure is Failure.UNKNOWN:
            message.status = DeliveryStatus.UNKNOWN
            message.not_before = now() + timedelta(seconds=get_settings().unknown_after_seconds)
        elif error.failure is Failure.CONFIG:
            _try_later(message, CONFIG_RETRY_SECONDS)
        elif error.failure is Failure.RETRY:
            pause = BACKOFF_SECONDS[min(message.attempts, len(BACKOFF_SECONDS)) - 1]
            _try_later(message, error.retry_after_seconds or pause)
        else:
            if error.failure is Failure.OPTED_OUT:
                supplier_refused_opt_out(session, message)
            give_up(session, message, DeliveryStatus.FAILED, str(error))


def _try_later(message: OutboundMessage, seconds: float) -> None:
    if message.purpose is Purpose.CRISIS:
        seconds = min(seconds, CRISIS_RETRY_SECONDS)
    message.status = DeliveryStatus.QUEUED
    message.not_before = now() + timedelta(seconds=seconds)
