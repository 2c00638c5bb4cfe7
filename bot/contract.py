"""The wire contract between the app and the bot: one turn out, one turn back.

The app posts a `TurnRequest` to `TURN_PATH` and gets a `TurnReply`. Any answer but 200 means
that nothing happened and the same turn may be asked again. This module is imported by the app
and by the Rasa process, so it uses the standard library only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1
TURN_PATH = "/webhooks/linkline/turn"
READY_PATH = "/webhooks/linkline/ready"
#: Largest snapshot of a conversation, in bytes of JSON, that a bot may hand back.
STATE_LIMIT = 2048

Json = dict[str, Any]


class ContractError(ValueError):
    """The other side sent something this contract does not know. Says which field, never its value."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One text to the person, with the answers that a screen may offer as buttons."""

    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plain fact that the dialogue reached; `care` decides what it means in the record."""

    type: str
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What was said, what the record knows, and where the bot left off.

    `texts` are all the texts waiting, in the order they were stored; `parsed` holds answers the
    app read from them; `trigger` is set instead of texts when the app starts the turn;
    `context` is what the record knows (see `docs/architecture.md`); `state` is the snapshot
    from the last turn, or empty when there is none or it could not be read.
    """

    conversation: str
    texts: tuple[str, ...]
    parsed: Json = field(default_factory=dict)
    trigger: str | None = None
    context: Json = field(default_factory=dict)
    state: Json = field(default_factory=dict)
    version: int = VERSION

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, raw: str | bytes) -> TurnRequest:
        """Read a request; raises `ContractError` when a field is missing or of the wrong type."""
        body = _object(raw)
        _version(body)
        texts = _list(body, "texts")
        if not all(isinstance(text, str) for text in texts):
            raise ContractError("texts: not all are strings")
        trigger = body.get("trigger")
        if trigger is not None and not isinstance(trigger, str):
            raise ContractError("trigger: not a string")
        return cls(
            conversation=_string(body, "conversation"),
            texts=tuple(texts),
            parsed=_dict(body, "parsed"),
            trigger=trigger,
            context=_dict(body, "context"),
            state=_dict(body, "state"),
        )


@dataclass(frozen=True, slots=True)
class TurnReply:
    """What to say, what was found out, and the snapshot to keep for the next turn."""

    replies: tuple[Reply, ...]
    outcomes: tuple[Outcome, ...]
    state: Json
    version: int = VERSION

    def to_json(self) -> str:
        body = {
            "version": self.version,
            "replies": [{"text": reply.text, "choices": list(reply.choices)} for reply in self.replies],
            "outcomes": [{**outcome.data, "type": outcome.type} for outcome in self.outcomes],
            "state": self.state,
        }
        return json.dumps(body, ensure_ascii=False)

    @classmethod
    def from_json(cls, raw: str | bytes) -> TurnReply:
        """Read a reply; raises `ContractError` when a field is missing, wrong, or the state too large."""
        body = _object(raw)
        _version(body)
        state = _dict(body, "state")
        if len(json.dumps(state).encode()) > STATE_LIMIT:
            raise ContractError("state: over the limit")
        return cls(
            replies=tuple(_reply(item) for item in _list(body, "replies")),
            outcomes=tuple(_outcome(item) for item in _list(body, "outcomes")),
            state=state,
        )


def _object(raw: str | bytes) -> Json:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        # "from None": the decoder's message quotes the text.
        raise ContractError("body: not JSON") from None
    if not isinstance(body, dict):
        raise ContractError("body: not an object")
    return body


def _version(body: Json) -> None:
    if body.get("version") != VERSION:
        raise ContractError("version: not one we know")


def _string(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ContractError(f"{name}: not a string")
    return value


def _dict(body: Json, name: str) -> Json:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ContractError(f"{name}: not an object")
    return value


def _list(body: Json, name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list):
        raise ContractError(f"{name}: not a list")
    return value


def _reply(item: Any) -> Reply:
    if not isinstance(item, dict):
        raise ContractError("replies: not objects")
    choices = item.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise ContractError("choices: not a list of strings")
    return Reply(text=_string(item, "text"), choices=tuple(choices))


def _outcome(item: Any) -> Outcome:
    if not isinstance(item, dict):
        raise ContractError("outcomes: not objects")
    data = {key: value for key, value in item.items() if key != "type"}
    return Outcome(type=_string(item, "type"), data=data)
