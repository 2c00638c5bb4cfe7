"""What every test may ask for: a fresh migrated database on either engine, settings, a browser.

`LINKLINE_TEST_DATABASE` is `sqlite` (the default), `postgresql` or `both`; `make test` says `both`,
and then each test that asks for a database runs once on each.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine

from models import migrate, session
from models.settings import Settings, get_settings
from tests.support import chromium as chromium_support
from tests.support import postgres

CHOICES = {"sqlite": ["sqlite"], "postgresql": ["postgresql"], "both": ["sqlite", "postgresql"]}
TEMPLATE = "linkline_template"


def pytest_configure(config: pytest.Config) -> None:
    # A developer's own settings, real Twilio keys among them, must not reach a test.
    Settings.model_config["env_file"] = None
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.environ["LINKLINE_ENV"] = "test"
    get_settings.cache_clear()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_engine" in metafunc.fixturenames:
        chosen = os.environ.get("LINKLINE_TEST_DATABASE", "sqlite")
        if chosen not in CHOICES:
            raise pytest.UsageError(f"LINKLINE_TEST_DATABASE is one of {', '.join(CHOICES)}, not {chosen}")
        metafunc.parametrize("database_engine", CHOICES[chosen], scope="session")


@pytest.fixture(scope="session")
def database_engine(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgresql`: which one this round of a test runs on."""
    chosen: str = request.param
    return chosen


class Templates:
    """Migrated databases to copy, made at first use, one for each engine."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._sqlite: Path | None = None
        self._server: postgres.Server | None = None

    def sqlite_file(self) -> Path:
        if self._sqlite is None:
            path = self._folder / "template.db"
            migrate.upgrade(f"sqlite:///{path}")
            self._sqlite = path
        return self._sqlite

    def server(self) -> postgres.Server:
        """The server, without a template yet migrated if nobody asked for one."""
        if self._server is None:
            self._server = self._stack.enter_context(postgres.server())
            self._server.create(TEMPLATE)
            migrate.upgrade(Settings(database_url=self._server.url(TEMPLATE)).sqlalchemy_url)
        return self._server


@pytest.fixture(scope="session")
def database_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    with ExitStack() as stack:
        yield Templates(tmp_path_factory.mktemp("template"), stack)


@pytest.fixture
def empty_database_url(database_engine: str, database_templates: Templates, tmp_path: Path) -> Iterator[str]:
    """The address of a database with nothing in it, not even tables: for tests of migrations."""
    if database_engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = database_templates.server()
    name = server.create()
    yield Settings(database_url=server.url(name)).sqlalchemy_url
    server.drop(name)


@pytest.fixture
def database_url(database_engine: str, database_templates: Templates, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database, as `DATABASE_URL` and SQLAlchemy both take it."""
    if database_engine == "sqlite":
        path = tmp_path / "linkline.db"
        shutil.copyfile(database_templates.sqlite_file(), path)
        yield f"sqlite:///{path}"
        return
    server = database_templates.server()
    name = server.create(template=TEMPLATE)
    yield Settings(database_url=server.url(name)).sqlalchemy_url
    server.drop(name)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings of this test, also for processes that it starts: its own database and `var` folder.

    A process should be started with `cwd=tmp_path`, or it would read a developer's `.env`.
    """
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    """The engine of a fresh database, in use by `models.session` for the length of the test."""
    yield session.configure(settings.sqlalchemy_url)
    session.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium for the whole run; open a context of your own in each test."""
    with chromium_support.browser() as running:
        yield running
