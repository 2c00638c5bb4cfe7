"""Alerts, and the tasks that only a person can do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId, Json, UTCDateTime, status_type
from models.enums import AlertKind, AlertLevel, AlertStatus, TaskKind, TaskStatus


class SafetyAlert(Base):
    """A text that a person must look at, with what spoke for it."""

    __tablename__ = "safety_alert"
    __table_args__ = (UniqueConstraint("inbound_id", "kind"), Index("ix_safety_alert_status", "status"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"), index=True)
    inbound_id: Mapped[int] = mapped_column(ForeignKey("inbound_message.id"))
    kind: Mapped[AlertKind] = mapped_column(status_type(AlertKind))
    level: Mapped[AlertLevel] = mapped_column(status_type(AlertLevel))
    #: Ids of the rules that spoke and the version of the rules; never the person's words.
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    status: Mapped[AlertStatus] = mapped_column(status_type(AlertStatus), default=AlertStatus.OPEN)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Task(Base):
    """Something a person must do for somebody: phone them, look at a picture."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_status", "status"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: What made this task, so that the same cause never makes it twice.
    cause: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[TaskKind] = mapped_column(status_type(TaskKind))
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"), index=True)
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("safety_alert.id"))
    status: Mapped[TaskStatus] = mapped_column(status_type(TaskStatus), default=TaskStatus.OPEN)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
