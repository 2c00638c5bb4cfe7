"""Who did what to which record. Written in the transaction that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.clock import now
from models.staff import AuditEvent


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a member of staff by id, a process of ours, or somebody at the command line."""

    kind: str
    id: str | None = None


COMMAND = Actor("command")
SYSTEM = Actor("system")


def record(
    session: Session,
    action: str,
    entity: str,
    entity_id: str,
    *,
    actor: Actor,
    patient_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one event. `detail` may hold ids and counts only."""
    session.add(
        AuditEvent(
            at=now(),
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=action,
            entity=entity,
            entity_id=entity_id,
            patient_id=patient_id,
            detail=detail or {},
        )
    )
