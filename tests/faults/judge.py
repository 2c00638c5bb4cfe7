"""Nothing lost, nothing doubled, in order: judged by the record and by what the supplier took on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from models.enums import TurnKind
from models.messages import InboundMessage
from tests.faults.scripted_bot import reply_to
from tests.faults.service import Service

Sent = Mapping[str, Sequence[str]]


def assert_all_answered(service: Service, sent: Sent, *, patience_seconds: float = 60) -> None:
    """Wait until every text of these people is dealt with, then judge all of it.

    `sent` holds each person's texts, in the order in which they were sent one after the other.
    Texts of a person are all different, so that the bot's words tell which turn they were in.
    """
    number = sum(len(texts) for texts in sent.values())
    service.record.wait_until_done(number, list(sent), patience_seconds)
    for person, texts in sent.items():
        stored = [text.text for text in service.record.inbound(person)]
        assert Counter(stored) == Counter(texts), "each text is in the record exactly once"
        assert_answered_once(service, person)


def assert_answered_once(service: Service, person: str) -> None:
    """Each stored text is in exactly one turn, and each turn's one reply was taken on exactly once, in order."""
    texts = service.record.inbound(person)
    turns = {turn.id: turn for turn in service.record.turns(person)}
    assert len(turns) == len({text.turn_id for text in texts}), "no turn is without a text"
    assert {turn.kind for turn in turns.values()} == {TurnKind.BOT}
    replies = [reply_to([text.text for text in group]) for _turn, group in _by_turn(texts)]
    assert len(replies) == len(turns), "the texts of a turn stand next to each other"
    outbound = service.record.outbound(person)
    assert [message.text for message in outbound] == replies, "answered in the order of storage"
    taken = service.supplier.taken(person)
    counted = Counter(text.message_id for text in taken)
    assert counted == Counter(message.id for message in outbound), "each reply was taken on exactly once"
    by_id = {message.id: message for message in outbound}
    assert all(by_id[text.message_id].text == text.body for text in taken)
    # A text of unknown fate holds up nothing, so when it turns out never to have left it comes later.
    first_tries = [text.message_id for text in taken if by_id[text.message_id].attempts == 1]
    assert first_tries == [message.id for message in outbound if message.attempts == 1]


def _by_turn(texts: Sequence[InboundMessage]) -> list[tuple[object, list[InboundMessage]]]:
    return [(turn, list(group)) for turn, group in groupby(texts, key=lambda text: text.turn_id)]
