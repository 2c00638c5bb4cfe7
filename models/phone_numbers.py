"""Telephone numbers: one written form, which of them can be texted, and how to show one safely."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

REGION: Final = "GB"

# Longer than any number with its punctuation; also keeps hostile input away from the parser.
_LONGEST: Final = 40
_SHAPE = re.compile(r"\+?[0-9() .\-/]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
#: Ofcom keeps 07700 900000 to 900999 for drama: nobody has one, so demonstrations and tests may use them.
_TEST = re.compile(r"\+447700900[0-9]{3}")
_TEXTABLE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def normalise(raw: str, *, allow_test_numbers: bool) -> str | None:
    """The E.164 form of a number as people write it, or None when it is not a valid number.

    A number without a country code is read as a British one. Ofcom's drama numbers are accepted
    only where `allow_test_numbers` says so. A channel prefix ("whatsapp:") is the caller's to remove.
    Words around a number are not searched: that belongs to the answer parser. Never raises.
    """
    text = _tidy(raw)
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if is_test_number(e164):
        return e164 if allow_test_numbers else None
    return e164 if phonenumbers.is_valid_number(number) and _E164.fullmatch(e164) else None


def is_e164(address: str) -> bool:
    """Whether this is written as a number in E.164, rather than a sender's name or a short code."""
    return _E164.fullmatch(address) is not None


def is_test_number(e164: str) -> bool:
    """Whether this is one of Ofcom's drama mobile numbers, which reach nobody."""
    return _TEST.fullmatch(e164) is not None


def can_receive_texts(e164: str, *, allow_test_numbers: bool) -> bool:
    """Whether a text to this number can arrive: a mobile, here or abroad.

    Decided by the type of number, never by its region alone: Guernsey, Jersey and the Isle of Man
    share +44. Landlines, 070 personal numbers, pagers, short codes and sender names are refused.
    """
    if not is_e164(e164):
        return False
    if is_test_number(e164):
        return allow_test_numbers
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in _TEXTABLE


def masked(e164: str) -> str:
    """The last three digits behind an ellipsis ("...123"): enough to tell two numbers apart on a screen."""
    return f"...{e164[-3:]}" if is_e164(e164) else "..."


def _tidy(raw: str) -> str | None:
    if len(raw) > _LONGEST:
        return None
    folded = unicodedata.normalize("NFKC", raw)
    # Numbers copied from an address book carry invisible direction marks.
    visible = "".join(sign for sign in folded if unicodedata.category(sign) != "Cf").strip()
    visible = re.sub(r"[\u2010-\u2015\u2212]", "-", visible)
    return visible if _SHAPE.fullmatch(visible) else None
