"""Reads `.env` for the processes that we start; a variable that is set already wins, as everywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def parse(text: str) -> dict[str, str]:
    """The names and values in a `.env` file. Comments, empty lines and lines without a name are passed over."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line.strip())
        if found:
            values[found[1]] = _value(found[2].strip())
    return values


def with_env_file(environment: Mapping[str, str], path: Path) -> dict[str, str]:
    """The environment and, for names that it lacks or leaves empty, what `.env` says."""
    from_file = parse(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return from_file | {name: value for name, value in environment.items() if value or name not in from_file}


def _value(raw: str) -> str:
    if raw[:1] in {"'", '"'} and raw.find(raw[0], 1) > 0:
        return raw[1 : raw.find(raw[0], 1)]
    # Only a # after a space starts a comment: secrets and URLs may hold one.
    return re.split(r"\s#", raw, maxsplit=1)[0].strip() if not raw.startswith("#") else ""
