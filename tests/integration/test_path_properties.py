"""Whatever happens in whatever order, every text is in one turn, every reply goes out once and in order.

Hypothesis plays the world: people text, workers take work and die with it, the bot and the
supplier fail, sweepers run, time passes. Then everything heals, and the promises must hold.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from messaging import delivery, housekeeping, screening, turns
from messaging.channels.base import Accepted, Failure, OutgoingText, SendError
from models import clock, migrate, session
from models.clock import now
from models.conversations import Conversation, Turn
from models.enums import Channel, DeliveryStatus, TurnKind
from models.messages import OutboundMessage
from tests.support.line import Line, inbound, outbound

PEOPLE = ("+447700900001", "+447700900002")
FAILURES = (Failure.RETRY, Failure.UNKNOWN, Failure.CONFIG)


class _Supplier:
    """Takes texts on, and may lose its answer after that: the list tells what it really took."""

    repeat_is_safe = False

    def __init__(self) -> None:
        self.accepted: list[tuple[int, str]] = []
        self.next_failure: tuple[Failure, bool] | None = None

    def send(self, message: OutgoingText) -> Accepted:
        failure, self.next_failure = self.next_failure, None
        if failure is None or (failure[0] is Failure.UNKNOWN and failure[1]):
            self.accepted.append((message.message_id, message.text))
        if failure is not None:
            raise SendError(failure[0], "played")
        return Accepted(f"SM{len(self.accepted)}")

    def taken_on(self, message: OutgoingText, since: object) -> list[Accepted]:
        return [
            Accepted(f"SM{place}")
            for place, (_id, text) in enumerate(self.accepted, start=1)
            if text == message.text
        ]


class PathOfTexts(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "line.db"
        shutil.copyfile(self.template, file)
        session.configure(f"sqlite:///{file}")
        clock._moved = timedelta()
        self.sent = 0

    @initialize()
    def open_line(self) -> None:
        self.supplier = _Supplier()
        self.line = Line(dict.fromkeys(Channel, self.supplier))
        self.leases: list[turns.Lease] = []
        self.claims: list[delivery.Claim] = []

    @rule(person=st.sampled_from(PEOPLE), again=st.booleans(), how_far=st.integers(0, 4))
    def somebody_texts(self, person: str, again: bool, how_far: int) -> None:
        """A text comes, perhaps twice, and goes so far on its way before anything else happens."""
        self.sent += 1
        for _ in range(1 + again):
            self.line.text(f"text {self.sent}", sender=person, provider_id=f"SM-in-{self.sent}")
        steps: tuple[Callable[[], object], ...] = (
            self.a_text_is_screened,
            self.a_turn_is_leased,
            lambda: self.the_bot_answers_the_oldest_lease(fails=False),
            self.a_send_is_claimed,
        )
        for step in steps[:how_far]:
            step()

    @rule()
    def a_text_is_screened(self) -> None:
        screening.screen_next()

    @rule()
    def a_turn_is_leased(self) -> None:
        _found, lease = turns.claim()
        if lease is not None:
            self.leases.append(lease)

    @rule(fails=st.booleans())
    def the_bot_answers_the_oldest_lease(self, fails: bool) -> None:
        if self.leases:
            self.line.bot.failing = fails
            turns.run(self.leases.pop(0), self.line.bot)

    @rule()
    def a_worker_dies_with_its_turn(self) -> None:
        if self.leases:
            self.leases.pop()

    @rule()
    def a_slow_worker_comes_back_after_its_lease(self) -> None:
        if self.leases:
            slow = self.leases.pop(0)
            self.time_passes(seconds=70)
            _found, quick = turns.claim()
            self.line.bot.failing = False
            for lease in (quick, slow):
                if lease is not None:
                    turns.run(lease, self.line.bot)

    @rule()
    def a_send_is_claimed(self) -> None:
        _found, claim = delivery.claim()
        if claim is not None:
            self.claims.append(claim)

    @rule(failure=st.none() | st.tuples(st.sampled_from(FAILURES), st.booleans()))
    def the_oldest_claim_is_sent(self, failure: tuple[Failure, bool] | None) -> None:
        if self.claims:
            self.supplier.next_failure = failure
            delivery.send(self.claims.pop(0), dict.fromkeys(Channel, self.supplier))

    @rule()
    def a_worker_dies_with_its_send(self) -> None:
        if self.claims:
            self.claims.pop()

    @rule()
    def a_worker_dies_after_the_supplier_accepted(self) -> None:
        if self.claims:
            self.supplier.send(self.claims.pop().message)

    # A worker that held on to a send for longer than its lease and then sent it would be a second
    # sender; the client's time-outs keep a living worker within the lease, so the world keeps to it.
    @rule(seconds=st.sampled_from((1, 35, 70)))
    def time_passes(self, seconds: int) -> None:
        if seconds >= 30:
            self.claims.clear()
        clock._moved += timedelta(seconds=seconds)

    @rule()
    def the_sweepers_run(self) -> None:
        for sweeper in housekeeping.sweepers(dict.fromkeys(Channel, self.supplier)):
            sweeper.sweep()

    @invariant()
    def nobody_hears_a_text_twice(self) -> None:
        if hasattr(self, "supplier"):
            ids = [message_id for message_id, _text in self.supplier.accepted]
            assert len(ids) == len(set(ids))

    def teardown(self) -> None:
        self.leases.clear()
        self.claims.clear()
        self.line.bot.failing = False
        self.supplier.next_failure = None
        for _ in range(8):
            clock._moved += timedelta(seconds=200)
            self.the_sweepers_run()
            self.line.work()
        self.every_text_is_in_one_turn()
        self.every_reply_went_out_once_and_in_order()
        session.dispose()
        clock._moved = timedelta()
        self.folder.cleanup()

    def every_text_is_in_one_turn(self) -> None:
        texts = inbound()
        assert len(texts) == self.sent, "each text is in the record once"
        assert all(text.turn_id is not None for text in texts)
        with session.reading() as looking:
            answered = looking.scalars(select(Turn).where(Turn.kind == TurnKind.BOT)).all()
            replied = set(looking.scalars(select(OutboundMessage.turn_id)))
            assert {turn.id for turn in answered} <= replied
            turns_at = {turn.id: turn.at for turn in looking.scalars(select(Turn))}
        for text in texts:
            assert text.screened_at is not None
            assert text.turn_id is not None
            assert text.screened_at <= turns_at[text.turn_id], "the safety net comes before the bot"
        with session.reading() as looking:
            assert all(c.leased_until is None for c in looking.scalars(select(Conversation)))

    def every_reply_went_out_once_and_in_order(self) -> None:
        texts = outbound()
        assert {text.status for text in texts} <= {DeliveryStatus.ACCEPTED}
        assert sorted(i for i, _text in self.supplier.accepted) == sorted(text.id for text in texts)
        said = [part for text in texts for part in text.text.removeprefix("You said: ").split(" | ")]
        answered = sorted(part for part in said if part.startswith("text "))
        assert answered == sorted(f"text {i}" for i in range(1, self.sent + 1)), "each answered once"
        for one, two in pairwise(inbound()):
            if one.conversation_id == two.conversation_id:
                assert one.n < two.n
        assert all(text.created_at <= now() for text in texts)


@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    template = tmp_path / "template.db"
    migrate.upgrade(f"sqlite:///{template}")
    PathOfTexts.template = template
    machine = PathOfTexts.TestCase
    machine.settings = settings(
        max_examples=40,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()
