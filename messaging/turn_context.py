"""What the bot is told with a turn: the waiting texts and what the record knows. No name, no number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contract import TurnRequest
from care import alerts, people
from messaging import outbox
from models.clock import in_london, now
from models.conversations import Conversation, Turn
from models.enums import ConsentScope, TaskKind, TurnKind
from models.messages import InboundMessage
from models.people import Hub

#: What the line calls itself where no hub is known.
NO_HUB_NAME = "Linkline"


def request_for(session: Session, conversation: Conversation, texts: Sequence[InboundMessage]) -> TurnRequest:
    """The turn as the bot gets it. Read in the transaction that takes the lease."""
    return TurnRequest(
        conversation=str(conversation.id),
        texts=tuple(text.text for text in texts),
        context=_context(session, conversation, texts),
        state=conversation.bot_state,
    )


def _context(session: Session, conversation: Conversation, texts: Sequence[InboundMessage]) -> dict[str, Any]:
    hub = session.get(Hub, conversation.hub_id) if conversation.hub_id else None
    return {
        "hub": {"name": hub.name if hub else NO_HUB_NAME, "hours": hub.hours if hub else ""},
        "channel": conversation.channel.value,
        "first_contact": not _bot_has_spoken(session, conversation),
        "consented": people.has_consented(session, conversation, ConsentScope.CONTACT),
        "handover_open": alerts.has_open_task(session, TaskKind.CALL_REQUESTED, conversation.id),
        "media": any(text.media for text in texts),
        "last_text": outbox.last_text_to(session, conversation.id, before=texts[0].received_at),
        "now": in_london(now()).isoformat(timespec="seconds"),
    }


def _bot_has_spoken(session: Session, conversation: Conversation) -> bool:
    bot_turn = select(Turn.id).where(Turn.conversation_id == conversation.id, Turn.kind == TurnKind.BOT)
    return session.scalar(bot_turn.limit(1)) is not None
