"""From the texts of a turn to what Rasa is given: one message, and never a command."""

from __future__ import annotations

from collections.abc import Sequence

#: Looks like "/" and means nothing to Rasa, which takes a leading "/" for a command.
DIVISION_SLASH = "\u2215"
#: More than ten long texts at once are one paste; what comes after adds nothing to what is meant.
MOST_CHARACTERS = 16_000
_NOTHING_SEEN = "\ufe0e\ufe0f\u200b\u200c\u200d\u2060\ufeff"
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_YES = frozenset("\U0001f44d\U0001f44c\u2705\u2714\u2611\U0001f197")
_NO = frozenset("\U0001f44e\u274c\u274e\U0001f645")


def as_message(texts: Sequence[str]) -> str:
    """All texts as one, a line each: no NUL, no half emoji, and none that begins with "/"."""
    return _not_a_command("\n".join(_not_a_command(text) for text in texts))[:MOST_CHARACTERS]


def intent_without_words(message: str) -> str | None:
    """`affirm`, `deny` or `no_words` for a text without a letter or digit; None when it has one."""
    if any(character.isalnum() for character in message):
        return None
    seen = {
        character
        for character in message
        if not character.isspace() and character not in _NOTHING_SEEN + _SKIN_TONES
    }
    if seen and seen <= _YES:
        return "affirm"
    if seen and seen <= _NO:
        return "deny"
    return "no_words"


def _not_a_command(text: str) -> str:
    text = (
        text.replace("\0", "")
        .encode("utf-8", "replace")
        .decode("utf-8")
        .strip()
        .lstrip(_NOTHING_SEEN)
        .strip()
    )
    rest = text.lstrip("/")
    return DIVISION_SLASH * (len(text) - len(rest)) + rest
