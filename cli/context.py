"""What commands need before they start: settings, the database, a stop signal."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from bot.client import BotClient
from models import session
from models.logs import configure_logging
from models.settings import BOT_TRIES, Settings, get_settings


def open_record(process: str) -> Settings:
    """Start logging, connect to the database of the settings, and return them."""
    configure_logging(process)
    # What we write to disk holds people's words and numbers: nobody else on this machine may read it.
    os.umask(0o077)
    settings = get_settings()
    session.configure(settings.sqlalchemy_url)
    return settings


def bot_client(settings: Settings) -> BotClient:
    """The bot of the settings."""
    return BotClient(
        settings.bot_urls,
        settings.bot_secret(),
        timeout_seconds=settings.bot_timeout_seconds,
        tries=BOT_TRIES,
    )


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set, so that a process ends at the next safe moment."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping
