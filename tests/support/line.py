"""A line to test against: texts in through the real intake, work done at once, the record to look at.

The bot here is any function that answers a turn; the real one is tested in `tests/dialogue`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.client import BotUnavailable
from bot.contract import Outcome, Reply, TurnReply, TurnRequest
from care import hubs
from messaging import delivery, intake, screening, threads, worker
from messaging.channels.base import IncomingText
from messaging.channels.page import PageChannel
from messaging.intake import Taken
from models.conversations import Conversation
from models.enums import Channel
from models.messages import InboundMessage, OutboundMessage
from models.session import reading, transaction

HUB_NUMBER = "+447700900901"
PHONE = "+447700900001"


class EchoBot:
    """Answers every turn with what it was asked, and keeps every request. May be told to fail."""

    def __init__(self) -> None:
        self.requests: list[TurnRequest] = []
        self.failing = False
        self.reason = "status_500"
        self.outcomes: tuple[Outcome, ...] = ()
        self.meanwhile: Callable[[], object] | None = None

    def __call__(self, request: TurnRequest) -> TurnReply:
        self.requests.append(request)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if self.failing:
            raise BotUnavailable(self.reason)
        text = "You said: " + " | ".join(request.texts)[:200]
        return TurnReply((Reply(text),), self.outcomes, {"turns": request.state.get("turns", 0) + 1})


class Line:
    """One hub, its number, and the worker's stages by hand."""

    def __init__(self, channels: delivery.Channels | None = None) -> None:
        self.bot = EchoBot()
        self.channels = channels or {channel: PageChannel("test") for channel in Channel}
        with transaction() as session:
            hubs.add(
                session,
                slug="skem",
                name="Skelmersdale Wellbeing",
                phone_number=HUB_NUMBER,
                hours="9am to 5pm",
            )

    def text(
        self,
        body: str,
        *,
        sender: str = PHONE,
        channel: Channel = Channel.SIMULATOR,
        provider_id: str | None = None,
    ) -> Taken:
        """A text from this person arrives."""
        return intake.take_in(
            IncomingText(
                channel=channel.value,
                account="test",
                provider_id=provider_id or str(uuid4()),
                from_address=sender,
                to_address=HUB_NUMBER,
                text=body,
            )
        )

    def work(self) -> int:
        """The worker does everything that waits."""
        return worker.run_once(self.bot, self.channels)

    def work_screening(self) -> bool:
        """The worker screens one text, and nothing else; returns whether there was one."""
        return screening.screen_next()

    def says(self, body: str) -> list[str]:
        """A text arrives, everything is done; returns what has been said to the person since."""
        before = len(self.heard())
        self.text(body)
        self.work()
        return self.heard()[before:]

    def heard(self, sender: str = PHONE, channel: Channel = Channel.SIMULATOR) -> list[str]:
        """Every text that reached the person."""
        with reading() as session:
            conversation = threads.find(session, channel, sender)
            if conversation is None:
                return []
            shown = threads.entries(session, conversation.id, reached_only=True)
            return [entry.text for entry in shown if entry.sender != threads.PATIENT]


@contextmanager
def record() -> Iterator[Session]:
    """The record, to look at."""
    with reading() as session:
        yield session


def conversation(sender: str = PHONE, channel: Channel = Channel.SIMULATOR) -> Conversation:
    """The person's conversation as the record has it now."""
    with reading() as session:
        found = threads.find(session, channel, sender)
        assert found is not None
        return found


def inbound() -> list[InboundMessage]:
    """Every text that came in, in order."""
    with reading() as session:
        return list(session.scalars(select(InboundMessage).order_by(InboundMessage.id)))


def outbound() -> list[OutboundMessage]:
    """Every text to anybody, in order."""
    with reading() as session:
        return list(session.scalars(select(OutboundMessage).order_by(OutboundMessage.id)))
