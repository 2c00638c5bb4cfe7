"""The bot's process from outside: who may ask, what it refuses, and that no failure looks like success."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from bot.client import BotUnavailable
from bot.contract import READY_PATH, TURN_PATH, TurnReply
from tests.support.dialogue import Dialogue
from tests.support.rasa_bot import PYTHON, RASA, RunningBot, started_bot, stop, wait_until_ready

MARKER = "zebrafinch-7731"

FAULTS = [
    "action raises after speaking",
    "action is not found",
    "action returns rubbish",
    "action returns an unknown event",
    "action remembers too much",
    "action never ends the turn",
    "action stays silent",
    "store does not save",
    "store does not read",
    "understanding fails",
    "slots fail",
]


def post(bot: RunningBot, body: object, token: str | None = None, path: str = TURN_PATH) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {bot.token if token is None else token}"}
    return httpx.post(bot.url + path, content=content, headers=headers, timeout=15, trust_env=False)


def turn(text: str = "hello", **context: object) -> dict[str, object]:
    known = {"hub": {"name": "Rowan"}, "first_contact": True, **context}
    return {"version": 1, "conversation": "c-1", "texts": [text], "context": known, "state": {}}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_swallowed_failure_is_no_success(broken_bot: RunningBot, fault: str) -> None:
    broken = post(broken_bot, turn(f"hello {MARKER}", fault=fault))

    assert (broken.status_code, broken.json()) == (500, {"error": "turn_failed"})
    assert post(broken_bot, turn()).status_code == 200


@pytest.mark.parametrize("fault", ["action hangs", "action blocks the process"])
def test_a_hanging_action_never_answers_late(broken_bot: RunningBot, fault: str) -> None:
    broken = post(broken_bot, turn(fault=fault))

    assert (broken.status_code, broken.json()) == (504, {"error": "turn_timed_out"})
    assert post(broken_bot, turn()).status_code == 200


def test_one_hanging_turn_holds_nobody_else_up(broken_bot: RunningBot) -> None:
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(post, broken_bot, turn(fault="action hangs"))
        time.sleep(0.2)
        began = time.monotonic()
        assert post(broken_bot, turn()).status_code == 200
        assert time.monotonic() - began < 0.5
        assert not hanging.done()
        assert hanging.result().status_code == 504


def test_a_failure_keeps_the_words_out_of_the_log(broken_bot: RunningBot) -> None:
    post(broken_bot, turn(f"hello {MARKER}", fault="action raises after speaking"))

    output = broken_bot.output()
    assert "action:action_welcome" in output
    assert MARKER not in output


def test_the_client_says_unavailable_and_no_state_is_lost(broken_bot: RunningBot) -> None:
    client = broken_bot.client()
    person = Dialogue(client.turn).says("hi")
    before = dict(person.state)
    person.context["fault"] = "action raises after speaking"
    with pytest.raises(BotUnavailable, match="status_500"):
        person.says("ok")
    del person.context["fault"]

    assert person.state == before
    person.says("ok").reports("consent_given", "referral_started")
    client.close()


@pytest.mark.parametrize("token", ["wrong", "\u00e9"])
def test_only_the_app_may_ask(bot: RunningBot, token: str) -> None:
    headers = [(b"Authorization", f"Bearer {token}".encode())]
    answer = httpx.post(bot.url + TURN_PATH, json=turn(), headers=headers, trust_env=False)

    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorised"})
    assert httpx.post(bot.url + TURN_PATH, json=turn(), trust_env=False).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[" * 50_000,
        {},
        [],
        {**turn(), "version": 99},
        {**turn(), "texts": []},
        {**turn(), "texts": "hi"},
        {**turn(), "texts": [1]},
        {**turn(), "trigger": "restart"},
        {**turn(), "conversation": ""},
        {**turn(), "state": []},
    ],
)
def test_a_bad_contract_is_400(bot: RunningBot, body: object) -> None:
    answer = post(bot, body)

    assert answer.status_code == 400
    assert answer.json()["error"] == "bad_request"


def test_a_body_of_ten_megabytes_is_refused(bot: RunningBot) -> None:
    answer = post(bot, turn("x" * 10_000_000))

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path", ["/", "/model/parse", "/webhooks/rest/webhook", "/conversations/c-1/tracker"]
)
def test_nothing_of_rasa_itself_is_served(bot: RunningBot, path: str) -> None:
    assert post(bot, turn(), path=path).status_code == 404


def test_ready_names_the_model(bot: RunningBot) -> None:
    answer = httpx.get(bot.url + READY_PATH, trust_env=False)

    models = [path.name for path in (RASA / "models").glob("*.tar.gz")]
    assert answer.json() == {"ready": True, "model": models[0].removesuffix(".tar.gz")}


def test_fifty_people_at_once_do_not_mix(bot: RunningBot) -> None:
    def talk(n: int) -> tuple[str, ...]:
        client = bot.client()
        person = Dialogue(client.turn, hub=f"Hub {n}", conversation=f"c-{n}").says("hi").hears(f"Hub {n}'s")
        person.says("ok").reports("consent_given", "referral_started")
        person.says("are you a robot").hears(f"Hub {n} helps")
        client.close()
        return tuple(person.everything)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(talk, range(50)))) == 50


def test_no_word_of_anybody_is_logged_even_at_debug_level(bot: RunningBot) -> None:
    client = bot.client()
    person = Dialogue(client.turn, hub=f"Hub {MARKER}"[:30])
    person.context["note"] = {"secret": MARKER}
    for text in (
        "hi",
        "ok",
        f"my name is {MARKER} and I am lonely",
        f"/{MARKER}",
        MARKER,
        f"can {MARKER} ring me",
    ):
        person.says(text, f"{MARKER}.event")
    post(bot, b'{"texts": "' + MARKER.encode())
    post(bot, {**turn(), "texts": MARKER})
    client.close()

    output = bot.output()
    assert " DEBUG rasa" in output
    assert "processor.message.parse" in output
    assert MARKER not in output


def test_a_bot_that_loads_is_not_ready_and_ends_at_once() -> None:
    with started_bot() as loading:
        until = time.monotonic() + 60
        statuses = set()
        while time.monotonic() < until and 503 not in statuses:
            try:
                statuses.add(httpx.get(loading.url + READY_PATH, trust_env=False).status_code)
            except httpx.HTTPError:
                time.sleep(0.02)
        assert statuses == {503}
        assert post(loading, turn()).status_code == 503
        assert "Loading the language model" in loading.output()
        assert stop(loading.process) < 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_when_asked(number: int) -> None:
    with started_bot() as running:
        wait_until_ready(running)
        assert stop(running.process, number) < 1
        assert running.process.returncode == 0


def test_without_a_token_it_says_so_in_one_sentence(tmp_path: object) -> None:
    ended = subprocess.run(
        [PYTHON, RASA / "start.py"],
        env={"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path), "BOT_TOKEN_PATIENCE_SECONDS": "0.3"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "The bot did not start: set BOT_TOKEN, or start the web process first, which makes one."
    ]


def test_a_trained_model_is_found_at_once() -> None:
    began = time.monotonic()
    subprocess.run([PYTHON, RASA / "train.py"], check=True, capture_output=True)

    assert time.monotonic() - began < 0.3


def test_what_only_rasas_own_environment_can_test() -> None:
    ended = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=RASA,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-4000:]


def test_a_reply_is_what_the_contract_says(bot: RunningBot) -> None:
    answer = post(bot, turn())

    assert answer.headers["content-type"].startswith("application/json")
    assert TurnReply.from_json(answer.content).replies[0].choices == ("OK",)
