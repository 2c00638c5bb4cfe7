"""The real bot as a test has it: its own process on a free port, trained, ready, and stopped at the end."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.client import BotClient
from bot.contract import READY_PATH

REPOSITORY = Path(__file__).resolve().parents[2]
RASA = REPOSITORY / "bot" / "rasa"
PYTHON = RASA / ".venv" / "bin" / "python"
START = RASA / "start.py"
#: Training included, on a machine that does other things too.
PATIENCE_SECONDS = 110.0


@dataclass(frozen=True)
class RunningBot:
    """A bot that was ready when handed over."""

    url: str
    token: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, *, timeout_seconds: float = 10, tries: int = 1) -> BotClient:
        """A client for it; close it when done."""
        return BotClient([self.url], self.token, timeout_seconds=timeout_seconds, tries=tries)

    def output(self) -> str:
        """Everything the process has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def is_ready(self) -> bool:
        """Whether it has loaded its model."""
        try:
            return httpx.get(self.url + READY_PATH, timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


@contextmanager
def started_bot(
    port: int | None = None, env: Mapping[str, str] | None = None, script: Path = START
) -> Iterator[RunningBot]:
    """The bot's process from its first moment, not ready yet; ended when the block is left.

    `script` stands in for `start.py`, to start it with something broken.
    """
    address = f"127.0.0.1:{port or free_port()}"
    token = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="bot-") as folder:
        log = Path(folder) / "bot.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [PYTHON, script, "--listen", address],
                cwd=REPOSITORY,
                env={**os.environ, "BOT_TOKEN": token, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        bot = RunningBot(f"http://{address}", token, process, log)
        try:
            yield bot
        finally:
            stop(process)


@contextmanager
def running_bot(
    port: int | None = None, env: Mapping[str, str] | None = None, script: Path = START
) -> Iterator[RunningBot]:
    """A bot that is ready. Raises `RuntimeError` with its output when it ends or takes too long."""
    with started_bot(port, env, script) as bot:
        wait_until_ready(bot)
        yield bot


def wait_until_ready(bot: RunningBot) -> None:
    """Return when it answers turns. Raises `RuntimeError` with its output when it does not."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not bot.is_ready():
        if bot.process.poll() is not None:
            raise RuntimeError(f"The bot ended with {bot.process.returncode}:\n{bot.output()}")
        if time.monotonic() > until:
            raise RuntimeError(f"The bot was not ready in {PATIENCE_SECONDS:.0f} s:\n{bot.output()}")
        time.sleep(0.1)


def stop(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> float:
    """End it and return the seconds that took; kills it after ten."""
    began = time.monotonic()
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return time.monotonic() - began


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
