from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from bot import client as client_module
from bot.client import FAILURES_TO_OPEN, OPEN_SECONDS, BotClient, BotUnavailable
from bot.contract import READY_PATH, TURN_PATH, TurnRequest
from models import session
from tests.support.fake_bot import (
    SAID,
    SECRET,
    Behaviour,
    Bot,
    answer,
    body,
    cut_short,
    drip,
    hang,
    hang_up,
    status,
    well,
)

TOKEN = "a-token"
ASKED = TurnRequest("conversation-1", (SECRET,))


@pytest.fixture
def serve() -> Iterator[Callable[..., Bot]]:
    bots: list[Bot] = []

    def start(*behaviours: Behaviour) -> Bot:
        bot = Bot(*behaviours)
        threading.Thread(target=bot.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        bots.append(bot)
        return bot

    yield start
    for bot in bots:
        bot.server.shutdown()
        bot.server.server_close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAUSE_SECONDS", (0.0, 0.01))


@contextmanager
def client_of(
    *urls: str, timeout: float = 0.5, tries: int = 1, clock: Clock | None = None
) -> Iterator[BotClient]:
    now = clock or Clock()
    client = BotClient(urls, TOKEN, timeout_seconds=timeout, tries=tries, clock=now)
    try:
        yield client
    finally:
        client.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def reason(client: BotClient, asked: TurnRequest = ASKED) -> str:
    with pytest.raises(BotUnavailable) as failed:
        client.turn(asked)
    assert SECRET not in repr(failed.value)
    assert failed.value.__cause__ is None
    return failed.value.reason_code


def test_a_turn_goes_out_and_its_reply_comes_back(serve: Callable[..., Bot]) -> None:
    bot = serve(well)
    with client_of(bot.url + "/") as client:
        assert client.turn(ASKED) == SAID

    path, authorisation, raw = bot.calls[0]
    assert path == TURN_PATH
    assert authorisation == f"Bearer {TOKEN}"
    assert TurnRequest.from_json(raw) == ASKED


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hang, "timeout"),
        (drip, "timeout"),
        (hang_up, "transport"),
        (cut_short, "transport"),
        (status(500), "status_500"),
        (status(503), "status_503"),
        (status(504), "status_504"),
        (status(302), "status_302"),
        (status(204), "status_204"),
        (body(""), "bad_reply"),
        (body(SECRET), "bad_reply"),
        (body(b"\xff\xfe"), "bad_reply"),
        (body(json.dumps({"version": 9})), "bad_reply"),
        (body(json.dumps({"version": 1, "replies": [], "outcomes": [{}], "state": {}})), "bad_reply"),
        (body("[" * 200_000), "bad_reply"),
    ],
)
def test_whatever_a_bot_does_wrong_nothing_happened(
    serve: Callable[..., Bot], behaviour: Behaviour, expected: str
) -> None:
    with client_of(serve(behaviour).url) as client:
        assert reason(client) == expected


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with client_of(f"http://127.0.0.1:{port}") as client:
        assert reason(client) == "connect"
        assert client.ready() is False


def test_a_slow_drip_is_given_up_in_time(serve: Callable[..., Bot]) -> None:
    with client_of(serve(drip).url, timeout=0.5) as client:
        began = time.monotonic()
        reason(client)
    assert time.monotonic() - began < 1.2


def test_one_failure_is_tried_again(serve: Callable[..., Bot]) -> None:
    bot = serve(status(500), well)
    with client_of(bot.url, tries=2) as client:
        assert client.turn(ASKED) == SAID
    assert bot.calls[0][2] == bot.calls[1][2]


def test_the_second_try_goes_to_the_other_bot(serve: Callable[..., Bot]) -> None:
    broken, fine = serve(status(500)), serve(well)
    with client_of(broken.url, fine.url, tries=2) as client:
        for _ in range(10):
            assert client.turn(ASKED) == SAID
    assert len(broken.calls) == FAILURES_TO_OPEN


@pytest.mark.parametrize("code", [400, 401])
def test_what_cannot_get_better_is_not_asked_again(serve: Callable[..., Bot], code: int) -> None:
    bot = serve(status(code))
    with client_of(bot.url, tries=3) as client:
        for _ in range(FAILURES_TO_OPEN + 2):
            assert reason(client) == f"status_{code}"
    assert len(bot.calls) == FAILURES_TO_OPEN + 2


