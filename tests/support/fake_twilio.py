"""A server on this machine that speaks Twilio's Messages API, and the webhooks that Twilio sends.

    with FakeTwilio() as fake:
        channel = TwilioChannel(fake.account_sid, fake.auth_token, fake.url, ...)
        fake.fail_next(code=30001)
        answer = fake.text("http://127.0.0.1:8000/webhooks/twilio/inbound", "+447700900001", "hello")
        fake.send_status(fake.messages[0].sid, "delivered")

Also its own process, for tests that kill the others; see `main`.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.support.twilio_messages import FakeMessage, Fault, MessageBook
from tests.support.twilio_rules import Problem, problem_of
from tests.support.twilio_webhooks import Answer, AutomaticCallbacks, WebhookSender

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "fake-auth-token"
LINE = "+447700900999"


class FakeTwilio:
    """The server, what it has taken in, and the means to make it fail. Safe between threads."""

    def __init__(
        self,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.book = MessageBook(account_sid, log)
        self.webhooks = WebhookSender(account_sid, auth_token)
        self.automatic = AutomaticCallbacks(self._automatic_status)
        #: Seconds that every request to send takes before anything else happens.
        self.latency = 0.0
        #: Numbers that have said STOP, without "whatsapp:". A text to one is refused with 21610.
        self.opted_out: set[str] = set()
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The base address, for `TWILIO_API_URL`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def messages(self) -> list[FakeMessage]:
        """Texts that this server accepted for sending, in the order in which it did."""
        return self.book.outbound()

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop at once: cut what hangs, close every connection."""
        self.stopping.set()
        self.automatic.stop()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.close_everything()
        self.webhooks.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def fail_next(self, count: int = 1, **fault: Any) -> None:
        """Make the next `count` requests to send fail; the arguments are those of `Fault`."""
        self.book.add_faults([Fault(**fault)] * count)

    def text(self, line_url: str, from_: str, body: str, sid: str | None = None, **more: Any) -> Answer:
        """Post a signed inbound webhook to `line_url`, as Twilio does when a person texts the line.

        `more`: `to`, `media` (pairs of address and content type), `extra` (more parameters),
        `signature` (to send a wrong one). The text is also in the list of messages from then on.
        """
        to = str(more.pop("to", f"whatsapp:{LINE}" if from_.startswith("whatsapp:") else LINE))
        message = self.book.receive(from_, to, body, sid, len(more.get("media", ())))
        return self.webhooks.inbound(line_url, message, **more)

    def send_status(self, sid: str, status: str, error_code: int | None = None) -> Answer:
        """Post a signed status callback about a text accepted before. Raises `KeyError` on another id."""
        message = self.book.update(sid, status, error_code)
        return self.webhooks.status(message, status, error_code)

    def send_callbacks(self, delay_seconds: float = 0.02) -> None:
        """From now on report queued, sent and delivered for every accepted text, so far apart."""
        self.automatic.delay_seconds = delay_seconds

    def _automatic_status(self, sid: str, status: str) -> Answer:
        return self.send_status(sid, status)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], fake: FakeTwilio) -> None:
        self.fake = fake
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that went away is no error
            super().handle_error(request, client_address)

    def close_everything(self) -> None:
        self.server_close()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            _cut(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if urlsplit(self.path).path == "/_fake/faults":
            self._fake.fail_next(**json.loads(body))
            self._answer(204, None)
        elif self._may_use_messages():
            self._send(parse_qs(body.decode(), keep_blank_values=True))

    def do_GET(self) -> None:
        if not self._may_use_messages(one=True):
            return
        parts = urlsplit(self.path)
        sid = parts.path.rsplit("/", 1)[1].removesuffix(".json")
        if sid == "Messages":
            page = self._fake.book.page(parse_qs(parts.query, keep_blank_values=True))
            self._answer(page.status if isinstance(page, Problem) else 200, _as_json(page))
        elif message := self._fake.book.find(sid):
            self._answer(200, message.resource)
        else:
            self._refuse(Problem(404, 20404, "The requested resource was not found"))

    @property
    def _fake(self) -> FakeTwilio:
        return self.server.fake

    def _send(self, form: dict[str, list[str]]) -> None:
        fake = self._fake
        if fake.latency:
            fake.stopping.wait(fake.latency)
        fault = fake.book.next_fault(form)
        if fault and not fault.accept:
            self._fail(fault)
        elif problem := problem_of(form) or self._opt_out(form):
            self._refuse(problem)
        else:
            message = fake.book.accept(form)
            if fake.automatic.is_on and message.status_callback:
                fake.automatic.add(message.sid)
            if fault:
                self._fail(fault, message.resource)
            else:
                self._answer(201, message.resource)

    def _fail(self, fault: Fault, resource: dict[str, Any] | None = None) -> None:
        if fault.hang_seconds:
            self._fake.stopping.wait(fault.hang_seconds)
        if fault.drop:
            self.close_connection = True
            _cut(self.connection)
        elif fault.raw_body is not None:
            self._answer_raw(fault.status or 201, fault.raw_body.encode(), fault.headers)
        elif fault.status >= 300:
            problem = Problem(fault.status, fault.code, "This fault was asked for")
            self._answer(fault.status, problem.as_json() if fault.code else None, fault.headers)
        else:
            self._answer(201, resource)

    def _opt_out(self, form: Mapping[str, list[str]]) -> Problem | None:
        if form["To"][0].removeprefix("whatsapp:") in self._fake.opted_out:
            return Problem(400, 21610, "Attempt to send to unsubscribed recipient")
        return None

    def _may_use_messages(self, one: bool = False) -> bool:
        """Whether address and keys are right; if not, this has answered."""
        account = f"/2010-04-01/Accounts/{self._fake.account_sid}"
        keys = f"{self._fake.account_sid}:{self._fake.auth_token}".encode()
        expected = f"Basic {base64.b64encode(keys).decode()}"
        path = urlsplit(self.path).path
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), expected.encode()):
            self._refuse(Problem(401, 20003, "Authenticate"))
        elif path == f"{account}/Messages.json" or (one and path.startswith(f"{account}/Messages/")):
            return True
        else:
            self._refuse(Problem(404, 20404, f"The requested resource {path} was not found"))
        return False

    def _refuse(self, problem: Problem) -> None:
        self._answer(problem.status, problem.as_json())

    def _answer(self, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        self._answer_raw(status, b"" if content is None else json.dumps(content).encode(), headers)

    def _answer_raw(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: tests read the book, not a log."""


def _as_json(page: dict[str, Any] | Problem) -> dict[str, Any]:
    return page.as_json() if isinstance(page, Problem) else page


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it may be gone already
        connection.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Run as a process of its own. Prints its address once it listens; accepted texts go to `--log`.

    `POST /_fake/faults` with the arguments of `fail_next` as JSON makes it fail from outside.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--callbacks", type=float, metavar="SECONDS", help="report statuses so far apart")
    options = parser.parse_args()
    fake = FakeTwilio(options.account_sid, options.auth_token, options.port, options.log)
    fake.latency = options.latency
    if options.callbacks is not None:
        fake.send_callbacks(options.callbacks)
    with fake:
        sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
