"""A bot that behaves as told: a loopback server for the client's tests."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bot.contract import Reply, TurnReply

SECRET = "nobody may read this"
SAID = TurnReply((Reply("Hello"),), (), {"v": 1})

Behaviour = Callable[[BaseHTTPRequestHandler], None]


def answer(handler: BaseHTTPRequestHandler, status: int, body: str | bytes) -> None:
    raw = body.encode() if isinstance(body, str) else body
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


def well(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, 200, SAID.to_json())


def status(code: int) -> Behaviour:
    return lambda handler: answer(handler, code, SECRET)


def body(text: str | bytes) -> Behaviour:
    return lambda handler: answer(handler, 200, text)


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for letter in SAID.to_json():
        handler.wfile.write(letter.encode())
        handler.wfile.flush()
        time.sleep(0.15)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b"{")


class Bot:
    """A loopback server that behaves as told, one behaviour a call; the last one stays."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)
        self.calls: list[tuple[str, str, bytes]] = []
        bot = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_GET(self) -> None:
                bot.take(self, b"")

            def do_POST(self) -> None:
                bot.take(self, self.rfile.read(int(self.headers["Content-Length"])))

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        self.calls.append((handler.path, handler.headers.get("Authorization", ""), raw))
        behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        behaviour(handler)
