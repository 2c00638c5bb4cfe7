"""`make run`: from a fresh clone to a running service, and all of it stopped again by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from setup import build_front_end
from setup.env_file import with_env_file
from setup.environments import APP, BOT, check_python, sync_app, sync_bot
from setup.say import ROOT, SetupError, Steps, run_command, say, stop_with
from setup.supervisor import Supervisor, read_procfile

BOT_PORT_OFFSET = 5  # the same as in models/settings.py
HIGHEST_PORT = 65_535
DEMO_WANTED = ROOT / "var" / "demo-data-wanted"
SIGN_INS = ROOT / "var" / "demo-sign-ins.txt"
READY_PATIENCE_SECONDS = 60
READY_LOOK_SECONDS = 0.3


@dataclass(frozen=True)
class AppSettings:
    """What the app says about its settings and its database."""

    public_address: str
    demo: bool
    local_bot: bool
    new_database: bool


def main() -> None:
    """Set everything up, then run until stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what a step has started, as Ctrl-C does
    try:
        env = with_env_file(os.environ, ROOT / ".env")
        port = read_port(env.get("PORT", ""))
        check_ports_free(port)
        settings = prepare(env)
        check_ports_free(port)
    except SetupError as problem:
        stop_with(str(problem))
    except KeyboardInterrupt:
        stop_with("Stopped before it was ready. `make run` goes on from here.")
    programs = read_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))
    if not settings.local_bot:
        programs.pop("bot", None)
    say("6/6 starting ...")
    supervisor = Supervisor(programs, env=env | {"PORT": str(port)}, cwd=ROOT)
    supervisor.run(when_started=announcer(port, settings))
    say("Linkline has stopped.")


def prepare(env: Mapping[str, str]) -> AppSettings:
    """Environments, front end, model, database. Raises `SetupError`."""
    check_python()
    steps = Steps(6)
    with steps.step("Python packages for the service"):
        sync_app(everything=False)
    settings = ask_app(env)
    with steps.step("Python packages for the bot (about 500 MB the first time)"):
        if settings.local_bot:
            sync_bot()
    with steps.step("NHS.UK front end"):
        build_front_end.build()
    with steps.step("Training the bot (only when its texts have changed)"):
        if settings.local_bot:
            train(env)
    with steps.step("Database"):
        prepare_database(env, settings)
    return settings


def train(env: Mapping[str, str]) -> None:
    """Train the bot's model; the script keeps it as long as nothing that it was made from changes."""
    script = ROOT / "bot" / "rasa" / "train.py"
    run_command([BOT / "bin" / "python", script], env=env, failed="The bot could not be trained; see above.")


def prepare_database(env: Mapping[str, str], settings: AppSettings) -> None:
    """Run migrations; in a demonstration put made-up people into a database that was new."""
    linkline = APP / "bin" / "linkline"
    if settings.new_database and settings.demo:
        # A mark on the disk, so that a demonstration interrupted half-way is finished the next time.
        DEMO_WANTED.parent.mkdir(parents=True, exist_ok=True)
        DEMO_WANTED.touch()
    run_command([linkline, "db", "upgrade"], env=env, failed="The database could not be prepared; see above.")
    if settings.demo and DEMO_WANTED.exists():
        say("    demonstration data")
        run_command([linkline, "demo", "load"], env=env, failed="The demonstration data could not be loaded.")
        DEMO_WANTED.unlink()


def ask_app(env: Mapping[str, str]) -> AppSettings:
    """The app's view of its settings. Raises `SetupError` with the app's own sentence."""
    command = [str(APP / "bin" / "python"), "-m", "setup.ask_app"]
    answer = subprocess.run(command, cwd=ROOT, env=dict(env), capture_output=True, text=True, check=False)
    if answer.returncode:
        lines = answer.stderr.strip().splitlines()
        known = answer.returncode == 1 and not answer.stderr.startswith("Traceback")
        raise SetupError(
            "\n".join(lines) if known else f"The settings or the database do not work: {lines[-1]}"
        )
    return AppSettings(**json.loads(answer.stdout))


def read_port(text: str) -> int:
    """The port to serve on; 8000 for an empty text. Raises `SetupError`."""
    try:
        port = int(text or 8000)
    except ValueError:
        port = 0
    if not 1 <= port <= HIGHEST_PORT - BOT_PORT_OFFSET:
        raise SetupError(f"PORT must be a number from 1 to {HIGHEST_PORT - BOT_PORT_OFFSET}, such as 8000.")
    return port


def check_ports_free(port: int) -> None:
    """Raise `SetupError` when the service's port or the bot's is taken."""
    for number, whose in ((port, "Port"), (port + BOT_PORT_OFFSET, "The bot's port")):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError as problem:
                raise SetupError(
                    f"{whose} {number} cannot be used ({problem.strerror}). Is Linkline running already? "
                    f"Stop what uses it, or choose another: PORT={port + 10} make run"
                ) from problem


def announcer(port: int, settings: AppSettings) -> Callable[[threading.Event], None]:
    """What waits beside the processes until the service is ready, and then says where it is."""

    def announce(stopping: threading.Event) -> None:
        waited = 0.0
        told = False
        while not stopping.wait(READY_LOOK_SECONDS):
            ready, reasons = readiness(port)
            if ready:
                say(welcome(settings))
                return
            waited += READY_LOOK_SECONDS
            if waited > READY_PATIENCE_SECONDS and not told:
                told = True
                say(f"6/6 ... not ready yet: {reasons}")

    return announce


def readiness(port: int) -> tuple[bool, str]:
    """Whether the service says that it is ready, and if not, its reasons."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200, ""  # noqa: PLR2004 - OK
    except urllib.error.HTTPError as problem:
        with problem:
            return False, _reasons(problem.read())
    except OSError as problem:
        return False, f"the web process does not answer ({problem})"


def welcome(settings: AppSettings) -> str:
    """The addresses, and in a demonstration how to try it."""
    address = settings.public_address
    lines = ["", f"Linkline is running at {address}", ""]
    if settings.demo:
        lines.append(f"  Phone simulator  {address}/phone   text the line from here")
    lines.append(f"  Web chat         {address}/chat")
    lines.append(f"  Is it well?      {address}/readyz")
    if settings.demo and SIGN_INS.is_file():
        lines += ["", *SIGN_INS.read_text(encoding="utf-8").splitlines()]
    return "\n".join([*lines, "", "Ctrl-C stops it.", ""])


def _reasons(body: bytes) -> str:
    try:
        answer: Any = json.loads(body)
        return "; ".join(str(reason) for reason in answer["reasons"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")[:500]


if __name__ == "__main__":
    main()
