"""Finds a Chromium for the browser tests, or installs one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from setup.environments import APP
from setup.say import SetupError, run_command, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHTS = ("chromium-*/chrome-linux*/chrome", "chromium_headless_shell-*/chrome-*/*headless*shell")


def find() -> Path | None:
    """The Chromium to use: `CHROMIUM` in the environment, the system's, Playwright's, or none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named)
    debian = Path("/usr/bin/chromium")
    if debian.is_file():
        return debian
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    return next((path for pattern in PLAYWRIGHTS for path in sorted(cache.glob(pattern), reverse=True)), None)


def ensure() -> Path:
    """A Chromium, installed if need be. Raises `SetupError` saying what to type when that fails."""
    found = find()
    if found is None:
        _install_from_debian()
        found = find()
    if found is None:
        _install_from_playwright()
        found = find()
    if found is None:
        raise SetupError(
            "The browser tests need Chromium, and it could not be installed. On Debian: "
            "sudo apt-get install chromium; or set CHROMIUM to the path of one."
        )
    return found


def _install_from_debian() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say("    installing Debian's Chromium")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
    if subprocess.run(install, env=env, check=False).returncode:
        subprocess.run(["apt-get", "update", "-qq"], env=env, check=False)
        subprocess.run(install, env=env, check=False)


def _install_from_playwright() -> None:
    say("    installing Playwright's Chromium")
    try:
        run_command([APP / "bin" / "playwright", "install", "chromium"], failed="not there either")
    except SetupError:
        return
