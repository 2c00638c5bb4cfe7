"""The supervisor with real processes: restarts, orderly stops, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from setup.guard import Guard
from setup.say import ROOT

# Writes its id and its child's id, so that a test can see whether they still run.
SLEEPER = """
import os, pathlib, signal, subprocess, sys, time
name, ignore = sys.argv[1], sys.argv[2] == "deaf"
if ignore:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(name).open("a").write(f"{os.getpid()} {child.pid}\\n")
print("up", flush=True)
time.sleep(600)
"""
MASTER = """
import json, os, sys
from pathlib import Path
from setup import supervisor
supervisor.STOP_SECONDS = 1.0
programs = json.loads(sys.argv[1])
supervisor.Supervisor(programs, env=os.environ, cwd=Path.cwd()).run()
print("stopped", flush=True)
"""


def wait_until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Line:
    """A supervisor with two programs, one of which will not listen to SIGTERM."""

    def __init__(self, folder: Path) -> None:
        self.files = {"kind": folder / "kind", "deaf": folder / "deaf"}
        programs = {
            name: [sys.executable, "-c", SLEEPER, str(path), name] for name, path in self.files.items()
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", MASTER, json.dumps(programs)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def starts(self, name: str) -> list[list[int]]:
        if not self.files[name].exists():
            return []
        return [[int(pid) for pid in line.split()] for line in self.files[name].read_text().splitlines()]

    def pids(self) -> list[int]:
        return [pid for name in self.files for start in self.starts(name) for pid in start]

    def wait_started(self) -> None:
        wait_until(lambda: all(self.starts(name) for name in self.files))


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    try:
        made.wait_started()
        yield made
    finally:
        for pid in [made.process.pid, *made.pids()]:
            if runs(pid):
                os.kill(pid, signal.SIGKILL)
        made.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_also_what_is_deaf(line: Line, number: signal.Signals) -> None:
    line.process.send_signal(number)
    said, _ = line.process.communicate(timeout=15)
    assert line.process.returncode == 0
    assert "deaf | does not stop by itself and is ended by force" in said
    assert said.endswith("stopped\n")
    wait_until(lambda: not any(runs(pid) for pid in line.pids()))


def test_nothing_is_left_when_the_supervisor_itself_is_killed(line: Line) -> None:
    line.process.kill()
    wait_until(lambda: not any(runs(pid) for pid in line.pids()))


def test_nothing_is_left_when_its_whole_group_is_killed(line: Line) -> None:
    os.killpg(line.process.pid, signal.SIGKILL)
    wait_until(lambda: not any(runs(pid) for pid in line.pids()))


def test_one_that_dies_is_started_again_and_the_other_stays(line: Line) -> None:
    [(first, child)] = line.starts("kind")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(line.starts("kind")) == 2)
    assert not runs(child), "what a dead process had started must not live beside the new one"
    assert len(line.starts("deaf")) == 1
    line.process.terminate()
    said, _ = line.process.communicate(timeout=15)
    assert "kind | stopped by itself (SIGKILL); starting it again in 1 s" in said
    assert "kind | up" in said


def test_a_guard_removes_folders_and_spares_what_it_was_told_to_forget(tmp_path: Path) -> None:
    folder = tmp_path / "mess"
    (folder / "deep").mkdir(parents=True)
    spared, ended = (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        for _ in range(2)
    )
    guard = Guard()
    try:
        guard.watch(spared.pid)
        guard.watch(ended.pid)
        guard.forget(spared.pid)
        guard.remove(folder)
    finally:
        guard.close()
    try:
        assert ended.wait(timeout=10) == -signal.SIGTERM
        assert runs(spared.pid)
        assert not folder.exists()
    finally:
        spared.kill()
        spared.wait()
