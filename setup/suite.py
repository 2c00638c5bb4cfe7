"""`make test`, `make soak` and `make bench`: set up what they need, then run them.

One pytest run holds every layer, so that its closing line is the whole truth. What needs a database
runs once on SQLite and once on PostgreSQL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from setup import build_front_end, chromium
from setup.environments import APP, check_python, sync_app, sync_bot
from setup.run import train
from setup.say import ROOT, SetupError, Steps, say, stop_with

DATABASES = "LINKLINE_TEST_DATABASE"


def prepare() -> dict[str, str]:
    """Everything that the suite needs; returns the environment to run it in. Raises `SetupError`."""
    check_python()
    steps = Steps(5)
    env = dict(os.environ)
    with steps.step("Python packages for the service and its tests"):
        sync_app(everything=True)
    with steps.step("Python packages for the bot (about 500 MB the first time)"):
        sync_bot()
    with steps.step("NHS.UK front end"):
        build_front_end.build()
    with steps.step("Chromium"):
        env["CHROMIUM"] = str(chromium.ensure())
    with steps.step("Training the bot (only when its texts have changed)"):
        train(env)
    return env


def command_for(what: str, more: Sequence[str]) -> list[str]:
    """The command line of one kind of run. Raises `SetupError` for a kind that there is not."""
    pytest = str(APP / "bin" / "pytest")
    commands = {
        "test": [pytest],
        "soak": [pytest, "-m", "soak", "--timeout=0", "--capture=no"],
        "bench": [str(APP / "bin" / "python"), "-m", "bench"],
    }
    if what not in commands:
        raise SetupError(f"There is no {what}; there are {', '.join(commands)}.")
    return [*commands[what], *more]


def main(arguments: Sequence[str]) -> int:
    """Set up and run; the exit status is that of what was run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command = command_for(arguments[0] if arguments else "test", arguments[1:])
        env = prepare()
    except SetupError as problem:
        stop_with(str(problem))
    except KeyboardInterrupt:
        stop_with("Stopped.")
    env.setdefault(DATABASES, "both")
    say(f"running {' '.join(arguments)} ...")
    with subprocess.Popen(command, cwd=ROOT, env=env) as running:
        # Ctrl-C reaches it by itself; SIGTERM is passed on so that it, too, closes what it has opened.
        signal.signal(signal.SIGTERM, lambda *_: running.send_signal(signal.SIGINT))
        while True:
            try:
                return running.wait()
            except KeyboardInterrupt:
                continue


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
