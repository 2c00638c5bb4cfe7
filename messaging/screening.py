"""T1s: every stored text is screened by itself, newest first, before and without the bot.

Opt-out, the safety net and the few carrier words are dealt with here, in one transaction per
text, so that they work with the bot dead, the thread leased or owned, and after STOP.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import structlog
from sqlalchemy import Select, exc, select
from sqlalchemy.orm import Session

from bot.safety import replies
from bot.safety.keywords import Keyword, KeywordMatch, keyword
from bot.safety.screen import Screening, screen
from care import alerts, opt_outs
from messaging import outbox, wake
from models.clock import now
from models.conversations import Conversation, Turn
from models.enums import AlertKind, AlertLevel, Channel, OptChoice, Purpose, TaskKind, TurnKind
from models.logs import describe
from models.messages import InboundMessage, OutboundMessage
from models.people import ContactPoint, Hub
from models.session import ROW_LOCK, reading, transaction

#: A second risky text within this time gets other words, not the same again.
AGAIN = timedelta(minutes=30)
#: The rules that hear "it is not safe to text me". From then on the send guard stops every text.
NOT_SAFE_RULES = {"safeguarding.not_safe_to_text", "asked.not_safe_to_text"}

log = structlog.get_logger()


def screen_next() -> bool:
    """Screen the newest text that has not been; returns whether there was one.

    When the safety net itself fails on a text, the text counts as an urgent alert: a person must
    read it. A database that is away raises `OperationalError` or `TimeoutError` (SQLAlchemy's) and
    leaves the text waiting; any other error would come again for ever and hold up every older text.
    """
    with reading() as session:
        # A look costs no write lock, and mostly there is nothing to do.
        if session.execute(_newest_unscreened()).first() is None:
            return False
    inbound_id: int | None = None
    try:
        with transaction() as session:
            inbound = session.scalar(_newest_in_a_free_conversation())
            if inbound is None:
                return False
            inbound_id = inbound.id
            screen_one(session, inbound)
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError):
        raise
    except Exception as error:  # no fault of ours may let a text pass unread
        if inbound_id is None:
            raise
        log.error("screening_failed", inbound_id=inbound_id, error=describe(error))
        _hand_to_a_person(inbound_id)
    return True


def screen_one(session: Session, inbound: InboundMessage) -> None:
    """Screen this text and write what follows from it, in the caller's transaction."""
    conversation = session.get_one(Conversation, inbound.conversation_id, with_for_update=ROW_LOCK)
    inbound.screened_at = now()
    asked = outbox.last_text_to(session, conversation.id, before=inbound.received_at)
    result = screen(inbound.text, asked=asked)
    if inbound.media:
        alerts.add_task(session, TaskKind.READ_PICTURE, conversation.id, cause=f"inbound:{inbound.id}")
    if result.alert is not None:
        _on_alert(session, conversation, inbound, result)
    match = keyword(inbound.text)
    if match is not None:
        _on_keyword(session, conversation, inbound, match)
    wake.notify(session)


def _newest_unscreened() -> Select[InboundMessage]:
    return (
        select(InboundMessage)
        .where(InboundMessage.screened_at.is_(None))
        .order_by(InboundMessage.id.desc())
        .limit(1)
    )


def _newest_in_a_free_conversation() -> Select[InboundMessage]:
    """The text and its conversation, to be locked together.

    A conversation that is held for long, by a worker that hangs for example, must not keep the texts
    of everybody else from being read.
    """
    return (
        _newest_unscreened()
        .join(Conversation, Conversation.id == InboundMessage.conversation_id)
        .with_for_update(skip_locked=True, key_share=True, of=[InboundMessage, Conversation])
    )


def _hand_to_a_person(inbound_id: int) -> None:
    with transaction() as session:
        inbound = session.get_one(InboundMessage, inbound_id)
        if inbound.screened_at is None:
            inbound.screened_at = now()
            alerts.raise_alert(session, inbound, AlertKind.NOT_SCREENED, AlertLevel.URGENT)


def _on_alert(
    session: Session, conversation: Conversation, inbound: InboundMessage, result: Screening
) -> None:
    if result.alert is None:
        return
    alert_id = alerts.raise_alert(
        session,
        inbound,
        result.alert.kind,
        result.alert.level,
        rules=result.alert.rules,
        rules_version=result.alert.rules_version,
    )
    log.info("alert_raised", alert_id=str(alert_id), inbound_id=inbound.id)
    contact = session.get_one(ContactPoint, conversation.contact_point_id)
    told_us_now = not NOT_SAFE_RULES.isdisjoint(result.alert.rules)
    if told_us_now:
        contact.safe_to_text = False
        outbox.cancel_waiting(session, contact.id, "not_safe_to_text")
    if result.reply_key is None and not told_us_now:
        return
    if opt_outs.opted_out(session, contact.id) or not contact.safe_to_text:
        # No text may go out, so a person has to phone.
        alerts.add_task(
            session,
            TaskKind.PHONE_THIS_PERSON,
            conversation.id,
            cause=f"inbound:{inbound.id}",
            alert_id=alert_id,
        )
        return
    key = replies.choose_reply(result, recently_sent=_crisis_reply_sent(session, conversation))
    if key is not None:
        _answer(session, conversation, inbound, key, Purpose.CRISIS, TurnKind.SAFETY)


def _on_keyword(
    session: Session, conversation: Conversation, inbound: InboundMessage, match: KeywordMatch
) -> None:
    # On SMS Twilio answers the bare words itself; a second answer would only be confusing.
    answered_already = conversation.channel is Channel.SMS and match.exact
    if match.keyword is Keyword.STOP:
        _stop(session, conversation, inbound, silent=answered_already)
    elif match.keyword is Keyword.START:
        _start(session, conversation, inbound, silent=answered_already)
    elif not opt_outs.opted_out(session, conversation.contact_point_id):
        _answer(session, conversation, inbound, "help", Purpose.HELP, TurnKind.KEYWORD)


def _stop(session: Session, conversation: Conversation, inbound: InboundMessage, *, silent: bool) -> None:
    was_out = opt_outs.opted_out(session, conversation.contact_point_id)
    _record_choice(session, conversation, inbound, OptChoice.OUT)
    if not opt_outs.opted_out(session, conversation.contact_point_id):
        # A START that arrived later has been read already.
        _settle(session, inbound, TurnKind.KEYWORD)
        return
    outbox.cancel_waiting(session, conversation.contact_point_id, "opted_out")
    if silent or was_out:
        _settle(session, inbound, TurnKind.KEYWORD)
    else:
        _answer(session, conversation, inbound, "stopped", Purpose.OPT_OUT_CONFIRMATION, TurnKind.KEYWORD)


def _start(session: Session, conversation: Conversation, inbound: InboundMessage, *, silent: bool) -> None:
    was_out = opt_outs.opted_out(session, conversation.contact_point_id)
    # Kept even when they are not opted out: an earlier STOP may still wait to be read.
    _record_choice(session, conversation, inbound, OptChoice.IN)
    if not was_out:
        # YES or START from somebody who never stopped is an ordinary answer, for the bot.
        return
    if silent:
        _settle(session, inbound, TurnKind.KEYWORD)
    else:
        _answer(session, conversation, inbound, "started", Purpose.OPT_IN_CONFIRMATION, TurnKind.KEYWORD)


def _record_choice(
    session: Session, conversation: Conversation, inbound: InboundMessage, choice: OptChoice
) -> None:
    opt_outs.record(
        session,
        conversation.contact_point_id,
        choice,
        received_at=inbound.received_at,
        inbound_id=inbound.id,
    )


def _answer(
    session: Session,
    conversation: Conversation,
    inbound: InboundMessage,
    key: str,
    purpose: Purpose,
    kind: TurnKind,
) -> None:
    if inbound.turn_id is not None:
        # A crisis reply has gone to this very text; one answer is enough.
        return
    turn = _settle(session, inbound, kind)
    hub = session.get(Hub, conversation.hub_id) if conversation.hub_id else None
    outbox.queue(
        session,
        conversation,
        outbox.NewText(
            text=replies.reply(key, hours=hub.hours if hub and hub.hours else None),
            cause=f"screened:{inbound.id}",
            purpose=purpose,
            turn_id=turn.id,
        ),
    )


def _settle(session: Session, inbound: InboundMessage, kind: TurnKind) -> Turn:
    """The text is dealt with here, so the bot is not asked about it."""
    turn = Turn(id=uuid4(), conversation_id=inbound.conversation_id, kind=kind, lease_token=0, at=now())
    session.add(turn)
    session.flush()
    inbound.turn_id = turn.id
    return turn


def _crisis_reply_sent(session: Session, conversation: Conversation) -> bool:
    recent = select(OutboundMessage.id).where(
        OutboundMessage.conversation_id == conversation.id,
        OutboundMessage.purpose == Purpose.CRISIS,
        OutboundMessage.created_at > now() - AGAIN,
    )
    return session.scalar(recent.limit(1)) is not None
