"""Forty random kills of web, worker, bot and scheduler while two hundred people talk with the line."""

from __future__ import annotations

import itertools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from models.enums import Purpose
from tests.faults import service as services
from tests.faults.conftest import NewDatabase
from tests.faults.judge import assert_all_answered
from tests.faults.service import Bot, Plan, Service

PEOPLE = 200
TEXTS_EACH = 4
KILLS = 40
KILLABLE = ("web", "worker", "bot", "scheduler")
#: How long the people go on talking. The kills are spread over the first nine tenths of it.
TALK_SECONDS = float(os.environ.get("LINKLINE_SOAK_SECONDS", "120"))
#: `rasa` takes the real bot. Its start takes seconds, so fewer kills meet a bot that is at work.
BOT = Bot(os.environ.get("LINKLINE_SOAK_BOT", "scripted"))

#: Short, but longer than a busy machine may take for a turn or a send.
SETTINGS = {
    "TURN_LEASE_SECONDS": "8",
    "BOT_TIMEOUT_SECONDS": "3",
    "SEND_LEASE_SECONDS": "12",
    "UNKNOWN_AFTER_SECONDS": "3",
    # The bot dies often, and who meets it dead several times is told that we have their text.
    "HOLDING_AFTER_SECONDS": "15",
}

pytestmark = pytest.mark.soak


def talk(service: Service, person: str, pauses: list[float]) -> None:
    """One person's texts, some close together and some far apart, repeated until taken."""
    for number, pause in enumerate(pauses):
        time.sleep(pause)
        service.supplier.text_until_taken(person, text(number))


def text(number: int) -> str:
    return f"text {number + 1}"


def pauses(chance: Random) -> list[float]:
    """When one person texts, as pauses between the texts: half of them follow the one before closely."""
    times = sorted(chance.uniform(0, TALK_SECONDS) for _ in range(TEXTS_EACH))
    found = [times[0]]
    for earlier, later in itertools.pairwise(times):
        found.append(chance.uniform(0, 0.3) if chance.random() < 0.5 else later - earlier)
    return found


def kill_at_random(service: Service, chance: Random) -> list[str]:
    """Kill and restart, forty times; returns what was killed. Two may be dead at the same time."""
    killed: list[str] = []
    began = time.monotonic()
    moments = sorted(chance.uniform(0, TALK_SECONDS * 0.9) for _ in range(KILLS))
    for moment in moments:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        victims = chance.sample(KILLABLE, 2 if chance.random() < 0.1 else 1)
        for name in victims[: KILLS - len(killed)]:
            service[name].kill()
            killed.append(name)
        time.sleep(chance.choice((0, 0, 0.5, 2)))
        for name in victims:
            if service[name].process is None:
                service[name].start(wait=False)
        for name in victims:
            service[name].wait_ready()
        if len(killed) == KILLS:
            break
    return killed


@pytest.mark.timeout(580)
def test_random_kills(
    new_database: NewDatabase, tmp_path: Path, seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = Random(f"soak {seed}")
    plan = Plan(bot=BOT, callbacks=0.05, slowness=0.15, settings=SETTINGS)
    with services.started(tmp_path, new_database(tmp_path), plan) as service:
        people = [service.person() for _ in range(PEOPLE)]
        plans = {person: pauses(chance) for person in people}
        began = time.monotonic()
        with ThreadPoolExecutor(PEOPLE) as pool:
            talks = [pool.submit(talk, service, person, plan) for person, plan in plans.items()]
            killed = kill_at_random(service, chance)
            for done in talks:
                done.result()
        assert len(killed) == KILLS
        assert set(killed) == set(KILLABLE)
        sent = {person: [text(n) for n in range(TEXTS_EACH)] for person in people}
        assert_all_answered(service, sent, patience_seconds=180, echoed=BOT is Bot.SCRIPTED)
        # Whatever may yet come late has come by then.
        threading.Event().wait(float(SETTINGS["SEND_LEASE_SECONDS"]) + 5)
        taken = service.supplier.taken()
        assert len({t.message_id for t in taken}) == len(taken), "no reply was taken on twice"
        outbound = service.record.outbound(*people)
        late = sum(message.attempts > 1 for message in outbound)
        holding = sum(message.purpose is Purpose.HOLDING for message in outbound)
    with capsys.disabled():
        print(  # noqa: T201 - a measurement
            f"\n  seed {seed}: {KILLS} kills ({', '.join(f'{n} {killed.count(n)}' for n in KILLABLE)}), "
            f"{PEOPLE} people, {PEOPLE * TEXTS_EACH} texts, {len(taken) - holding} replies, {holding} holding replies, "
            f"{late} sent again, {time.monotonic() - began:.0f} s"
        )
