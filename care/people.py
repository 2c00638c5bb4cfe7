"""The person behind a conversation: their record, what they agreed to, their referral."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clock import now
from models.conversations import Conversation
from models.enums import ConsentScope, ReferralSource, ReferralStatus
from models.people import Consent, Patient
from models.referrals import Referral


def patient_of(session: Session, conversation: Conversation) -> Patient:
    """The person this conversation is with; their record begins with the first thing they tell us."""
    if conversation.patient_id is not None:
        known = session.get(Patient, conversation.patient_id)
        if known is not None:
            return known
    patient = Patient(hub_id=conversation.hub_id, created_at=now())
    session.add(patient)
    session.flush()
    conversation.patient_id = patient.id
    return patient


def record_consent(
    session: Session,
    conversation: Conversation,
    scope: ConsentScope,
    *,
    given: bool,
    text_version: str,
    inbound_id: int | None,
) -> None:
    """Keep what the person agreed to or refused, with the version of the wording they were shown."""
    patient = patient_of(session, conversation)
    session.add(
        Consent(
            patient_id=patient.id,
            scope=scope,
            given=given,
            text_version=text_version,
            channel=conversation.channel,
            inbound_id=inbound_id,
            at=now(),
        )
    )


def has_consented(session: Session, conversation: Conversation, scope: ConsentScope) -> bool:
    """Whether the last thing they said about this scope was yes."""
    if conversation.patient_id is None:
        return False
    latest = session.scalar(
        select(Consent.given)
        .where(Consent.patient_id == conversation.patient_id, Consent.scope == scope)
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
    )
    return bool(latest)


def start_referral(session: Session, conversation: Conversation) -> Referral:
    """The person's open self-referral, begun now if there is none."""
    patient = patient_of(session, conversation)
    finished = (ReferralStatus.CLOSED, ReferralStatus.DECLINED)
    standing = session.scalar(
        select(Referral)
        .where(Referral.patient_id == patient.id, Referral.status.not_in(finished))
        .order_by(Referral.created_at)
        .limit(1)
    )
    if standing is not None:
        return standing
    moment = now()
    referral = Referral(
        patient_id=patient.id,
        hub_id=conversation.hub_id,
        conversation_id=conversation.id,
        source=ReferralSource.SELF,
        created_at=moment,
        updated_at=moment,
    )
    session.add(referral)
    return referral
