"""What the scheduler does at each tick. It only ticks: what is due is decided elsewhere, and is rows."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from messaging import heartbeats, housekeeping
from models.clock import LONDON, now
from models.logs import describe

TICK_SECONDS = 2

log = structlog.get_logger()


def tick(sweepers: Sequence[housekeeping.Sweeper]) -> dict[str, int]:
    """Do everything that is due; returns how many of each. One sweeper's fault never stops another."""
    done: dict[str, int] = {}
    for sweeper in sweepers:
        try:
            done[sweeper.name] = sweeper.sweep()
        except Exception as error:  # noqa: BLE001 - the next sweeper and the next tick must still come
            log.error("sweeper_failed", sweeper=sweeper.name, error=describe(error))
    swept = {name: count for name, count in done.items() if count}
    if swept:
        log.info("swept", **swept)
    return done


def run(sweepers: Sequence[housekeeping.Sweeper], stopping: threading.Event) -> None:
    """Tick until told to stop.

    APScheduler keeps no jobs of its own: the rows are the schedule, so a second scheduler on
    another machine is harmless.
    """
    ticking = BackgroundScheduler(timezone=LONDON)
    ticking.add_job(
        tick,
        "interval",
        seconds=TICK_SECONDS,
        args=[sweepers],
        next_run_time=now(),
        # A tick that took long is followed by one, not by all that were missed.
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )
    ticking.start()
    log.info("scheduler_ready")
    heartbeats.beat_until(stopping, "scheduler", f"scheduler:{socket.gethostname()}:{os.getpid()}")
    ticking.shutdown(wait=True)
