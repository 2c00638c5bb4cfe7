"""Insert a row unless its key is there already, on both databases, without an error to recover from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.base import Base
from models.session import is_sqlite


def insert_if_new(session: Session, table: type[Base], key: Sequence[str], **values: Any) -> Any | None:
    """Insert `values`; returns the new row's primary key, or `None` when a row with this key stands.

    `key` names the columns of one unique constraint. Any other clash still raises, because it
    would be a fault of ours and the row must not vanish silently.
    """
    build = sqlite.insert if is_sqlite(session) else postgresql.insert
    statement = build(table).values(**values).on_conflict_do_nothing(index_elements=list(key))
    primary_key = next(iter(table.__table__.primary_key))
    return session.execute(statement.returning(primary_key)).scalar_one_or_none()
