"""T2: the texts waiting in a conversation become one turn of the bot, and one reply. All or nothing.

T2a leases the conversation with a fencing token and commits; the bot is asked with no transaction
open; T2b commits state, outcomes, replies and "these texts are dealt with" together, and only if
the token is still ours and nobody has opted out, taken over or frozen the thread meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from bot.client import BotUnavailable
from bot.contract import TurnReply, TurnRequest
from care import alerts, dialogue, opt_outs
from messaging import outbox, turn_context
from models.clock import now
from models.conversations import Conversation, Turn
from models.enums import Purpose, Sender, TaskKind, TurnKind
from models.logs import describe
from models.messages import InboundMessage
from models.people import ContactPoint
from models.session import ROW_LOCK, reading, transaction
from models.settings import get_settings

#: Seconds until the bot is asked again, by how often it has failed in a row; the last one repeats.
BACKOFF_SECONDS = (1, 2, 5, 10, 20, 30)
#: No bot was there to be asked: that says nothing about this turn, so the pause does not grow, and
#: everybody is answered soon after the bot is back.
AWAY = {"connect", "circuit_open", "status_503"}
AWAY_SECONDS = 3
#: So many failures in a row, about four minutes, mean that the bot cannot deal with these texts.
GIVEN_UP_AFTER = 12

log = structlog.get_logger()

AskBot = Callable[[TurnRequest], TurnReply]


@dataclass(frozen=True, slots=True)
class Lease:
    """A conversation held for one turn: its texts, and the token that proves it is still held."""

    conversation_id: UUID
    token: int
    inbound_ids: tuple[int, ...]
    request: TurnRequest


def run(lease: Lease, ask_bot: AskBot) -> None:
    """Ask the bot and commit what it says.

    Whatever goes wrong, the texts stay waiting and are tried again later with growing pauses.
    """
    started = time.monotonic()
    try:
        reply = ask_bot(lease.request)
        if not reply.replies:
            # Rasa hides its failures: an answer without a word to the person is one.
            raise BotUnavailable("no_reply")
        commit(lease, reply, bot_milliseconds=round((time.monotonic() - started) * 1000))
    except Exception as error:  # noqa: BLE001 - the conversation must become free again
        log.warning("turn_failed", conversation=str(lease.conversation_id), error=describe(error))
        postpone(lease, away=isinstance(error, BotUnavailable) and error.reason_code in AWAY)


def claim() -> tuple[bool, Lease | None]:
    """T2a: find the conversation whose text has waited longest.

    Returns (whether one was found, the lease). There is no lease when the texts need no bot:
    a person owns the thread, they have opted out, or the thread is frozen.
    """
    with reading() as session:
        # A look costs no write lock, and mostly there is nothing to do.
        if session.execute(_longest_waiting()).first() is None:
            return False, None
    with transaction() as session:
        conversation = _lock_longest_waiting(session)
        if conversation is None:
            return False, None
        texts = _texts_to_answer(session, conversation.id)
        without_bot = _kind_without_bot(session, conversation)
        if without_bot is not None:
            _settle(session, conversation, texts, without_bot)
            return True, None
        conversation.lease_token += 1
        conversation.leased_until = now() + timedelta(seconds=get_settings().turn_lease_seconds)
        return True, Lease(
            conversation_id=conversation.id,
            token=conversation.lease_token,
            inbound_ids=tuple(text.id for text in texts),
            request=turn_context.request_for(session, conversation, texts),
        )


def commit(lease: Lease, reply: TurnReply, *, bot_milliseconds: int) -> bool:
    """T2b: write everything the turn brought, or nothing. Returns whether it was written."""
    with transaction() as session:
        conversation = session.get_one(Conversation, lease.conversation_id, with_for_update=ROW_LOCK)
        if conversation.lease_token != lease.token:
            log.info("turn_fenced_off", conversation=str(lease.conversation_id))
            return False
        conversation.leased_until = None
        if _kind_without_bot(session, conversation) is not None:
            # The next claim settles the texts in the way that holds now.
            return False
        texts = [session.get_one(InboundMessage, inbound_id) for inbound_id in lease.inbound_ids]
        turn = _settle(session, conversation, texts, TurnKind.BOT)
        turn.bot_milliseconds = bot_milliseconds
        turn.outcomes = [{"type": outcome.type, **outcome.data} for outcome in reply.outcomes]
        dialogue.apply(session, conversation, dialogue.TurnFacts(turn.id, texts[-1].id), reply.outcomes)
        conversation.bot_state = reply.state
        conversation.failed_turns = 0
        conversation.next_turn_at = None
        for place, text in enumerate(reply.replies):
            queued = outbox.NewText(
                text=text.text,
                cause=f"turn:{turn.id}:{place}",
                purpose=Purpose.REPLY,
                sender=Sender.BOT,
                choices=text.choices,
                turn_id=turn.id,
            )
            outbox.queue(session, conversation, queued)
        return True


def postpone(lease: Lease, *, away: bool) -> None:
    """Give the conversation back after a failure, to be tried again after a pause.

    The pause grows with every failure of its own, but not while the bot is `away` for everybody.
    """
    with transaction() as session:
        conversation = session.get_one(Conversation, lease.conversation_id, with_for_update=ROW_LOCK)
        if conversation.lease_token != lease.token:
            return
        pause = (
            AWAY_SECONDS
            if away
            else BACKOFF_SECONDS[min(conversation.failed_turns, len(BACKOFF_SECONDS) - 1)]
        )
        conversation.failed_turns += 0 if away else 1
        if conversation.failed_turns == GIVEN_UP_AFTER:
            # It is still tried, but a person should not wait for that.
            cause = f"inbound:{lease.inbound_ids[0]}"
            alerts.add_task(session, TaskKind.TEXT_NOT_ANSWERED, conversation.id, cause=cause)
        conversation.leased_until = None
        conversation.next_turn_at = now() + timedelta(seconds=pause)


def _longest_waiting() -> Select[Conversation]:
    """Idle conversations whose first waiting text has been screened, longest waiting first."""
    first_waiting = (
        select(func.min(InboundMessage.id).label("inbound_id"))
        .where(InboundMessage.turn_id.is_(None))
        .group_by(InboundMessage.conversation_id)
        .subquery()
    )
    moment = now()
    return (
        select(Conversation)
        .join(InboundMessage, InboundMessage.conversation_id == Conversation.id)
        .join(first_waiting, first_waiting.c.inbound_id == InboundMessage.id)
        .where(
            InboundMessage.screened_at.is_not(None),
            or_(Conversation.leased_until.is_(None), Conversation.leased_until <= moment),
            or_(Conversation.next_turn_at.is_(None), Conversation.next_turn_at <= moment),
        )
        .order_by(InboundMessage.id)
        .limit(1)
    )


def _lock_longest_waiting(session: Session) -> Conversation | None:
    # SQLite holds its one write lock already and ignores FOR UPDATE.
    chosen = session.scalar(
        _longest_waiting().with_for_update(skip_locked=True, key_share=True, of=Conversation)
    )
    # Between look and lock another worker may have dealt with the texts.
    if chosen is None or not _texts_to_answer(session, chosen.id):
        return None
    return chosen


def _texts_to_answer(session: Session, conversation_id: UUID) -> list[InboundMessage]:
    """The waiting texts in order of storage, up to the first that has not been screened."""
    waiting = session.scalars(
        select(InboundMessage)
        .where(InboundMessage.conversation_id == conversation_id, InboundMessage.turn_id.is_(None))
        .order_by(InboundMessage.n)
    )
    texts = []
    for text in waiting:
        if text.screened_at is None:
            break
        texts.append(text)
    return texts


def _kind_without_bot(session: Session, conversation: Conversation) -> TurnKind | None:
    if conversation.frozen_at is not None:
        return TurnKind.FROZEN
    if opt_outs.opted_out(session, conversation.contact_point_id):
        return TurnKind.OPTED_OUT
    if not session.get_one(ContactPoint, conversation.contact_point_id).safe_to_text:
        return TurnKind.NOT_SAFE
    if conversation.owner_id is not None:
        return TurnKind.PERSON
    return None


def _settle(
    session: Session, conversation: Conversation, texts: list[InboundMessage], kind: TurnKind
) -> Turn:
    turn = Turn(
        id=uuid4(),
        conversation_id=conversation.id,
        kind=kind,
        lease_token=conversation.lease_token,
        at=now(),
    )
    session.add(turn)
    session.flush()
    for text in texts:
        text.turn_id = turn.id
    return turn
