"""The sweepers: every queue has one, so that nothing waits for ever because a process died."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from bot.safety import replies
from messaging import delivery, intake, outbox, spool, unknown_sends
from messaging.channels.base import IncomingText
from models.clock import now
from models.conversations import Conversation
from models.enums import DeliveryStatus, Purpose
from models.messages import InboundMessage, OutboundMessage
from models.people import Hub
from models.session import ROW_LOCK, reading, transaction
from models.settings import get_settings


@dataclass(frozen=True, slots=True)
class Sweeper:
    """One thing that is looked after: `due` lists what waits, `sweep` deals with it and counts."""

    name: str
    due: Callable[[], list[str]]
    sweep: Callable[[], int]


def sweepers(channels: delivery.Channels) -> tuple[Sweeper, ...]:
    """Everything that a tick of the scheduler does, in order."""
    return (
        Sweeper("spooled_texts", _spooled, take_in_spool),
        Sweeper("stale_leases", _stale_leases, release_stale_leases),
        Sweeper("broken_off_sends", _broken_off, lambda: unknown_sends.release_broken_off(channels)),
        Sweeper("unknown_sends", _unknown, lambda: unknown_sends.settle_unknown(channels)),
        Sweeper("holding_replies", _waiting_long, send_holding_replies),
    )


def take_in_spool() -> int:
    """Store the texts that the database refused earlier; returns how many."""
    spool.clear_parts()
    return spool.take_in_all(_store_spooled)


def release_stale_leases() -> int:
    """Free conversations whose worker died in the middle of a turn; returns how many.

    The claim takes a stale lease by itself; here the token is raised as well, so that a worker
    that was only slow finds itself fenced off at once.
    """
    with transaction() as session:
        freed = session.execute(
            update(Conversation)
            .where(Conversation.leased_until < now())
            .values(leased_until=None, lease_token=Conversation.lease_token + 1)
            .returning(Conversation.id)
            .execution_options(synchronize_session=False)
        )
        return len(freed.all())


def send_holding_replies() -> int:
    """One kind reply to everybody whom the bot has kept waiting; returns how many."""
    sent = 0
    for inbound_id in _waiting_long():
        with transaction() as session:
            sent += _hold(session, int(inbound_id))
    return sent


def _store_spooled(incoming: IncomingText, received_at: datetime) -> None:
    with transaction() as session:
        intake.store(session, incoming, received_at)


def _hold(session: Session, inbound_id: int) -> bool:
    inbound = session.get_one(InboundMessage, inbound_id)
    conversation = session.get_one(Conversation, inbound.conversation_id, with_for_update=ROW_LOCK)
    session.refresh(inbound)
    if inbound.turn_id is not None:
        return False
    hub = session.get(Hub, conversation.hub_id) if conversation.hub_id else None
    holding = outbox.NewText(
        text=replies.reply("holding", hours=hub.hours if hub and hub.hours else None),
        cause=_holding_cause(inbound_id),
        purpose=Purpose.HOLDING,
    )
    queued = outbox.queue(session, conversation, holding)
    return queued is not None


def _holding_cause(inbound_id: int) -> str:
    return f"holding:{inbound_id}"


def _spooled() -> list[str]:
    return [file.name for file in spool.waiting()]


def _stale_leases() -> list[str]:
    with reading() as session:
        return [
            str(i) for i in session.scalars(select(Conversation.id).where(Conversation.leased_until < now()))
        ]


def _broken_off() -> list[str]:
    return _outbound(OutboundMessage.status == DeliveryStatus.SENDING, OutboundMessage.sending_until < now())


def _unknown() -> list[str]:
    return _outbound(OutboundMessage.status == DeliveryStatus.UNKNOWN, OutboundMessage.not_before <= now())


def _outbound(*conditions: ColumnElement[bool]) -> list[str]:
    with reading() as session:
        return [str(i) for i in session.scalars(select(OutboundMessage.id).where(*conditions))]


def _waiting_long() -> list[str]:
    """The first waiting text of everybody who has waited too long and has had no holding reply for it."""
    cutoff = now() - timedelta(seconds=get_settings().holding_after_seconds)
    first_waiting = (
        select(func.min(InboundMessage.id))
        .where(InboundMessage.turn_id.is_(None))
        .group_by(InboundMessage.conversation_id)
    )
    with reading() as session:
        waiting = session.scalars(
            select(InboundMessage.id).where(
                InboundMessage.id.in_(first_waiting),
                InboundMessage.screened_at.is_not(None),
                InboundMessage.stored_at < cutoff,
            )
        ).all()
        causes = {_holding_cause(i): i for i in waiting}
        held = session.scalars(select(OutboundMessage.cause).where(OutboundMessage.cause.in_(causes)))
        return [str(causes[cause]) for cause in causes.keys() - set(held)]
