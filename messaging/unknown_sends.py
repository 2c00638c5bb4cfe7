"""Sends whose end we did not see: find out what became of them, and never send twice on a guess.

A status callback settles most (`messaging/receipts.py`). For the rest, after a pause, the
supplier's own list is asked: a text that is not in it was never taken on and is queued again.
A crisis reply is sent again even when the list cannot be read: twice is better than never.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import structlog
from sqlalchemy import select

from messaging import delivery
from messaging.channels.base import Accepted, OutgoingText, SendError
from models.clock import now
from models.conversations import Conversation
from models.enums import Channel, DeliveryStatus, Purpose
from models.logs import describe
from models.messages import OutboundMessage
from models.session import ROW_LOCK, reading, transaction
from models.settings import get_settings

#: How long one look at unknown sends may take.
BUDGET_SECONDS = 5.0

log = structlog.get_logger()


@runtime_checkable
class Listable(Protocol):
    """A channel whose supplier can be asked which texts it took on."""

    def taken_on(self, message: OutgoingText, since: datetime) -> list[Accepted]:
        """Texts like this one, made at or after `since`. Raises `SendError` if that cannot be told."""
        ...


def release_broken_off(channels: delivery.Channels) -> int:
    """Texts that a worker was sending when it died become unknown, or queued where that is safe.

    Returns how many there were.
    """
    safe = [name for name, channel in channels.items() if channel.repeat_is_safe]
    with transaction() as session:
        broken_off = session.execute(
            select(OutboundMessage, Conversation.channel)
            .join(Conversation, Conversation.id == OutboundMessage.conversation_id)
            .where(OutboundMessage.status == DeliveryStatus.SENDING, OutboundMessage.sending_until < now())
            .with_for_update(skip_locked=True, key_share=True, of=OutboundMessage)
        ).all()
        for message, channel_name in broken_off:
            message.status_reason = "broken_off"
            message.sending_until = None
            if channel_name in safe:
                message.status = DeliveryStatus.QUEUED
                continue
            message.status = DeliveryStatus.UNKNOWN
            message.not_before = now() + timedelta(seconds=get_settings().unknown_after_seconds)
        return len(broken_off)


def settle_unknown(channels: delivery.Channels) -> int:
    """Ask about every unknown send whose pause is over; returns how many were settled.

    Stops after a few seconds, because the other sweepers wait meanwhile; the next tick goes on.
    """
    settled = 0
    until = time.monotonic() + BUDGET_SECONDS
    for message_id in _due():
        try:
            settled += _settle(message_id, channels)
        except Exception as error:  # noqa: BLE001 - one text must not keep the others from being settled
            log.error("unknown_send_broke", outbound_id=message_id, error=describe(error))
        if time.monotonic() > until:
            break
    return settled


def _due() -> list[int]:
    with reading() as session:
        return list(
            session.scalars(
                select(OutboundMessage.id)
                .where(OutboundMessage.status == DeliveryStatus.UNKNOWN, OutboundMessage.not_before <= now())
                # Whoever was asked about longest ago comes first, so that none is asked about for ever.
                .order_by(OutboundMessage.not_before, OutboundMessage.id)
                .limit(100)
            )
        )


def _settle(message_id: int, channels: delivery.Channels) -> bool:
    with reading() as session:
        message = session.get_one(OutboundMessage, message_id)
        conversation = session.get_one(Conversation, message.conversation_id)
        text = delivery.outgoing(session, message, conversation)
        attempts, since, channel_name = message.attempts, message.created_at, conversation.channel
        crisis = message.purpose is Purpose.CRISIS
    try:
        accepted = _look_up(channels, channel_name, text, since)
    except SendError as error:
        log.warning("unknown_send_not_settled", outbound_id=message_id, error=str(error))
        if not crisis:
            return _ask_again_later(message_id, attempts)
        accepted = None
    return _write(message_id, attempts, accepted)


def _look_up(
    channels: delivery.Channels, name: Channel, text: OutgoingText, since: datetime
) -> Accepted | None:
    channel = channels[name]
    if channel.repeat_is_safe or not isinstance(channel, Listable):
        return None
    taken_on = channel.taken_on(text, since)
    with reading() as session:
        # The same words may have been sent twice on purpose: each of the supplier's ids counts once.
        known = set(
            session.scalars(
                select(OutboundMessage.provider_id).where(
                    OutboundMessage.provider_id.in_([accepted.provider_id for accepted in taken_on])
                )
            )
        )
    return next((accepted for accepted in taken_on if accepted.provider_id not in known), None)


def _write(message_id: int, attempts: int, accepted: Accepted | None) -> bool:
    with transaction() as session:
        message = session.get_one(OutboundMessage, message_id, with_for_update=ROW_LOCK)
        if message.status is not DeliveryStatus.UNKNOWN or message.attempts != attempts:
            return False
        if accepted is not None:
            message.status = DeliveryStatus.ACCEPTED
            message.provider_id = accepted.provider_id
            message.accepted_at = now()
        else:
            message.status = DeliveryStatus.QUEUED
            message.not_before = now()
        return True


def _ask_again_later(message_id: int, attempts: int) -> bool:
    with transaction() as session:
        message = session.get_one(OutboundMessage, message_id, with_for_update=ROW_LOCK)
        if message.status is not DeliveryStatus.UNKNOWN or message.attempts != attempts:
            return False
        if message.created_at < now() - delivery.TOO_OLD:
            delivery.give_up(session, message, DeliveryStatus.FAILED, "fate_never_known")
            return True
        message.not_before = now() + timedelta(seconds=get_settings().unknown_after_seconds)
        return False
