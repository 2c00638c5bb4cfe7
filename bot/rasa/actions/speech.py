"""What every action shares: the wording, the memory of the dialogue, and how to say and report."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

WORDING = Path(__file__).with_name("wording.yml")
#: Called so when the record has no name for the line; never seen in a service that is set up.
NAMELESS_HUB = "your social prescribing line"


@lru_cache(maxsize=1)
def wording() -> Mapping[str, tuple[str, ...]]:
    """Every reply by its name, with its wordings in the order in which they take turns."""
    loaded = yaml.safe_load(WORDING.read_text(encoding="utf-8"))
    return {name: tuple(texts) for name, texts in loaded.items()}


class Speech:
    """One action's view of the turn: what the dialogue remembers, and what it says now.

    Slots are written once, by `events()`, so that an action that fails half-way leaves nothing.
    """

    def __init__(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
        """Read the memory from the tracker and the record's context from the message's metadata."""
        self._dispatcher = dispatcher
        self._slots: dict[str, Any] = dict(tracker.slots)
        self._changed: dict[str, Any] = {}
        message = tracker.latest_message
        self.context: dict[str, Any] = message.get("metadata") or {}
        self.intent: str = (message.get("intent") or {}).get("name") or ""

    @property
    def stage(self) -> str:
        """`new`, `welcomed` or `asked`."""
        return str(self._slots.get("stage") or "new")

    @property
    def misses(self) -> int:
        """How many texts in a row were not understood before this one."""
        value = self._slots.get("misses")
        return value if isinstance(value, int) else 0

    @property
    def handed_over(self) -> bool:
        """Whether a link worker was told already, as the dialogue or the record knows it."""
        return self._slots.get("handed_over") is True or self.context.get("handover_open") is True

    @property
    def first_said(self) -> str:
        """The intent of the very first text, or an empty string."""
        return str(self._slots.get("first_said") or "")

    def remember(self, **slots: Any) -> None:
        """Set slots for the turns to come."""
        self._slots.update(slots)
        self._changed.update(slots)

    def say(self, name: str, *, choices: tuple[str, ...] = ()) -> None:
        """Reply with the next wording of `name`, or of `name.<stage>` where there is one.

        Raises `KeyError` for a reply that has no wording.
        """
        in_stage = f"{name}.{self.stage}"
        key = in_stage if in_stage in wording() else name
        texts = wording()[key]
        said = self._slots.get("said")
        said = dict(said) if isinstance(said, dict) else {}
        last = said.get(key)
        turn = (last + 1) % len(texts) if isinstance(last, int) else 0
        self.remember(said={**said, key: turn})
        text = texts[turn].replace("{hub}", self._hub_name())
        buttons = [{"title": choice, "payload": choice} for choice in choices]
        self._dispatcher.utter_message(text=text, buttons=buttons)

    def report(self, outcome: str, **data: Any) -> None:
        """Tell the app a plain fact."""
        self._dispatcher.utter_message(json_message={"outcome": {**data, "type": outcome}})

    def events(self) -> list[dict[str, Any]]:
        """What changed, as Rasa's events."""
        return [SlotSet(name, value) for name, value in self._changed.items()]

    def _hub_name(self) -> str:
        hub = self.context.get("hub")
        name = hub.get("name") if isinstance(hub, dict) else None
        return name if isinstance(name, str) and name.strip() else NAMELESS_HUB
