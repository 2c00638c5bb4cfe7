"""What every way of getting a text out has in common, and the errors it may raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Failure(StrEnum):
    """What a failed send means for the text. One place, `messaging/delivery.py`, acts on it."""

    RETRY = "retry"  # surely not sent; try again later
    PERMANENT = "permanent"  # surely not sent; trying again will not help
    OPTED_OUT = "opted_out"  # the supplier says this person said STOP
    CONFIG = "config"  # our account or settings are wrong: tell the operator, keep the text
    UNKNOWN = "unknown"  # it may have been sent: never try again blindly


class SendError(Exception):
    """A send that did not end in acceptance. Carries no text and no number, so it may be logged."""

    def __init__(self, failure: Failure, code: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"{failure.value}:{code}")
        self.failure = failure
        self.code = code
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One text as a channel sees it. `message_id` is ours and comes back in the status callback."""

    message_id: int
    to_address: str
    from_address: str
    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The supplier has taken the text on under this id."""

    provider_id: str


class Channel(Protocol):
    """A way out. `repeat_is_safe`: sending the same message id twice reaches the person once."""

    repeat_is_safe: bool

    def send(self, message: OutgoingText) -> Accepted:
        """Hand the text over. Raises `SendError`; must not be called inside a transaction."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingText:
    """One text as it came in, already stripped of the supplier's own shape but complete.

    `account` with `channel` and `provider_id` names the text for good: the same three again are
    the same text again. `raw` is all that the supplier sent, kept in the record and never logged.
    """

    channel: str
    account: str
    provider_id: str
    from_address: str
    to_address: str
    text: str
    media: tuple[Mapping[str, str], ...] = ()
    raw: Mapping[str, str] = field(default_factory=dict)
