"""Starts the real bot with faults built in: a turn whose context has a `fault` suffers it.

Run by the bot's own Python, never imported by the app's tests.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bot" / "rasa"))

import start

LONGER_THAN_A_TURN = 2.0
load_agent = start.load_agent


def broken_load_agent() -> Any:
    loaded = load_agent()
    import turn_store
    from actions import first_dialogue, speech
    from rasa.core.processor import MessageProcessor
    from rasa_sdk.interfaces import ActionNotFoundException

    run, save, retrieve = first_dialogue.Answer.run, turn_store.TurnStore.save, turn_store.TurnStore.retrieve
    parse = MessageProcessor.parse_message

    def fault() -> str:
        turn = turn_store.current_turn()
        return str(turn.request.context.get("fault", "")) if turn else ""

    async def broken_run(self: Any, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        if fault() == "action hangs":
            await asyncio.sleep(LONGER_THAN_A_TURN)
        if fault() == "action blocks the process":
            time.sleep(LONGER_THAN_A_TURN)
        if fault() == "action stays silent":
            return []
        events = await run(self, dispatcher, tracker, domain)
        if fault() == "action raises after speaking":
            raise ValueError(tracker.latest_message["text"])
        if fault() == "action is not found":
            raise ActionNotFoundException("action_nowhere")
        if fault() == "action returns rubbish":
            return [*events, {"not": "an event"}]
        if fault() == "action returns an unknown event":
            return [*events, {"event": "nobody knows this"}]
        if fault() == "action remembers too much":
            return [*events, speech.SlotSet("said", {"words": "x" * 3000})]
        if fault() == "action never ends the turn":
            return [*events, speech.SlotSet("stage", "new")]
        return events

    async def broken_save(self: Any, tracker: Any) -> None:
        if fault() == "store does not save":
            raise OSError("disk")
        await save(self, tracker)

    async def broken_retrieve(self: Any, sender_id: str) -> Any:
        if fault() == "store does not read":
            raise OSError("disk")
        return await retrieve(self, sender_id)

    async def broken_parse(self: Any, *args: Any, **kwargs: Any) -> Any:
        if fault() == "understanding fails":
            raise ValueError("model")
        return await parse(self, *args, **kwargs)

    executor = loaded[1].action_endpoint.executor
    for name in executor.actions:
        action = executor.actions[name].__self__
        executor.actions[name] = broken_run.__get__(action)
    turn_store.TurnStore.save = broken_save
    turn_store.TurnStore.retrieve = broken_retrieve
    MessageProcessor.parse_message = broken_parse
    return loaded


if __name__ == "__main__":
    start.load_agent = broken_load_agent
    start.main()
