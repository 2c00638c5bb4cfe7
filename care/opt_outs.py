"""Who has said STOP. The choice that was received last counts, in whatever order they were read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.enums import OptChoice
from models.people import OptOut
from models.upsert import insert_if_new

SAID_SO = "text"
SUPPLIER_REFUSED = "supplier"


def record(
    session: Session,
    contact_point_id: int,
    choice: OptChoice,
    *,
    received_at: datetime,
    inbound_id: int | None = None,
    evidence: str = SAID_SO,
) -> None:
    """Keep a choice with the text that said so. The same text again changes nothing."""
    insert_if_new(
        session,
        OptOut,
        ("inbound_id",),
        contact_point_id=contact_point_id,
        choice=choice,
        received_at=received_at,
        inbound_id=inbound_id,
        evidence=evidence,
    )


def opted_out(session: Session, contact_point_id: int) -> bool:
    """Whether the last choice received from this contact point was to stop all texts."""
    # Two texts of one second are told apart by the order in which they were stored.
    latest = session.scalar(
        select(OptOut.choice)
        .where(OptOut.contact_point_id == contact_point_id)
        .order_by(OptOut.received_at.desc(), OptOut.inbound_id.desc().nulls_last(), OptOut.id.desc())
        .limit(1)
    )
    return latest is OptChoice.OUT
