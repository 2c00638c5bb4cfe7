"""The house's own rules, read from the source: what no linter knows to ask."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("bench", "bot", "care", "cli", "messaging", "models", "scheduler", "setup", "tests", "web")
LONGEST_FILE = 300
MAY_PRINT = {"cli", "setup", "bench"}
# The fault tests say how long things took; what they promise is asserted.
TESTS_THAT_MEASURE = Path("tests/faults")
# A program of its own, where neither our cli nor our clock can be imported.
TRAINING = Path("bot/rasa/train.py")
CLOCK = Path("models/clock.py")
ONLY_COMMIT = Path("models/session.py")
TELLS_THE_TIME = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
}


def sources() -> list[Path]:
    """Every Python file of ours that git knows or would take, relative to the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [Path(name) for name in listed if Path(name).parts[0] in ROOMS and (ROOT / name).is_file()]


def product() -> list[Path]:
    return [path for path in sources() if path.parts[0] not in {"tests", "setup", "bench"}]


def calls(source: str) -> list[tuple[int, str, str]]:
    """Line, owner and name of every call: `a.b.c()` is (line, "b", "c"), `c()` is (line, "", "c")."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            found.append((node.lineno, "", node.func.id))
        elif isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "?")
            found.append((node.lineno, name, node.func.attr))
    return found


def commits(source: str) -> list[int]:
    return [line for line, owner, name in calls(source) if name == "commit" and owner]


def clock_readings(source: str) -> list[int]:
    """Lines that read the clock by themselves, also through `from time import time`."""
    readings = [line for line, owner, name in calls(source) if (owner, name) in TELLS_THE_TIME]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            readings += [node.lineno for alias in node.names if alias.name in {"time", "time_ns"}]
    return readings


def prints(source: str) -> list[int]:
    return [line for line, owner, name in calls(source) if name == "print" and not owner]


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_there_is_something_to_check() -> None:
    assert {path.parts[0] for path in sources()} >= {"bot", "cli", "messaging", "models", "setup", "tests"}


def test_one_place_commits() -> None:
    offenders = {path: lines for path in product() if path != ONLY_COMMIT and (lines := commits(read(path)))}
    assert offenders == {}


def test_one_place_reads_the_clock() -> None:
    offenders = {
        path: lines
        for path in product()
        if path not in {CLOCK, TRAINING} and (lines := clock_readings(read(path)))
    }
    assert offenders == {}


def test_only_what_talks_to_a_terminal_prints() -> None:
    paths = [
        path
        for path in sources()
        if path.parts[0] not in MAY_PRINT and path != TRAINING and TESTS_THAT_MEASURE not in path.parents
    ]
    assert {path: lines for path in paths if (lines := prints(read(path)))} == {}


def test_no_file_is_too_long_to_read_at_once() -> None:
    # A migration is written by Alembic, table after table, and never changed again.
    readable = [path for path in sources() if path.parts[:3] != ("models", "migrations", "versions")]
    lengths = {path: len(read(path).splitlines()) for path in readable}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_package_files_are_empty() -> None:
    """Anything in them is imported with every neighbour, and so drags one layer into another."""
    assert [path for path in sources() if path.name == "__init__.py" and read(path).strip()] == []


def test_rasa_project_is_no_package_and_imports_little_of_ours() -> None:
    allowed = {"bot.contract", "bot.catalogue"}
    offenders = []
    for path in sources():
        if path.parts[:2] != ("bot", "rasa"):
            continue
        assert path.name != "__init__.py" or "rasa/actions" in str(path) or "rasa/components" in str(path)
        for node in ast.walk(ast.parse(read(path))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [module for module in modules if module.split(".")[0] in ROOMS and module not in allowed]
            offenders += [(path, module) for module in ours if not module.startswith("bot.rasa")]
    assert offenders == []


def test_setting_up_needs_the_standard_library_only() -> None:
    """It runs on a bare Debian before anything is installed; `ask_app` is run by the app's own Python."""
    outside = set()
    for path in sources():
        if path.parts[0] != "setup" or path.name == "ask_app.py":
            continue
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.ImportFrom) and node.module:
                outside.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                outside |= {alias.name.split(".")[0] for alias in node.names}
    assert outside - set(sys.stdlib_module_names) - {"setup"} == set()


@pytest.mark.parametrize(
    ("source", "finder"),
    [
        ("session.commit()", commits),
        ("self.session.commit()", commits),
        ("import datetime\ndatetime.datetime.now(tz)", clock_readings),
        ("datetime.utcnow()", clock_readings),
        ("from time import time\ntime()", clock_readings),
        ("time.time()", clock_readings),
        ("print('x')", prints),
    ],
)
def test_the_rules_can_be_broken(source: str, finder: object) -> None:
    assert callable(finder)
    assert finder(source)


@pytest.mark.parametrize(
    "source", ["commit(lease)", "time.monotonic()", "clock.now()", "commit_all()", "console.print('x')"]
)
def test_what_is_allowed(source: str) -> None:
    assert [*commits(source), *clock_readings(source), *prints(source)] == []
