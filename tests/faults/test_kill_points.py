"""`kill -9` at every named point on a text's way: nothing lost, nothing doubled."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

import pytest

from models.enums import DeliveryStatus
from tests.faults import launch
from tests.faults.judge import assert_all_answered
from tests.faults.record import wait_for
from tests.faults.service import Service

#: Each but the last two is sent when the one before has been answered.
TEXTS = ("hello", "is this the line", "my sister told me", "and so did the surgery")

ON_THE_WAY = [
    name for name, point in launch.POINTS.items() if point.program in {"web", "worker"} and name != "after T4"
]


@contextmanager
def talking(service: Service, person: str, texts: Sequence[str]) -> Iterator[None]:
    """The person texts, in a thread; at the end everything has been sent."""
    failures: list[BaseException] = []

    def talk() -> None:
        try:
            for number, text in enumerate(texts):
                if 0 < number < len(texts) - 1:
                    service.record.wait_until_done(number, [person])
                service.supplier.text_until_taken(person, text)
        except BaseException as failure:  # noqa: BLE001 - shown by the test, not lost in the thread
            failures.append(failure)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("point", ON_THE_WAY)
def test_killed_on_the_way(armed: Service, point: str, seed: str) -> None:
    # The third pass at most, because the last two texts may become one turn; the second at most for
    # a send, so that no text follows one whose fate is unknown and the order is judged to the full.
    at_pass = Random(f"{seed} {point}").randint(1, 2 if point == "after T3a" else 3)
    person = armed.person()
    program = armed.arm(point, at_pass)
    with talking(armed, person, TEXTS):
        program.wait_killed()
        program.start()
    assert not launch.is_armed(armed.faults, point)
    assert_all_answered(armed, {person: TEXTS})


def test_killed_after_the_supplier_took_the_text_and_settled_by_its_report(armed: Service) -> None:
    person = armed.person()
    worker = armed.arm("after the supplier's accept")
    armed.supplier.text_until_taken(person, "hello")
    worker.wait_killed()
    [taken] = armed.supplier.taken(person)
    assert armed.supplier.report(taken, "delivered").status == 204
    assert armed.record.outbound(person)[0].status is DeliveryStatus.DELIVERED
    worker.start()
    assert_all_answered(armed, {person: ["hello"]})


def test_web_killed_after_a_receipt(armed: Service) -> None:
    person = armed.person()
    armed.supplier.text_until_taken(person, "hello")
    armed.record.wait_until_done(1, [person])
    [taken] = armed.supplier.taken(person)
    web = armed.arm("after T4", 2)
    assert armed.supplier.report(taken, "sent").status == 204
    assert armed.supplier.report(taken, "delivered").status == 0
    web.wait_killed()
    web.start()
    for status in ("delivered", "sent", "queued"):
        assert armed.supplier.report(taken, status).status == 204
    assert armed.record.outbound(person)[0].status is DeliveryStatus.DELIVERED
    assert_all_answered(armed, {person: ["hello"]})


def test_only_the_first_process_of_web_killed(armed: Service) -> None:
    person = armed.person()
    web = armed["web"]
    web.kill_first_only()
    # The process that it had started still has the port, and must let go of it.
    web.start()
    armed.supplier.text_until_taken(person, "hello")
    assert_all_answered(armed, {person: ["hello"]})


def test_scheduler_killed_between_storing_a_spooled_text_and_deleting_its_file(armed: Service) -> None:
    person = armed.person()
    scheduler = armed.arm("stored from the spool")
    with armed.record.locked():
        # The database refuses: web keeps the text on disk and says so within the supplier's 15 seconds.
        answer = armed.supplier.text(person, "hello")
        assert answer.status == 200
        assert answer.elapsed_seconds < 10
        assert list((armed.folder / "var" / "spool").glob("*.json"))
    scheduler.wait_killed()
    scheduler.start()
    assert_all_answered(armed, {person: ["hello"]})
    wait_for("the file is gone", lambda: not list((armed.folder / "var" / "spool").iterdir()))


def test_scheduler_killed_at_every_step_of_cleaning_up_after_a_dead_worker(armed: Service) -> None:
    person, other = armed.person(), armed.person()
    steps = ("stale lease freed", "broken-off send found", "supplier's list read", "unknown send settled")
    scheduler = armed["scheduler"]
    for point in steps:
        armed.arm(point)
    # One worker dies with a send to one person under way, the next with a turn of the other.
    worker = armed.arm("after the supplier's accept")
    armed.supplier.text_until_taken(other, "good morning")
    worker.wait_killed()
    armed.arm("after T2a")
    worker.start()
    armed.supplier.text_until_taken(person, "hello")
    worker.wait_killed()
    for _step in steps:
        scheduler.wait_killed()
        scheduler.start()
    worker.start()
    assert_all_answered(armed, {person: ["hello"], other: ["good morning"]})


def test_whatever_was_killed_nothing_was_taken_on_twice(armed: Service) -> None:
    # Last of all, when every late repeat would have come.
    ids = [taken.message_id for taken in armed.supplier.taken()]
    assert len(ids) == len(set(ids))
