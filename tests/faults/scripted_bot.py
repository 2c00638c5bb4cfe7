"""A stand-in for the bot that speaks its contract over HTTP, answers in a known way, and fails on command.

    python -m tests.faults.scripted_bot --port N [--seconds S]

It repeats what it was asked, so that its reply says which texts were in the turn. `POST /_fake/mode`
with `{"mode": "hang", "for": "hello"}` changes how it behaves for turns whose texts contain these words
(all of them, when there are none); the modes are those of `Mode`.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from bot.contract import READY_PATH, TURN_PATH, Reply, TurnReply, TurnRequest

#: Longer than any patience in the tests.
HANG_SECONDS = 60.0


class Mode(StrEnum):
    WELL = "well"
    HANG = "hang"
    FAIL = "fail"
    GARBAGE = "garbage"
    SILENT = "silent"
    UNREADY = "unready"


def reply_to(texts: tuple[str, ...] | list[str]) -> str:
    """What the stand-in says to these texts."""
    return "You said: " + " | ".join(texts)


def set_mode(url: str, mode: Mode, words: str = "") -> None:
    """Make the stand-in at this address behave so, for turns with these words."""
    body = {"mode": mode.value, "for": words}
    httpx.post(f"{url}/_fake/mode", json=body, timeout=5, trust_env=False).raise_for_status()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    mode = Mode.WELL
    words = ""
    token = ""
    #: How long a turn takes.
    seconds = 0.0
    #: Ends every hang when the mode changes.
    changed = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: _Server

    def do_GET(self) -> None:
        ready = self.path == READY_PATH and self.server.mode is not Mode.UNREADY
        self._answer(200 if ready else 503, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_fake/mode":
            self._set_mode(json.loads(body))
        elif self.path != TURN_PATH:
            self._answer(404, b"{}")
        elif self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self._answer(401, b"{}")
        else:
            self._turn(TurnRequest.from_json(body))

    def _set_mode(self, told: dict[str, str]) -> None:
        self.server.changed.set()
        self.server.changed = threading.Event()
        self.server.mode, self.server.words = Mode(told["mode"]), told.get("for", "")
        self._answer(204, b"")

    def _turn(self, request: TurnRequest) -> None:
        time.sleep(self.server.seconds)
        hits = self.server.words in " ".join(request.texts)
        match self.server.mode if hits else Mode.WELL:
            case Mode.HANG:
                self.server.changed.wait(HANG_SECONDS)
                self.close_connection = True
            case Mode.FAIL:
                self._answer(500, b"{}")
            case Mode.GARBAGE:
                self._answer(200, b'{"version": 1, "replies": "what')
            case Mode.SILENT:
                self._answer(200, TurnReply((), (), {}).to_json().encode())
            case Mode.UNREADY:
                self._answer(503, b"{}")
            case Mode.WELL:
                state = {"turns": request.state.get("turns", 0) + 1}
                reply = TurnReply((Reply(reply_to(request.texts)),), (), state)
                self._answer(200, reply.to_json().encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing."""


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0, help="how long a turn takes")
    options = parser.parse_args()
    server = _Server(("127.0.0.1", options.port), _Handler)
    server.seconds = options.seconds
    server.token = os.environ["BOT_TOKEN"]
    server.serve_forever()


if __name__ == "__main__":
    main()