def test_the_circuit_opens_tries_once_and_closes(serve: Callable[..., Bot]) -> None:
    clock = Clock()
    bot = serve(*[status(500)] * (FAILURES_TO_OPEN + 1), well)
    with client_of(bot.url, clock=clock) as client:
        for _ in range(FAILURES_TO_OPEN):
            assert reason(client) == "status_500"
        assert reason(client) == "circuit_open"
        clock.now += OPEN_SECONDS - 0.1
        assert reason(client) == "circuit_open"
        clock.now += 0.2
        assert reason(client) == "status_500"
        assert reason(client) == "circuit_open"
        clock.now += OPEN_SECONDS + 0.1
        assert client.turn(ASKED) == SAID
        assert client.turn(ASKED) == SAID
    assert len(bot.calls) == FAILURES_TO_OPEN + 3


def test_only_one_thread_makes_the_trial_call(serve: Callable[..., Bot]) -> None:
    clock = Clock()

    def slowly_broken(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        answer(handler, 500, "")

    bot = serve(*[status(500)] * FAILURES_TO_OPEN, slowly_broken)
    with client_of(bot.url, clock=clock, timeout=2) as client:
        for _ in range(FAILURES_TO_OPEN):
            reason(client)
        clock.now += OPEN_SECONDS + 1
        with ThreadPoolExecutor(8) as pool:
            reasons = list(pool.map(lambda _: reason(client), range(8)))
    assert sorted(reasons) == ["circuit_open"] * 7 + ["status_500"]


def test_many_threads_share_a_client(serve: Callable[..., Bot]) -> None:
    bot = serve(well)
    with client_of(bot.url, timeout=5) as client, ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda n: client.turn(TurnRequest(f"c{n}", ("hi",))), range(80)))
    assert said == [SAID] * 80
    assert {TurnRequest.from_json(raw).conversation for _, _, raw in bot.calls} == {
        f"c{n}" for n in range(80)
    }


def test_half_an_emoji_is_sent_as_something_readable(serve: Callable[..., Bot]) -> None:
    bot = serve(well)
    with client_of(bot.url) as client:
        assert client.turn(TurnRequest("c", ("hello \ud83d",))) == SAID
    assert TurnRequest.from_json(bot.calls[0][2]).texts == ("hello ?",)


def test_ready_asks_every_bot(serve: Callable[..., Bot]) -> None:
    loading, loaded = serve(status(503)), serve(well)
    with client_of(loading.url) as client:
        assert client.ready() is False
    with client_of(loading.url, loaded.url) as client:
        assert client.ready() is True
    assert loaded.calls[0][0] == READY_PATH


def test_a_proxy_in_the_environment_is_not_used(
    serve: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, bot = serve(well), serve(well)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with client_of(bot.url) as client:
        client.turn(ASKED)
    assert (len(proxy.calls), len(bot.calls)) == (0, 1)


def test_no_turn_is_asked_inside_a_transaction(serve: Callable[..., Bot]) -> None:
    bot = serve(well)
    token = session._inside.set(True)
    try:
        with client_of(bot.url) as client, pytest.raises(session.TransactionOpenError):
            client.turn(ASKED)
    finally:
        session._inside.reset(token)
    assert bot.calls == []


@pytest.mark.parametrize(
    "url", ["http://bot.example.org", "http://10.0.0.7:8005", "ftp://bot.example.org", "bot.example.org:8005"]
)
def test_another_machine_only_over_https(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        BotClient([url], TOKEN)


@pytest.mark.parametrize("url", ["https://bot.example.org", "http://localhost:8005", "http://[::1]:8005"])
def test_addresses_that_are_fine(url: str) -> None:
    BotClient([url], TOKEN).close()


@pytest.mark.parametrize(("urls", "token"), [([], TOKEN), (["http://127.0.0.1:1"], "")])
def test_settings_that_cannot_work(urls: list[str], token: str) -> None:
    with pytest.raises(ValueError):
        BotClient(urls, token)
