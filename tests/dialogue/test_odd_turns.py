"""Texts that nobody should send, and states that nobody should have kept."""

from __future__ import annotations

import pytest

from bot.client import BotClient
from tests.dialogue.conftest import Start
from tests.support.dialogue import Dialogue
from tests.support.rasa_bot import RunningBot, running_bot

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
