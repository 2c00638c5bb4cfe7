"""Fixtures of the unit tests: no database, no process, at most a server on this machine."""

from collections.abc import Iterator

import pytest

from tests.support.fake_twilio import FakeTwilio


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    """A server that speaks Twilio's protocol."""
    with FakeTwilio() as server:
        yield server
