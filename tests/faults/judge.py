"""Nothing lost, nothing doubled, in order: judged by the record and by what the supplier took on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from models.enums import Purpose, TurnKind
from models.messages import OutboundMessage
from tests.faults.scripted_bot import reply_to
from tests.faults.service import Service

Sent = Mapping[str, Sequence[str]]


def assert_all_answered(
    service: Service, sent: Sent, *, patience_seconds: float = 60, echoed: bool = True
) -> None:
    """Wait until every text of these people is dealt with, then judge all of it.

    `sent` holds each person's texts. Those of one person are all different, so that the words of the
    scripted bot tell which turn they were in; `echoed` is false for a bot that does not repeat them.
    """
    number = sum(len(texts) for texts in sent.values())
    service.record.wait_until_done(number, list(sent), patience_seconds)
    for person, texts in sent.items():
        stored = [text.text for text in service.record.inbound(person)]
        assert Counter(stored) == Counter(texts), "each text is in the record exactly once"
        assert_answered_once(service, person, echoed=echoed)


def assert_answered_once(service: Service, person: str, *, echoed: bool) -> None:
    """Each stored text is in exactly one turn; each turn's reply was taken on exactly once, and in order."""
    texts = service.record.inbound(person)
    turns = {turn.id: turn for turn in service.record.turns(person)}
    assert {turn.kind for turn in turns.values()} == {TurnKind.BOT}
    in_order = [(turn, list(group)) for turn, group in groupby(texts, key=lambda text: text.turn_id)]
    assert Counter(turn for turn, _texts in in_order) == Counter(turns.keys()), "every turn once, and whole"
    outbound = service.record.outbound(person)
    replies = [message for message in outbound if message.purpose is not Purpose.HOLDING]
    answered = [turn for turn, _replies in groupby(message.turn_id for message in replies)]
    assert answered == [turn for turn, _texts in in_order], _story(service, person)
    if echoed:
        said = [reply_to([text.text for text in group]) for _turn, group in in_order]
        assert [message.text for message in replies] == said
    _assert_taken_once(service, person, outbound)


def _assert_taken_once(service: Service, person: str, outbound: Sequence[OutboundMessage]) -> None:
    taken = service.supplier.taken(person)
    by_id = {message.id: message for message in outbound}
    assert Counter(text.message_id for text in taken) == Counter(by_id.keys()), _story(service, person)
    assert all(by_id[text.message_id].text == text.body for text in taken)
    # A text of unknown fate holds up nothing, so when it turns out never to have left it comes later.
    first_tries = [text.message_id for text in taken if by_id[text.message_id].attempts == 1]
    assert first_tries == [message.id for message in outbound if message.attempts == 1]


def _story(service: Service, person: str) -> str:
    """All that happened to a person, for the one who reads the failure."""
    texts, turns = service.record.inbound(person), service.record.turns(person)
    lines = [(t.stored_at, f"in {t.n}: screened {t.screened_at:%T} turn {t.turn_id}") for t in texts]
    lines += [(turn.at, f"turn {turn.id} {turn.kind} token {turn.lease_token}") for turn in turns]
    lines += [
        (m.created_at, f"out {m.n} id {m.id}: {m.purpose} {m.status} {m.attempts} attempts, {m.cause}")
        for m in service.record.outbound(person)
    ]
    lines += [(taken.at, f"supplier took on {taken.message_id}") for taken in service.supplier.taken(person)]
    return "\n".join(f"{at:%T.%f} {told}" for at, told in sorted(lines))
