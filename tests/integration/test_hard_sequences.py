"""Sequences of events that once went wrong, each as it was found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, exc, select

from care import opt_outs
from messaging import delivery, intake, screening, turns, unknown_sends
from messaging.channels.base import IncomingText
from messaging.channels.registry import NotSetUpChannel
from messaging.intake import Taken
from models import clock, session
from models.clock import now
from models.conversations import Conversation
from models.enums import Channel, DeliveryStatus, Purpose, TaskKind
from models.messages import OutboundMessage
from models.people import ContactPoint
from models.safety import SafetyAlert, Task
from models.session import transaction
from models.settings import Settings
from tests.support.line import HUB_NUMBER, PHONE, Line, conversation, outbound, record
from tests.support.twilio_line import TwilioLine, twilio_line

RISKY = "I want to kill myself"


@pytest.fixture
def line(database: Engine) -> Line:
    return Line()


@pytest.fixture
def by_text(database: Engine, settings: Settings) -> Iterator[TwilioLine]:
    with twilio_line(settings) as running:
        yield running


def _tasks() -> list[TaskKind]:
    with record() as looking:
        return list(looking.scalars(select(Task.kind)))


def _screen_all(line: Line) -> None:
    while line.work_screening():
        pass


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(clock, "_moved", timedelta(seconds=seconds))


def test_a_crisis_reply_that_a_stop_overtakes_becomes_a_phone_task(line: Line) -> None:
    line.text(RISKY)
    _screen_all(line)
    line.text("STOP")
    line.work()
    assert [text.purpose for text in outbound() if text.status is DeliveryStatus.ACCEPTED] == [
        Purpose.OPT_OUT_CONFIRMATION
    ]
    assert _tasks() == [TaskKind.PHONE_THIS_PERSON]


def test_two_stops_in_a_row_are_confirmed_once(line: Line) -> None:
    line.text("STOP")
    line.text("STOP")
    line.work()
    assert len(line.heard()) == 1


def test_a_no_is_no_answer_to_a_question_that_had_not_been_sent(line: Line) -> None:
    line.text("my husband hits me")
    _screen_all(line)
    line.text("no")
    line.work()
    with record() as looking:
        assert looking.scalars(select(ContactPoint)).one().safe_to_text is True
    assert line.heard()[0].startswith("Thank you for telling us")


def test_a_held_conversation_keeps_nobody_elses_text_from_being_screened(
    line: Line, database: Engine
) -> None:
    if database.dialect.name == "sqlite":
        pytest.skip("SQLite has no row locks: nobody can hold one conversation")
    line.text(RISKY, sender="+447700900002")
    line.text("hello")
    with database.connect() as holder, holder.begin():
        held = select(Conversation.id).where(Conversation.id == conversation().id).with_for_update()
        holder.execute(held)
        assert screening.screen_next() is True
        assert screening.screen_next() is False
    with record() as looking:
        assert len(looking.scalars(select(SafetyAlert)).all()) == 1
    assert screening.screen_next() is True


def test_many_failures_of_our_account_do_not_use_up_a_texts_tries(
    by_text: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_text.fake.fail_next(count=12, code=20003)
    by_text.fake.fail_next(code=20429)
    by_text.receives("hello")
    for minute in range(16):
        _later(monkeypatch, minute * 301)
        by_text.work()
    assert by_text.answered() == ["You said: hello"]


def test_a_crisis_reply_is_tried_again_soon_however_long_the_supplier_was_away(
    by_text: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_text.fake.fail_next(count=8, code=20429)
    by_text.receives(RISKY)
    for step in range(8):
        _later(monkeypatch, step * 21)
        by_text.work()
    assert outbound()[0].not_before - now() <= timedelta(seconds=delivery.CRISIS_RETRY_SECONDS)


def test_a_clock_that_runs_ahead_of_the_suppliers_doubles_nothing(
    by_text: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _later(monkeypatch, 90)
    by_text.fake.fail_next(drop=True, accept=True)
    by_text.receives("hello")
    by_text.work()
    _later(monkeypatch, 160)
    assert unknown_sends.settle_unknown(by_text.channels) == 1
    by_text.work()
    assert by_text.answered() == ["You said: hello"]


def test_a_process_without_the_suppliers_settings_sends_nothing_again(
    by_text: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_text.fake.fail_next(drop=True, accept=True)
    by_text.receives("hello")
    by_text.work()
    _later(monkeypatch, 61)
    without = dict.fromkeys(Channel, NotSetUpChannel())
    assert unknown_sends.settle_unknown(without) == 0
    assert [text.status for text in outbound()] == [DeliveryStatus.UNKNOWN]


def test_an_acceptance_that_comes_after_the_text_was_queued_again_counts(
    by_text: TwilioLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_text.receives("hello")
    _screen_all(by_text)
    _found, lease = turns.claim()
    assert lease is not None
    turns.run(lease, by_text.bot)
    _found, slow = delivery.claim()
    assert slow is not None
    _later(monkeypatch, 31)
    unknown_sends.release_broken_off(by_text.channels)
    _later(monkeypatch, 92)
    unknown_sends.settle_unknown(by_text.channels)
    assert [text.status for text in outbound()] == [DeliveryStatus.QUEUED]
    delivery.send(slow, by_text.channels)
    by_text.work()
    assert by_text.answered() == ["You said: hello"]


def test_a_late_refusal_about_an_old_text_does_not_undo_a_start(by_text: TwilioLine) -> None:
    by_text.receives("hello")
    by_text.work()
    by_text.receives("STOP")
    by_text.receives("START")
    by_text.work()
    by_text.fake.send_status(by_text.fake.messages[0].sid, "failed", 21610)
    with record() as looking:
        assert opt_outs.opted_out(looking, conversation(PHONE, Channel.SMS).contact_point_id) is False


def test_a_turn_that_always_fails_becomes_a_task(line: Line) -> None:
    line.bot.failing = True
    line.text("hello")
    for _ in range(turns.GIVEN_UP_AFTER + 3):
        line.work()
        with transaction() as changing:
            changing.scalars(select(Conversation)).one().next_turn_at = now()
    assert _tasks() == [TaskKind.TEXT_NOT_ANSWERED]


def test_a_busy_database_means_the_spool_and_not_a_long_wait(
    line: Line, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect.name != "sqlite":
        pytest.skip("only SQLite has one writer for all")
    monkeypatch.setattr(session, "BUSY_TIMEOUT_MS", 50)
    results: list[Taken] = []

    def text() -> None:
        incoming = IncomingText("simulator", "test", "SM1", PHONE, HUB_NUMBER, "hello")
        results.append(intake.take_in(incoming))

    with transaction():
        waiting = threading.Thread(target=text)
        waiting.start()
        waiting.join(timeout=5)
    assert results == [Taken.SPOOLED]


def test_waiting_for_the_one_writer_has_an_end(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = session._Queue()
    monkeypatch.setattr(session, "BUSY_TIMEOUT_MS", 10)
    with queue, pytest.raises(exc.TimeoutError):
        queue.__enter__()


def test_heads_of_queues_only_are_claimed(line: Line) -> None:
    for body in ("one", "two"):
        line.text(body)
        _screen_all(line)
        _found, lease = turns.claim()
        assert lease is not None
        turns.run(lease, line.bot)
    _found, first = delivery.claim()
    assert first is not None
    assert delivery.claim() == (False, None)
    with record() as looking:
        assert len(looking.scalars(select(OutboundMessage)).all()) == 2


def test_help_has_a_way_out_of_its_own(line: Line) -> None:
    line.text("hello")
    line.text(RISKY)
    line.work_screening()
    line.work_screening()
    _found, lease = turns.claim()
    assert lease is not None
    turns.run(lease, line.bot)
    _found, crisis = delivery.claim(crisis_only=True)
    assert crisis is not None
    assert "116 123" in crisis.message.text
    assert delivery.claim(crisis_only=True) == (False, None)
