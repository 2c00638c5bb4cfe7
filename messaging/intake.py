"""T1: a text is stored before anything else happens; if the database refuses, it goes to the spool."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from care import contact_points, hubs
from messaging import spool, wake
from messaging.channels.base import IncomingText
from models.clock import now
from models.conversations import Conversation
from models.enums import Channel, ContactKind
from models.logs import describe
from models.messages import InboundMessage
from models.session import transaction
from models.upsert import insert_if_new

log = structlog.get_logger()


class Taken(StrEnum):
    """What became of a text that came in. In every case it is safe on disk."""

    STORED = "stored"
    SEEN_BEFORE = "seen_before"
    SPOOLED = "spooled"


def take_in(incoming: IncomingText) -> Taken:
    """Store a text, or spool it when the database cannot. Raises `spool.SpoolError` when neither can."""
    received_at = now()
    try:
        with transaction() as session:
            stored = store(session, incoming, received_at)
    except SQLAlchemyError as error:
        log.warning("text_spooled", error=describe(error))
        spool.keep(incoming, received_at)
        return Taken.SPOOLED
    return Taken.STORED if stored else Taken.SEEN_BEFORE


def store(session: Session, incoming: IncomingText, received_at: datetime) -> int | None:
    """Insert the text with its place in the conversation.

    Returns the row's id, or `None` when this text is in the record already.
    """
    channel = Channel(incoming.channel)
    conversation = find_or_add_conversation(
        session, channel, incoming.from_address, our_address=incoming.to_address
    )
    inbound_id = insert_if_new(
        session,
        InboundMessage,
        ("account", "channel", "provider_id"),
        conversation_id=conversation.id,
        n=take_number(session, conversation),
        channel=channel,
        account=incoming.account,
        provider_id=incoming.provider_id,
        text=incoming.text,
        media=[dict(item) for item in incoming.media],
        raw=dict(incoming.raw),
        received_at=received_at,
        stored_at=now(),
    )
    wake.notify(session)
    return inbound_id


def find_or_add_conversation(
    session: Session, channel: Channel, their_address: str, *, our_address: str
) -> Conversation:
    """The conversation between these two addresses on this channel, new if need be."""
    kind = ContactKind.WEBCHAT if channel is Channel.WEBCHAT else ContactKind.PHONE
    contact = contact_points.find_or_add(session, kind, their_address)
    hub = hubs.for_address(session, our_address)
    key = {"channel": channel, "contact_point_id": contact.id, "our_address": our_address}
    insert_if_new(session, Conversation, tuple(key), **key, hub_id=hub.id if hub else None, created_at=now())
    return session.execute(select(Conversation).filter_by(**key)).scalar_one()


def take_number(session: Session, conversation: Conversation) -> int:
    """The next number in the conversation. Holds its row, so numbers follow the order of storage."""
    return session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id)
        .values(last_n=Conversation.last_n + 1)
        .returning(Conversation.last_n)
        .execution_options(synchronize_session=False)
    ).scalar_one()
