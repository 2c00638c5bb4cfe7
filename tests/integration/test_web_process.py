"""The web process as it is started: who can reach it, what it prints, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models.settings import Settings
from tests.support.line import PHONE
from tests.support.rasa_bot import REPOSITORY, free_port

COMMAND = [
    str(REPOSITORY / ".venv/bin/gunicorn"),
    "-c",
    str(REPOSITORY / "web/gunicorn.conf.py"),
    "web.wsgi:app",
]


class Web:
    """The running process, its address and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log


@pytest.fixture
def web(settings: Settings, tmp_path: Path) -> Iterator[Web]:
    port, log = free_port(), tmp_path / "web.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            COMMAND, cwd=tmp_path, env={**os.environ, "PORT": str(port)}, stdout=out, stderr=subprocess.STDOUT
        )
    until = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
            break
        except httpx.HTTPError:
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.05)
    yield Web(process, port, log)
    process.terminate()
    process.wait(15)


def test_only_this_machine_reaches_it(web: Web) -> None:
    # Source: proc(5). State 0A is LISTEN; addresses are hexadecimal, lowest byte first.
    tables = [Path(f"/proc/net/{kind}").read_text().splitlines() for kind in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    ours = [row[1].split(":")[0] for row in rows if row[1].endswith(f":{web.port:04X}") and row[3] == "0A"]
    assert ours == ["0100007F"]


def test_ten_megabytes_are_refused_and_the_next_request_is_served(web: Web) -> None:
    with httpx.Client(base_url=web.url, trust_env=False) as client:
        for path in ("/chat/messages", f"/phone/{PHONE}/messages", "/webhooks/twilio/inbound"):
            answer = client.post(
                path, content=b"x" * 10_000_000, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in ({403, 413} if "twilio" in path else {413})
        assert client.post(f"/phone/{PHONE}/messages", json={"text": "hello"}).status_code == 202


def test_a_body_without_a_length_is_refused_as_well(web: Web) -> None:
    answer = httpx.post(
        f"{web.url}/phone/{PHONE}/messages",
        content=(b"x" * 100_000 for _ in range(100)),
        headers={"Content-Type": "application/json"},
        trust_env=False,
    )
    assert answer.status_code == 413


def test_what_is_no_http_is_refused_and_the_process_lives(web: Web) -> None:
    for junk in (
        b"\x00\xff\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /chat/messages HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", web.port), timeout=5) as connection:
            connection.sendall(junk)
            connection.recv(1_000)
    assert httpx.get(web.url + "/healthz", trust_env=False).status_code == 200


def test_it_prints_no_number_and_no_text(web: Web) -> None:
    with httpx.Client(base_url=web.url, trust_env=False) as client:
        client.post(f"/phone/{PHONE}/messages", json={"text": "my husband hits me"})
        client.get(f"/phone/{PHONE}/messages", params={"after": "x"})
        client.get("/phone", params={"number": PHONE})
    web.process.terminate()
    web.process.wait(15)
    printed = web.log.read_text()
    assert "07700" not in printed and "7700900" not in printed and "husband" not in printed


def test_it_ends_at_once_and_leaves_nothing_behind(web: Web) -> None:
    pid = web.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert children
    began = time.monotonic()
    web.process.send_signal(signal.SIGTERM)
    assert web.process.wait(15) == 0
    assert time.monotonic() - began < 5
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
