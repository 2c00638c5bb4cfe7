"""The signposting texts: read from `replies.yaml`, chosen by what was found and what was just said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from bot.safety.screen import Screening

REPLIES_FILE: Final = Path(__file__).with_name("replies.yaml")

#: What to say when the same kind of text comes again within minutes: the same help in other words.
_AGAIN: Final = {
    "risk_adult": "risk_again",
    "risk_child": "risk_child_again",
    "risk_other_person": "risk_other_again",
    "emergency": "emergency_again",
    "safeguarding": "safeguarding_again",
}


@dataclass(frozen=True, slots=True)
class ReplyBook:
    """All the texts, the day they were last checked and the day by which they must be checked again."""

    texts: Mapping[str, str]
    sources: Mapping[str, str]
    reviewed: date
    review_due: date


@cache
def reply_book() -> ReplyBook:
    """The texts in force. Raises `KeyError` at first use if the file lacks a part."""
    data: dict[str, Any] = yaml.safe_load(REPLIES_FILE.read_text(encoding="utf-8"))
    return ReplyBook(data["replies"], data["sources"], data["reviewed"], data["review_due"])


def reply(key: str, *, hours: str | None = None) -> str:
    """The text for a key; raises `KeyError` for an unknown one.

    `hours` is a hub's opening hours in words ("Monday to Friday, 9am to 5pm"). It is put in where a
    text has room for it ("{hours}"); no text needs it, so that none can fail for want of it.
    """
    return reply_book().texts[key].replace("{hours}", hours or "")


def choose_reply(screening: Screening, *, recently_sent: bool) -> str | None:
    """The key of the text to send, or None when silence is right.

    `recently_sent`: a signposting text of this kind went to this person within the last minutes. A
    soft check is not repeated at all.
    """
    key = screening.reply_key
    if key is None or not recently_sent:
        return key
    return _AGAIN.get(key)


def review_due(today: date) -> bool:
    """Whether the texts should have been checked by now. `today` is a date in Europe/London."""
    return today >= reply_book().review_due
