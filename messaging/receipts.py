"""T4: what the supplier says became of a text. Twice, late or out of order, it ends in the same status."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from messaging import delivery, delivery_status
from messaging.channels.base import Failure
from messaging.channels.twilio_errors import classify
from models.clock import now
from models.enums import DeliveryStatus
from models.messages import DeliveryReceipt, OutboundMessage
from models.session import ROW_LOCK, transaction
from models.upsert import insert_if_new

log = structlog.get_logger()

_LOST = (DeliveryStatus.FAILED, DeliveryStatus.UNDELIVERED)
_NO_ANSWER_YET = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One report. `message_id` is ours, from the callback's address; `status` is the supplier's word."""

    provider_id: str
    status: str
    error_code: str | None = None
    message_id: int | None = None


def record(receipt: Receipt) -> bool:
    """Keep a receipt and move the text on; returns whether it was about a text of ours."""
    with transaction() as session:
        message = _find(session, receipt)
        new = insert_if_new(
            session,
            DeliveryReceipt,
            ("provider_id", "status"),
            outbound_id=message.id if message else None,
            provider_id=receipt.provider_id,
            status=receipt.status[:40],
            error_code=receipt.error_code,
            received_at=now(),
        )
        if not delivery_status.is_known(receipt.status):
            log.warning("receipt_status_unknown", outbound_id=message.id if message else None)
        if message is None:
            log.warning("receipt_for_unknown_text")
        elif new is not None:
            _advance(session, message, receipt)
        return message is not None


def _find(session: Session, receipt: Receipt) -> OutboundMessage | None:
    """Our own id first: it is known even when we never saw the supplier's answer."""
    if receipt.message_id is not None:
        message = session.get(OutboundMessage, receipt.message_id, with_for_update=ROW_LOCK)
        if message is not None:
            return message
    return session.scalar(
        select(OutboundMessage)
        .where(OutboundMessage.provider_id == receipt.provider_id)
        .limit(1)
        .with_for_update(key_share=True)
    )


def _advance(session: Session, message: OutboundMessage, receipt: Receipt) -> None:
    before = message.status
    if message.provider_id is None or before in _NO_ANSWER_YET:
        message.provider_id = receipt.provider_id
    after = delivery_status.advance(before, receipt.status)
    # About an earlier attempt at the same text, only that it arrived after all is news.
    is_news = message.provider_id == receipt.provider_id or after is DeliveryStatus.DELIVERED
    if after is before or not is_news:
        return
    message.status = after
    message.sending_until = None
    if after in _LOST:
        code = receipt.error_code or "none"
        if classify(code) is Failure.OPTED_OUT:
            delivery.supplier_refused_opt_out(session, message)
        delivery.give_up(session, message, after, code)
    elif before in _NO_ANSWER_YET:
        message.status_reason = None
        message.accepted_at = message.accepted_at or now()
