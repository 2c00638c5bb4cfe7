"""Hubs: which one a text is for, and adding one."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clock import now
from models.people import Hub
from models.settings import get_settings


class HubError(ValueError):
    """A hub cannot be added as asked; the message says why in one plain sentence."""


def for_address(session: Session, our_address: str) -> Hub | None:
    """The hub that is reached on this address of ours.

    A hub with its own number gets its texts. The installation's number (and the web chat)
    serves the hubs without one: while there is exactly one such hub it gets them, otherwise we
    cannot know, and the conversation is listed under "no hub yet".
    """
    if our_address:
        own = session.scalar(select(Hub).where(Hub.phone_number == our_address))
        if own is not None:
            return own
        if our_address != get_settings().twilio_from:
            return None
    sharing = session.scalars(select(Hub).where(Hub.phone_number.is_(None)).limit(2)).all()
    return sharing[0] if len(sharing) == 1 else None


def add(
    session: Session,
    *,
    slug: str,
    name: str,
    area: str = "",
    phone_number: str | None = None,
    hours: str = "",
    is_demo: bool = False,
) -> Hub:
    """A new hub. `phone_number` is E.164. Raises `HubError` for a bad slug, a slug or number in use."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,58}", slug):
        raise HubError("A hub's short name may hold small letters, digits and hyphens only.")
    if session.scalar(select(Hub.id).where(Hub.slug == slug)):
        raise HubError(f"There is already a hub called {slug}.")
    if phone_number and session.scalar(select(Hub.id).where(Hub.phone_number == phone_number)):
        raise HubError("Another hub already has this phone number.")
    hub = Hub(
        slug=slug,
        name=name,
        area=area,
        phone_number=phone_number,
        hours=hours,
        is_demo=is_demo,
        created_at=now(),
    )
    session.add(hub)
    session.flush()
    return hub


def all_hubs(session: Session) -> list[Hub]:
    """Every hub, by name."""
    return list(session.scalars(select(Hub).order_by(Hub.name)))
