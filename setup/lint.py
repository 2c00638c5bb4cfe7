"""`make lint`: every check that needs no running service, two at a time, each with its time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from setup.environments import APP, check_python, sync_app, sync_bot, uv_environment
from setup.say import ROOT, SetupError, say, stop_with

BIN = APP / "bin"


@dataclass(frozen=True)
class Check:
    """One check: what it is called and how it is run."""

    name: str
    command: list[str]


@dataclass(frozen=True)
class Result:
    """How one check went."""

    check: Check
    passed: bool
    output: str
    seconds: float


def checks(root: Path = ROOT) -> list[Check]:
    """All checks; the slowest first, so that two at a time end together."""
    packages = sorted(path.parent.name for path in root.glob("*/__init__.py"))
    typed = [part for package in packages for part in ("-p", package)]
    found = [
        Check("types", [str(BIN / "mypy"), *typed]),
        Check("licences", [str(BIN / "python"), "-m", "setup.licences"]),
        Check("linting", [str(BIN / "ruff"), "check", "."]),
        Check("formatting", [str(BIN / "ruff"), "format", "--check", "."]),
        Check("import rule", [str(BIN / "lint-imports"), "--no-logo"]),
        Check("dependencies", [str(BIN / "deptry"), "."]),
        Check("lock files", [str(BIN / "python"), "-m", "setup.lock_files"]),
    ]
    if any((root / "web").rglob("*.html")):
        found.append(Check("templates", [str(BIN / "djlint"), "--lint", "--quiet", "web"]))
    return found


def run(check: Check) -> Result:
    """Run one check and keep what it says."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=uv_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(check, done.returncode == 0, done.stdout, time.monotonic() - started)


def fix() -> int:
    """Format the code and mend what can be mended by itself."""
    subprocess.run([str(BIN / "ruff"), "format", "."], cwd=ROOT, check=False)
    return subprocess.run([str(BIN / "ruff"), "check", "--fix", "."], cwd=ROOT, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run all checks; exit status 1 when any does not pass."""
    try:
        check_python()
        sync_app(everything=True)
        sync_bot()
    except SetupError as problem:
        stop_with(str(problem))
    if "--fix" in arguments:
        return fix()
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for result in pool.map(run, checks()):
            say(f"{'ok  ' if result.passed else 'FAIL'} {result.check.name} ({result.seconds:.1f} s)")
            if not result.passed:
                failed.append(result.check.name)
                say(result.output)
    if failed:
        say(f"lint: not passed: {', '.join(failed)}")
        return 1
    say("lint: all passed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
