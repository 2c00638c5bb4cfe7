"""Start the bot: Rasa, its actions and the channel in one process, on loopback unless told otherwise.

    bot/rasa/.venv/bin/python bot/rasa/start.py [--listen HOST:PORT]

Settings: `BOT_URL` (its first address, when on this machine, says where to listen), `PORT` (the bot
is five above), `BOT_TOKEN` (or the file `secrets/bot_token` in `VAR_DIR`), `BOT_TURN_SECONDS`,
`BOT_LOG_LEVEL`. The process keeps nothing, so it may be killed at any moment.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(HERE))
# Last, so that none of our rooms can stand in the way of a library of the same name.
sys.path.append(str(REPOSITORY))

import quiet_logs  # noqa: E402
import train  # noqa: E402

if TYPE_CHECKING:
    from rasa.core.agent import Agent
    from sanic import Sanic

#: Shorter than the app's patience (10 s), so that the app hears "failed" and not nothing.
TURN_SECONDS = 8.0
TOKEN_PATIENCE_SECONDS = 20.0
LARGEST_BODY = 1_000_000


class StartError(Exception):
    """The bot cannot start; the text says in one plain sentence why."""


def main() -> None:
    """Start and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Starts Linkline's bot.")
    parser.add_argument("--listen", metavar="HOST:PORT", help="instead of what BOT_URL and PORT say")
    arguments = parser.parse_args()
    # Before the slow imports, so that Ctrl-C never has to wait for them.
    stop_at_once()
    try:
        host, port = listen_address(arguments.listen)
        token = bot_token()
    except StartError as error:
        sys.exit(f"The bot did not start: {error}")
    os.environ.update(RASA_TELEMETRY_ENABLED="false", TF_CPP_MIN_LOG_LEVEL="3")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    level = quiet_logs.set_up()
    sys.excepthook = quiet_logs.no_words_on_crash
    train.say("Loading the language model...")
    app, model = build(token, float(os.environ.get("BOT_TURN_SECONDS", TURN_SECONDS)))
    announce(app, model, f"{host}:{port}", level)
    app.run(host=host, port=port, workers=1, access_log=False, debug=False, motd=False)


def build(token: str, turn_seconds: float) -> tuple[Sanic, Any]:
    """The web application, which answers 503 until the model, also returned, is `ready`."""
    from channel import LinklineInput
    from rasa.core.channels import channel
    from sanic import Sanic

    model = SimpleNamespace(ready=False, model_hash="")
    app = Sanic("linkline_bot", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = LARGEST_BODY
    app.config.FALLBACK_ERROR_FORMAT = "json"
    channel.register([LinklineInput(token, model, turn_seconds=turn_seconds)], app, route="/webhooks/")
    return app, model


def announce(app: Sanic, model: Any, address: str, log_level: int) -> None:
    """Load the model as soon as the server listens, and say when it is ready."""
    from channel import watch_for_failures

    started = time.monotonic()

    @app.after_server_start
    async def load(running: Sanic, loop: Any) -> None:
        # Sanic has put its own, patient, handlers in place by now.
        stop_at_once()

        async def load_in_background() -> None:
            try:
                path, agent = await loop.run_in_executor(None, load_agent)
            except Exception as error:  # noqa: BLE001 - without a model there is no bot
                train.say(f"The bot did not start: the language model failed ({quiet_logs.where(error)}).")
                os._exit(1)
            # Straight to the processor: Rasa's lock store is not needed, since the app asks one
            # turn of a conversation at a time and the bot keeps nothing between two.
            running.ctx.agent = SimpleNamespace(handle_message=agent.processor.handle_message)
            # Last, after everything that may have moved levels and handlers.
            quiet_logs.hold(log_level)
            watch_for_failures()
            model.model_hash = path.name.split(".")[0]
            model.ready = True
            train.say(f"Ready: the bot answers on {address} after {time.monotonic() - started:.0f} s.")

        running.add_task(load_in_background())


def load_agent() -> tuple[Path, Agent]:
    """The trained model (trained now if need be), with our store, our actions and our remedies."""
    path = train.ensure_model()
    from in_process_actions import InProcessActions
    from rasa.core.agent import Agent
    from turn_store import TurnStore, current_turn

    prepare_schema_check()
    store = TurnStore(None)
    agent = Agent.load(str(path), tracker_store=store, action_endpoint=InProcessActions("actions"))
    if agent.processor is None:
        raise RuntimeError("Rasa loaded no model")
    # Rasa wraps every store in one that swallows errors and answers from memory instead.
    store.domain = agent.processor.domain
    agent.processor.tracker_store = store

    def too_many_actions(*_: Any) -> None:
        turn = current_turn()
        if turn is not None:
            turn.failures.append("too many actions")

    agent.processor.on_circuit_break = too_many_actions
    return path, agent


def prepare_schema_check() -> None:
    """Rasa's check of an action's result, with its schema checked once and not at every action.

    `RemoteAction._validate_action_result` calls `jsonschema.validate`, which checks the schema
    itself against the meta-schema each time: two thirds of the CPU of a turn. One prepared
    validator does the same check of the result. `tests/test_remedies.py` fails when Rasa changes
    the method under us.
    """
    from jsonschema.validators import validator_for
    from rasa.core.actions.action import RemoteAction

    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)

    def validate(_: RemoteAction, result: dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = validate  # noqa: SLF001


def listen_address(given: str | None = None) -> tuple[str, int]:
    """Host and port to listen on. Raises `StartError` when they make no sense."""
    try:
        if given:
            host, _, port = given.rpartition(":")
            return host.strip("[]"), int(port)
        first = os.environ.get("BOT_URL", "").split(",")[0].strip()
        parts = urlsplit(first)
        if parts.hostname and _is_loopback(parts.hostname) and parts.port:
            return ("127.0.0.1" if parts.hostname == "localhost" else parts.hostname), parts.port
        return "127.0.0.1", int(os.environ.get("PORT") or 8000) + 5
    except ValueError:
        raise StartError("BOT_URL, PORT or --listen is not an address.") from None


def bot_token(patience: float | None = None) -> str:
    """The token from `BOT_TOKEN` or its file, which the app may be just about to write.

    Waits `patience` seconds, by default `BOT_TOKEN_PATIENCE_SECONDS` or 20; then raises `StartError`.
    """
    token = os.environ.get("BOT_TOKEN", "").strip()
    if token:
        return token
    var = Path(os.environ.get("VAR_DIR") or "var")
    file = (var if var.is_absolute() else REPOSITORY / var) / "secrets" / "bot_token"
    if patience is None:
        patience = float(os.environ.get("BOT_TOKEN_PATIENCE_SECONDS", TOKEN_PATIENCE_SECONDS))
    until = time.monotonic() + patience
    while True:
        if file.is_file() and (token := file.read_text(encoding="utf-8").strip()):
            return token
        if time.monotonic() >= until:
            raise StartError("set BOT_TOKEN, or start the web process first, which makes one.")
        time.sleep(0.2)


def stop_at_once(end: Callable[[int], Any] = os._exit) -> None:
    """End without ceremony on SIGTERM and SIGINT: there is nothing to save."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end(0))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    main()
