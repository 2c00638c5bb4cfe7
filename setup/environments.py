"""The two Python environments: the app's `.venv` and the bot's `bot/rasa/.venv`. They never meet."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from pathlib import Path

from setup import stamps
from setup.get_uv import ensure_uv
from setup.say import ROOT, SetupError, run_command

APP = ROOT / ".venv"
BOT = ROOT / "bot" / "rasa" / ".venv"
STAMP = ".linkline-stamp"
BOT_DISK_BYTES = 4_000_000_000


def check_python() -> None:
    """Raise `SetupError` unless this is Python 3.11, which Rasa needs."""
    if sys.version_info[:2] != (3, 11):
        raise SetupError(
            f"Linkline needs Python 3.11; this is {platform.python_version()}. On Debian 12: apt-get install python3"
        )


def sync_app(*, everything: bool) -> None:
    """Bring `.venv` to what `uv.lock` says: what runs the service, or everything for developers too.

    Nothing is taken away by the smaller of the two, so that `make run` after `make test` is quick.
    """
    sources = [ROOT / "pyproject.toml", ROOT / "uv.lock"]
    both = stamps.digest(sources, "everything")
    service = stamps.digest(sources, "service")
    stamp = APP / STAMP
    done = stamps.is_fresh(stamp, both) or (not everything and stamps.is_fresh(stamp, service))
    if done and _works(APP):
        return
    options = [] if everything else ["--no-dev", "--group", "build", "--inexact"]
    _sync(ROOT, options, "The service's Python packages could not be installed; the lines above say why.")
    stamps.write(stamp, both if everything else service)


def sync_bot() -> None:
    """Bring the bot's environment to what `bot/rasa/uv.lock` says (about 450 MB to fetch the first time)."""
    project = ROOT / "bot" / "rasa"
    expected = stamps.digest([project / "pyproject.toml", project / "uv.lock"])
    stamp = BOT / STAMP
    if stamps.is_fresh(stamp, expected) and _works(BOT):
        return
    if not BOT.exists() and shutil.disk_usage(ROOT).free < BOT_DISK_BYTES:
        raise SetupError("The bot's packages need 4 GB of free disk space; make some room and try again.")
    _sync(project, [], "The bot's Python packages could not be installed; the lines above say why.")
    stamps.write(stamp, expected)


def uv_environment() -> dict[str, str]:
    """The environment for uv: the system's own Python, never one from elsewhere; certificates honoured."""
    ours = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT"}
    env = {name: value for name, value in os.environ.items() if name not in ours}
    # A company's certificates count where the machine knows them, as well as through SSL_CERT_FILE.
    wishes = {"UV_SYSTEM_CERTS": "1", "UV_HTTP_TIMEOUT": "180"}
    return wishes | env | {"UV_PYTHON": base_python(), "UV_PYTHON_DOWNLOADS": "never"}


def base_python() -> str:
    """The real Python 3.11 behind whatever started us (an environment's own would chain environments)."""
    return str(Path(getattr(sys, "_base_executable", None) or sys.executable))


def _works(environment: Path) -> bool:
    # The link points nowhere after the system's Python went away with an upgrade.
    return (environment / "bin" / "python").exists()


def _sync(project: Path, options: list[str], failed: str) -> None:
    command: list[str | Path] = [ensure_uv(), "sync", "--frozen", "--project", project, *options]
    run_command(command, failed=failed, env=uv_environment() | {"UV_PYTHON": _python_for(project / ".venv")})


def _python_for(environment: Path) -> str:
    # uv removes an environment that was made with another Python, and with it whatever runs there:
    # the one it was made with stays, as long as it is a 3.11 that exists.
    python = (environment / "bin" / "python").resolve()
    settings = environment / "pyvenv.cfg"
    known = settings.is_file() and re.search(r"^version_info = 3\.11\.", settings.read_text(), re.MULTILINE)
    return str(python) if known and python.is_file() else base_python()
