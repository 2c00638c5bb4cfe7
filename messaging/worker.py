"""The worker: screens, takes turns and sends, each in threads of its own, woken by the database.

Screening never waits for a turn, a turn never waits for a send, and a crisis reply never waits
for another text: a slow supplier or a dead bot holds up nothing else.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from messaging import delivery, heartbeats, screening, turns, wake
from models.logs import describe
from models.session import engine

TURN_THREADS = 8
SEND_THREADS = 8
CRISIS_THREADS = 2
#: How often waiting threads look without being woken: back-off and held texts come due by time alone.
POLL_SECONDS = 1.0
#: How long a thread rests after an error that is not about one text, such as a database that is away.
REST_SECONDS = 0.5
#: Safety comes first: while texts wait to be screened, other threads stand back for so long at most
#: before each look. Without this, a rush of ordinary texts makes a risky one wait for many seconds.
STAND_BACK_SECONDS = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of work. `look` finds a piece and takes it, or says that there is none."""

    name: str
    threads: int
    look: Callable[[], Callable[[], None] | None]
    #: Whether the others stand back while this one is busy.
    goes_first: bool = False


def stages(ask_bot: turns.AskBot, channels: delivery.Channels) -> tuple[Stage, ...]:
    """What the worker does, in the order in which a text meets it."""

    def look_for_turn() -> Callable[[], None] | None:
        found, lease = turns.claim()
        if lease is not None:
            return lambda: turns.run(lease, ask_bot)
        return _nothing if found else None

    def look_for_send(*, crisis_only: bool = False) -> Callable[[], None] | None:
        found, claimed = delivery.claim(crisis_only=crisis_only)
        if claimed is not None:
            return lambda: delivery.send(claimed, channels)
        return _nothing if found else None

    def look_for_text() -> Callable[[], None] | None:
        return _nothing if screening.screen_next() else None

    return (
        # One thread: screening is quick, and newest first means the same for everybody.
        Stage("screen", 1, look_for_text, goes_first=True),
        Stage("turn", TURN_THREADS, look_for_turn),
        Stage("send", SEND_THREADS, look_for_send),
        # Of its own, so that a supplier that hangs with ordinary texts does not keep help back.
        Stage("crisis", CRISIS_THREADS, lambda: look_for_send(crisis_only=True)),
    )


def run_once(ask_bot: turns.AskBot, channels: delivery.Channels) -> int:
    """Do everything that waits, then return how many pieces of work that was."""
    done = 0
    busy = True
    while busy:
        busy = False
        for stage in stages(ask_bot, channels):
            while (work := stage.look()) is not None:
                work()
                done += 1
                busy = True
    return done


def run(ask_bot: turns.AskBot, channels: delivery.Channels, stopping: threading.Event) -> None:
    """Work until told to stop; what is under way is finished first."""
    line = stages(ask_bot, channels)
    bells = [wake.Bell() for _ in line]
    calm = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(stage, bell, bells, calm, stopping), name=f"{stage.name}-{i}")
        for stage, bell in zip(line, bells, strict=True)
        for i in range(stage.threads)
    ]
    listener = wake.Listener(engine(), bells, stopping)
    for thread in (*threads, listener):
        thread.start()
    log.info("worker_ready")
    heartbeats.beat_until(stopping, "worker", f"worker:{socket.gethostname()}:{os.getpid()}")
    # Sleeping threads wake within one poll and see that it is time to stop.
    for thread in threads:
        thread.join()


def _work(
    stage: Stage, bell: wake.Bell, bells: list[wake.Bell], calm: threading.Event, stopping: threading.Event
) -> None:
    while not stopping.is_set():
        try:
            if not stage.goes_first:
                calm.wait(STAND_BACK_SECONDS)
            work = stage.look()
            if stage.goes_first:
                (calm.set if work is None else calm.clear)()
            if work is None:
                bell.wait(POLL_SECONDS)
                continue
            # There may be more: let another thread look while this one works.
            bell.ring()
            work()
            # What one stage has done is work for another.
            for other in bells:
                other.ring()
        except Exception as error:  # noqa: BLE001 - a thread that dies would lose its share of texts
            log.error("stage_failed", stage=stage.name, error=describe(error))
            if stage.goes_first:
                calm.set()
            stopping.wait(REST_SECONDS)


def _nothing() -> None:
    """The work was done while looking."""
