"""What the bot may say, checked without starting it."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import yaml

from messaging.sms_text import describe
from tests.support.rasa_bot import RASA

LONGEST_HUB = "H" * 30
WORDING: dict[str, list[str]] = yaml.safe_load((RASA / "actions" / "wording.yml").read_text(encoding="utf-8"))
EVERY_TEXT = [(name, text) for name, texts in WORDING.items() for text in texts]
#: Carriers take these for themselves when they are all that a text says. STOP must be invited.
CARRIER_WORDS = (
    "STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT|REVOKE|OPTOUT|START|YES|UNSTOP|HELP|INFO"  # source: Twilio
)
#: Said at most once to a person, or only after something else was said in between.
ONCE = {
    "welcome",
    "consent",
    "consent_after_reason",
    "consent_after_wish_for_person",
    "handover",
    "fallback_handover",
}


@pytest.mark.parametrize(("name", "text"), EVERY_TEXT)
def test_every_reply_fits_one_part_with_a_long_hub_name(name: str, text: str) -> None:
    measured = describe(text.replace("{hub}", LONGEST_HUB))

    assert (measured.encoding, measured.parts) == ("GSM-7", 1), f"{name}: {measured.units} septets"


@pytest.mark.parametrize(("name", "text"), EVERY_TEXT)
def test_no_reply_invites_a_word_that_the_carrier_takes(name: str, text: str) -> None:
    assert not re.search(rf"\b({CARRIER_WORDS})\b", text), name


@pytest.mark.parametrize(("name", "text"), EVERY_TEXT)
def test_no_placeholder_but_the_hub(name: str, text: str) -> None:
    assert set(re.findall(r"\{.*?\}", text)) <= {"{hub}"}, name


def test_no_text_stands_under_two_names() -> None:
    twice = [text for text, count in Counter(text for _, text in EVERY_TEXT).items() if count > 1]

    assert twice == []


def test_what_may_be_said_again_has_another_wording() -> None:
    assert {name for name, texts in WORDING.items() if len(texts) < 2} == ONCE


def test_the_welcome_says_what_it_must() -> None:
    (welcome,) = WORDING["welcome"]

    for needed in ("{hub}", "not watched all the time", "not for emergencies", "999", "Reply OK", "STOP"):
        assert needed in welcome
