"""Texts on disk, for the time when the database refuses them. The scheduler takes them in later."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import structlog

from messaging.channels.base import IncomingText
from models.clock import now
from models.logs import describe
from models.settings import get_settings

#: Writing a text takes milliseconds; a part this old will never be finished.
PART_SECONDS = 3600

log = structlog.get_logger()


class SpoolError(RuntimeError):
    """The text could not be written to disk either. Nobody may tell the supplier that we have it."""


def keep(incoming: IncomingText, received_at: datetime) -> None:
    """Write a text to disk and wait until it is there. The same text again is the same file.

    Raises `SpoolError` when the disk refuses.
    """
    body = json.dumps({"received_at": received_at.isoformat(), "text": asdict(incoming)}, ensure_ascii=True)
    try:
        _write(get_settings().spool_dir / f"{_file_name(incoming)}.json", body)
    except OSError as error:
        log.error("spool_refused", error=describe(error))
        raise SpoolError from None


def waiting() -> list[Path]:
    """The texts on disk, oldest first."""
    try:
        files = list(get_settings().spool_dir.glob("*.json"))
        return sorted(files, key=lambda file: file.stat().st_mtime_ns)
    except FileNotFoundError:
        # Another process took one in between two looks; the next look sees the rest.
        return []


def clear_parts() -> None:
    """Delete what was being written when its process died: nobody was told that we have it."""
    long_ago = now().timestamp() - PART_SECONDS
    for part in get_settings().spool_dir.glob("*.part"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < long_ago:
                part.unlink()


def take_in_all(store: Callable[[IncomingText, datetime], None]) -> int:
    """Give every text on disk to `store` and delete it once that returns; returns how many.

    A text that `store` refuses stays where it is and does not hold up the others.
    """
    taken = 0
    for file in waiting():
        try:
            incoming, received_at = _read(file)
            store(incoming, received_at)
        except FileNotFoundError:
            continue
        except Exception as error:  # noqa: BLE001 - one bad file must not hold up the rest
            log.error("spooled_text_refused", file=file.name, error=describe(error))
            continue
        file.unlink(missing_ok=True)
        taken += 1
    return taken


def _file_name(incoming: IncomingText) -> str:
    key = f"{incoming.account}\n{incoming.channel}\n{incoming.provider_id}"
    return hashlib.sha256(key.encode()).hexdigest()


def _read(file: Path) -> tuple[IncomingText, datetime]:
    body = json.loads(file.read_text(encoding="ascii"))
    fields = body["text"]
    fields["media"] = tuple(fields["media"])
    return IncomingText(**fields), datetime.fromisoformat(body["received_at"])


def _write(file: Path, body: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.{os.urandom(4).hex()}.part")
    with part.open("w", encoding="ascii") as handle:
        handle.write(body)
        handle.flush()
        os.fsync(handle.fileno())
    part.replace(file)
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    # Without this the new name itself could be lost in a power cut.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
