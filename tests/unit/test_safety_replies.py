"""What is said back: one part each, nothing promised, nothing that opts anybody out."""

from __future__ import annotations

import re

import pytest

from bot.safety.keywords import keyword
from bot.safety.replies import choose_reply, reply, reply_book, review_due
from bot.safety.screen import Alert, Screening, screen
from messaging.sms_text import describe, plain
from models.enums import AlertKind, AlertLevel

KEYS = sorted(reply_book().texts)
NEEDED = [
    "risk_adult",
    "risk_again",
    "risk_child",
    "risk_child_again",
    "risk_other_person",
    "risk_other_again",
    "emergency",
    "emergency_again",
    "safeguarding",
    "safeguarding_again",
    "are_you_ok",
    "help",
    "stopped",
    "started",
    "holding",
    "not_read",
]


def test_every_key_is_there() -> None:
    assert set(NEEDED) <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_one_gsm_part(key: str) -> None:
    size = describe(reply(key))
    assert (size.encoding, size.parts) == ("GSM-7", 1)
    assert plain(reply(key)) == reply(key)


@pytest.mark.parametrize("key", KEYS)
def test_nothing_is_promised_that_may_not_be_true(key: str) -> None:
    text = reply(key).casefold()
    told = r"(have|has|been|will) (told|tell|alert|let|pass|notif|inform)|we told|is on (the|their) way|someone will"
    assert not re.search(told, text)


@pytest.mark.parametrize("key", KEYS)
def test_no_carrier_word_is_invited(key: str) -> None:
    text = reply(key)
    assert not re.search(
        r"\b(cancel|end|quit|yes|revoke|optout|unsubscribe|info|help) (to|for|if)\b", text, re.IGNORECASE
    )
    assert not re.search(
        r"(?i)\b(?:text|reply|answer|send)(?: us)? (?:yes|cancel|end|quit|help|info)\b", text
    )
    invited = set(re.findall(r"\b[A-Z]{3,}\b", text)) - {"NHS"}
    assert invited <= {"help": {"STOP"}, "stopped": {"START"}, "started": {"STOP"}}.get(key, set())


@pytest.mark.parametrize("key", ["safeguarding", "safeguarding_again"])
def test_a_disclosure_of_abuse_is_answered_discreetly(key: str) -> None:
    text = reply(key).casefold()
    assert "999" in text
    assert "55" in text
    assert "safe" in text
    assert "text you" in text
    for word in (
        "abuse",
        "violen",
        "hit",
        "hurt",
        "partner",
        "husband",
        "police",
        "domestic",
        "refuge",
        "samaritans",
    ):
        assert word not in text


def test_an_emergency_gets_999_and_no_listening_line() -> None:
    for key in ("emergency", "emergency_again"):
        assert "999" in reply(key)
        assert "116 123" not in reply(key)


@pytest.mark.parametrize("key", ["risk_adult", "risk_again", "risk_other_person"])
def test_risk_replies_name_a_line_and_999(key: str) -> None:
    assert "116 123" in reply(key)
    assert "999" in reply(key)


def test_children_get_childline() -> None:
    assert "0800 1111" in reply("risk_child")
    assert "0800 1111" in reply("risk_child_again")


def test_hours_and_unknown_keys() -> None:
    assert reply("help", hours="Monday to Friday, 9am to 5pm") == reply("help")
    with pytest.raises(KeyError):
        reply("nonsense")


def test_review_date() -> None:
    book = reply_book()
    assert book.reviewed < book.review_due
    assert not review_due(book.reviewed)
    assert review_due(book.review_due)
    assert all(book.sources.values())


@pytest.mark.parametrize(
    ("text", "first", "again"),
    [
        ("I want to kill myself", "risk_adult", "risk_again"),
        ("my son says he wants to die", "risk_other_person", "risk_other_again"),
        ("my husband hits me", "safeguarding", "safeguarding_again"),
        ("I've taken an overdose", "emergency", "emergency_again"),
        ("im 14 and i want to die", "risk_child", "risk_child_again"),
        ("I feel worthless", "are_you_ok", None),
        ("I tried to kill myself ten years ago", None, None),
        ("when is my appointment", None, None),
    ],
)
def test_choice(text: str, first: str | None, again: str | None) -> None:
    screening = screen(text)
    assert choose_reply(screening, recently_sent=False) == first
    assert choose_reply(screening, recently_sent=True) == again
    for key in (first, again):
        assert key is None or reply(key)


def test_every_key_a_screening_can_name_has_a_text() -> None:
    for kind in AlertKind:
        for level in AlertLevel:
            for key in KEYS:
                chosen = choose_reply(Screening(Alert(kind, level, (), ""), key), recently_sent=True)
                assert chosen is None or chosen in KEYS


def test_our_own_texts_are_no_keywords() -> None:
    for key in KEYS:
        assert keyword(reply(key)) is None
