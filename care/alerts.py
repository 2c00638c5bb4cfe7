"""Alerts that a person must look at, and tasks that only a person can do."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clock import now
from models.enums import AlertKind, AlertLevel, TaskKind, TaskStatus
from models.messages import InboundMessage
from models.safety import SafetyAlert, Task
from models.upsert import insert_if_new


def raise_alert(
    session: Session,
    inbound: InboundMessage,
    kind: AlertKind,
    level: AlertLevel,
    *,
    rules: tuple[str, ...] = (),
    rules_version: str = "",
) -> UUID:
    """An open alert for this text; the same text and kind again is the same alert. Returns its id."""
    made = insert_if_new(
        session,
        SafetyAlert,
        ("inbound_id", "kind"),
        id=uuid4(),
        conversation_id=inbound.conversation_id,
        inbound_id=inbound.id,
        kind=kind,
        level=level,
        evidence={"rules": list(rules), "version": rules_version},
        created_at=now(),
    )
    if isinstance(made, UUID):
        return made
    return session.execute(
        select(SafetyAlert.id).where(SafetyAlert.inbound_id == inbound.id, SafetyAlert.kind == kind)
    ).scalar_one()


def add_task(
    session: Session, kind: TaskKind, conversation_id: UUID, *, cause: str, alert_id: UUID | None = None
) -> None:
    """An open task for a person; the same cause again is the same task."""
    insert_if_new(
        session,
        Task,
        ("cause",),
        cause=f"{kind.value}:{cause}",
        kind=kind,
        conversation_id=conversation_id,
        alert_id=alert_id,
        created_at=now(),
    )


def has_open_task(session: Session, kind: TaskKind, conversation_id: UUID) -> bool:
    """Whether such a task still waits for a person."""
    task = select(Task.id).where(
        Task.kind == kind, Task.conversation_id == conversation_id, Task.status == TaskStatus.OPEN
    )
    return session.scalar(task.limit(1)) is not None
