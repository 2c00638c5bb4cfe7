"""Pages in a real browser on a real line. Whatever a test does: nothing from elsewhere, no script error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from models import migrate
from models.settings import Settings
from setup import build_front_end
from tests.support.running_line import RunningLine, running_line

#: Opens an address of a line in a browser of its own; further arguments are the browser context's.
OpenPage = Callable[..., Page]


def _settings(folder: Path) -> Settings:
    settings = Settings(database_url=f"sqlite:///{folder / 'linkline.db'}", var_dir=folder / "var")
    migrate.upgrade(settings.sqlalchemy_url)
    return settings


@pytest.fixture(scope="session")
def front_end() -> None:
    """The style sheets and scripts as they are now."""
    build_front_end.build()


@pytest.fixture(scope="session")
def line(front_end: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    """A line with its real bot, for all browser tests; each takes a handset of its own."""
    folder = tmp_path_factory.mktemp("line")
    with running_line(_settings(folder), folder, bot=True) as running:
        yield running


@pytest.fixture(scope="session")
def line_without_bot(front_end: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLine]:
    """A line whose bot cannot be reached."""
    folder = tmp_path_factory.mktemp("line-without-bot")
    with running_line(_settings(folder), folder) as running:
        yield running


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages; at the end of the test none of them may have asked elsewhere or had a script error."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    errors: list[str] = []

    def opened(url: str, **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if _is_fault(message.text) else None)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert asked
    assert {urlsplit(url).hostname for url in asked} == {"localhost"}
    assert errors == []


def _is_fault(words: str) -> bool:
    """Whether the console tells of a fault of ours: a blocked script or style, but not a lost network."""
    return "Content Security Policy" in words or "Uncaught" in words
