"""Numbers and web-chat visitors: found by a keyed hash, which outlives the address."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clock import now
from models.enums import ContactKind
from models.people import ContactPoint
from models.settings import get_settings
from models.upsert import insert_if_new


def address_hash(kind: ContactKind, address: str) -> str:
    """The key that finds a contact point. Changing `SECRET_KEY` orphans every hash."""
    key = get_settings().derived_key("contact-point")
    return hmac.new(key, f"{kind.value}:{address}".encode(), hashlib.sha256).hexdigest()


def find(session: Session, kind: ContactKind, address: str) -> ContactPoint | None:
    """The contact point with this address (E.164 for a phone), if it has ever been seen."""
    return session.scalar(
        select(ContactPoint).where(
            ContactPoint.kind == kind, ContactPoint.address_hash == address_hash(kind, address)
        )
    )


def find_or_add(session: Session, kind: ContactKind, address: str) -> ContactPoint:
    """The contact point with this address, new if need be. Safe when two texts arrive at once."""
    insert_if_new(
        session,
        ContactPoint,
        ("kind", "address_hash"),
        kind=kind,
        address=address,
        address_hash=address_hash(kind, address),
        created_at=now(),
    )
    found = find(session, kind, address)
    if found is None:
        raise LookupError("a contact point that was just added is not there")
    return found
