"""Conversations with the real Rasa over the wire contract, one turn after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from bot.client import BotClient
from bot.contract import STATE_LIMIT
from tests.support.dialogue import Dialogue
from tests.support.rasa_bot import RunningBot, running_bot

Start = Callable[..., Dialogue]

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


@pytest.fixture(scope="session")
def client(bot: RunningBot) -> Iterator[BotClient]:
    client = bot.client()
    yield client
    client.close()


@pytest.fixture
def dialogue(client: BotClient) -> Start:
    return lambda **options: Dialogue(client.turn, **options)


@pytest.fixture
def welcomed(dialogue: Start) -> Dialogue:
    return dialogue().says("hiya").hears("Reply OK")


@pytest.fixture
def asked(welcomed: Dialogue) -> Dialogue:
    return welcomed.says("OK").hears("what would help")


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


COMMANDS = ["/restart", " /restart", "\n\n /restart", "/greet", "/affirm", "//restart", "\ufeff/restart", "\0/restart",
            "\u200b/session_start", "/restart{}", "ok\n/restart"]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_patient_cannot_command_the_bot(asked: Dialogue, command: str) -> None:
    asked.says(command).does_not_hear("emergencies: call 999")

    assert asked.state["slots"]["stage"] == "asked"


@pytest.mark.parametrize("command", ["/affirm", " /affirm", "/deny", '/affirm{"stage": "asked"}'])
def test_a_command_is_no_consent(dialogue: Start, command: str) -> None:
    dialogue().says("purple").says("no").says(command).reports()


def test_a_command_among_several_texts(asked: Dialogue) -> None:
    asked.says("  /restart", "I am lonely", "/restart")

    assert asked.state["slots"]["stage"] == "asked"


@pytest.mark.parametrize(
    "texts",
    [
        ("\0",),
        ("hello\0there\0",),
        ("\U0001f600\U0001f4a9",),
        ("\u2764\ufe0f",),
        ("\ud83d",),
        ("a" * 1600,),
        ("word " * 320,),
        ("\U0001f600" * 800,),
        ("i am lonely. " * 123,),
        ("one", "two", "three", "", "\0", "/x"),
        ("x",) * 200,
        ("\u202e\u202d",),
        ("{'a': 1}",),
        ("%s %d {hub} {0} $stage",),
    ],
)
@pytest.mark.parametrize("consented", [False, True])
def test_odd_texts_get_a_kind_reply(dialogue: Start, texts: tuple[str, ...], consented: bool) -> None:
    person = dialogue().says("hi").says("ok") if consented else dialogue().says("hi")

    assert person.says(*texts).replies


def test_emoji_only_is_asked_for_in_words(asked: Dialogue) -> None:
    asked.says("\U0001f600").hears("words").reports()


def test_texts_waiting_together_get_one_reply(dialogue: Start) -> None:
    person = dialogue().says("hi", "anyone there?")

    assert len(person.replies) == 1


def test_state_lost_before_the_ok_says_the_welcome_again(welcomed: Dialogue) -> None:
    welcomed.forgets().says("ok").hears("Reply OK", "STOP").reports()
    welcomed.says("ok").reports("consent_given", "referral_started")


GARBAGE = [
    {},
    {"v": 2, "slots": {"stage": "asked", "question": "nothing"}, "shiny": True},
    {"v": "1"},
    {"v": 1},
    {"v": 1, "slots": None},
    {"v": 1, "slots": ["stage"]},
    {"v": 1, "slots": {"stage": "nowhere", "question": "ok"}},
    {"v": 1, "slots": {"stage": ["asked"], "question": {}}},
    {"v": 1, "slots": {"stage": "asked", "question": "nothing", "gone": 1}, "loop": "form_of_old", "last": "action_of_old"},
    {"v": 1, "slots": {"stage": "asked", "question": "nothing", "said": "x", "misses": "many", "first_said": [1]},
     "loop": {}, "last": []},
    {"v": 1, "slots": {"stage": "asked", "question": "nothing", "said": {"take_words": "x", "thanks": 99}, "misses": -4}},
    {"nonsense": "\0" * 100},
]  # fmt: skip


@pytest.mark.parametrize("state", GARBAGE)
@pytest.mark.parametrize(
    "text", ["I need help with my housing", "thanks", "purple", "ok", "can someone ring me"]
)
def test_with_consent_in_the_record_a_lost_or_foreign_state_goes_on(
    asked: Dialogue, state: dict[str, object], text: str
) -> None:
    asked.forgets(state).says(text).does_not_hear("emergencies: call 999")

    assert asked.state["v"] == 1
    assert asked.state["slots"]["stage"] == "asked"


def test_the_record_knows_better_than_the_state_about_consent(welcomed: Dialogue) -> None:
    welcomed.context["consented"] = True
    welcomed.says("i need a food bank").reports("words_for_link_worker")
    welcomed.context["consented"] = False
    welcomed.says("i need a food bank").hears("reply OK").reports()


def test_a_handover_in_the_record_is_not_asked_for_twice(asked: Dialogue) -> None:
    asked.context["handover_open"] = True
    asked.says("can someone call me").hears("already").reports()


@pytest.mark.parametrize("hub", [None, "Rowan", {}, {"name": None}, {"name": ""}, {"name": 7}, ["Rowan"]])
def test_a_record_without_a_hub_name_is_no_reason_to_fail(dialogue: Start, hub: object) -> None:
    person = dialogue()
    person.context["hub"] = hub
    person.context["a key of next year"] = {"deep": [1, 2]}

    person.says("hi").hears("social prescribing")


def test_the_same_turn_again_is_the_same_turn(asked: Dialogue, client: BotClient) -> None:
    context, state = dict(asked.context), dict(asked.state)
    first = asked.says("I want to find a walking group")
    said, kept = first.replies, first.state
    asked.context, asked.state = context, state

    assert asked.says("I want to find a walking group").replies == said
    assert asked.state == kept


def test_a_bot_restarted_midway_goes_on(bot: RunningBot, asked: Dialogue) -> None:
    with running_bot() as another:
        client = another.client()
        asked._ask = client.turn
        asked.says("I am lonely").hears("thank you").reports("words_for_link_worker")
        asked.says("I am lonely")
        client.close()

    assert asked.everything[-1] != asked.everything[-2]
