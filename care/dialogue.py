"""What the outcomes of a turn mean in the record. The bot reports facts; only this module acts on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from bot.contract import Outcome
from care import alerts, people
from models.conversations import Conversation
from models.enums import ConsentScope, TaskKind


class UnknownOutcomeError(ValueError):
    """The bot reported something we have no rule for: the turn is not committed, so nothing is lost."""


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """The turn an outcome belongs to, and the last text in it."""

    turn_id: UUID
    inbound_id: int | None


def apply(
    session: Session, conversation: Conversation, facts: TurnFacts, outcomes: Sequence[Outcome]
) -> None:
    """Write what the outcomes say. Raises `UnknownOutcomeError` or `ValueError` for one we cannot read."""
    for outcome in outcomes:
        rule = _RULES.get(outcome.type)
        if rule is None:
            raise UnknownOutcomeError(outcome.type)
        rule(session, conversation, facts, outcome)


def _consent(session: Session, conversation: Conversation, facts: TurnFacts, outcome: Outcome) -> None:
    people.record_consent(
        session,
        conversation,
        ConsentScope(outcome.data.get("scope", ConsentScope.CONTACT)),
        given=outcome.type == "consent_given",
        text_version=str(outcome.data.get("text_version", "unknown"))[:60],
        inbound_id=facts.inbound_id,
    )


def _referral_started(
    session: Session, conversation: Conversation, _facts: TurnFacts, _outcome: Outcome
) -> None:
    people.start_referral(session, conversation)


def _handover(session: Session, conversation: Conversation, facts: TurnFacts, _outcome: Outcome) -> None:
    # One open task is enough, however often they ask.
    if not alerts.has_open_task(session, TaskKind.CALL_REQUESTED, conversation.id):
        alerts.add_task(session, TaskKind.CALL_REQUESTED, conversation.id, cause=f"turn:{facts.turn_id}")


def _nothing_to_write(
    _session: Session, _conversation: Conversation, _facts: TurnFacts, _outcome: Outcome
) -> None:
    """The words are in the thread already, where the link worker reads them."""


_Rule = Callable[[Session, Conversation, TurnFacts, Outcome], None]
_RULES: dict[str, _Rule] = {
    "consent_given": _consent,
    "consent_refused": _consent,
    "referral_started": _referral_started,
    "handover_requested": _handover,
    "words_for_link_worker": _nothing_to_write,
}
