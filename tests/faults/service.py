"""The whole service as real processes against one database, with a loopback Twilio in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from bot.contract import READY_PATH
from setup.guard import Guard
from tests.faults import launch
from tests.faults.programs import PATIENCE_SECONDS, Program
from tests.faults.record import Record
from tests.faults.supplier import Supplier
from tests.support import rasa_bot
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN
from tests.support.line import HUB_NUMBER

REPOSITORY: Final = Path(__file__).resolve().parents[2]
BIN: Final = REPOSITORY / ".venv" / "bin"
BOT_TOKEN: Final = "a token for the tests"

#: So short that a test need not wait long for what a dead process has held.
QUICK: Final[Mapping[str, str]] = {
    "TURN_LEASE_SECONDS": "3",
    "BOT_TIMEOUT_SECONDS": "1",
    "SEND_LEASE_SECONDS": "2",
    "UNKNOWN_AFTER_SECONDS": "1",
}


class Bot(Enum):
    SCRIPTED = "scripted"
    RASA = "rasa"


@dataclass(frozen=True)
class Plan:
    """How a service is set up. `armed`: its programs can be told to die at a named point.

    `callbacks`: seconds between the supplier's reports about a text; without it there are none.
    `slowness`: seconds that the scripted bot takes for a turn, and the supplier for a text.
    """

    bot: Bot = Bot.SCRIPTED
    armed: bool = False
    callbacks: float | None = None
    slowness: float = 0.0
    settings: Mapping[str, str] = field(default_factory=lambda: QUICK)


#: Services that run now, so that a test that fails can show their logs.
running: list[Service] = []


class Service:
    """Web, worker, scheduler and bot, and the supplier. `people` gives each test numbers of its own."""

    def __init__(self, folder: Path, database_url: str, plan: Plan, guard: Guard) -> None:
        self.folder = folder
        self.plan = plan
        self.faults = folder / "faults"
        self.faults.mkdir(parents=True)
        self._guard = guard
        web, bot, twilio = (rasa_bot.free_port() for _ in range(3))
        self.url, self.bot_url, self.twilio_url = (f"http://127.0.0.1:{port}" for port in (web, bot, twilio))
        self.env = self._environment(database_url, web)
        self.record = Record(database_url)
        self.supplier = Supplier(self.url, folder / "accepted.jsonl")
        self.programs = {
            "twilio": self._twilio(twilio),
            "bot": self._bot(bot),
            "web": self._ours("web", self._web_is_ready),
            "worker": self._ours("worker", lambda log: "worker_ready" in log),
            "scheduler": self._ours("scheduler", lambda log: "scheduler_ready" in log),
        }
        self._numbers = count(100)

    def __getitem__(self, name: str) -> Program:
        return self.programs[name]

    def start(self) -> None:
        """Start everything at once and wait until all of it works."""
        for program in self.programs.values():
            program.start(wait=False)
        for program in self.programs.values():
            program.wait_ready()

    def stop(self) -> None:
        """Kill whatever runs."""
        for program in self.programs.values():
            program.kill()
        self.supplier.close()
        self.record.close()

    def person(self) -> str:
        """The number of somebody who has not texted yet: one of Ofcom's for drama."""
        return f"+447700900{next(self._numbers):03d}"

    def arm(self, point: str, at_pass: int = 1) -> Program:
        """The program of this point will die there at this pass; returns the program."""
        assert self.plan.armed
        launch.arm(self.faults, point, at_pass)
        return self.programs[launch.POINTS[point].program]

    def _environment(self, database_url: str, web_port: int) -> dict[str, str]:
        return {
            **os.environ,
            **self.plan.settings,
            "LINKLINE_ENV": "test",
            "DATABASE_URL": database_url,
            "VAR_DIR": str(self.folder / "var"),
            "PORT": str(web_port),
            "PUBLIC_URL": self.url,
            "SECRET_KEY": "a key for the tests",
            "BOT_URL": self.bot_url,
            "BOT_TOKEN": BOT_TOKEN,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_FROM": HUB_NUMBER,
            "TWILIO_API_URL": self.twilio_url,
            "FAULT_FOLDER": str(self.faults),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
        }

    def _ours(self, name: str, is_ready: Callable[[str], bool]) -> Program:
        if self.plan.armed:
            command = [sys.executable, "-m", "tests.faults.launch", name]
        else:
            program, *arguments = launch.COMMANDS[name]
            command = [str(BIN / program), *arguments]
        return Program(name, command, self.env, self.folder, is_ready, self._guard)

    def _web_is_ready(self, log: str) -> bool:
        # The port alone proves nothing: an earlier process of web may still answer on it.
        return "Listening at" in log and _is_up(f"{self.url}/healthz")

    def _bot(self, port: int) -> Program:
        def is_ready(_log: str) -> bool:
            return _is_up(self.bot_url + READY_PATH)

        script: list[str | Path] = [sys.executable, "-m", "tests.faults.scripted_bot", "--port", str(port)]
        script += ["--seconds", str(self.plan.slowness)]
        rasa: list[str | Path] = [rasa_bot.PYTHON, rasa_bot.START, "--listen", f"127.0.0.1:{port}"]
        command, patience = {
            Bot.SCRIPTED: (script, PATIENCE_SECONDS),
            Bot.RASA: (rasa, rasa_bot.PATIENCE_SECONDS),
        }[self.plan.bot]
        return Program("bot", command, self.env, self.folder, is_ready, self._guard, patience)

    def _twilio(self, port: int) -> Program:
        command = [sys.executable, "-m", "tests.support.fake_twilio", "--port", str(port)]
        command += ["--log", str(self.supplier.log), "--latency", str(self.plan.slowness)]
        if self.plan.callbacks is not None:
            command += ["--callbacks", str(self.plan.callbacks)]
        return Program("twilio", command, self.env, self.folder, lambda log: "http" in log, self._guard)


@contextmanager
def started(folder: Path, database_url: str, plan: Plan) -> Iterator[Service]:
    """A service that works; every process of it is killed at the end, whatever happens."""
    with ExitStack() as stack:
        guard = Guard()
        stack.callback(guard.close)
        service = Service(folder, database_url, plan, guard)
        stack.callback(service.stop)
        running.append(service)
        stack.callback(running.remove, service)
        service.start()
        yield service


def _is_up(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
