"""The whole line as real processes on free ports: web, worker, scheduler and, if wanted, the bot."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from models.settings import Settings
from tests.support.rasa_bot import PYTHON as BOT_PYTHON
from tests.support.rasa_bot import REPOSITORY, START, free_port

BIN: Final = REPOSITORY / ".venv" / "bin"
#: Training is done by then; on a machine that does other things too the bot needs a while to load.
PATIENCE_SECONDS: Final = 100.0
STOP_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1
_BOT_REASON: Final = "The bot is not ready."


class RunningLine:
    """The processes by name ("web", "worker", "scheduler", "bot"), and where the web process answers."""

    def __init__(self, env: Mapping[str, str], folder: Path, commands: Mapping[str, list[str]]) -> None:
        self._env = dict(env)
        self._folder = folder
        self._commands = dict(commands)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.url = f"http://localhost:{env['PORT']}"
        self._http = httpx.Client(base_url=self.url, timeout=15, trust_env=False)

    @property
    def http(self) -> httpx.Client:
        """A client for the web process; it keeps no proxy and no cookie of anybody else."""
        return self._http

    def start(self, name: str) -> None:
        """Start a process that does not run."""
        if self.runs(name):
            raise RuntimeError(f"{name} runs already")
        with self._log(name).open("ab") as out:
            # A session of its own, so that kill() takes gunicorn's children as well.
            self._processes[name] = subprocess.Popen(
                self._commands[name],
                cwd=self._folder if name != "bot" else REPOSITORY,
                env=self._env,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a process and its children; by default without any warning. Returns when it is gone."""
        process = self._processes[name]
        if process.poll() is None:
            os.killpg(process.pid, number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def runs(self, name: str) -> bool:
        """Whether this process is running now."""
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def log(self, name: str) -> str:
        """Everything that this process has printed, over all its lives."""
        path = self._log(name)
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def readiness(self) -> tuple[int, list[str]]:
        """The status of /readyz and its reasons; (0, []) when nobody answers."""
        try:
            answer = self._http.get("/readyz")
        except httpx.HTTPError:
            return 0, []
        reasons: list[str] = answer.json()["reasons"]
        return answer.status_code, reasons

    def wait_until_ready(self, *, with_bot: bool = True) -> None:
        """Return once /readyz has nothing to say (but that there is no bot, where that is meant).

        Raises `RuntimeError` when a process ended or it takes too long.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, reasons = self.readiness()
            left = [reason for reason in reasons if with_bot or not reason.startswith(_BOT_REASON)]
            if status and not left:
                return
            ended = [name for name in self._processes if not self.runs(name)]
            if ended or time.monotonic() > until:
                raise RuntimeError(f"not ready: {left or 'no answer'}; ended: {ended}\n{self.logs()}")
            time.sleep(_LOOK_SECONDS)

    def logs(self, last: int = 4_000) -> str:
        """The end of every process's log."""
        return "\n".join(f"=== {name}\n{self.log(name)[-last:]}" for name in self._commands)

    def stop(self) -> None:
        """End everything: first politely, all at once, then by force."""
        for name, process in self._processes.items():
            if self.runs(name):
                os.killpg(process.pid, signal.SIGTERM)
        for name in self._processes:
            self.kill(name, signal.SIGTERM)
        self._http.close()

    def text(self, number: str, text: str, **more: Any) -> httpx.Response:
        """A handset of the simulator sends a text."""
        return self._http.post(f"/phone/{number}/messages", json={"text": text, **more})

    def heard(self, number: str, **query: str) -> list[str]:
        """Every text that has reached this handset of the simulator."""
        answer = self._http.get(f"/phone/{number}/messages", params=query)
        answer.raise_for_status()
        return [message["text"] for message in answer.json()["messages"] if message["from"] != "patient"]

    def hears(self, number: str, count: int, *, within: float = 30.0) -> list[str]:
        """Wait until so many texts have reached this handset. Raises `TimeoutError`."""
        until = time.monotonic() + within
        while len(heard := self.heard(number)) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(heard)} of {count} texts after {within:.0f} s\n{self.logs()}")
            time.sleep(_LOOK_SECONDS)
        return heard

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


@contextmanager
def running_line(
    settings: Settings, folder: Path, *, bot: bool = False, env: Mapping[str, str] | None = None
) -> Iterator[RunningLine]:
    """The line on this database (migrated) and `var` folder, ready. Without `bot` its bot is unreachable.

    `folder` holds the logs. `env` adds settings. What was printed is shown when the block fails.
    """
    port, bot_port = free_port(), free_port()
    told = {
        **os.environ,
        "LINKLINE_ENV": settings.linkline_env.value,
        "DATABASE_URL": settings.database_url,
        "VAR_DIR": str(settings.var_dir),
        "PORT": str(port),
        "BOT_URL": f"http://127.0.0.1:{bot_port}",
        "BOT_TOKEN": secrets.token_urlsafe(16),
        "PYTHONUNBUFFERED": "1",
        **(env or {}),
    }
    web = [str(BIN / "gunicorn"), "-c", str(REPOSITORY / "web" / "gunicorn.conf.py"), "web.wsgi:app"]
    commands = {
        "web": web,
        "worker": [str(BIN / "linkline"), "worker", "run"],
        "scheduler": [str(BIN / "linkline"), "scheduler", "run"],
    }
    if bot:
        commands["bot"] = [str(BOT_PYTHON), str(START), "--listen", f"127.0.0.1:{bot_port}"]
    line = RunningLine(told, folder, commands)
    try:
        for name in commands:
            line.start(name)
        line.wait_until_ready(with_bot=bot)
        yield line
    except BaseException:
        sys.stdout.write(line.logs())
        raise
    finally:
        line.stop()
