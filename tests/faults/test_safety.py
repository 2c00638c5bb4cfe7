"""Safety never waits: a risky text is screened within two seconds, whatever else is broken."""

from __future__ import annotations

import signal
import time

import pytest

from models.enums import AlertLevel, Purpose, TaskKind
from tests.faults.record import wait_for
from tests.faults.scripted_bot import Mode, set_mode
from tests.faults.service import Service

PROMISED_SECONDS = 2.0
RISKY = "i want to kill myself"


def screened(service: Service, person: str) -> float:
    """The person sends a risky text; returns the seconds from then to its alert."""
    began = time.monotonic()
    service.supplier.text_until_taken(person, RISKY)
    wait_for("an alert", lambda: bool(service.record.alerts(person)))
    seconds = time.monotonic() - began
    [alert] = service.record.alerts(person)
    assert alert.level is AlertLevel.URGENT
    return seconds


def signposted(service: Service, person: str) -> bool:
    """Whether the supplier took on exactly the one crisis reply there is for this person."""
    [reply] = [m for m in service.record.outbound(person) if m.purpose is Purpose.CRISIS]
    return [t.message_id for t in service.supplier.taken(person)].count(reply.id) == 1


def test_with_the_bot_dead(armed: Service, capsys: pytest.CaptureFixture[str]) -> None:
    person = armed.person()
    armed["bot"].kill()
    try:
        # Unanswered small talk stands before it.
        armed.supplier.text_until_taken(person, "hello")
        seconds = screened(armed, person)
        wait_for("the crisis reply", lambda: signposted(armed, person))
    finally:
        armed["bot"].start()
    report(capsys, "with the bot dead", seconds)
    assert seconds <= PROMISED_SECONDS
    armed.record.wait_until_done(2, [person])


def test_while_the_thread_is_leased(armed: Service, capsys: pytest.CaptureFixture[str]) -> None:
    person = armed.person()
    set_mode(armed.bot_url, Mode.HANG, "hello")
    try:
        armed.supplier.text_until_taken(person, "hello")
        wait_for("the lease", lambda: armed.record.conversation(person).leased_until is not None)
        seconds = screened(armed, person)
        wait_for("the crisis reply", lambda: signposted(armed, person))
    finally:
        set_mode(armed.bot_url, Mode.WELL)
    report(capsys, "while the thread is leased", seconds)
    assert seconds <= PROMISED_SECONDS
    armed.record.wait_until_done(2, [person])


def test_after_stop(armed: Service, capsys: pytest.CaptureFixture[str]) -> None:
    person = armed.person()
    armed.supplier.text_until_taken(person, "STOP")
    armed.record.wait_until_done(1, [person])
    seconds = screened(armed, person)
    armed.record.wait_until_done(2, [person])
    armed.supplier.text_until_taken(person, "hello?")
    armed.record.wait_until_done(3, [person])
    report(capsys, "after STOP", seconds)
    assert seconds <= PROMISED_SECONDS
    [task] = armed.record.tasks(person)
    assert task.kind is TaskKind.PHONE_THIS_PERSON
    assert armed.supplier.taken(person) == []


def test_stop_after_the_bot_has_been_asked(armed: Service) -> None:
    person = armed.person()
    # The bot stands still with the turn in its hands, and then answers.
    armed["bot"].send_signal(signal.SIGSTOP)
    try:
        armed.supplier.text_until_taken(person, "hello")
        wait_for("the lease", lambda: armed.record.conversation(person).leased_until is not None)
        armed.supplier.text_until_taken(person, "STOP")
        wait_for("STOP", lambda: armed.record.left(2, [person]).unscreened == 0)
    finally:
        armed["bot"].send_signal(signal.SIGCONT)
    armed.record.wait_until_done(2, [person])
    assert armed.supplier.taken(person) == []


def test_with_the_worker_killed_while_it_screens(armed: Service) -> None:
    person = armed.person()
    worker = armed.arm("inside T1s")
    armed.supplier.text_until_taken(person, RISKY)
    worker.wait_killed()
    assert armed.record.alerts(person) == []
    worker.start()
    wait_for("an alert", lambda: len(armed.record.alerts(person)) == 1)
    wait_for("the crisis reply", lambda: signposted(armed, person))


def report(capsys: pytest.CaptureFixture[str], what: str, seconds: float) -> None:
    with capsys.disabled():
        print(f"\n  risky text {what}: alert after {seconds:.2f} s")  # noqa: T201 - a measurement
