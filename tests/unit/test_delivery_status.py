import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.delivery_status import advance, is_known
from models.enums import DeliveryStatus

# Written by hand, apart from the code: what each status (row) becomes after each word (column).
# "=" stays. q held s u a: whatever the supplier says is news; then only what is further on.
WORDS = ["queued", "sent", "canceled", "failed", "undelivered", "delivered"]
TABLE = {
    "queued": "accepted  sent cancelled failed undelivered delivered",
    "held": "accepted  sent cancelled failed undelivered delivered",
    "sending": "accepted  sent cancelled failed undelivered delivered",
    "unknown": "accepted  sent cancelled failed undelivered delivered",
    "accepted": "=         sent cancelled failed undelivered delivered",
    "cancelled": "=         sent =         failed undelivered delivered",
    "expired": "=         sent =         failed undelivered delivered",
    "sent": "=         =    =         failed undelivered delivered",
    "failed": "=         =    =         =      undelivered delivered",
    "undelivered": "=         =    =         =      =           delivered",
    "delivered": "=         =    =         =      =           =",
}
SAME_AS = {
    "accepted": "queued",
    "scheduled": "queued",
    "sending": "queued",
    "partially_delivered": "sent",
    "read": "delivered",
}
SILENT = ["receiving", "received", "", " ", "nonsense", "DELIVERED!", "cancelled by us", "\x00"]

statuses = st.sampled_from(list(DeliveryStatus))
words = st.one_of(st.sampled_from([*WORDS, *SAME_AS, *SILENT]), st.text())


def expected(current: DeliveryStatus, word: str) -> DeliveryStatus:
    cell = TABLE[current.value].split()[WORDS.index(SAME_AS.get(word, word))]
    return current if cell == "=" else DeliveryStatus(cell)


def test_the_table_covers_every_status() -> None:
    assert set(TABLE) == {status.value for status in DeliveryStatus}


@pytest.mark.parametrize("current", list(DeliveryStatus))
@pytest.mark.parametrize("word", [*WORDS, *SAME_AS])
def test_every_transition(current: DeliveryStatus, word: str) -> None:
    assert advance(current, word) == expected(current, word)
    assert advance(current, f" {word.upper()}\n") == expected(current, word)


@pytest.mark.parametrize("current", list(DeliveryStatus))
@pytest.mark.parametrize("word", SILENT)
def test_words_that_say_nothing_change_nothing(current: DeliveryStatus, word: str) -> None:
    assert advance(current, word) == current


def test_words_we_do_not_know_can_be_counted() -> None:
    assert all(is_known(word) for word in [*WORDS, *SAME_AS, "receiving", "received"])
    assert not any(is_known(word) for word in SILENT[2:])


@given(statuses, st.lists(words, max_size=4))
def test_order_and_repetition_make_no_difference(start: DeliveryStatus, receipts: list[str]) -> None:
    def after(sequence: tuple[str, ...]) -> DeliveryStatus:
        current = start
        for word in sequence:
            current = advance(current, word)
        return current

    ends = {after(order) for order in itertools.permutations(receipts)}
    ends |= {after((*order, *order, *reversed(order))) for order in itertools.permutations(receipts)}
    assert len(ends) == 1


@given(statuses, st.lists(words, max_size=20))
def test_no_status_is_ever_come_back_to(start: DeliveryStatus, receipts: list[str]) -> None:
    left: set[DeliveryStatus] = set()
    current = start
    for word in receipts:
        after = advance(current, word)
        if after != current:
            left.add(current)
        assert after not in left
        current = after


@given(statuses, st.lists(words))
def test_arrival_is_final_and_reachable_from_everywhere(start: DeliveryStatus, receipts: list[str]) -> None:
    current = advance(start, "delivered")
    for word in receipts:
        current = advance(current, word)
    assert current is DeliveryStatus.DELIVERED


@given(statuses, st.text())
def test_total(current: DeliveryStatus, reported: str) -> None:
    assert isinstance(advance(current, reported), DeliveryStatus)
