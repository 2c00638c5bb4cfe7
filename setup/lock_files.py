"""Checks that the lock files fit their projects, need no compiler, and name no host but PyPI and npm."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from setup.environments import uv_environment
from setup.get_uv import ensure_uv
from setup.say import ROOT, say

HOSTS = {
    "uv.lock": {"pypi.org", "files.pythonhosted.org"},
    "bot/rasa/uv.lock": {"pypi.org", "files.pythonhosted.org"},
    "package-lock.json": {"registry.npmjs.org"},
}
# Come as source only, and are nothing but Python, so that a machine without a compiler can install them.
SOURCE_ONLY = {"docopt", "mattermostwrapper", "randomname"}
_HOST = re.compile(r"https?://([^/\"'\s]+)")


def strange_hosts(text: str, allowed: set[str]) -> set[str]:
    """The hosts in a lock file that are not allowed."""
    return set(_HOST.findall(text)) - allowed


def needs_compiler(lock: str) -> list[str]:
    """The packages in a uv.lock that come without any wheel and are not known to be nothing but Python."""
    packages = tomllib.loads(lock).get("package", [])
    fetched = [package for package in packages if "registry" in package["source"]]
    without = [package["name"] for package in fetched if not package.get("wheels")]
    return sorted(set(without) - SOURCE_ONLY)


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
    for name in (name for name in HOSTS if name.endswith("uv.lock")):
        lock = (ROOT / name).read_text(encoding="utf-8")
        problems += [
            f"{name}: {package} has no wheel, and would need a compiler" for package in needs_compiler(lock)
        ]
    for problem in problems:
        say(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
