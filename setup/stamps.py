"""Marks that say "done already for exactly these files", so that nothing unchanged is done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(paths: Iterable[Path], *extra: str) -> str:
    """A hash over files (folders with everything in them), their names, and any extra words."""
    total = hashlib.sha256()
    for path in sorted(_files(paths)):
        total.update(f"{path.name}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    for word in extra:
        total.update(f"\0{word}".encode())
    return total.hexdigest()


def is_fresh(stamp: Path, expected: str) -> bool:
    """Whether the mark says what we expect. No mark, or one that cannot be read, is not fresh."""
    try:
        return stamp.read_text(encoding="ascii").strip() == expected
    except (OSError, UnicodeDecodeError):
        return False


def write(stamp: Path, value: str) -> None:
    """Leave the mark, whole or not at all: an interrupted set-up must not look finished."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    draft = stamp.with_name(f"{stamp.name}.new")
    draft.write_text(f"{value}\n", encoding="ascii")
    draft.replace(stamp)


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from (inner for inner in path.rglob("*") if inner.is_file())
        elif path.is_file():
            yield path
