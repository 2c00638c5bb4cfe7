"""The watch for errors that Rasa logs and goes on from survives what libraries do to logging."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from channel import FailureWatch, watch_for_failures
from turn_store import turn_of

from bot.contract import TurnRequest


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:]
    yield
    root.handlers[:] = before


def test_there_is_one_watch_after_the_handlers_were_thrown_away() -> None:
    watch_for_failures()
    logging.basicConfig(force=True)
    watch_for_failures()
    watch_for_failures()

    assert [type(handler) for handler in logging.getLogger().handlers].count(FailureWatch) == 1


def test_an_error_in_a_turn_is_noted_on_that_turn_only() -> None:
    watch_for_failures()
    logging.getLogger("rasa.core").error("outside")
    with turn_of(TurnRequest("c", ("hi",))) as turn:
        logging.getLogger("rasa.core").warning("not an error")
        assert turn.failures == []
        logging.getLogger("rasa.core").error("inside")

    assert turn.failures == ["log:rasa.core"]
