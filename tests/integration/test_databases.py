"""The fixtures themselves: each test has a database of its own, migrated, on the engine asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from models import migrate
from models.settings import Settings, get_settings
from setup.say import ROOT


def test_a_database_is_migrated_and_in_use(
    database: Engine, settings: Settings, database_engine: str
) -> None:
    assert database.dialect.name == database_engine
    assert migrate.current_revision(settings.sqlalchemy_url) == migrate.newest_revision()
    assert get_settings().database_url == settings.database_url


@pytest.mark.parametrize("_round", [1, 2])
def test_a_database_is_fresh(database: Engine, _round: int) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (id INTEGER)"))


def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    assert migrate.current_revision(empty_database_url) is None


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter; pytest's own are for ours only."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_killed_test_run_leaves_no_postgresql_behind(open_folder: Path) -> None:
    script = (
        "import time\nfrom tests.support import postgres\n"
        "with postgres.server() as server:\n    print(server.port, flush=True)\n    time.sleep(600)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(open_folder)}
    with subprocess.Popen([sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        port = int(run.stdout.readline())
        engine = create_engine(f"postgresql+psycopg://linkline@127.0.0.1:{port}/postgres")
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW TimeZone")) == "Europe/London"
        engine.dispose()
        run.kill()
    until = time.monotonic() + 15
    while any(open_folder.iterdir()):
        assert time.monotonic() < until, "PostgreSQL's folder is still there"
        time.sleep(0.1)
