"""Checks that the lock files fit their projects and name no package host but PyPI and npm."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from setup.environments import uv_environment
from setup.get_uv import ensure_uv
from setup.say import ROOT, say

HOSTS = {
    "uv.lock": {"pypi.org", "files.pythonhosted.org"},
    "bot/rasa/uv.lock": {"pypi.org", "files.pythonhosted.org"},
    "package-lock.json": {"registry.npmjs.org"},
}
_HOST = re.compile(r"https?://([^/\"'\s]+)")


def strange_hosts(text: str, allowed: set[str]) -> set[str]:
    """The hosts in a lock file that are not allowed."""
    return set(_HOST.findall(text)) - allowed


def fits(project: Path) -> bool:
    """Whether the lock file says what the project's pyproject.toml asks for."""
    command = [str(ensure_uv()), "lock", "--check", "--offline", "--project", str(project)]
    return subprocess.run(command, env=uv_environment(), capture_output=True, check=False).returncode == 0


def main() -> int:
    """Print what is wrong; exit status 1 if anything is."""
    problems = []
    for name, allowed in HOSTS.items():
        strange = strange_hosts((ROOT / name).read_text(encoding="utf-8"), allowed)
        problems += [f"{name} fetches from {host}" for host in sorted(strange)]
    problems += [
        f"{project / 'uv.lock'} does not fit its pyproject.toml: run uv lock there"
        for project in (ROOT, ROOT / "bot" / "rasa")
        if not fits(project)
    ]
    for problem in problems:
        say(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
