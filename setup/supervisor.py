"""Keeps the Procfile's processes running: starts them, restarts what dies, ends them all together.

A runner that ends everything when one process ends (as honcho does) would take the line down with
one fault, in a place where nobody is watching. Each process has its own process group, so that
nothing of it is left behind, and a guard ends the groups should the supervisor itself be killed.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from setup.guard import Guard, end_groups, signal_group

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.1
_COLOURS = (36, 33, 35, 32, 34, 31)


@dataclass
class Program:
    """One line of the Procfile and how it is doing. Times are `time.monotonic()` seconds."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    wait: float = FIRST_WAIT_SECONDS
    reader: threading.Thread | None = field(default=None, repr=False)


def read_procfile(text: str) -> dict[str, list[str]]:
    """Names and commands. Raises `ValueError` for a line that is neither a comment nor `name: command`."""
    programs: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, command = line.partition(":")
        if not colon or not command.strip() or not name.strip().isidentifier():
            raise ValueError(f"not a line of a Procfile: {line}")
        programs[name.strip()] = shlex.split(command)
    return programs


def wait_before_restart(wait: float, lived: float) -> tuple[float, float]:
    """How long to wait now, and what to wait next time: doubling, and from the start after a steady minute."""
    now = FIRST_WAIT_SECONDS if lived >= STEADY_SECONDS else wait
    return now, min(now * 2, LONGEST_WAIT_SECONDS)


class Supervisor:
    """Runs programs until asked to stop."""

    def __init__(self, programs: Mapping[str, list[str]], *, env: Mapping[str, str], cwd: Path) -> None:
        self._programs = [Program(name, command) for name, command in programs.items()]
        self._env = {**env, "PYTHONUNBUFFERED": "1"}
        self._cwd = cwd
        self._width = max((len(name) for name in programs), default=0)
        self._colour = sys.stdout.isatty()
        self._printing = threading.Lock()
        self._stopping = threading.Event()
        self._signals = 0
        self._parent = os.getppid()

    def run(self, when_started: Callable[[threading.Event], None] | None = None) -> None:
        """Start all and stay until SIGINT, SIGTERM or SIGHUP; a second signal ends everything by force.

        `when_started` runs beside them in a thread of its own and gets the event that says "stopping".
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        guard = Guard()
        try:
            if when_started is not None:
                threading.Thread(target=when_started, args=(self._stopping,), daemon=True).start()
            while not self._stopping.is_set():
                for program in self._programs:
                    self._look_after(program, guard)
                time.sleep(LOOK_SECONDS)
                if self._signals or self._make_is_gone():
                    self._stopping.set()
        finally:
            self._stop_all()
            guard.close()

    def say(self, name: str, line: str, number: int = 0) -> None:
        """Print one line of a program under its name."""
        label = f"{name:<{self._width}} |"
        if self._colour:
            label = f"\033[{_COLOURS[number % len(_COLOURS)]}m{label}\033[0m"
        try:
            with self._printing:
                print(f"{label} {line}", flush=True)
        except (BrokenPipeError, ValueError):
            self._stopping.set()  # nobody reads any more: `make run | head`

    def _look_after(self, program: Program, guard: Guard) -> None:
        process = program.process
        if process is None:
            if time.monotonic() >= program.start_again_at:
                self._start(program, guard)
            return
        status = process.poll()
        if status is None:
            return
        # Whatever it started itself goes with it.
        signal_group(process.pid, signal.SIGKILL)
        guard.forget(process.pid)
        program.process = None
        wait, program.wait = wait_before_restart(program.wait, time.monotonic() - program.started_at)
        program.start_again_at = time.monotonic() + wait
        self.say(program.name, f"stopped by itself ({_why(status)}); starting it again in {wait:.0f} s")

    def _start(self, program: Program, guard: Guard) -> None:
        program.started_at = time.monotonic()
        try:
            process = subprocess.Popen(
                program.command,
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as problem:
            wait, program.wait = wait_before_restart(program.wait, 0.0)
            program.start_again_at = time.monotonic() + wait
            self.say(
                program.name,
                f"cannot start ({problem.strerror}: {program.command[0]}); again in {wait:.0f} s",
            )
            return
        guard.watch(process.pid)
        program.process = process
        number = self._programs.index(program)
        program.reader = threading.Thread(
            target=self._pass_on, args=(program.name, process, number), daemon=True
        )
        program.reader.start()

    def _pass_on(self, name: str, process: subprocess.Popen[bytes], number: int) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                self.say(name, line.decode("utf-8", "replace").rstrip(), number)

    def _stop_all(self) -> None:
        self._stopping.set()
        running = {program.process.pid for program in self._programs if program.process is not None}
        for group in running:
            signal_group(group, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for program in self._programs:
            if program.process is not None:
                try:
                    program.process.wait(max(0.0, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self.say(program.name, "does not stop by itself and is ended by force")
        end_groups(running, grace_seconds=0.0)
        for program in self._programs:
            if program.process is not None:
                program.process.wait()
            if program.reader is not None:
                program.reader.join(timeout=1.0)

    def _on_signal(self, _number: int, _frame: object) -> None:
        # Nothing here may take a lock: the code that was interrupted may hold it.
        self._signals += 1
        if self._signals > 1:
            for program in self._programs:
                if program.process is not None:
                    signal_group(program.process.pid, signal.SIGKILL)

    def _make_is_gone(self) -> bool:
        # make was killed by force, so nobody would ever stop us.
        return "MAKELEVEL" in os.environ and os.getppid() != self._parent


def _why(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
