"""Logs without anybody's words: who logged, where in the code, how serious. Never what.

Rasa and its libraries put message text, slots and metadata into their records at several levels, as
f-strings, so what is personal cannot be told from what is not. Therefore every record that is not
ours is emptied when it is made, before any handler sees it: its message becomes the place in the
code, or the fixed name of a structlog event, and an exception becomes its type and its lines.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog

#: Our own loggers, whose messages are written without personal data and are kept.
OURS = "linkline"
_EVENT = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class _EventName(str):
    """The fixed name of a structlog event, such as "processor.message.parse"."""

    __slots__ = ()


def set_up(level: str | None = None) -> int:
    """Send records at `level` and above to stderr; `BOT_LOG_LEVEL` or ERROR when none is given.

    Ours are shown from INFO on. Call it before Rasa is imported, so that nothing is logged earlier,
    and `hold` with the level it returns afterwards.
    """
    chosen = (level or os.environ.get("BOT_LOG_LEVEL") or "ERROR").upper()
    least = logging.getLevelNamesMapping().get(chosen, logging.ERROR)
    logging.captureWarnings(capture=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=least, handlers=[handler], force=True)
    hold(least)
    structlog.configure(
        processors=[_only_the_event],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return least


def hold(least: int) -> None:
    """Put factory and levels (back) in place: TensorFlow moves the root's level when it is imported."""
    logging.setLogRecordFactory(_record)
    logging.getLogger().setLevel(least)
    logging.getLogger(OURS).setLevel(min(logging.INFO, least))


def where(error: BaseException, tb: TracebackType | None = None) -> str:
    """An exception's type and the code lines it came through, innermost last; not its message."""
    frames = traceback.extract_tb(tb or error.__traceback__)[-6:]
    lines = " < ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {lines}" if lines else type(error).__name__


def _record(  # noqa: PLR0913, PLR0917 - the shape of logging.LogRecord
    name: str,
    level: int,
    path: str,
    line: int,
    msg: object,
    args: Any,
    exc_info: _ExcInfo | None,
    func: str | None = None,
    sinfo: str | None = None,
    **kwargs: Any,
) -> logging.LogRecord:
    text = msg if isinstance(msg, _EventName) else f"({_short(path)}:{line})"
    if _is_ours(name):
        text, kept = str(msg), args
    else:
        kept = None
    if exc_info and exc_info[1] is not None:
        text = f"{text} {where(exc_info[1], exc_info[2])}"
    # Neither exc_info nor a stack goes on: a handler would print the exception's message and locals.
    del sinfo
    return logging.LogRecord(name, level, path, line, text, kept, None, func, None, **kwargs)


def _is_ours(name: str) -> bool:
    return name == OURS or name.startswith(f"{OURS}.")


def _only_the_event(_: object, __: str, event: Any) -> tuple[tuple[Any], dict[str, Any]]:
    name = str(event.get("event", ""))
    known = _EVENT.fullmatch(name) is not None and len(name) < 100  # noqa: PLR2004
    return (_EventName(name if known else "structlog.event"),), {}


def no_words_on_crash(kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
    """A `sys.excepthook` that does not print the exception's message."""
    if issubclass(kind, KeyboardInterrupt):
        sys.exit(130)
    logging.getLogger(OURS).critical("The bot stopped: %s", where(error, tb))


def _short(path: str) -> str:
    return "/".join(path.replace("\\", "/").rsplit("/", 2)[-2:])
