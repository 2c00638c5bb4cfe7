"""Rasa's input channel `linkline`: one turn in, one turn out, and no failure hidden.

Rasa's processor swallows what goes wrong in an action, and a channel that trusts it answers 200
with nothing to say. Here every failure that leaves a trace turns the answer into a 5xx without
state, so that the app knows that nothing happened and asks the same turn again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from quiet_logs import where
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from said import as_message, intent_without_words
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse
from turn_store import StateTooLargeError, current_turn, snapshot, turn_of

from bot.contract import ContractError, Json, Outcome, Reply, TurnReply, TurnRequest

log = logging.getLogger("linkline.channel")
OnMessage = Callable[[UserMessage], Awaitable[Any]]


class Model(Protocol):
    """What answers turns, once it is loaded."""

    ready: bool
    model_hash: str


class TurnFailedError(Exception):
    """The turn must not count. Its text is a code for the log, never somebody's words."""


class TurnOutput(OutputChannel):
    """Collects what the dialogue says and reports in one turn."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.replies: list[Reply] = []
        self.outcomes: list[Outcome] = []

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa."""
        return "linkline"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one bot message apart; `recipient_id` is the conversation and already known."""
        del recipient_id
        custom = message.get("custom") or {}
        outcome = custom.get("outcome")
        if outcome:
            data = {key: value for key, value in outcome.items() if key != "type"}
            self.outcomes.append(Outcome(type=outcome["type"], data=data))
        if message.get("text"):
            choices = tuple(button["title"] for button in message.get("buttons") or ())
            self.replies.append(Reply(text=message["text"], choices=choices))


class FailureWatch(logging.Handler):
    """Notes on the turn every error that Rasa logs and goes on from."""

    def __init__(self) -> None:
        """Listen from ERROR on."""
        super().__init__(level=logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember which logger had something to say; what it said stays out."""
        turn = current_turn()
        if turn is not None:
            turn.failures.append(f"log:{record.name}")


def watch_for_failures() -> None:
    """Have exactly one `FailureWatch` on the root logger, whatever happened to its handlers."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, FailureWatch)]:
        root.removeHandler(handler)
    root.addHandler(FailureWatch())


class LinklineInput(InputChannel):
    """`POST turn` and `GET ready` under `/webhooks/linkline/`."""

    def __init__(self, token: str, model: Model, *, turn_seconds: float) -> None:
        """`token`: what the app must present. `turn_seconds`: after that long a turn is given up."""
        self._authorisation = f"Bearer {token}".encode()
        self._model = model
        self._turn_seconds = turn_seconds

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in the address."""
        return "linkline"

    def blueprint(self, on_new_message: OnMessage) -> Blueprint:
        """The two addresses of the contract."""
        blueprint = Blueprint("linkline")

        @blueprint.get("/ready")
        async def ready(_: Request) -> HTTPResponse:
            status = 200 if self._model.ready else 503
            return _json({"ready": self._model.ready, "model": self._model.model_hash}, status)

        @blueprint.post("/turn")
        async def turn(request: Request) -> HTTPResponse:
            return await self._answer(request, on_new_message)

        return blueprint

    async def _answer(self, request: Request, on_new_message: OnMessage) -> HTTPResponse:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._authorisation):
            return _json({"error": "unauthorised"}, 401)
        if not self._model.ready:
            return _json({"error": "not_ready"}, 503)
        try:
            asked = _checked(TurnRequest.from_json(request.body))
        except (ContractError, UnicodeError) as error:
            detail = str(error) if isinstance(error, ContractError) else "body: not UTF-8"
            return _json({"error": "bad_request", "detail": detail}, 400)
        started = time.monotonic()
        try:
            reply = await asyncio.wait_for(run_turn(asked, on_new_message), self._turn_seconds)
        except TimeoutError:
            return self._late(asked)
        except TurnFailedError as failure:
            log.error("Turn of conversation %s failed: %s", asked.conversation, failure)
            return _json({"error": "turn_failed"}, 500)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing happened
            log.error("Turn of conversation %s failed: %s", asked.conversation, where(error))
            return _json({"error": "turn_failed"}, 500)
        if time.monotonic() - started > self._turn_seconds:
            # Something held the whole process up, so the timer never ran. The app gave up long ago.
            return self._late(asked)
        return HTTPResponse(reply.to_json(), status=200, content_type="application/json")

    def _late(self, asked: TurnRequest) -> HTTPResponse:
        log.error("Turn of conversation %s took over %s s", asked.conversation, self._turn_seconds)
        return _json({"error": "turn_timed_out"}, 504)


async def run_turn(asked: TurnRequest, on_new_message: OnMessage) -> TurnReply:
    """One turn through Rasa. Raises `TurnFailedError`, or whatever broke, when it must not count."""
    output = TurnOutput()
    text = as_message(asked.texts)
    intent = intent_without_words(text)
    parsed = {"text": text, "intent": {"name": intent, "confidence": 1.0}, "entities": []}
    message = UserMessage(
        text=text,
        output_channel=output,
        sender_id=asked.conversation,
        parse_data=parsed if intent else None,
        input_channel=LinklineInput.name(),
        metadata={**asked.context, "parsed": asked.parsed},
    )
    with turn_of(asked) as turn:
        await on_new_message(message)
    if turn.failures:
        raise TurnFailedError(", ".join(sorted(set(turn.failures))))
    if turn.tracker is None:
        raise TurnFailedError("tracker not saved")
    if not output.replies:
        raise TurnFailedError("nothing to say")
    try:
        state = snapshot(turn.tracker)
    except StateTooLargeError:
        raise TurnFailedError("state over the limit") from None
    return TurnReply(replies=tuple(output.replies), outcomes=tuple(output.outcomes), state=state)


def _checked(asked: TurnRequest) -> TurnRequest:
    if asked.trigger is not None:
        raise ContractError("trigger: not one we know")
    if not asked.texts:
        raise ContractError("texts: empty")
    return asked


def _json(body: Json, status: int) -> HTTPResponse:
    return HTTPResponse(json.dumps(body), status=status, content_type="application/json")
