"""A small language for conversations: `Dialogue(ask).says("hi").hears("Reply OK")`.

It keeps between two turns what the record keeps: the state, whether the person was welcomed, said
OK, and waits for a link worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from bot.contract import Json, TurnReply, TurnRequest
from messaging.sms_text import describe

Ask = Callable[[TurnRequest], TurnReply]


class Dialogue:
    """One person talking with the bot. `ask` is what takes a turn there and back."""

    def __init__(self, ask: Ask, *, hub: str = "Rowan Link Workers", conversation: str = "person-1") -> None:
        self._ask = ask
        self.conversation = conversation
        self.state: Json = {}
        self.context: Json = {
            "hub": {"name": hub},
            "channel": "sms",
            "first_contact": True,
            "consented": False,
            "now": "2026-11-22T10:00:00+00:00",
            "handover_open": False,
        }
        self.replies: tuple[str, ...] = ()
        self.choices: tuple[str, ...] = ()
        self.outcomes: list[Json] = []
        self.everything: list[str] = []

    def says(self, *texts: str) -> Self:
        """Send texts that waited together as one turn; every reply must fit one part."""
        reply = self._ask(TurnRequest(self.conversation, texts, context=dict(self.context), state=self.state))
        self.state = reply.state
        self.replies = tuple(said.text for said in reply.replies)
        self.choices = reply.replies[-1].choices if reply.replies else ()
        self.outcomes = [{"type": outcome.type, **outcome.data} for outcome in reply.outcomes]
        self.everything += self.replies
        for text in self.replies:
            assert describe(text).parts == 1, f"{describe(text)}: {text}"
        self._commit()
        return self

    def hears(self, *fragments: str) -> Self:
        """The last reply contains these words, whatever their case."""
        heard = " ".join(self.replies).lower()
        for fragment in fragments:
            assert fragment.lower() in heard, f"{fragment!r} is not in {heard!r}"
        return self

    def does_not_hear(self, *fragments: str) -> Self:
        """The last reply contains none of these words."""
        heard = " ".join(self.replies).lower()
        for fragment in fragments:
            assert fragment.lower() not in heard, f"{fragment!r} is in {heard!r}"
        return self

    def reports(self, *types: str) -> Self:
        """The last turn had these outcomes, in this order, and no other."""
        assert [outcome["type"] for outcome in self.outcomes] == list(types)
        return self

    def forgets(self, state: Any = None) -> Self:
        """Lose the state, or have it replaced."""
        self.state = state or {}
        return self

    def _commit(self) -> None:
        kinds = {outcome["type"] for outcome in self.outcomes}
        self.context["first_contact"] = False
        self.context["consented"] |= "consent_given" in kinds
        self.context["handover_open"] |= "handover_requested" in kinds
