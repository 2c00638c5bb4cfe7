"""Starts the real bot with faults built in: a turn whose context has a `fault` suffers it.

Run by the bot's own Python, never imported by the app's tests.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bot" / "rasa"))

import start

LONGER_THAN_A_TURN = 2.0
load_agent = start.load_agent
Events = list[dict[str, Any]]


def fault() -> str:
    """What this turn is to suffer."""
    from turn_store import current_turn

    turn = current_turn()
    return str(turn.request.context.get("fault", "")) if turn else ""


async def hang(events: Events, tracker: Any) -> Events:
    await asyncio.sleep(LONGER_THAN_A_TURN)
    return events


async def block(events: Events, tracker: Any) -> Events:
    time.sleep(LONGER_THAN_A_TURN)  # noqa: ASYNC251 - that is the fault
    return events


async def fail(events: Events, tracker: Any) -> Events:
    raise ValueError(tracker.latest_message["text"])


async def be_nowhere(events: Events, tracker: Any) -> Events:
    from rasa_sdk.interfaces import ActionNotFoundException

    raise ActionNotFoundException("action_nowhere")


async def rubbish(events: Events, tracker: Any) -> Events:
    return [*events, {"not": "an event"}]


async def unknown_event(events: Events, tracker: Any) -> Events:
    return [*events, {"event": "nobody knows this"}]


async def remember_too_much(events: Events, tracker: Any) -> Events:
    return [*events, {"event": "slot", "name": "said", "value": {"words": "x" * 3000}}]


async def go_on_for_ever(events: Events, tracker: Any) -> Events:
    # The rule that welcomed is not recognised again, so Rasa looks for the next action, and the next.
    return [*events, {"event": "slot", "name": "stage", "value": "new"}]


ACTION_FAULTS: dict[str, Callable[[Events, Any], Awaitable[Events]]] = {
    "action hangs": hang,
    "action blocks the process": block,
    "action raises after speaking": fail,
    "action is not found": be_nowhere,
    "action returns rubbish": rubbish,
    "action returns an unknown event": unknown_event,
    "action remembers too much": remember_too_much,
    "action never ends the turn": go_on_for_ever,
}


def break_actions(executor: Any) -> None:
    """Every registered action first does its work and then what the fault says."""

    def broken(run: Callable[..., Awaitable[Events]]) -> Callable[..., Awaitable[Events]]:
        async def run_with_fault(dispatcher: Any, tracker: Any, domain: Any) -> Events:
            if fault() == "action stays silent":
                return []
            events = await run(dispatcher, tracker, domain)
            return await ACTION_FAULTS[fault()](events, tracker) if fault() in ACTION_FAULTS else events

        return run_with_fault

    for name, run in executor.actions.items():
        executor.actions[name] = broken(run)


def break_method(owner: Any, method: str, when: str) -> None:
    """The method raises while the turn's fault is `when`."""
    whole = getattr(owner, method)

    async def broken(*args: Any, **kwargs: Any) -> Any:
        if fault() == when:
            raise OSError("broken on purpose")
        return await whole(*args, **kwargs)

    setattr(owner, method, broken)


def broken_load_agent() -> Any:
    """The real agent, and then the faults."""
    path, agent = load_agent()
    # A library may throw the root logger's handlers away while it is imported, the watch among them.
    logging.basicConfig(force=True)
    from rasa.core.processor import MessageProcessor
    from turn_store import TurnStore

    break_actions(agent.action_endpoint.executor)
    break_method(TurnStore, "save", "store does not save")
    break_method(TurnStore, "retrieve", "store does not read")
    break_method(MessageProcessor, "parse_message", "understanding fails")
    break_method(MessageProcessor, "run_action_extract_slots", "slots fail")
    return path, agent


if __name__ == "__main__":
    start.load_agent = broken_load_agent
    start.main()
