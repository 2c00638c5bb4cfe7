"""Everything the record holds about one person, for them to have (UK GDPR, article 15)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, inspect, or_, select
from sqlalchemy.orm import Session

from care import audit, contact_points
from models.base import Base
from models.enums import ContactKind
from models.tables import (
    Consent,
    ContactPoint,
    Conversation,
    DeliveryReceipt,
    Hub,
    InboundMessage,
    Need,
    OpenQuestion,
    OptOut,
    OutboundMessage,
    Patient,
    Referral,
    SafetyAlert,
    Task,
    Turn,
)

FORMAT_VERSION = 1
#: How we find a row, not something about the person.
_LEFT_OUT = {"address_hash"}

Rows = list[dict[str, Any]]
Table = TypeVar("Table", bound=Base)
Id = TypeVar("Id")


class NobodyFoundError(LookupError):
    """Neither a person nor a number of that name is in the record."""


def export(session: Session, patient_id: UUID | None = None, address: str | None = None) -> dict[str, Any]:
    """The person's record as JSON-ready values, by id or by telephone number (E.164).

    A number that never became a person still has conversations, and they are given. The export
    itself is audited. Raises `NobodyFoundError`.
    """
    found = _conversations(session, patient_id, address)
    patient_ids = _ids(conversation.patient_id for conversation in found) | _ids([patient_id])
    # A person may have written on other channels too.
    conversations = _all(
        session,
        Conversation,
        or_(Conversation.id.in_(_ids(c.id for c in found)), Conversation.patient_id.in_(patient_ids)),
    )
    patients = _all(session, Patient, Patient.id.in_(patient_ids))
    contacts = _contacts(session, conversations, address)
    if not patients and not conversations and not contacts:
        raise NobodyFoundError
    conversation_ids = _ids(conversation.id for conversation in conversations)
    referrals = _all(session, Referral, Referral.patient_id.in_(patient_ids))
    sent = _all(session, OutboundMessage, OutboundMessage.conversation_id.in_(conversation_ids))
    subject = patients[0].id if patients else None
    audit.record(
        session,
        "export",
        "patient" if subject else "contact_point",
        str(subject or contacts[0].id),
        actor=audit.COMMAND,
        patient_id=subject,
    )
    return {
        "format": FORMAT_VERSION,
        "hubs": _rows(_all(session, Hub, Hub.id.in_(_ids(p.hub_id for p in patients)))),
        "patients": _rows(patients),
        "contact_points": _rows(contacts),
        "consents": _rows(_all(session, Consent, Consent.patient_id.in_(patient_ids))),
        "opt_outs": _rows(_all(session, OptOut, OptOut.contact_point_id.in_(_ids(c.id for c in contacts)))),
        "referrals": _rows(referrals),
        "needs": _rows(_all(session, Need, Need.referral_id.in_(_ids(r.id for r in referrals)))),
        "conversations": _rows(conversations),
        "turns": _rows(_all(session, Turn, Turn.conversation_id.in_(conversation_ids))),
        "questions": _rows(_all(session, OpenQuestion, OpenQuestion.conversation_id.in_(conversation_ids))),
        "texts_from_them": _rows(
            _all(session, InboundMessage, InboundMessage.conversation_id.in_(conversation_ids))
        ),
        "texts_to_them": _rows(sent),
        "delivery_receipts": _rows(
            _all(session, DeliveryReceipt, DeliveryReceipt.outbound_id.in_(_ids(m.id for m in sent)))
        ),
        "alerts": _rows(_all(session, SafetyAlert, SafetyAlert.conversation_id.in_(conversation_ids))),
        "tasks": _rows(_all(session, Task, Task.conversation_id.in_(conversation_ids))),
    }


def _conversations(session: Session, patient_id: UUID | None, address: str | None) -> Sequence[Conversation]:
    matches: list[ColumnElement[bool]] = []
    if patient_id is not None:
        matches.append(Conversation.patient_id == patient_id)
    contact = contact_points.find(session, ContactKind.PHONE, address) if address else None
    if contact is not None:
        matches.append(Conversation.contact_point_id == contact.id)
    return _all(session, Conversation, or_(*matches)) if matches else []


def _contacts(
    session: Session, conversations: Sequence[Conversation], address: str | None
) -> Sequence[ContactPoint]:
    contact = contact_points.find(session, ContactKind.PHONE, address) if address else None
    ids = _ids(conversation.contact_point_id for conversation in conversations)
    return _all(session, ContactPoint, ContactPoint.id.in_(ids | _ids([contact.id if contact else None])))


def _all(session: Session, table: type[Table], condition: ColumnElement[bool]) -> Sequence[Table]:
    primary_key = inspect(table).primary_key
    return session.scalars(select(table).where(condition).order_by(*primary_key)).all()


def _ids(values: Iterable[Id | None]) -> set[Id]:
    return {value for value in values if value is not None}


def _rows(found: Sequence[Base]) -> Rows:
    return [
        {
            column.key: _plain(getattr(row, column.key))
            for column in inspect(type(row)).column_attrs
            if column.key not in _LEFT_OUT
        }
        for row in found
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
