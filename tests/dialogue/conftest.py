from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.client import BotClient
from tests.support.dialogue import Dialogue
from tests.support.rasa_bot import REPOSITORY, RunningBot, running_bot

Start = Callable[..., Dialogue]
#: Short, so that a hanging action is waited for no longer than a test can bear.
BROKEN_TURN_SECONDS = 1.0


@pytest.fixture(scope="session")
def bot() -> Iterator[RunningBot]:
    """One real bot for every conversation: it keeps nothing, so they cannot disturb each other."""
    with running_bot(env={"BOT_LOG_LEVEL": "DEBUG"}) as running:
        yield running


@pytest.fixture(scope="session")
def broken_bot() -> Iterator[RunningBot]:
    """A bot in which something fails whenever the context names a fault."""
    script = REPOSITORY / "tests" / "support" / "broken_bot.py"
    with running_bot(env={"BOT_TURN_SECONDS": str(BROKEN_TURN_SECONDS)}, script=script) as running:
        yield running


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
