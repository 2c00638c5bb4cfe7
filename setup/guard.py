"""A small process that outlives its master by a moment, to leave nothing behind.

The master names the process groups and folders it has made. When the master goes away, however
suddenly, the pipe between the two closes, and the guard ends those groups and removes those folders.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

GRACE_SECONDS = 5.0
ROOT = Path(__file__).resolve().parent.parent


class Guard:
    """The master's end of the pipe. `close()` ends the guard, and with it all that is still watched."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "setup.guard"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # so that Ctrl-C and a kill of the whole group pass it by
        )

    def watch(self, group: int) -> None:
        """End this process group when the master is gone."""
        self._tell(f"watch {group}")

    def forget(self, group: int) -> None:
        """This process group has ended; its number may be somebody else's soon."""
        self._tell(f"forget {group}")

    def remove(self, folder: Path) -> None:
        """Remove this folder at the end."""
        self._tell(f"remove {folder}")

    def close(self) -> None:
        """End what is still watched, remove the folders, and wait until that is done."""
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            # A guard that somebody has killed must not take the service with it.
            with contextlib.suppress(BrokenPipeError, ValueError):
                pipe.write(f"{line}\n".encode())
                pipe.flush()


def alive(group: int) -> bool:
    """Whether any process of this group still runs (one that is dead and not yet collected counts)."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a whole process group; one that is gone already is no problem."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def end_groups(groups: set[int], grace_seconds: float = GRACE_SECONDS) -> None:
    """Ask these process groups to end, and end them by force when they do not."""
    for group in groups:
        signal_group(group, signal.SIGTERM)
    until = time.monotonic() + grace_seconds
    while time.monotonic() < until and any(alive(group) for group in groups):
        time.sleep(0.05)
    for group in groups:
        signal_group(group, signal.SIGKILL)


def keep_watch(orders: IO[str]) -> None:
    """Follow the master's orders until the pipe closes, then clean up."""
    groups: set[int] = set()
    folders: list[Path] = []
    for line in orders:
        order, _, what = line.rstrip("\n").partition(" ")
        if order == "watch":
            groups.add(int(what))
        elif order == "forget":
            groups.discard(int(what))
        elif order == "remove":
            folders.append(Path(what))
    end_groups(groups)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    keep_watch(sys.stdin)
