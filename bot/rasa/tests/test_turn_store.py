"""The tracker out of a state and the state out of a tracker, with a form open as well."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from turn_store import (
    NoTurnError,
    StateTooLargeError,
    TurnStore,
    current_turn,
    restore,
    snapshot,
    turn_of,
)

from bot.contract import STATE_LIMIT, TurnRequest

DOMAIN = Domain.from_yaml(
    """
    version: "3.1"
    intents: [greet, affirm]
    forms: {form_of_one: {required_slots: [answer]}}
    actions: [action_x]
    slots:
      stage: {type: categorical, values: [new, welcomed, asked], mappings: [{type: custom}]}
      question: {type: categorical, values: [ok, person, nothing], mappings: [{type: custom}]}
      answer: {type: any, mappings: [{type: custom}]}
    """
)
KNOWN = {"consented": True, "first_contact": False}


def state(**more: Any) -> dict[str, Any]:
    return {"v": 1, "slots": {"stage": "asked", "question": "nothing"}, **more}


def test_an_open_form_with_its_question_survives_the_round_trip() -> None:
    before = restore(DOMAIN, "c", state(), KNOWN)
    before.update_with_events(
        [
            UserUttered("yes", {"name": "affirm"}),
            ActionExecuted("form_of_one"),
            ActiveLoop("form_of_one"),
            SlotSet("requested_slot", "answer"),
            ActionExecuted("action_listen"),
        ],
        DOMAIN,
    )
    kept = json.loads(json.dumps(snapshot(before)))

    after = restore(DOMAIN, "c", kept, KNOWN)

    assert kept == state(loop="form_of_one", last="form_of_one") | {
        "slots": {"stage": "asked", "question": "nothing", "requested_slot": "answer"}
    }
    assert after.active_loop_name == "form_of_one"
    assert after.get_slot("requested_slot") == "answer"
    assert after.latest_action_name == "action_listen"
    assert snapshot(after) == kept


def test_a_restored_conversation_starts_no_new_session() -> None:
    assert restore(DOMAIN, "c", state(), KNOWN).applied_events()


@pytest.mark.parametrize(
    ("context", "stage"),
    [
        ({}, "new"),
        ({"first_contact": True}, "new"),
        ({"first_contact": True, "consented": True}, "new"),
        ({"first_contact": False, "consented": False}, "new"),
        ({"consented": True}, "asked"),
        ({"consented": "yes"}, "new"),
    ],
)
def test_without_a_state_the_record_says_where_we_are(context: dict[str, Any], stage: str) -> None:
    assert restore(DOMAIN, "c", {}, context).get_slot("stage") == stage


def test_a_first_contact_forgets_an_open_form() -> None:
    tracker = restore(DOMAIN, "c", state(loop="form_of_one"), {"first_contact": True})

    assert (tracker.active_loop_name, tracker.get_slot("stage")) == (None, "new")


def test_a_state_over_the_limit_is_not_handed_back() -> None:
    tracker = restore(DOMAIN, "c", state(), KNOWN)
    tracker.update(SlotSet("answer", "x" * STATE_LIMIT), DOMAIN)

    with pytest.raises(StateTooLargeError):
        snapshot(tracker)


def test_two_turns_at_once_do_not_see_each_other() -> None:
    store = TurnStore(DOMAIN)

    async def one(name: str) -> str | None:
        with turn_of(TurnRequest(name, ("hi",), context=KNOWN)) as turn:
            tracker = await store.retrieve(name)
            await asyncio.sleep(0.01)
            await store.save(tracker)
            assert turn.tracker is tracker
            return turn.tracker.sender_id

    async def both() -> list[str | None]:
        return await asyncio.gather(one("a"), one("b"))

    assert asyncio.run(both()) == ["a", "b"]
    assert current_turn() is None


def test_outside_a_turn_there_is_nothing_to_read() -> None:
    with pytest.raises(NoTurnError):
        asyncio.run(TurnStore(DOMAIN).retrieve("c"))
