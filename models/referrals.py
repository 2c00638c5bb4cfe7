"""Referrals and what the person needs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, UTCDateTime, status_type
from models.enums import Reason, ReferralSource, ReferralStatus


class Referral(Base):
    """One request for support; one per episode."""

    __tablename__ = "referral"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    hub_id: Mapped[int | None] = mapped_column(ForeignKey("hub.id"), index=True)
    conversation_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversation.id"))
    source: Mapped[ReferralSource] = mapped_column(status_type(ReferralSource))
    status: Mapped[ReferralStatus] = mapped_column(
        status_type(ReferralStatus), default=ReferralStatus.STARTED
    )
    status_reason: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Need(Base):
    """One reason for a referral, with the person's own words when they gave them."""

    __tablename__ = "need"
    __table_args__ = (UniqueConstraint("referral_id", "reason"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    referral_id: Mapped[UUID] = mapped_column(ForeignKey("referral.id"))
    reason: Mapped[Reason] = mapped_column(status_type(Reason))
    words: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
