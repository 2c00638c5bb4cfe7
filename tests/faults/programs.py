"""Programs as processes of their own: started, waited for, killed and started again; none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from setup.guard import Guard

PATIENCE_SECONDS = 30.0


class NotReadyError(AssertionError):
    """A program ended or stayed silent. The message has the end of its log."""


@dataclass
class Program:
    """One program with its command; at most one process of it runs at a time.

    `is_ready` is given what the process has printed since it was started.
    """

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    folder: Path
    is_ready: Callable[[str], bool]
    guard: Guard
    patience_seconds: float = PATIENCE_SECONDS
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_start: int = field(default=0, init=False)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self, *, wait: bool = True) -> None:
        """Start it in a process group of its own and wait until it is ready."""
        assert self.process is None, f"{self.name} runs already"
        with self.log.open("ab") as out:
            self._log_start = out.tell()
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.guard.watch(self.process.pid)
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Return when it works. Raises `NotReadyError` when it ended or takes too long."""
        until = time.monotonic() + self.patience_seconds
        while not self.is_ready(self.output()):
            if self.process is None or self.process.poll() is not None:
                raise NotReadyError(f"{self.name} ended before it was ready:\n{self.tail()}")
            if time.monotonic() > until:
                raise NotReadyError(f"{self.name} was not ready in {self.patience_seconds} s:\n{self.tail()}")
            time.sleep(0.03)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """`kill -9` for the whole group; returns when it is gone."""
        if self.process is not None:
            self.send_signal(signal.SIGKILL)
            self._collect()

    def kill_first_only(self) -> None:
        """`kill -9` for the process that was started, and not for those that it has started itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        # Still watched by the guard: the others should end by themselves, and must be gone at the end.
        self.process = None

    def wait_killed(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until it has been killed. Raises when it lives on, or ended in any other way."""
        assert self.process is not None
        try:
            ended = self.process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} was not killed in {patience_seconds} s") from None
        assert ended == -signal.SIGKILL, f"{self.name} ended with {ended}:\n{self.tail()}"
        self._collect()

    def restart(self, *, wait: bool = True) -> None:
        """`kill -9`, and start again."""
        self.kill()
        self.start(wait=wait)

    def output(self) -> str:
        """What the process has printed since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def tail(self, lines: int = 40) -> str:
        """The end of the log, earlier processes included."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _collect(self) -> None:
        assert self.process is not None
        self.process.wait()
        self.guard.forget(self.process.pid)
        self.process = None
