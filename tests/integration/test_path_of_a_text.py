"""A text from its arrival to its answer: nothing lost, nothing doubled, in order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from bot.contract import Outcome
from messaging import delivery, housekeeping, intake, spool, turns, unknown_sends
from messaging.channels.base import Accepted, Failure, IncomingText, OutgoingText, SendError
from messaging.intake import Taken
from models import clock
from models.clock import now
from models.conversations import Conversation, Turn
from models.enums import Channel, DeliveryStatus, Purpose, ReferralStatus, TaskKind, TurnKind
from models.messages import InboundMessage, OutboundMessage
from models.people import Consent
from models.referrals import Referral
from models.safety import Task
from models.session import transaction
from models.settings import get_settings
from tests.support.line import HUB_NUMBER, PHONE, Line, conversation, inbound, outbound, record

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def line(database: Engine) -> Line:
    return Line()


def test_a_text_is_answered_once(line: Line) -> None:
    assert line.says("hello") == ["You said: hello"]
    assert line.work() == 0
    [text] = inbound()
    assert text.turn_id is not None
    assert line.bot.requests[0].context["hub"]["name"] == "Skelmersdale Wellbeing"


def test_the_bot_is_given_its_last_state_back_and_never_a_number(line: Line) -> None:
    line.says("hello")
    line.says("and again")
    assert line.bot.requests[1].state == {"turns": 1}
    assert PHONE not in line.bot.requests[1].to_json()
    assert line.bot.requests[0].context["first_contact"] is True
    assert line.bot.requests[1].context["first_contact"] is False


def test_the_same_text_five_times_at_once_is_one_turn(line: Line) -> None:
    with ThreadPoolExecutor(5) as pool:
        taken = list(pool.map(lambda _: line.text("hello", provider_id="SM1"), range(5)))
    line.work()
    assert sorted(taken) == [Taken.SEEN_BEFORE] * 4 + [Taken.STORED]
    assert len(line.bot.requests) == 1
    assert line.heard() == ["You said: hello"]


def test_texts_waiting_together_are_one_turn_in_the_order_of_storage(line: Line) -> None:
    for body in ("one", "two", "three"):
        line.text(body)
    line.work()
    assert line.heard() == ["You said: one | two | three"]
    assert len({text.turn_id for text in inbound()}) == 1


def test_a_text_that_comes_while_the_bot_thinks_gets_a_turn_of_its_own(line: Line) -> None:
    line.bot.meanwhile = lambda: line.text("two")
    line.text("one")
    line.work()
    assert line.heard() == ["You said: one", "You said: two"]


def test_many_people_at_once_each_text_in_exactly_one_turn(line: Line) -> None:
    people = [f"+4477009000{i:02d}" for i in range(10, 40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda p: [line.text(f"{i}", sender=p) for i in (1, 2)], people))
    stop = threading.Event()
    workers = [threading.Thread(target=_work_until, args=(line, stop)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    for person in people:
        said = " | ".join(text.removeprefix("You said: ") for text in line.heard(person))
        assert said.split(" | ") == ["1", "2"]


def _work_until(line: Line, stop: threading.Event) -> None:
    while not stop.is_set() and line.work():
        pass


def test_a_dead_bot_loses_nothing_and_is_asked_again_later(line: Line) -> None:
    line.bot.failing = True
    assert line.says("hello") == []
    assert conversation().failed_turns == 1
    line.bot.failing = False
    assert line.work() == 0, "the pause is not over"
    _end_pause()
    line.work()
    assert line.heard() == ["You said: hello"]
    assert conversation().failed_turns == 0


def _end_pause() -> None:
    with transaction() as session:
        session.scalars(select(Conversation)).one().next_turn_at = now()


def test_after_two_minutes_without_the_bot_there_is_one_holding_reply(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.bot.failing = True
    line.says("hello")
    monkeypatch.setattr(clock, "_moved", timedelta(seconds=121))
    line.text("are you there?")
    assert housekeeping.send_holding_replies() == 1
    assert housekeeping.send_holding_replies() == 0
    line.work()
    [holding] = line.heard()
    assert holding.startswith("We have your text")
    line.bot.failing = False
    monkeypatch.setattr(clock, "_moved", timedelta(seconds=300))
    line.work()
    assert line.heard()[1:] == ["You said: hello | are you there?"]


def test_a_turn_whose_worker_lost_its_lease_writes_nothing(line: Line) -> None:
    line.text("hello")
    while line.work_screening():
        pass
    _found, lease = turns.claim()
    assert lease is not None
    with transaction() as session:
        session.scalars(select(Conversation)).one().leased_until = now() - timedelta(seconds=1)
    assert housekeeping.release_stale_leases() == 1
    assert turns.commit(lease, line.bot(lease.request), bot_milliseconds=1) is False
    assert outbound() == []
    line.work()
    assert line.heard() == ["You said: hello"]


def test_a_stop_while_the_bot_thinks_keeps_its_reply_back(line: Line) -> None:
    def stop() -> None:
        line.text("STOP")
        line.work_screening()

    line.bot.meanwhile = stop
    line.text("hello")
    line.work()
    assert len(line.bot.requests) == 1
    assert [text.purpose for text in outbound()] == [Purpose.OPT_OUT_CONFIRMATION]
    with record() as session:
        kinds = sorted(session.scalars(select(Turn.kind)))
    assert kinds == [TurnKind.KEYWORD, TurnKind.OPTED_OUT]


def test_an_outcome_we_do_not_know_commits_nothing_of_the_turn(line: Line) -> None:
    line.bot.outcomes = (Outcome("consent_given", {"scope": "contact"}), Outcome("brand_new"))
    line.says("OK")
    assert outbound() == []
    with record() as session:
        assert session.scalar(select(Consent)) is None
    line.bot.outcomes = ()
    _end_pause()
    line.work()
    assert line.heard() == ["You said: OK"]


def test_outcomes_are_written_with_the_reply(line: Line) -> None:
    line.bot.outcomes = (
        Outcome("consent_given", {"scope": "contact", "text_version": "welcome-1"}),
        Outcome("referral_started"),
        Outcome("handover_requested"),
    )
    line.says("OK")
    line.says("ring me")
    with record() as session:
        assert {c.text_version for c in session.scalars(select(Consent))} == {"welcome-1"}
        [referral] = session.scalars(select(Referral))
        assert referral.status is ReferralStatus.STARTED
        [task] = session.scalars(select(Task))
        assert task.kind is TaskKind.CALL_REQUESTED
    assert line.bot.requests[1].context["consented"] is True
    assert line.bot.requests[1].context["handover_open"] is True


class _Supplier:
    """A way out that fails as told, then accepts."""

    repeat_is_safe = False

    def __init__(self, *failures: SendError) -> None:
        self.failures = list(failures)
        self.accepted: list[str] = []

    def send(self, message: OutgoingText) -> Accepted:
        if self.failures:
            raise self.failures.pop(0)
        self.accepted.append(message.text)
        return Accepted(f"SM{len(self.accepted)}")


def test_a_reply_waits_for_the_one_ahead_of_it(database: Engine) -> None:
    supplier = _Supplier(SendError(Failure.RETRY, "connect"))
    line = Line(dict.fromkeys(Channel, supplier))
    line.says("one")
    line.says("two")
    assert supplier.accepted == []
    with transaction() as session:
        for message in session.scalars(select(OutboundMessage)):
            message.not_before = now()
    line.work()
    assert supplier.accepted == ["You said: one", "You said: two"]


def test_a_send_of_unknown_fate_is_not_repeated_and_does_not_block(database: Engine) -> None:
    supplier = _Supplier(SendError(Failure.UNKNOWN, "read_timeout"))
    line = Line(dict.fromkeys(Channel, supplier))
    line.says("one")
    line.says("two")
    assert supplier.accepted == ["You said: two"]
    assert [m.status for m in outbound()] == [DeliveryStatus.UNKNOWN, DeliveryStatus.ACCEPTED]


def test_the_database_away_means_the_spool_and_later_an_answer(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OperationalError("INSERT", {}, Exception("away"))

    with monkeypatch.context() as away:
        away.setattr(intake, "store", refuse)
        assert line.text("hello", provider_id="SM7") is Taken.SPOOLED
        assert line.text("hello", provider_id="SM7") is Taken.SPOOLED
    assert inbound() == []
    assert housekeeping.take_in_spool() == 1
    assert housekeeping.take_in_spool() == 0
    line.work()
    assert line.heard() == ["You said: hello"]


def test_a_text_stored_twice_through_the_spool_is_one(line: Line) -> None:
    line.text("hello", provider_id="SM8")
    again = IncomingText("simulator", "test", "SM8", PHONE, HUB_NUMBER, "hello")
    spool.keep(again, now())
    assert housekeeping.take_in_spool() == 1
    line.work()
    assert line.heard() == ["You said: hello"]


def test_places_in_a_conversation_are_never_given_twice(line: Line) -> None:
    for body in ("one", "two"):
        line.says(body)
    with record() as session:
        ours = set(session.scalars(select(InboundMessage.n)))
    theirs = {text.n for text in outbound()}
    assert not ours & theirs
    assert sorted(ours | theirs) == [1, 2, 3, 4]


def test_a_page_gets_a_text_again_at_once_when_its_worker_died(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.text("hello")
    line.work_screening()
    _found, lease = turns.claim()
    assert lease is not None
    turns.run(lease, line.bot)
    delivery.claim()
    monkeypatch.setattr(clock, "_moved", timedelta(seconds=31))
    assert unknown_sends.release_broken_off(line.channels) == 1
    line.work()
    assert line.heard() == ["You said: hello"]


def test_a_bot_that_is_away_makes_nobodys_pause_grow(line: Line) -> None:
    line.bot.failing = True
    line.bot.reason = "circuit_open"
    for _ in range(5):
        line.text("hello")
        line.work()
        _end_pause()
    assert conversation().failed_turns == 0


def test_a_half_written_spool_file_is_cleared_in_the_end(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.keep(IncomingText("simulator", "test", "SM9", PHONE, HUB_NUMBER, "hello"), now())
    part = get_settings().spool_dir / "x.1.part"
    part.write_text('{"received_at": "20')
    assert housekeeping.take_in_spool() == 1
    assert part.exists()
    monkeypatch.setattr(clock, "_moved", timedelta(hours=2))
    assert housekeeping.take_in_spool() == 0
    assert not part.exists()
