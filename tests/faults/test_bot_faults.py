"""A bot that is dead, hangs, fails or talks nonsense: nothing lost, answered later, exactly once."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator

import pytest

from models.enums import TurnKind
from tests.conftest import Templates
from tests.faults import service as services
from tests.faults.judge import assert_all_answered
from tests.faults.record import wait_for
from tests.faults.scripted_bot import Mode, set_mode
from tests.faults.service import Bot, Plan, Service


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.WELL])
def test_a_bot_that_does_not_work_is_asked_again(armed: Service, mode: Mode) -> None:
    person = armed.person()
    set_mode(armed.bot_url, mode)
    try:
        armed.supplier.text_until_taken(person, "hello")
        wait_for("a failed turn", lambda: armed.record.conversation(person).next_turn_at is not None)
        assert [text.turn_id for text in armed.record.inbound(person)] == [None]
        armed.supplier.text_until_taken(person, "is anybody there")
        assert armed.supplier.taken(person) == []
    finally:
        set_mode(armed.bot_url, Mode.WELL)
    assert_all_answered(armed, {person: ["hello", "is anybody there"]})
    assert armed.record.conversation(person).next_turn_at is None


def test_one_turn_that_hangs_holds_up_nobody_else(armed: Service) -> None:
    person, other = armed.person(), armed.person()
    set_mode(armed.bot_url, Mode.HANG, "hello from me")
    try:
        armed.supplier.text_until_taken(person, "hello from me")
        wait_for("the lease", lambda: armed.record.conversation(person).leased_until is not None)
        armed.supplier.text_until_taken(other, "good morning")
        assert_all_answered(armed, {other: ["good morning"]}, patience_seconds=5)
        assert armed.record.left(1, [person]).waiting == 1
    finally:
        set_mode(armed.bot_url, Mode.WELL)
    assert_all_answered(armed, {person: ["hello from me"]})


def test_a_dead_bot_is_asked_when_it_is_back(armed: Service) -> None:
    person = armed.person()
    armed["bot"].kill()
    try:
        armed.supplier.text_until_taken(person, "hello")
        wait_for("a failed turn", lambda: armed.record.conversation(person).next_turn_at is not None)
    finally:
        armed["bot"].start()
    assert_all_answered(armed, {person: ["hello"]})


@pytest.fixture
def with_rasa(database_templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # On one database only: what is tested here is Rasa, and its start takes long.
    folder = tmp_path_factory.mktemp("rasa")
    shutil.copyfile(database_templates.sqlite_file(), folder / "linkline.db")
    patient = {"BOT_TIMEOUT_SECONDS": "5", "TURN_LEASE_SECONDS": "15"}
    with services.started(
        folder, f"sqlite:///{folder / 'linkline.db'}", Plan(Bot.RASA, settings=patient)
    ) as up:
        yield up


@pytest.mark.timeout(300)
def test_rasa_killed_in_the_middle_of_a_turn(with_rasa: Service) -> None:
    person, other = with_rasa.person(), with_rasa.person()
    with_rasa.supplier.text_until_taken(other, "hello")
    with_rasa.record.wait_until_done(1, [other])
    bot = with_rasa["bot"]
    # Stood still first: then the turn is surely in its hands when it dies.
    bot.send_signal(signal.SIGSTOP)
    with_rasa.supplier.text_until_taken(person, "hello")
    wait_for("the lease", lambda: with_rasa.record.conversation(person).leased_until is not None)
    with_rasa.supplier.text_until_taken(person, "what is this")
    bot.kill()
    wait_for("a failed turn", lambda: with_rasa.record.conversation(person).next_turn_at is not None)
    bot.start()
    with_rasa.record.wait_until_done(2, [person], patience_seconds=90)
    texts = with_rasa.record.inbound(person)
    assert len({text.turn_id for text in texts}) == 1, "both waited, so they are one turn"
    assert {turn.kind for turn in with_rasa.record.turns(person)} == {TurnKind.BOT}
    posted = [(text.message_id, text.body) for text in with_rasa.supplier.taken(person)]
    assert posted == [(message.id, message.text) for message in with_rasa.record.outbound(person)]
    assert posted
