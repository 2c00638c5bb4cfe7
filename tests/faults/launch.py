"""Runs a real program of ours that kills itself with SIGKILL right after a named point, when armed.

    FAULT_FOLDER=... python -m tests.faults.launch web|worker|scheduler

The product knows nothing of this: named functions are wrapped from outside before the program starts.
A file named after a point in `FAULT_FOLDER` arms it; the number in it says at which pass it strikes.
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]

COMMANDS = {
    "web": ("gunicorn", "-c", str(REPOSITORY / "web" / "gunicorn.conf.py"), "web.wsgi:app"),
    "worker": ("linkline", "worker", "run"),
    "scheduler": ("linkline", "scheduler", "run"),
}


def _always(_result: Any) -> bool:
    return True


def _took_something(result: Any) -> bool:
    return result[1] is not None


@dataclass(frozen=True)
class Point:
    """Where a process may die: after (or right before) a function that did something."""

    program: str
    module: str
    function: str
    counts: Callable[[Any], bool] = bool
    before: bool = False


POINTS = {
    # Before the commit: the database must forget it all.
    "inside T1": Point("web", "messaging.intake", "store"),
    "after T1": Point("web", "messaging.intake", "take_in", counts=lambda taken: taken == "stored"),
    "after T4": Point("web", "messaging.receipts", "record"),
    "inside T1s": Point("worker", "messaging.screening", "screen_one", counts=_always),
    "after T1s": Point("worker", "messaging.screening", "screen_next"),
    "after T2a": Point("worker", "messaging.turns", "claim", counts=_took_something),
    "after the bot's reply": Point("worker", "messaging.turns", "commit", before=True),
    "inside T2b": Point("worker", "messaging.outbox", "queue"),
    "after T2b": Point("worker", "messaging.turns", "commit"),
    "after T3a": Point("worker", "messaging.delivery", "claim", counts=_took_something),
    "after the supplier's accept": Point("worker", "messaging.channels.twilio", "TwilioChannel.send"),
    "stored from the spool": Point("scheduler", "messaging.housekeeping", "_store_spooled", counts=_always),
    "stale lease freed": Point("scheduler", "messaging.housekeeping", "release_stale_leases"),
    "broken-off send found": Point("scheduler", "messaging.unknown_sends", "release_broken_off"),
    "supplier's list read": Point("scheduler", "messaging.unknown_sends", "_write", before=True),
    "unknown send settled": Point("scheduler", "messaging.unknown_sends", "_write"),
}

_lock = threading.Lock()


def arm(folder: Path, name: str, at_pass: int) -> None:
    """Make the program that passes this point for the nth time from now on die there."""
    assert name in POINTS
    _write(folder / name, at_pass)


def is_armed(folder: Path, name: str) -> bool:
    """Whether it has yet to strike."""
    return (folder / name).exists()


def _write(file: Path, at_pass: int) -> None:
    # Renamed into place, because the program may look at any moment.
    part = file.with_suffix(".part")
    part.write_text(str(at_pass))
    part.replace(file)


def _passing(folder: Path, name: str) -> None:
    with _lock:
        file = folder / name
        try:
            left = int(file.read_text())
        except FileNotFoundError:
            return
        if left > 1:
            _write(file, left - 1)
            return
        file.unlink()
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _wrap(folder: Path, name: str, point: Point) -> None:
    owner: Any = importlib.import_module(point.module)
    *outer, attribute = point.function.split(".")
    for part in outer:
        owner = getattr(owner, part)
    real = getattr(owner, attribute)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if point.before:
            _passing(folder, name)
        result = real(*args, **kwargs)
        if not point.before and point.counts(result):
            _passing(folder, name)
        return result

    setattr(owner, attribute, wrapped)


def main() -> None:
    """Wrap this program's points and run it."""
    program = sys.argv[1]
    for name, point in POINTS.items():
        if point.program == program:
            _wrap(Path(os.environ["FAULT_FOLDER"]), name, point)
    sys.argv = list(COMMANDS[program])
    if program == "web":
        runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)
    else:
        from cli.main import main as linkline

        linkline()


if __name__ == "__main__":
    main()
