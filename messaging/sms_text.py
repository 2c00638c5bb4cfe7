"""How long a text is, in the units that the network counts and the supplier charges.

A text made only of the GSM 7-bit alphabet is counted in septets: 160 in one part, 153 in each of
several, for the header that joins them takes the rest. A character of the extension table is an
escape and a second septet. One character outside both tables turns the whole text into UCS-2,
counted in 16-bit units: 70, or 67 in each of several parts. Source: 3GPP TS 23.038 and 23.040.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

Encoding = Literal["GSM-7", "UCS-2"]

#: The 127 characters that take one septet; the 128th code point is the escape itself.
GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: The characters that take an escape and one more septet.
GSM_EXTENSION: Final = frozenset("^{}\\[~]|€\f")

_SINGLE: Final[dict[Encoding, int]] = {"GSM-7": 160, "UCS-2": 70}
_JOINED: Final[dict[Encoding, int]] = {"GSM-7": 153, "UCS-2": 67}

#: Beyond it UTF-16 needs two units for a character.
_LAST_SINGLE_UNIT: Final = "\uffff"

_QUOTES = dict.fromkeys("‘’‚‛′‵`´ʼ‹›", "'") | dict.fromkeys("“”„‟″‶«»", '"')
_DASHES = dict.fromkeys("‐‑‒–—―−⁃•", "-")
_SPACES = dict.fromkeys("\t\u00a0\u1680\u202f\u205f\u3000", " ") | {
    chr(c): " " for c in range(0x2000, 0x200B)
}
_LINES = {"\u2028": "\n", "\u2029": "\n", "\u0085": "\n", "\v": "\n"}
_NOTHING = dict.fromkeys("\u200b\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e", "")
_PLAIN = str.maketrans(_QUOTES | _DASHES | _SPACES | _LINES | _NOTHING | {"…": "..."})
_JOINERS = frozenset("\u200c\u200d")


@dataclass(frozen=True, slots=True)
class SmsParts:
    """The size of a text. `units` are septets or 16-bit units; `left_in_part` is what the last part holds."""

    encoding: Encoding
    units: int
    parts: int
    left_in_part: int


def describe(text: str) -> SmsParts:
    """Measure a text as it would be sent. An empty text has no part, and room for one."""
    encoding = _encoding(text)
    units = sum(_cost(character, encoding) for character in text)
    if units <= _SINGLE[encoding]:
        return SmsParts(encoding, units, 1 if text else 0, _SINGLE[encoding] - units)
    pieces = split(text)
    last = sum(_cost(character, encoding) for character in pieces[-1])
    return SmsParts(encoding, units, len(pieces), _JOINED[encoding] - last)


def split(text: str) -> list[str]:
    """The parts a text travels in; joined they are the text. An empty text has none.

    A pair (escape and character, or two surrogates) never straddles two parts: a part with one
    unit left over is closed early, which is why the number of parts is not a plain division.
    """
    encoding = _encoding(text)
    costs = [_cost(character, encoding) for character in text]
    if sum(costs) <= _SINGLE[encoding]:
        return [text] if text else []
    pieces: list[str] = []
    start, used = 0, 0
    for position, cost in enumerate(costs):
        if used + cost > _JOINED[encoding]:
            pieces.append(text[start:position])
            start, used = position, 0
        used += cost
    pieces.append(text[start:])
    return pieces


def plain(text: str) -> str:
    """Replace typographic signs that would double the price by their plain likeness; keep every letter.

    Curly quotes, long dashes, the ellipsis, odd spaces and tabs become their GSM forms, zero-width
    signs go, and a letter written with a separate accent becomes one character. A letter or emoji
    outside the alphabet stays as it is, and so does a joiner that holds two of those together.
    """
    while True:
        # What one step takes away may let an accent meet its letter, which the next step must see.
        plainer = unicodedata.normalize("NFC", text).translate(_PLAIN)
        if not _JOINERS.isdisjoint(plainer):
            plainer = _without_idle_joiners(plainer)
        if plainer == text:
            return text
        text = plainer


def _without_idle_joiners(text: str) -> str:
    kept: list[str] = []
    for position, character in enumerate(text):
        if character in _JOINERS:
            after = next((other for other in text[position + 1 :] if other not in _JOINERS), "")
            # Between two foreign signs a joiner has work to do: a family emoji, a Persian plural.
            if not (kept and after and _is_foreign(kept[-1]) and _is_foreign(after)):
                continue
        kept.append(character)
    return "".join(kept)


def _is_foreign(character: str) -> bool:
    return character not in GSM_BASIC and character not in GSM_EXTENSION


def _encoding(text: str) -> Encoding:
    return "UCS-2" if any(_is_foreign(character) for character in set(text)) else "GSM-7"


def _cost(character: str, encoding: Encoding) -> int:
    if encoding == "GSM-7":
        return 2 if character in GSM_EXTENSION else 1
    return 2 if character > _LAST_SINGLE_UNIT else 1
