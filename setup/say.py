"""How the setting-up talks to the person waiting: numbered steps, a sign of life, plain failures."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
SIGN_OF_LIFE_SECONDS = 10.0


class SetupError(Exception):
    """Setting up cannot go on. The message is one plain sentence for a person who is no developer."""


def say(text: str) -> None:
    """Print one line at once, also when the output goes to a file or a pipe."""
    print(text, flush=True)


def stop_with(message: str) -> NoReturn:
    """Print the plain sentence to stderr and end with status 1."""
    print(f"\n{message}", file=sys.stderr, flush=True)
    raise SystemExit(1)


class Steps:
    """Counts steps as "2/6 ..." and says how long each took."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._number = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, show every ten seconds that it still runs, and say when it is done."""
        self._number += 1
        label = f"{self._number}/{self._total}"
        say(f"{label} {title} ...")
        started = time.monotonic()
        done = threading.Event()
        ticker = threading.Thread(target=_tick, args=(label, started, done), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()
        say(f"{label} done in {time.monotonic() - started:.1f} s")


def _tick(label: str, started: float, done: threading.Event) -> None:
    while not done.wait(SIGN_OF_LIFE_SECONDS):
        say(f"{label} ... still working ({time.monotonic() - started:.0f} s)")


def run_command(
    command: Sequence[str | Path], *, failed: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> None:
    """Run a command with its output shown. Raises `SetupError(failed)` when it does not succeed."""
    try:
        status = subprocess.run([str(part) for part in command], env=env, cwd=cwd, check=False).returncode
    except OSError as problem:
        raise SetupError(f"{failed} ({problem.strerror}: {command[0]})") from problem
    if status:
        raise SetupError(failed)
