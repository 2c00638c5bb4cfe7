"""Checks that everything we ship with may be used with an Apache-2.0 service, in both environments."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from setup.environments import APP, BOT, uv_environment
from setup.get_uv import ensure_uv
from setup.say import ROOT, say

# Whole words that name a licence which asks for no more than a notice, or (MPL) for changes to its own files.
ALLOWED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|PSF-2\.0|Python-2\.0|Python Software Foundation|Unlicense|Zlib|HPND|CC0|0BSD|ZPL|"
    r"Zope Public|MPL|Mozilla Public|Public Domain|3-Clause|2-Clause|CNRI-Python|Blue Oak|MIT-CMU)\b",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"\b(A?GPL|L?GPL|GNU|EUPL|SSPL|BUSL|Commons Clause|proprietary)", re.IGNORECASE)

# Looked at one by one: the package, and why it may stay.
EXCEPTIONS: dict[str, str] = {
    "psycopg": "LGPL-3.0: a library that we import and do not change; anybody may put another in its place",
    "psycopg-binary": "LGPL-3.0: as psycopg",
    "psycopg2-binary": "LGPL-3.0: Rasa asks for it; we neither change nor call it",
}


def verdict(name: str, licence: str) -> str | None:
    """What is wrong with this licence, or `None`."""
    if name.lower().replace("_", "-") in EXCEPTIONS:
        return None
    # "GPL-2.0 OR MIT" gives the choice, and then the choice is MIT.
    choices = re.split(r"\s+OR\s+|\s+or\s+", licence)
    if any(ALLOWED.search(choice) and not FORBIDDEN.search(choice) for choice in choices):
        return None
    return f"{name}: {licence[:80] or 'no licence named'}"


def shipped(project: Path) -> list[str]:
    """The names of the packages that a project runs with, from its lock file."""
    command = [str(ensure_uv()), "export", "--frozen", "--offline", "--quiet", "--no-hashes"]
    command += [
        "--no-default-groups",
        "--no-annotate",
        "--no-header",
        "--no-emit-project",
        "--project",
        str(project),
    ]
    listing = subprocess.run(command, env=uv_environment(), capture_output=True, text=True, check=True).stdout
    return [re.split(r"[=<>!~;\[ @]", line, maxsplit=1)[0] for line in listing.splitlines() if line.strip()]


def licences(python: Path, packages: list[str]) -> list[tuple[str, str]]:
    """Each package with the licence that its metadata or classifiers name."""
    command = [str(APP / "bin" / "pip-licenses"), "--python", str(python), "--from=mixed", "--format=json"]
    command += ["--with-system", "--packages", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [(entry["Name"], entry["License"]) for entry in json.loads(done.stdout)]


def main() -> int:
    """Print what may not be shipped; exit status 1 if there is any."""
    problems = []
    for environment, project in ((APP, ROOT), (BOT, ROOT / "bot" / "rasa")):
        found = licences(environment / "bin" / "python", shipped(project))
        problems += [problem for name, licence in found if (problem := verdict(name, licence))]
    for problem in problems:
        say(f"may not be shipped: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
