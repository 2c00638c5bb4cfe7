"""Services for the fault tests: one for all tests that share its plan, on each database in turn."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from models.settings import Settings
from tests.conftest import TEMPLATE, Templates
from tests.faults import service as services
from tests.faults.service import Plan, Service

DEFAULT_SEED = "20261122"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for service in services.running:
            for program in service.programs.values():
                report.sections.append((f"log of {program.name}", program.tail()))
    return report


@pytest.fixture(scope="session")
def seed() -> str:
    """Where chance comes from. `LINKLINE_SEED` sets it; a test that fails shows it."""
    return os.environ.get("LINKLINE_SEED", DEFAULT_SEED)


NewDatabase = Callable[[Path], str]


@pytest.fixture(scope="package")
def new_database(database_engine: str, database_templates: Templates) -> Iterator[NewDatabase]:
    """Makes one more migrated database of this round's kind, for longer than one test."""
    made: list[str] = []

    def make(folder: Path) -> str:
        if database_engine == "sqlite":
            path = folder / "linkline.db"
            shutil.copyfile(database_templates.sqlite_file(), path)
            return f"sqlite:///{path}"
        server = database_templates.server()
        made.append(server.create(template=TEMPLATE))
        return Settings(database_url=server.url(made[-1])).sqlalchemy_url

    yield make
    for name in made:
        database_templates.server().drop(name)


@pytest.fixture(scope="package")
def armed(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose programs can be told to die at a named point; the bot is the scripted one."""
    folder = tmp_path_factory.mktemp("armed")
    with services.started(folder, new_database(folder), Plan(armed=True)) as service:
        yield service


@pytest.fixture(scope="package")
def plain(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service exactly as it is run, with the settings as they come and reports from the supplier."""
    folder = tmp_path_factory.mktemp("plain")
    with services.started(folder, new_database(folder), Plan(callbacks=0.05, settings={})) as service:
        yield service
