"""A conversation with its bot state and lease, its turns, and the question that is open in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Json, UTCDateTime, status_type
from models.enums import Channel, QuestionStatus, TurnKind


class Conversation(Base):
    """Everything said between one contact point and one of our addresses on one channel.

    Its id is what the bot knows the person by. `last_n` numbers the texts of both sides in the
    order of storage: whoever stores a text holds this row while it takes the next number.
    """

    __tablename__ = "conversation"
    __table_args__ = (UniqueConstraint("channel", "contact_point_id", "our_address"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    channel: Mapped[Channel] = mapped_column(status_type(Channel))
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_point.id"), index=True)
    our_address: Mapped[str] = mapped_column(String(64))
    hub_id: Mapped[int | None] = mapped_column(ForeignKey("hub.id"), index=True)
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"), index=True)
    #: The member of staff who answers instead of the bot.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    #: Nothing is sent and no turn is taken: a wrong number, or the person has died.
    frozen_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_n: Mapped[int] = mapped_column(BigInteger, default=0)

    bot_state: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    #: Goes up with every lease; a turn whose token is no longer this one commits nothing.
    lease_token: Mapped[int] = mapped_column(BigInteger, default=0)
    leased_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Back-off after the bot failed.
    next_turn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    failed_turns: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Turn(Base):
    """Texts that were dealt with together, by whom, and what came of them. Every text is in exactly one."""

    __tablename__ = "turn"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"), index=True)
    kind: Mapped[TurnKind] = mapped_column(status_type(TurnKind))
    lease_token: Mapped[int] = mapped_column(BigInteger)
    outcomes: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    bot_milliseconds: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class OpenQuestion(Base):
    """A question put to the person. At most one is open in a conversation."""

    __tablename__ = "open_question"
    __table_args__ = (
        Index(
            "uq_open_question_one_open",
            "conversation_id",
            unique=True,
            postgresql_where=text("status = 'open'"),
            sqlite_where=text("status = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"))
    #: The kind of answer it wants, and the item of a questionnaire if it is one.
    kind: Mapped[str] = mapped_column(String(60))
    item: Mapped[str | None] = mapped_column(String(120))
    status: Mapped[QuestionStatus] = mapped_column(status_type(QuestionStatus), default=QuestionStatus.OPEN)
    #: The text that asks it: only a text that arrives after this one was sent can answer.
    outbound_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_message.id"))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
