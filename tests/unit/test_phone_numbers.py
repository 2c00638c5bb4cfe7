"""Numbers as people write them, and which of them can be texted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.phone_numbers import can_receive_texts, is_test_number, masked, normalise


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("07911 123456", "+447911123456"),
        ("+44 7400 123456", "+447400123456"),
        ("+44 (0)7400 123456", "+447400123456"),
        ("0044 7400-123.456", "+447400123456"),
        ("(01695) 585 100", "+441695585100"),
        ("\u202a+44 7400 123456\u202c", "+447400123456"),
        ("０７４００ １２３４５６", "+447400123456"),
        ("+353 85 012 3456", "+353850123456"),
        ("07624 312345", "+447624312345"),
        ("07797 712345", "+447797712345"),
        ("07781 123456", "+447781123456"),
    ],
)
def test_written_forms(raw: str, wanted: str) -> None:
    assert normalise(raw, allow_test_numbers=False) == wanted


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "12345",
        "85258",
        "NHSNoReply",
        "0800 FLOWERS",
        "07400 12345",
        "07400 1234567",
        "whatsapp:+447400123456",
        "ring 07400 123456",
        "+44",
        "+",
        "999",
        "0" * 5000,
        "07400123456\x00",
        "+999123456789",
        "07400 123456 x12",
    ],
)
def test_not_numbers(raw: str) -> None:
    assert normalise(raw, allow_test_numbers=True) is None


@pytest.mark.parametrize("raw", ["07700 900000", "+447700900123", "07700 900999"])
def test_drama_numbers_only_where_allowed(raw: str) -> None:
    allowed = normalise(raw, allow_test_numbers=True)
    assert allowed is not None
    assert is_test_number(allowed)
    assert normalise(raw, allow_test_numbers=False) is None
    assert can_receive_texts(allowed, allow_test_numbers=True)
    assert not can_receive_texts(allowed, allow_test_numbers=False)


@pytest.mark.parametrize(
    "e164", ["+447700901000", "+447700899999", "+4477009001234", "+447700 900123", "447700900123"]
)
def test_neighbours_of_the_drama_range(e164: str) -> None:
    assert not is_test_number(e164)


@pytest.mark.parametrize(
    "e164",
    ["+447400123456", "+447911112345", "+447624312345", "+447797712345", "+447781123456", "+353850123456"],
)
def test_mobiles_can_be_texted(e164: str) -> None:
    assert can_receive_texts(e164, allow_test_numbers=False)


@pytest.mark.parametrize(
    "e164",
    [
        "+441695585100",
        "+442079460018",
        "+447012345678",
        "+447640123456",
        "+448001111",
        "85258",
        "LINKLINE",
        "",
        "+44",
    ],
)
def test_others_cannot(e164: str) -> None:
    assert not can_receive_texts(e164, allow_test_numbers=True)


def test_masked_shows_three_digits_at_most() -> None:
    assert masked("+447700900123") == "...123"
    assert masked("12") == "..."
    assert masked("secret") == "..."


@given(st.one_of(st.text(), st.text(alphabet="+0123456789 ()-٣４", max_size=24)), st.booleans())
def test_never_raises_and_settles(raw: str, allow: bool) -> None:
    e164 = normalise(raw, allow_test_numbers=allow)
    can_receive_texts(raw, allow_test_numbers=allow)
    masked(raw)
    is_test_number(raw)
    if e164 is not None:
        assert e164.startswith("+")
        assert normalise(e164, allow_test_numbers=allow) == e164
