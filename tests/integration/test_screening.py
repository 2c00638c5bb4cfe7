"""Safety and opt-out come first: before the bot, without it, and whoever holds the thread."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from care import opt_outs
from messaging import intake, screening
from messaging.channels.base import IncomingText
from models.clock import now
from models.conversations import Conversation, Turn
from models.enums import (
    AlertKind,
    AlertLevel,
    Channel,
    DeliveryStatus,
    Purpose,
    StaffRole,
    TaskKind,
    TurnKind,
)
from models.messages import InboundMessage
from models.people import ContactPoint
from models.safety import SafetyAlert, Task
from models.session import transaction
from models.staff import Staff
from tests.support.line import HUB_NUMBER, PHONE, Line, conversation, outbound, record

RISKY = "I want to kill myself"


@pytest.fixture
def line(database: Engine) -> Line:
    return Line()


def _alerts() -> list[SafetyAlert]:
    with record() as session:
        return list(session.scalars(select(SafetyAlert)))


def _tasks() -> list[Task]:
    with record() as session:
        return list(session.scalars(select(Task)))


def test_a_cry_for_help_is_answered_without_the_bot(line: Line) -> None:
    line.bot.failing = True
    [reply] = line.says(RISKY)
    assert "999" in reply
    assert "116 123" in reply
    assert line.bot.requests == []
    [alert] = _alerts()
    assert (alert.kind, alert.level) == (AlertKind.RISK_DISCLOSURE, AlertLevel.URGENT)
    assert alert.evidence["rules"]
    assert alert.evidence["version"]


def test_it_is_screened_behind_an_unanswered_hello_while_the_thread_is_leased(line: Line) -> None:
    line.text("hello")
    line.work_screening()
    with transaction() as session:
        session.scalars(select(Conversation)).one().leased_until = now() + timedelta(minutes=1)
    line.text(RISKY)
    line.work()
    assert len(line.heard()) == 1
    assert outbound()[0].purpose is Purpose.CRISIS


def test_it_is_screened_while_a_person_owns_the_thread(line: Line, database: Engine) -> None:
    line.says("hello")
    _give_to_a_link_worker()
    line.says("are you there?")
    line.says(RISKY)
    assert len(line.bot.requests) == 1
    assert len(_alerts()) == 1


def _give_to_a_link_worker() -> None:

    with transaction() as session:
        staff = Staff(email="a@example.org", name="Asha", role=StaffRole.LINK_WORKER, created_at=now())
        session.add(staff)
        session.flush()
        session.scalars(select(Conversation)).one().owner_id = staff.id


def test_after_stop_no_text_goes_out_and_a_person_must_phone(line: Line) -> None:
    [confirmation] = line.says("STOP")
    assert "START" in confirmation
    assert line.says(RISKY) == []
    [alert] = _alerts()
    [task] = _tasks()
    assert task.kind is TaskKind.PHONE_THIS_PERSON
    assert task.alert_id == alert.id


def test_where_it_is_not_safe_to_text_a_person_must_phone(line: Line) -> None:
    line.says("hello")
    with transaction() as session:
        session.scalars(select(ContactPoint)).one().safe_to_text = False
    assert line.says(RISKY) == []
    assert [task.kind for task in _tasks()] == [TaskKind.PHONE_THIS_PERSON]


def test_who_says_that_texts_are_not_safe_gets_none_and_is_phoned(line: Line) -> None:
    line.says("my husband hits me")
    assert line.says("its not safe to text me he reads my phone") == []
    assert line.says("hello") == []
    assert len(line.bot.requests) == 0
    assert _tasks()[0].kind is TaskKind.PHONE_THIS_PERSON
    with record() as session:
        assert session.scalars(select(ContactPoint)).one().safe_to_text is False


def test_a_second_risky_text_gets_other_words(line: Line) -> None:
    first = line.says(RISKY)
    second = line.says("I am going to take all my tablets tonight and end my life")
    assert first
    assert second
    assert first != second


def test_a_crisis_reply_overtakes_a_text_that_cannot_be_sent_yet(line: Line) -> None:
    line.text("hello")
    line.work_screening()
    line.work()
    with transaction() as session:
        held = session.merge(outbound()[0])
        held.status = DeliveryStatus.QUEUED
        held.not_before = now() + timedelta(hours=1)
    line.text(RISKY)
    line.work()
    crisis = outbound()[-1]
    assert (crisis.purpose, crisis.status) == (Purpose.CRISIS, DeliveryStatus.ACCEPTED)


def test_a_fault_in_the_net_itself_hands_the_text_to_a_person(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(screening, "screen", broken)
    assert line.says("hello") == ["You said: hello"]
    assert [alert.kind for alert in _alerts()] == [AlertKind.NOT_SCREENED]


def test_stop_is_answered_once_and_only_where_no_supplier_does(line: Line) -> None:
    assert len(line.says("stop")) == 1
    assert line.says("Stop") == []
    line.text("STOP", sender="+447700900002", channel=Channel.SMS)
    line.work()
    assert line.heard("+447700900002", Channel.SMS) == []
    line.text("please stop texting me", sender="+447700900003", channel=Channel.SMS)
    line.work()
    assert len(line.heard("+447700900003", Channel.SMS)) == 1


def test_nothing_more_is_said_after_stop_until_start(line: Line) -> None:
    line.says("hello")
    line.says("STOP")
    assert line.says("hello?") == []
    [welcome_back] = line.says("START")
    assert welcome_back
    assert line.says("hello?") == ["You said: hello?"]


def test_stop_cancels_what_still_waits(line: Line) -> None:
    line.text("hello")
    line.work_screening()
    line.text("STOP")
    line.work()
    with record() as session:
        assert sorted(session.scalars(select(Turn.kind))) == [TurnKind.KEYWORD, TurnKind.OPTED_OUT]
    assert len(line.heard()) == 1


@pytest.mark.parametrize("start_first", [True, False])
def test_the_choice_that_arrived_last_counts_whichever_is_read_first(line: Line, start_first: bool) -> None:
    line.text("STOP")
    line.text("START")
    with transaction() as session:
        texts = session.scalars(select(InboundMessage).order_by(InboundMessage.id)).all()
        for text in reversed(texts) if start_first else texts:
            screening.screen_one(session, text)
    with record() as session:
        assert opt_outs.opted_out(session, conversation().contact_point_id) is False


def test_yes_from_somebody_who_never_stopped_is_an_ordinary_answer(line: Line) -> None:
    assert line.says("yes") == ["You said: yes"]


def test_help_is_answered_with_the_crisis_line(line: Line) -> None:
    [reply] = line.says("HELP")
    assert "999" in reply
    assert "STOP" in reply


def test_a_picture_is_looked_at_by_a_person(line: Line) -> None:

    intake.take_in(
        IncomingText(
            "simulator", "test", "MM1", PHONE, HUB_NUMBER, "", media=({"url": "https://x.invalid/1"},)
        )
    )
    line.work()
    assert [task.kind for task in _tasks()] == [TaskKind.READ_PICTURE]
    assert len(line.heard()) == 1


def test_a_text_that_the_database_can_never_take_holds_up_nobody(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.text("an older text")
    line.text("poison")
    real = screening.screen_one

    def refuse(session: Session, text: InboundMessage) -> None:
        if text.text == "poison":
            raise DataError("UPDATE", {}, Exception("does not fit"))
        real(session, text)

    monkeypatch.setattr(screening, "screen_one", refuse)
    line.work()
    assert [alert.kind for alert in _alerts()] == [AlertKind.NOT_SCREENED]
    assert line.heard() == ["You said: an older text | poison"]
