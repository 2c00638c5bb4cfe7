"""What several integration tests ask for: the web app, a client that checks its pages, a line."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import Engine

from models.settings import Settings
from tests.support.line import Line
from tests.support.pages import Pages
from web.app import create_app


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def pages(app: Flask) -> Pages:
    return Pages(app)


@pytest.fixture
def line(database: Engine) -> Line:
    return Line()
