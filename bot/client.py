"""The app's side of the wire contract: ask the bot for one turn, and know for certain when it failed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from bot.contract import READY_PATH, TURN_PATH, ContractError, TurnReply, TurnRequest
from models.session import assert_no_transaction
from models.settings import is_loopback

#: A bot that does not take the connection in this time is not there.
CONNECT_SECONDS = 3.0
READY_SECONDS = 2.0
#: A reply is a few texts and a small state; more is not a bot's.
LARGEST_REPLY = 65_536
#: After this many failures in a row an address is left alone for OPEN_SECONDS, then tried once.
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 5.0
PAUSE_SECONDS = (0.05, 0.2)


class BotUnavailable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """No turn was had, so nothing happened. `reason_code` says why and is safe to log.

    One of `connect`, `timeout`, `transport`, `status_<n>`, `bad_reply`, `circuit_open`.
    """

    def __init__(self, reason_code: str) -> None:
        super().__init__(reason_code)
        self.reason_code = reason_code


@dataclass
class _Breaker:
    """Whether an address is worth a call. Guarded by the client's lock."""

    failures: int = 0
    open_until: float = 0.0
    trying: bool = False

    def allows(self, now: float) -> bool:
        if self.failures < FAILURES_TO_OPEN:
            return True
        if now < self.open_until or self.trying:
            return False
        self.trying = True
        return True

    def succeeded(self) -> None:
        self.failures, self.trying = 0, False

    def failed(self, now: float) -> None:
        self.failures, self.trying = self.failures + 1, False
        if self.failures >= FAILURES_TO_OPEN:
            self.open_until = now + OPEN_SECONDS


@dataclass
class _Address:
    url: str
    breaker: _Breaker = field(default_factory=_Breaker)


class BotClient:
    """Asks one of several equal bots. Safe to share between threads; close it when done.

    `urls`: base addresses, https unless they are on this machine. `timeout_seconds`: patience for
    one try. `tries`: calls at most for one turn. Raises `ValueError` for settings it cannot work with.
    """

    def __init__(
        self,
        urls: Sequence[str],
        token: str,
        *,
        timeout_seconds: float = 10,
        tries: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for url in urls:
            if urlsplit(url).scheme != "https" and not is_loopback(url):
                raise ValueError("The address of a bot on another machine must start with https://.")
        if not urls or not token or tries < 1:
            raise ValueError("The bot's client needs an address, a token and at least one try.")
        self._addresses = [_Address(url.rstrip("/")) for url in urls]
        self._tries = tries
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0
        # No proxy from the environment: what people write goes to the bot and nowhere else.
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
            trust_env=False,
        )

    def turn(self, request: TurnRequest) -> TurnReply:
        """Ask for a turn; the same request gives the same reply, so it may be asked again.

        Raises `BotUnavailable` when no try gave a whole reply, and `TransactionOpenError` inside an
        open transaction: the bot may take seconds, and nobody else could write meanwhile.
        """
        assert_no_transaction()
        # "replace": half an emoji, which a broken sender can leave behind, cannot be sent as UTF-8.
        body = request.to_json().encode("utf-8", "replace")
        reason = BotUnavailable("circuit_open")
        for attempt in range(self._tries):
            if attempt:
                time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - spreads load, guards nothing
            address = self._choose()
            if address is None:
                break
            try:
                return self._ask(address, body)
            except BotUnavailable as failure:
                reason = failure
                if failure.reason_code in {"status_400", "status_401"}:
                    # Asking again cannot help.
                    break
        raise BotUnavailable(reason.reason_code)

    def ready(self) -> bool:
        """Whether at least one bot has loaded its model and takes turns."""
        for address in self._addresses:
            try:
                answer = self._http.get(address.url + READY_PATH, timeout=READY_SECONDS)
            except httpx.HTTPError:
                continue
            if answer.status_code == httpx.codes.OK:
                return True
        return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _choose(self) -> _Address | None:
        """The next address in turn that is not known to be down."""
        with self._lock:
            for _ in self._addresses:
                address = self._addresses[self._next % len(self._addresses)]
                self._next += 1
                if address.breaker.allows(self._clock()):
                    return address
        return None

    def _ask(self, address: _Address, body: bytes) -> TurnReply:
        settled = False
        try:
            reply = self._post(address.url + TURN_PATH, body)
            settled = True
        except BotUnavailable as failure:
            # A bot that refuses this request is up and well.
            settled = failure.reason_code in {"status_400", "status_401"}
            raise
        finally:
            with self._lock:
                if settled:
                    address.breaker.succeeded()
                else:
                    address.breaker.failed(self._clock())
        return reply

    def _post(self, url: str, body: bytes) -> TurnReply:
        """One call. Nothing of the other side's words goes into the exception."""
        try:
            with self._http.stream(
                "POST", url, content=body, headers={"Content-Type": "application/json"}
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise BotUnavailable(f"status_{answer.status_code}")
                return TurnReply.from_json(self._read(answer))
        except httpx.TimeoutException:
            raise BotUnavailable("timeout") from None
        except httpx.ConnectError:
            raise BotUnavailable("connect") from None
        except httpx.HTTPError:
            raise BotUnavailable("transport") from None
        except (ContractError, UnicodeError):
            raise BotUnavailable("bad_reply") from None

    def _read(self, answer: httpx.Response) -> bytes:
        """The body, as long as it is a reply's size and comes in time as a whole, not only bit by bit."""
        until = time.monotonic() + self._timeout_seconds
        read = bytearray()
        for chunk in answer.iter_bytes():
            read += chunk
            if len(read) > LARGEST_REPLY:
                raise BotUnavailable("bad_reply")
            if time.monotonic() > until:
                raise BotUnavailable("timeout")
        return bytes(read)
