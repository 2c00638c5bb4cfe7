"""Web chat and the phone simulator: the page reads the record itself, so accepting is delivering."""

from __future__ import annotations

from messaging.channels.base import Accepted, OutgoingText
from models.session import assert_no_transaction


class PageChannel:
    """A text is there for the page as soon as it is accepted. Sending it again shows nothing new."""

    repeat_is_safe = True

    def __init__(self, name: str) -> None:
        self._name = name

    def send(self, message: OutgoingText) -> Accepted:
        """Accept the text under an id made from ours."""
        assert_no_transaction()
        return Accepted(provider_id=f"{self._name}-{message.message_id}")
