"""Nobody's words in a log record, whoever logs them and however."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator

import pytest
import quiet_logs
import structlog

MARKER = "zebrafinch-7731"


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    root = logging.getLogger()
    factory, handlers, level = logging.getLogRecordFactory(), root.handlers[:], root.level
    quiet_logs.set_up("DEBUG")
    yield written
    logging.setLogRecordFactory(factory)
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_library_may_say_where_and_not_what(out: io.StringIO) -> None:
    log = logging.getLogger("rasa.core.processor")
    log.debug(f"text is {MARKER}")  # noqa: G004
    log.warning("text is %s", MARKER, extra={"metadata": MARKER})
    log.error(MARKER, stack_info=True)
    try:
        raise ValueError(MARKER)
    except ValueError:
        log.exception(MARKER)
    structlog.get_logger("rasa.x").debug("processor.message.parse", parse_data_text=MARKER)
    structlog.get_logger("rasa.x").error(MARKER)
    warnings.warn(MARKER, stacklevel=1)

    assert MARKER not in out.getvalue()
    assert "processor.message.parse" in out.getvalue()
    assert "tests/test_quiet_logs.py:" in out.getvalue()
    assert "ValueError at" in out.getvalue()


def test_ours_is_kept_but_an_exception_is_only_its_type(out: io.StringIO) -> None:
    log = logging.getLogger("linkline.channel")
    log.info("Turn of %s", "c-1")
    try:
        raise ValueError(MARKER)
    except ValueError:
        log.exception("Broken")

    assert "INFO linkline.channel Turn of c-1" in out.getvalue()
    assert "Broken ValueError at" in out.getvalue()
    assert MARKER not in out.getvalue()


def test_a_name_that_only_begins_like_ours_is_not_ours(out: io.StringIO) -> None:
    logging.getLogger("linkline_somebody_else").error(MARKER)

    assert MARKER not in out.getvalue()
