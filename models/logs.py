"""Logs: one JSON line an event, ids only. An exception is logged by its kind and place, never its words.

The message of an exception may quote a text or a number (PostgreSQL's do), so no log call may
pass `exc_info`; it passes `error=describe(exc)`.
"""

from __future__ import annotations

import logging
import sys
import traceback

import structlog


def configure_logging(process: str) -> None:
    """Log this process's events, ours and the libraries' warnings, as JSON lines on standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(handlers=[_EventsOnly()], level=logging.WARNING, force=True)


def describe(error: BaseException) -> str:
    """What kind of error it was and where it came from, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


class _EventsOnly(logging.Handler):
    """Libraries' warnings by logger and place: their sentences may hold what must not be logged."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno,
            "library_warning",
            library=record.name,
            place=f"{record.filename}:{record.lineno}",
            error=type(record.exc_info[1]).__name__ if record.exc_info and record.exc_info[1] else None,
        )
