"""Hubs, the people who text them, how they are reached, and what they agreed to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Json, UTCDateTime, status_type
from models.enums import Channel, ConsentScope, ContactKind, OptChoice, OptScope


class Hub(Base):
    """One service: its name, the number people text, its area and its hours."""

    __tablename__ = "hub"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    area: Mapped[str] = mapped_column(String(200), default="")
    #: The hub's own number (E.164). Without one, people reach it on the installation's number.
    phone_number: Mapped[str | None] = mapped_column(String(20), unique=True)
    #: When somebody reads the texts, in the words people are told ("9am to 5pm, Monday to Friday").
    hours: Mapped[str] = mapped_column(String(200), default="")
    pathway: Mapped[str] = mapped_column(String(60), default="social_prescribing")
    is_demo: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Patient(Base):
    """A person who is, or asks to be, supported by a hub."""

    __tablename__ = "patient"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    hub_id: Mapped[int | None] = mapped_column(ForeignKey("hub.id"), index=True)
    first_name: Mapped[str | None] = mapped_column(String(100))
    last_name: Mapped[str | None] = mapped_column(String(100))
    date_of_birth: Mapped[date | None] = mapped_column(Date)
    age_band: Mapped[str | None] = mapped_column(String(10))
    postcode: Mapped[str | None] = mapped_column(String(10))
    nhs_number: Mapped[str | None] = mapped_column(String(12))
    gp_practice: Mapped[str | None] = mapped_column(String(200))
    #: How and when to be contacted, and what makes contact easier, as said and as understood.
    preferences: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ContactPoint(Base):
    """A number (E.164) or a web-chat visitor. The hash outlives the address after an erasure.

    An opt-out belongs to the contact point, so it still holds when the person's record is gone.
    """

    __tablename__ = "contact_point"
    __table_args__ = (UniqueConstraint("kind", "address_hash"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[ContactKind] = mapped_column(status_type(ContactKind))
    address: Mapped[str | None] = mapped_column(String(64))
    address_hash: Mapped[str] = mapped_column(String(64))
    #: False once we know that somebody else may read what we send. The send guard obeys it.
    safe_to_text: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Consent(Base):
    """What a person agreed to or refused, in which wording, where and when. Never changed, only added to."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_patient", "patient_id", "scope", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    scope: Mapped[ConsentScope] = mapped_column(status_type(ConsentScope))
    given: Mapped[bool] = mapped_column(Boolean)
    text_version: Mapped[str] = mapped_column(String(60))
    channel: Mapped[Channel] = mapped_column(status_type(Channel))
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_message.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class OptOut(Base):
    """One choice to stop or to start texts, with the text that said so.

    The choice received last counts, whichever was read first: screening takes texts in any order.
    """

    __tablename__ = "opt_out"
    __table_args__ = (
        UniqueConstraint("inbound_id"),
        Index("ix_opt_out_latest", "contact_point_id", "received_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_point.id"))
    choice: Mapped[OptChoice] = mapped_column(status_type(OptChoice))
    scope: Mapped[OptScope] = mapped_column(status_type(OptScope), default=OptScope.ALL)
    #: When the text arrived, not when it was read.
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_message.id"))
    #: Where we know it from: the person's own text, or the supplier's refusal.
    evidence: Mapped[str] = mapped_column(String(40))
