"""The two bots of the turns benchmark, behind one face: a person says something and hears the replies."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from bot.contract import TURN_PATH, TurnReply, TurnRequest
from tests.support.rasa_bot import PYTHON, RASA, REPOSITORY, RunningBot, free_port, stop

STOCK = REPOSITORY / "bench" / "stock_rasa"
HUB = {"hub": {"name": "Rowan Link Workers"}}
STOCK_PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Stock:
    """Stock Rasa at work: its address, and the ids of its server and its action server."""

    url: str
    processes: tuple[int, ...]


def cpu_seconds(processes: Iterable[int]) -> float:
    """Processor time that these processes have used so far (Linux)."""
    ticks = 0
    for process in processes:
        # After the name, which may hold spaces: state is field 3, utime 14 and stime 15. See proc(5).
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Person(Protocol):
    """One conversation on one kept-alive connection."""

    def says(self, text: str) -> list[str]:
        """Send a text and return the replies' texts. Raises `RuntimeError` for any failure."""


class Wire:
    """A connection that is kept, as both sides deserve; Python's own client, to burden neither much."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def post(self, path: str, body: str, headers: dict[str, str]) -> bytes:
        """The body of a 200; raises `RuntimeError` for another status."""
        self._connection.request("POST", path, body.encode(), {"Content-Type": "application/json", **headers})
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}")
        return raw


class OurPerson:
    """Talks with our bot and keeps the state, as the app does."""

    def __init__(self, bot: RunningBot, conversation: str) -> None:
        self._wire = Wire(bot.url)
        self._headers = {"Authorization": f"Bearer {bot.token}"}
        self._conversation = conversation
        self._state: dict[str, Any] = {}

    def says(self, text: str) -> list[str]:
        """One turn."""
        asked = TurnRequest(self._conversation, (text,), context=HUB, state=self._state)
        reply = TurnReply.from_json(self._wire.post(TURN_PATH, asked.to_json(), self._headers))
        self._state = reply.state
        return [said.text for said in reply.replies]


class StockPerson:
    """Talks with stock Rasa over its REST channel; its server keeps the conversation."""

    def __init__(self, url: str, conversation: str) -> None:
        self._wire = Wire(url)
        self._conversation = conversation
        # Our app tells the bot that nothing was said yet; here it is written into the tracker first,
        # as a session that has begun, or Rasa would begin one after it and drop the slots.
        events = [
            {"event": "action", "name": "action_session_start"},
            {"event": "session_started"},
            {"event": "action", "name": "action_listen"},
            {"event": "slot", "name": "stage", "value": "new"},
            {"event": "slot", "name": "question", "value": "nothing"},
        ]
        now = time.time()
        slots_set = [{**event, "timestamp": now + n / 1000} for n, event in enumerate(events)]
        self._wire.post(f"/conversations/{conversation}/tracker/events", json.dumps(slots_set), {})

    def says(self, text: str) -> list[str]:
        """One turn."""
        body = {"sender": self._conversation, "message": text, "metadata": HUB}
        replies = json.loads(self._wire.post("/webhooks/rest/webhook", json.dumps(body), {}))
        if not replies:
            raise RuntimeError("stock Rasa had nothing to say")
        return [reply["text"] for reply in replies if "text" in reply]


@contextmanager
def stock_rasa(model: Path, folder: Path) -> Iterator[Stock]:
    """Stock Rasa with that model, its tracker database and logs in `folder`, ready to answer."""
    server, actions = free_port(), free_port()
    environment = {
        **os.environ,
        "BENCH_ACTIONS_URL": f"http://127.0.0.1:{actions}/webhook",
        "BENCH_TRACKER_DB": str(folder / "tracker.db"),
        "RASA_TELEMETRY_ENABLED": "false",
        "PYTHONPATH": os.pathsep.join([str(RASA), str(REPOSITORY)]),
        "PYTHONWARNINGS": "ignore",
    }
    commands: list[list[str | Path]] = [
        [PYTHON, "-m", "rasa_sdk", "--actions", "actions", "-p", str(actions)],
        [PYTHON, "-m", "rasa", "run", "-m", model, "--endpoints", STOCK / "endpoints.yml",
         "--credentials", STOCK / "credentials.yml", "--enable-api", "-i", "127.0.0.1", "-p", str(server)],
    ]  # fmt: skip
    processes: list[subprocess.Popen[bytes]] = []
    with (folder / "stock.log").open("wb") as log:
        try:
            processes.extend(
                subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
                for command in commands
            )
            url = f"http://127.0.0.1:{server}"
            _wait(url, processes, folder / "stock.log")
            yield Stock(url, tuple(process.pid for process in processes))
        finally:
            for process in processes:
                stop(process)


def _wait(url: str, processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    until = time.monotonic() + STOCK_PATIENCE_SECONDS
    parts = urlsplit(url)
    while time.monotonic() < until:
        if any(process.poll() is not None for process in processes):
            break
        try:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
            connection.request("GET", "/status")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"Stock Rasa did not start:\n{log.read_text(errors='replace')[-3000:]}")
