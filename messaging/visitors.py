"""Who a web-chat visitor is: a random id in a signed cookie, and nothing else about them."""

from __future__ import annotations

import hmac
from hashlib import sha256
from uuid import UUID, uuid4

from models.settings import Settings

COOKIE = "linkline_chat"
#: A year: a person who comes back after a month finds the conversation where they left it.
COOKIE_SECONDS = 365 * 24 * 60 * 60


def new_visitor() -> str:
    """The id of a new visitor."""
    return str(uuid4())


def signed(visitor: str, settings: Settings) -> str:
    """The cookie's value for this visitor."""
    return f"{visitor}.{_signature(visitor, settings)}"


def read(cookie: str | None, settings: Settings) -> str | None:
    """The visitor of a cookie that we signed; `None` for any other."""
    visitor, _, signature = (cookie or "").partition(".")
    # As bytes: comparing strings raises on signs outside ASCII.
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(visitor, settings).encode()):
        return None
    try:
        return str(UUID(visitor))
    except ValueError:
        return None


def _signature(visitor: str, settings: Settings) -> str:
    key = settings.derived_key("web chat visitor")
    return hmac.new(key, visitor.encode("utf-8", "replace"), sha256).hexdigest()
