"""The record as the tests look at it while the processes work on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from models.conversations import Conversation, Turn
from models.enums import DeliveryStatus
from models.messages import InboundMessage, OutboundMessage
from models.people import ContactPoint
from models.safety import SafetyAlert, Task
from models.session import build_engine, is_sqlite

Row = TypeVar("Row")

#: Statuses from which a text may still be sent.
UNDER_WAY = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)


@dataclass(frozen=True)
class Left:
    """What is not done yet."""

    missing: int
    unscreened: int
    waiting: int
    unsent: int

    @property
    def nothing(self) -> bool:
        return not (self.missing or self.unscreened or self.waiting or self.unsent)


class Record:
    """Reads only, over a connection of its own."""

    def __init__(self, database_url: str) -> None:
        self._engine = build_engine(database_url)

    def close(self) -> None:
        self._engine.dispose()

    def inbound(self, *people: str) -> list[InboundMessage]:
        """Every text from these people, by person and in the order of storage."""
        return self._all(
            _of(select(InboundMessage), InboundMessage, people).order_by(Conversation.id, InboundMessage.n)
        )

    def outbound(self, *people: str) -> list[OutboundMessage]:
        """Every text to these people, by person and in the order of their places."""
        return self._all(
            _of(select(OutboundMessage), OutboundMessage, people).order_by(Conversation.id, OutboundMessage.n)
        )

    def turns(self, *people: str) -> list[Turn]:
        return self._all(_of(select(Turn), Turn, people))

    def alerts(self, *people: str) -> list[SafetyAlert]:
        return self._all(_of(select(SafetyAlert), SafetyAlert, people))

    def tasks(self, *people: str) -> list[Task]:
        return self._all(_of(select(Task), Task, people))

    def conversation(self, person: str) -> Conversation:
        [found] = self._all(
            select(Conversation).join(ContactPoint).where(ContactPoint.address == person),
        )
        return found

    def left(self, texts: int, people: Collection[str]) -> Left:
        """What is not done yet for these people, who sent so many texts."""
        with Session(self._engine) as session:
            texts_in = _of(select(func.count(InboundMessage.id)), InboundMessage, people)
            texts_out = _of(select(func.count(OutboundMessage.id)), OutboundMessage, people)

            def number(query: Select[int]) -> int:
                return session.scalars(query).one()

            return Left(
                missing=texts - number(texts_in),
                unscreened=number(texts_in.where(InboundMessage.screened_at.is_(None))),
                waiting=number(texts_in.where(InboundMessage.turn_id.is_(None))),
                unsent=number(texts_out.where(OutboundMessage.status.in_(UNDER_WAY))),
            )

    def wait_until_done(self, texts: int, people: Collection[str], patience_seconds: float = 60) -> None:
        """Return when these many texts of theirs are in, are dealt with, and every answer is out."""
        until = time.monotonic() + patience_seconds
        while not (left := self.left(texts, people)).nothing:
            assert left.missing >= 0, "more texts are stored than were sent"
            assert time.monotonic() < until, f"after {patience_seconds} s there is left: {left}"
            time.sleep(0.05)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody can store a text until the end of the block."""
        with self._engine.connect() as connection:
            if is_sqlite(connection):
                # The write lock is taken at the first BEGIN of a connection that is to write.
                writer = connection.execution_options(writes=True)
                writer.execute(select(Conversation.id).limit(1))
            else:
                connection.execute(text("LOCK TABLE inbound_message IN EXCLUSIVE MODE"))
            yield
            connection.rollback()

    def _all(self, query: Select[Row]) -> list[Row]:
        with Session(self._engine) as session:
            return list(session.scalars(query))


def _of(query: Select[Row], table: type[Any], people: Collection[str]) -> Select[Row]:
    """The query, for rows of this table that belong to these people's conversations only."""
    return (
        query.join(Conversation, table.conversation_id == Conversation.id)
        .join(ContactPoint, Conversation.contact_point_id == ContactPoint.id)
        .where(ContactPoint.address.in_(people))
    )


def wait_for(what: str, happened: Callable[[], bool], patience_seconds: float = 30) -> float:
    """Return, as soon as this has happened, the seconds it took; raises when it takes too long."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < patience_seconds, f"{what}: not within {patience_seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began
