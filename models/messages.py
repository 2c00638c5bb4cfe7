"""Texts in, texts out, and what the supplier says became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Json, UTCDateTime, status_type
from models.enums import Channel, DeliveryStatus, Purpose, Sender


class InboundMessage(Base):
    """A text as it came in. Stored before anything else happens; the same id twice is one text."""

    __tablename__ = "inbound_message"
    __table_args__ = (
        UniqueConstraint("account", "channel", "provider_id"),
        UniqueConstraint("conversation_id", "n"),
        Index(
            "ix_inbound_message_unscreened",
            "id",
            postgresql_where=text("screened_at IS NULL"),
            sqlite_where=text("screened_at IS NULL"),
        ),
        Index(
            "ix_inbound_message_unhandled",
            "conversation_id",
            "n",
            postgresql_where=text("turn_id IS NULL"),
            sqlite_where=text("turn_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"))
    n: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[Channel] = mapped_column(status_type(Channel))
    account: Mapped[str] = mapped_column(String(120))
    provider_id: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)
    media: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    #: All that the supplier sent.
    raw: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    #: When it reached us; a text from the spool keeps the moment it came in.
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    stored_at: Mapped[datetime] = mapped_column(UTCDateTime)
    screened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: The turn that dealt with it. Null: it still waits.
    turn_id: Mapped[UUID | None] = mapped_column(ForeignKey("turn.id"), index=True)


class OutboundMessage(Base):
    """A text to a person: queued with its place in the conversation, then sent in that order."""

    __tablename__ = "outbound_message"
    __table_args__ = (
        UniqueConstraint("conversation_id", "n"),
        Index("ix_outbound_message_status", "status", "not_before"),
        Index("ix_outbound_message_provider_id", "provider_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"))
    n: Mapped[int] = mapped_column(BigInteger)
    turn_id: Mapped[UUID | None] = mapped_column(ForeignKey("turn.id"))
    #: What made this text, so that the same cause never makes it twice ("turn:…:0", "screened:…").
    cause: Mapped[str] = mapped_column(String(120), unique=True)
    sender: Mapped[Sender] = mapped_column(status_type(Sender))
    purpose: Mapped[Purpose] = mapped_column(status_type(Purpose))
    text: Mapped[str] = mapped_column(Text)
    choices: Mapped[list[str]] = mapped_column(Json, default=list)
    parts: Mapped[int] = mapped_column(Integer)
    status: Mapped[DeliveryStatus] = mapped_column(status_type(DeliveryStatus), default=DeliveryStatus.QUEUED)
    #: Why the send guard held or cancelled it, or the supplier's error code.
    status_reason: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Set while a worker is sending it; past this moment its fate is unknown.
    sending_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    provider_id: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class DeliveryReceipt(Base):
    """One status the supplier reported. The same report again is one row."""

    __tablename__ = "delivery_receipt"
    __table_args__ = (UniqueConstraint("provider_id", "status"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    outbound_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_message.id"), index=True)
    provider_id: Mapped[str] = mapped_column(String(120))
    status: Mapped[str] = mapped_column(String(40))
    error_code: Mapped[str | None] = mapped_column(String(20))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
