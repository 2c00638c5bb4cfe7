"""Conversations with the real Rasa over the wire contract, one turn after the other."""

from __future__ import annotations

import json

import pytest

from bot.contract import STATE_LIMIT
from tests.dialogue.conftest import Start
from tests.support.dialogue import Dialogue

FIRST_TEXTS = [
    "hi",
    "OK",
    "no",
    "I'm so lonely since my wife passed",
    "are you a robot",
    "help",
    "can someone ring me",
    "bye",
    "ta love",
    "order my tablets please",
    "feeling low today",
    "no words I know qwx zzkp",
    "jestem samotna i nie znam nikogo",
    "Привет",
    "你好",
    "\U0001f600",
    "",
    "   \n ",
    "?!",
    "_",
    "0",
    "/restart",
]


@pytest.mark.parametrize("text", FIRST_TEXTS)
def test_the_first_text_gets_the_welcome_whatever_it_says(dialogue: Start, text: str) -> None:
    person = dialogue(hub="Rowan Link Workers").says(text)

    person.hears("Rowan Link Workers", "not watched all the time", "not for emergencies", "Reply OK", "STOP")
    person.reports()
    assert person.choices == ("OK",)


@pytest.mark.parametrize(
    "yes", ["OK", "ok", "Yes", "yes please", "yeah go on then", "aye", "yeh go ed", "\U0001f44d"]
)
def test_ok_after_the_welcome_gives_consent_and_starts_a_referral(welcomed: Dialogue, yes: str) -> None:
    welcomed.says(yes).hears("in your own words", "link worker will read")

    assert welcomed.outcomes == [
        {"type": "consent_given", "scope": "contact", "text_version": "welcome-1"},
        {"type": "referral_started"},
    ]


@pytest.mark.parametrize(
    "words", ["im on my own all week and its getting me down", "the blue lamp", "I need help with money"]
)
def test_after_the_ok_their_own_words_go_to_a_link_worker(asked: Dialogue, words: str) -> None:
    asked.says(words).hears("thank you", "link worker").reports("words_for_link_worker")


def test_a_reason_said_before_the_ok_is_acknowledged_and_taken_up(welcomed: Dialogue) -> None:
    welcomed.says("i lost my job and cant pay the rent").hears("thank you", "reply OK").reports()
    welcomed.says("ok").hears("read what you told us").reports("consent_given", "referral_started")


def test_a_reason_in_the_very_first_text_is_taken_up_too(dialogue: Start) -> None:
    person = dialogue().says("I'm lonely and don't know anyone").hears("Reply OK")

    person.says("OK").hears("read what you told us")


def test_a_first_wish_for_a_person_is_passed_on_with_the_ok(dialogue: Start) -> None:
    person = dialogue().says("can i speak to someone please").hears("Reply OK")

    person.says("OK").hears("told that you want to talk")
    person.reports("consent_given", "referral_started", "handover_requested")


def test_no_after_the_welcome_is_fine_and_a_later_ok_is_asked_for_again(welcomed: Dialogue) -> None:
    welcomed.says("no thanks").hears("fine").reports()
    welcomed.says("ok").hears("reply OK").reports()
    welcomed.says("ok").reports("consent_given", "referral_started")


def test_thanks_before_the_ok_does_not_lose_the_question(welcomed: Dialogue) -> None:
    welcomed.says("thank you").hears("welcome").reports()
    welcomed.says("yes").reports("consent_given", "referral_started")


@pytest.mark.parametrize("question", ["what is this", "are you a robot?", "how much does it cost"])
def test_questions_about_the_service_are_answered_and_the_ok_is_still_waited_for(
    welcomed: Dialogue, question: str
) -> None:
    welcomed.says(question).hears("computer", "free", "reply OK").reports()
    welcomed.says("ok then").reports("consent_given", "referral_started")


def test_a_person_is_asked_for_once_and_promised_no_time(asked: Dialogue) -> None:
    asked.says("can I speak to someone").hears("link worker will be told", "999").reports(
        "handover_requested"
    )
    asked.does_not_hear("soon", "minutes", "today", "shortly")
    asked.says("I want to talk to a human").hears("already").reports()


def test_a_yes_after_a_handover_is_not_a_consent(welcomed: Dialogue) -> None:
    welcomed.says("get me a person please").reports("handover_requested")
    welcomed.says("ok").hears("reply OK").reports()


def test_not_understood_three_times(welcomed: Dialogue) -> None:
    welcomed.says("the blue lamp").hears("other words").reports()
    welcomed.says("purple").hears("link worker", "OK or NO").reports()
    assert welcomed.choices == ("OK", "NO")
    welcomed.says("seventeen").hears("link worker will be told").reports("handover_requested")
    welcomed.says("seventeen").hears("other words").reports()


def test_the_offer_of_a_person_taken(welcomed: Dialogue) -> None:
    welcomed.says("the blue lamp").says("purple")
    welcomed.says("ok").hears("link worker will be told").reports("handover_requested")


def test_the_offer_of_a_person_declined(welcomed: Dialogue) -> None:
    welcomed.says("the blue lamp").says("purple")
    welcomed.says("no").hears("by text").reports()
    welcomed.says("ok").hears("reply OK").reports()


def test_being_understood_starts_the_count_again(welcomed: Dialogue) -> None:
    welcomed.says("the blue lamp").hears("other words")
    welcomed.says("are you a robot").hears("computer")
    welcomed.says("the blue lamp").hears("other words")


def test_small_talk_and_what_is_not_for_us(asked: Dialogue) -> None:
    asked.says("hello again").hears("hello").reports()
    asked.says("thanks").hears("welcome").reports()
    asked.says("can i get a repeat prescription").hears("sorry").reports()
    asked.says("how do I use this").hears("own words", "999", "111").reports()
    asked.says("no").hears("ok").reports()
    asked.says("bye for now").hears("bye").reports()


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "thanks",
        "bye",
        "what is this",
        "help",
        "can someone ring me",
        "the blue lamp",
        "order a pizza",
        "",
        "no",
    ],
)
@pytest.mark.parametrize("consented", [False, True])
def test_no_reply_repeats_word_for_word(dialogue: Start, text: str, consented: bool) -> None:
    person = dialogue().says("hi").says("ok") if consented else dialogue().says("hi")
    for _ in range(7):
        person.says(text)

    repeated = [a for a, b in zip(person.everything, person.everything[1:], strict=False) if a == b]
    assert repeated == []
    assert len(json.dumps(person.state)) < STATE_LIMIT


def test_texts_waiting_together_get_one_reply(dialogue: Start) -> None:
    person = dialogue().says("hi", "anyone there?")

    assert len(person.replies) == 1
