"""Demonstration hubs, modelled on a real service: three networks and two themed hubs, all invented."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from care import hubs
from models.people import Hub

HOURS = "9am to 5pm, Monday to Friday"


@dataclass(frozen=True, slots=True)
class _DemoHub:
    slug: str
    name: str
    area: str
    #: From Ofcom's numbers for drama, which reach nobody.
    phone_number: str


HUBS = (
    _DemoHub("skem", "Skelmersdale Wellbeing", "Skelmersdale", "+447700900901"),
    _DemoHub("ormskirk", "Ormskirk Wellbeing", "Ormskirk and Aughton", "+447700900902"),
    _DemoHub("northern", "Northern Parishes Wellbeing", "Tarleton, Burscough and Parbold", "+447700900903"),
    _DemoHub("cancer", "Living Well with Cancer", "West Lancashire", "+447700900904"),
    _DemoHub("winter", "Winter Ready", "West Lancashire", "+447700900905"),
)


def load(session: Session) -> int:
    """Add the demonstration hubs that are not there yet; returns how many were added."""
    there = set(session.scalars(select(Hub.slug)))
    missing = [demo for demo in HUBS if demo.slug not in there]
    for demo in missing:
        hubs.add(
            session,
            slug=demo.slug,
            name=demo.name,
            area=demo.area,
            phone_number=demo.phone_number,
            hours=HOURS,
            is_demo=True,
        )
    return len(missing)
