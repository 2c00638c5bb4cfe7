"""The promises of the record: one commit, aware times, statuses checked by the database, no value in errors."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from care import contact_points, hubs
from models.clock import now
from models.enums import ContactKind
from models.logs import describe
from models.people import ContactPoint, Hub
from models.session import TransactionOpenError, assert_no_transaction, reading, transaction
from models.upsert import insert_if_new

pytestmark = pytest.mark.usefixtures("database")


def test_an_error_changes_nothing() -> None:
    def add_and_break() -> None:
        with transaction() as session:
            hubs.add(session, slug="skem", name="Skem")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        add_and_break()
    with reading() as session:
        assert session.scalars(select(Hub)).all() == []


def test_a_transaction_inside_another_is_refused() -> None:
    with transaction():
        with pytest.raises(TransactionOpenError), transaction():
            pass
        with pytest.raises(TransactionOpenError):
            assert_no_transaction()
    assert_no_transaction()


def test_a_moment_without_a_time_zone_is_refused() -> None:
    naive = datetime(2026, 11, 22, 9, 0)
    with pytest.raises(StatementError), transaction() as session:
        session.add(Hub(slug="skem", name="Skem", created_at=naive))


def test_times_come_back_aware_and_the_same() -> None:
    moment = now()
    with transaction() as session:
        session.add(Hub(slug="skem", name="Skem", created_at=moment))
    with reading() as session:
        assert session.scalars(select(Hub)).one().created_at == moment


def test_a_status_that_is_none_is_refused_by_the_database(database: Engine) -> None:
    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO contact_point (kind, address_hash, safe_to_text, created_at)"
                " VALUES ('pigeon', 'x', true, '2026-11-22')"
            )
        )


def test_an_errors_words_never_hold_the_values() -> None:
    marker = "+447700900123"

    def add_twice() -> None:
        with transaction() as session:
            for slug in ("skem", "ormskirk"):
                session.add(Hub(slug=slug, name=marker, phone_number=marker, created_at=now()))

    with pytest.raises(IntegrityError) as caught:
        add_twice()
    assert marker not in describe(caught.value)
    assert "IntegrityError" in describe(caught.value)


def test_inserting_the_same_key_again_does_nothing_but_another_clash_is_an_error() -> None:
    with transaction() as session:
        first = contact_points.find_or_add(session, ContactKind.PHONE, "+447700900001")
        again = contact_points.find_or_add(session, ContactKind.PHONE, "+447700900001")
        assert first.id == again.id
    with pytest.raises(IntegrityError), transaction() as session:
        insert_if_new(
            session,
            ContactPoint,
            ("kind", "address_hash"),
            id=first.id,
            kind=ContactKind.PHONE,
            address_hash="another",
            created_at=now(),
        )


def test_a_number_is_found_by_a_hash_that_does_not_show_it() -> None:
    hashed = contact_points.address_hash(ContactKind.PHONE, "+447700900001")
    assert "7700900001" not in hashed
    assert hashed != contact_points.address_hash(ContactKind.WEBCHAT, "+447700900001")


class TestWhichHub:
    def test_its_own_number(self) -> None:
        with transaction() as session:
            made = hubs.add(session, slug="skem", name="Skem", phone_number="+447700900901")
            hubs.add(session, slug="ormskirk", name="Ormskirk")
            assert hubs.for_address(session, "+447700900901") is made

    def test_the_only_hub_without_a_number_gets_the_shared_one(self) -> None:
        with transaction() as session:
            made = hubs.add(session, slug="ormskirk", name="Ormskirk")
            assert hubs.for_address(session, "") is made

    def test_of_several_we_cannot_know(self) -> None:
        with transaction() as session:
            hubs.add(session, slug="skem", name="Skem")
            hubs.add(session, slug="ormskirk", name="Ormskirk")
            assert hubs.for_address(session, "") is None

    def test_a_number_that_is_nobodys(self) -> None:
        with transaction() as session:
            hubs.add(session, slug="ormskirk", name="Ormskirk")
            assert hubs.for_address(session, "+447700900999") is None

    @pytest.mark.parametrize("slug", ["", "Skem", "a b", "-x", "x" * 60])
    def test_a_bad_short_name_is_refused(self, slug: str) -> None:
        with pytest.raises(hubs.HubError), transaction() as session:
            hubs.add(session, slug=slug, name="Skem")
