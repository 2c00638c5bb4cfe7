"""The tracker store whose only storage is the turn that is being answered.

At the start of a turn Rasa's tracker is rebuilt from the state in the request; at its end a new
state is taken from it. Nothing stays in this process, so any bot can answer any turn, and the
same turn asked again gets the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    REQUESTED_SLOT,
    SESSION_START_METADATA_SLOT,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from bot.contract import STATE_LIMIT, Json, TurnRequest

#: Goes up when a snapshot of before can no longer be read.
STATE_VERSION = 1
STAGES = ("new", "welcomed", "asked")
QUESTIONS = ("ok", "person", "nothing")


class NoTurnError(RuntimeError):
    """Rasa asked for a conversation outside a turn."""


class StateTooLargeError(RuntimeError):
    """The dialogue remembers more than the contract allows."""


@dataclass
class Turn:
    """What one turn gathers while Rasa works: the tracker, and every failure Rasa would hide."""

    request: TurnRequest
    tracker: DialogueStateTracker | None = None
    failures: list[str] = field(default_factory=list)


_current: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def turn_of(request: TurnRequest) -> Iterator[Turn]:
    """The turn that everything below, in this task, reads from and saves to."""
    turn = Turn(request)
    token = _current.set(turn)
    try:
        yield turn
    finally:
        _current.reset(token)


def current_turn() -> Turn | None:
    """The turn this task is answering, if any."""
    return _current.get()


class TurnStore(TrackerStore):
    """Reads a tracker from the current turn and saves it there."""

    async def retrieve(self, sender_id: str) -> DialogueStateTracker:
        """The conversation as the request describes it. Raises `NoTurnError` outside a turn."""
        turn = _turn()
        return restore(self.domain, sender_id, turn.request.state, turn.request.context)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the tracker for the snapshot. Raises `NoTurnError` outside a turn."""
        _turn().tracker = tracker


def restore(domain: Domain, conversation: str, state: Json, context: Json) -> DialogueStateTracker:
    """A tracker that stands where `state` left off, or where the record's `context` says."""
    if context.get("first_contact") is True:
        # Nothing was ever said to this person, so nothing remembered counts.
        state = {}
    loop, last, slots = _read(state, domain)
    slots = {**slots, **_from_context(slots, context)}
    tracker = DialogueStateTracker(conversation, domain.slots)
    events: list[Event] = [SlotSet(name, value) for name, value in slots.items()]
    if last:
        events.append(ActionExecuted(last))
    if loop:
        events.append(ActiveLoop(loop))
    # Rasa expects to have been listening; it is also what keeps it from starting a new session.
    events.append(ActionExecuted(ACTION_LISTEN_NAME))
    tracker.update_with_events(events, domain)
    return tracker


def snapshot(tracker: DialogueStateTracker) -> Json:
    """The state to hand back. Raises `StateTooLargeError` above `STATE_LIMIT` bytes of JSON."""
    slots = {
        name: slot.value
        for name, slot in tracker.slots.items()
        if slot.value is not None and name != SESSION_START_METADATA_SLOT
    }
    state: Json = {"v": STATE_VERSION, "slots": slots}
    if tracker.active_loop_name:
        state["loop"] = tracker.active_loop_name
    last = _last_action(tracker)
    if last:
        state["last"] = last
    if len(json.dumps(state).encode()) > STATE_LIMIT:
        raise StateTooLargeError
    return state


def _turn() -> Turn:
    turn = _current.get()
    if turn is None:
        raise NoTurnError
    return turn


def _read(state: Json, domain: Domain) -> tuple[str | None, str | None, dict[str, Any]]:
    """Loop, last action and slots of a state; nothing at all from one that is not wholly ours."""
    slots = state.get("slots")
    if state.get("v") != STATE_VERSION or not isinstance(slots, dict):
        return None, None, {}
    # The version is ours, so a name the domain no longer has is an older dialogue's: left out.
    known = {slot.name for slot in domain.slots} | {REQUESTED_SLOT}
    kept = {name: value for name, value in slots.items() if name in known}
    if kept.get("stage") not in STAGES or kept.get("question") not in QUESTIONS:
        return None, None, {}
    loop, last = state.get("loop"), state.get("last")
    return (
        loop if loop in domain.form_names else None,
        last if last in domain.action_names_or_texts else None,
        kept,
    )


def _from_context(slots: dict[str, Any], context: Json) -> dict[str, Any]:
    """What the record knows better than the state: whether this person was welcomed and said OK."""
    consented = context.get("consented")
    if not slots:
        # Without OK in the record the welcome is said (again): nobody goes on without having read it.
        known = consented is True and context.get("first_contact") is not True
        return {"stage": "asked" if known else "new", "question": "nothing"}
    if consented is True and slots["stage"] != "asked":
        return {"stage": "asked", "question": "nothing"}
    if consented is False and slots["stage"] == "asked":
        return {"stage": "welcomed", "question": "nothing"}
    return {}


def _last_action(tracker: DialogueStateTracker) -> str | None:
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted) and event.action_name != ACTION_LISTEN_NAME:
            return event.action_name
    return None
