"""The one clock: aware UTC for the record, Europe/London for people."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


_moved = timedelta()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _moved


def move_to(moment: datetime) -> None:
    """Let this process live at another moment, from which the clock goes on ("what would be due then?").

    Raises `ValueError` for a moment without a time zone.
    """
    global _moved  # noqa: PLW0603 - the one clock of the process
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    _moved = moment - datetime.now(UTC)


def in_london(moment: datetime) -> datetime:
    """The same moment on a clock in London. Raises `ValueError` for a moment without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(LONDON)
