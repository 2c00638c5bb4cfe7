"""Text sizes, right to the septet, against a slow encoder written another way."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messaging.sms_text import GSM_BASIC, GSM_EXTENSION, describe, plain, split

GSM = sorted(GSM_BASIC | GSM_EXTENSION)
gsm_texts = st.text(alphabet=st.sampled_from(GSM), max_size=500)
pairs_texts = st.text(alphabet=st.sampled_from("a€"), min_size=140, max_size=480)
emoji_texts = st.text(alphabet=st.sampled_from("aé’😀"), min_size=60, max_size=220)
any_texts = st.one_of(gsm_texts, pairs_texts, emoji_texts, st.text(max_size=300))


def slow_parts(text: str) -> tuple[str, int, int]:
    """Encode to real code units, then cut and step back off a lead unit. Returns encoding, units, parts."""
    if all(character in GSM for character in text):
        units = [unit for c in text for unit in (["ESC", c] if c in GSM_EXTENSION else [c])]
        leads, single, joined, name = {"ESC"}, 160, 153, "GSM-7"
    else:
        raw = text.encode("utf-16-be", "surrogatepass")
        numbers = [raw[i] * 256 + raw[i + 1] for i in range(0, len(raw), 2)]
        # A lone low surrogate cannot be told from a pair here, so lone ones are kept out of the texts.
        units = ["ESC" if 0xD800 <= n < 0xDC00 else str(n) for n in numbers]
        leads, single, joined, name = {"ESC"}, 70, 67, "UCS-2"
    if len(units) <= single:
        return name, len(units), 1 if units else 0
    count, at = 0, 0
    while at < len(units):
        end = min(at + joined, len(units))
        if end < len(units) and units[end - 1] in leads:
            end -= 1
        count, at = count + 1, end
    return name, len(units), count


@given(any_texts)
def test_agrees_with_the_slow_encoder(text: str) -> None:
    size = describe(text)
    assert (size.encoding, size.units, size.parts) == slow_parts(text)


@given(any_texts)
def test_parts_are_the_text_and_each_fits(text: str) -> None:
    pieces, size = split(text), describe(text)
    assert "".join(pieces) == text
    assert len(pieces) == size.parts
    limit = {"GSM-7": (160, 153), "UCS-2": (70, 67)}[size.encoding][len(pieces) > 1]
    for piece in pieces:
        units = sum(
            (2 if c in GSM_EXTENSION else 1) if size.encoding == "GSM-7" else len(c.encode("utf-16-be")) // 2
            for c in piece
        )
        assert 0 < units <= limit
    assert 0 <= size.left_in_part <= limit


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "left"),
    [
        ("", "GSM-7", 0, 0, 160),
        ("a" * 159, "GSM-7", 159, 1, 1),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 158 + "€", "GSM-7", 160, 1, 0),
        ("a" * 159 + "€", "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        # The pair would straddle septets 153 and 154, so the first part closes at 152.
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3, 152),
        ("a" * 151 + "€" + "a" * 153, "GSM-7", 306, 2, 0),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("€" * 81, "GSM-7", 162, 2, 143),
        ("€" * 153, "GSM-7", 306, 3, 151),
        ("’" * 70, "UCS-2", 70, 1, 0),
        ("’" * 71, "UCS-2", 71, 2, 63),
        ("😀" * 35, "UCS-2", 70, 1, 0),
        ("😀" * 36, "UCS-2", 72, 2, 61),
        ("’" * 66 + "😀" + "’" * 66, "UCS-2", 134, 3, 66),
        ("’" * 134, "UCS-2", 134, 2, 0),
        ("ŵ", "UCS-2", 1, 1, 69),
        ("á", "UCS-2", 1, 1, 69),
        ("à é £ ¤ §", "GSM-7", 9, 1, 151),
        ("\f^{}\\[~]|€", "GSM-7", 20, 1, 140),
    ],
)
def test_boundaries(text: str, encoding: str, units: int, parts: int, left: int) -> None:
    size = describe(text)
    assert (size.encoding, size.units, size.parts, size.left_in_part) == (encoding, units, parts, left)


def test_the_alphabet_is_whole() -> None:
    assert len(GSM_BASIC) == 127
    assert len(GSM_EXTENSION) == 10
    assert not GSM_BASIC & GSM_EXTENSION


def test_lone_surrogates_do_not_raise() -> None:
    assert describe("\ud83d" * 71).parts == 2


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("“Don’t” – it’s 5…", "\"Don't\" - it's 5..."),
        ("a\tb\u00a0c\u202fd", "a b c d"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("cafe\u0301", "café"),
        ("Siân Ŵyn 😀", "Siân Ŵyn 😀"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("a\u200db", "ab"),
        ("one\u2028two", "one\ntwo"),
    ],
)
def test_plain_examples(raw: str, wanted: str) -> None:
    assert plain(raw) == wanted


ZERO_WIDTH = dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e")
)


def letters(text: str) -> list[str]:
    # Composed first: an accent that stood behind a zero-width sign may join its letter.
    composed = unicodedata.normalize("NFC", text.translate(ZERO_WIDTH))
    return [sign for sign in composed if unicodedata.category(sign)[0] in "LN"]


@given(st.one_of(st.text(), st.text(alphabet="e\u0301\u200c\u200d\u200b😀’ab", max_size=30)))
@example("e\u200b\u0300\u200c\x1f")
def test_plain_keeps_every_letter_and_settles(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert letters(once) == letters(text)
