"""The first safety net against texts written before it, and against texts meant to break it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.safety.rulebook import RULES_FILE, read_rulebook, rulebook
from bot.safety.screen import screen
from models.enums import AlertKind, AlertLevel

DATA = Path(__file__).parent / "data"
MUST_CATCH = {"explicit", "planned", "self_harm", "emergency"}


def rows(name: str, *sets: str) -> list[dict[str, Any]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["set"] in sets]


def level(row: dict[str, Any]) -> AlertLevel | None:
    alert = screen(row["text"], asked=row.get("asked")).alert
    return alert.level if alert else None


FIRST = [row for row in rows("safety_first.jsonl", "risky") if row["level"] == "urgent"]


def test_the_set_is_large_enough() -> None:
    assert len(rows("safety_first.jsonl", "risky")) >= 120
    assert len(rows("safety_first.jsonl", "hard")) >= 100
    assert len(rows("safety_first.jsonl", "ordinary")) >= 150


@pytest.mark.parametrize("row", [row for row in FIRST if row["tag"] in MUST_CATCH], ids=lambda row: row["id"])
def test_explicit_planned_self_harm_and_emergency_are_all_caught(row: dict[str, Any]) -> None:
    alert = screen(row["text"]).alert
    assert alert is not None
    assert alert.level is AlertLevel.URGENT
    assert alert.kind == row["kind"], alert.rules


def test_recall_of_all_urgent_texts() -> None:
    missed = [row["id"] for row in FIRST if level(row) is not AlertLevel.URGENT]
    assert len(missed) <= 0.05 * len(FIRST), missed


def test_right_lane() -> None:
    wrong = [
        row["id"]
        for row in FIRST
        if (a := screen(row["text"], asked=row.get("asked")).alert) and a.kind != row["kind"]
    ]
    assert len(wrong) <= 0.03 * len(FIRST), wrong


@pytest.mark.parametrize(("name", "share"), [("hard", 0.10), ("ordinary", 0.01)])
def test_false_alarms(name: str, share: float) -> None:
    group = rows("safety_first.jsonl", name)
    urgent = [row["id"] for row in group if level(row) is AlertLevel.URGENT]
    assert len(urgent) <= share * len(group), urgent


@pytest.mark.parametrize("name", ["safety_second.jsonl", "safety_third.jsonl", "safety_fourth.jsonl"])
def test_later_sets_hold(name: str) -> None:
    risky = [row for row in rows(name, "risky") if row["level"] == "urgent"]
    missed = [row["id"] for row in risky if level(row) is not AlertLevel.URGENT]
    hard = rows(name, "hard")
    alarms = [row["id"] for row in hard if level(row) is AlertLevel.URGENT]
    assert len(missed) <= 0.05 * len(risky), missed
    assert len(alarms) <= 0.10 * len(hard), alarms


@pytest.mark.parametrize(
    "row", [r for r in rows("safety_first.jsonl", "risky") if r["level"] != "urgent"], ids=lambda r: r["id"]
)
def test_soft_and_routine(row: dict[str, Any]) -> None:
    assert level(row) == row["level"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I'm not suicidal", None),
        ("I'm not suicidal but some nights are bad", "soft"),
        ("I don't want to feel suicidal any more", "urgent"),
        ("why don't I just kill myself", "urgent"),
        ("no I want to die", "urgent"),
        ("nobody knows he hits me", "urgent"),
        ("he won't stop hitting me", "urgent"),
        ("I tried to kill myself ten years ago", "routine"),
        ("I tried to kill myself ten years ago and the thoughts have come back", "urgent"),
        ("My husband died ten years ago and I want to die", "urgent"),
        ("I took an overdose. That was twenty years ago.", "routine"),
        ("dying for a brew and I want to kill myself", "urgent"),
        ("walked 5 kms today", None),
        ("I had a stroke in 2015 and now my chest hurts", "urgent"),
        ("I feel low since Bill died", None),
    ],
)
def test_negation_time_and_figures_of_speech(text: str, wanted: str | None) -> None:
    alert = screen(text).alert
    assert (alert.level if alert else None) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "𝓘 𝔀𝓪𝓷𝓽 𝓽𝓸 𝓴𝓲𝓵𝓵 𝓶𝔂𝓼𝓮𝓵𝓯",
        "I want to k\u200bill mys\u00adelf",
        "I want to ki\x00ll myself",
        "I wa\u0336nt to\u0336 d\u0336i\u0336e\u0336",
        "\u202eI want to die\u202c",
        "s.u.i.c.i.d.e",
        "I want to dieeeee",
        "want to k!ll myself",
        "I w\u0430nt t\u043e di\u0435",
        "I CAN\u2019T GO ON\u2026",
        "ｋｉｌｌ ｍｙｓｅｌｆ",
        "I can't... go on",
    ],
)
def test_ornament_and_masking_hide_nothing(text: str) -> None:
    alert = screen(text).alert
    assert alert is not None
    assert alert.level is AlertLevel.URGENT


def test_one_line_in_a_long_text_counts() -> None:
    filler = "The choir was lovely and I met Jean from the allotment. "
    text = (filler * 14) + "Most nights I want to kill myself. " + (filler * 13)
    assert 1500 < len(text) <= 1600
    alert = screen(text).alert
    assert alert is not None
    assert alert.level is AlertLevel.URGENT


def test_an_overdose_outranks_and_every_rule_is_named() -> None:
    alert = screen("my husband hits me and i want to die, ive taken an overdose").alert
    assert alert is not None
    assert alert.kind is AlertKind.MEDICAL_EMERGENCY
    assert {rule.split(".")[0] for rule in alert.rules} == {"medical", "risk", "safeguarding"}
    assert alert.rules_version == rulebook().version


@pytest.mark.parametrize(
    ("asked", "text", "kind"),
    [
        ("Can you keep yourself safe?", "no", "risk_disclosure"),
        ("Can you keep yourself safe?", "not really", "risk_disclosure"),
        ("Can you keep yourself safe?", "yes", None),
        ("Do you want to hurt yourself?", "yes", "risk_disclosure"),
        ("Do you want to hurt yourself?", "no", None),
        ("Is it safe for us to text you on this number?", "no", "safeguarding"),
        ("Is it safe for us to text you on this number?", "yes", None),
        ("Would you like a call?", "no", None),
        (
            "...thoughts that you would be better off dead, or of hurting yourself?",
            "several days",
            "risk_disclosure",
        ),
        ("...thoughts that you would be better off dead, or of hurting yourself?", "not at all", None),
    ],
)
def test_the_question_decides_what_a_short_answer_means(asked: str, text: str, kind: str | None) -> None:
    alert = screen(text, asked=asked).alert
    assert (alert.kind if alert else None) == kind


def test_not_safe_to_text_is_not_answered() -> None:
    screening = screen("no he reads them", asked="Is it safe for us to text you on this number?")
    assert screening.alert is not None
    assert screening.reply_key is None


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (None, "please don't text me back, he'll see"),
        (None, "it is not safe to text me"),
        (None, "don't reply my husband reads everything"),
        ("We have your message. Tell us if it is not safe to text you here.", "it is not safe"),
        ("Is it safe for us to text you on this number?", "nope"),
    ],
)
def test_a_phone_that_is_not_safe_gets_an_alert_and_silence(asked: str | None, text: str) -> None:
    screening = screen(text, asked=asked)
    assert screening.alert is not None
    assert screening.alert.level is AlertLevel.URGENT
    assert screening.reply_key is None


@pytest.mark.parametrize("text", ["yes no problem", "its no problem", "no worries", "yes I can"])
def test_a_friendly_no_is_not_a_no(text: str) -> None:
    assert screen(text, asked="Can you keep yourself safe?").alert is None


def test_under_18_gets_the_childrens_reply() -> None:
    assert screen("I want to die", under_18=True).reply_key == "risk_child"
    assert screen("I want to die").reply_key == "risk_adult"


@given(
    st.one_of(st.text(), st.text(alphabet=st.characters(codec=None), max_size=200)),
    st.one_of(st.none(), st.text()),
)
def test_never_raises(text: str, asked: str | None) -> None:
    screen(text, asked=asked)


@given(st.text(max_size=300))
def test_harmless_words_before_do_not_hide_a_cry(noise: str) -> None:
    alert = screen(f"{noise}\nI want to kill myself").alert
    assert alert is not None
    assert alert.level is AlertLevel.URGENT


HOSTILE = [
    "a ", "kill ", "i want to ", "s u i c ", "a", " ", ",", ". ", "\n", "\ufdfa", "a\u0301", "took all of my ", "k*ll ", "*",
    "fell and and and ", "he always always has ", "im i am a had ", "he hit. i want. cant go. ", "a1*", "\0", "well um er ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_length_is_bounded(piece: str) -> None:
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    best = 1.0
    for _ in range(3):
        started = time.perf_counter()
        screen(text, asked="Can you keep yourself safe?")
        best = min(best, time.perf_counter() - started)
    assert best < 0.2
    # What could not be read whole never passes for safe.
    assert screen(text, asked="Can you keep yourself safe?").alert is not None


def test_a_typical_text_takes_under_two_milliseconds() -> None:
    texts = [row["text"] for row in rows("safety_first.jsonl", "risky", "hard", "ordinary")]
    best = 1.0
    for _ in range(3):
        started = time.perf_counter()
        for text in texts:
            screen(text)
        best = min(best, (time.perf_counter() - started) / len(texts))
    assert best < 0.002


def test_a_rule_id_given_twice_is_refused() -> None:
    source = RULES_FILE.read_text(encoding="utf-8")
    broken = source.replace("id: risk.suicide.kill_self", "id: risk.suicide.word")
    with pytest.raises(ValueError, match="twice"):
        read_rulebook(broken)
