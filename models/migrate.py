"""Bring a database to the newest shape, and say whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from models.session import build_engine

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(sqlalchemy_url: str) -> Config:
    """Alembic's settings for this database; no alembic.ini is needed."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    # Alembic reads this through configparser, where % starts an interpolation.
    config.set_main_option("sqlalchemy.url", sqlalchemy_url.replace("%", "%%"))
    return config


def upgrade(sqlalchemy_url: str, revision: str = "head") -> None:
    """Run every migration that has not been run, up to `revision`."""
    command.upgrade(alembic_config(sqlalchemy_url), revision)


def downgrade(sqlalchemy_url: str, revision: str = "base") -> None:
    """Undo migrations down to `revision`. Loses what those migrations brought."""
    command.downgrade(alembic_config(sqlalchemy_url), revision)


def newest_revision() -> str | None:
    """The last migration that this version ships."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def current_revision(sqlalchemy_url: str) -> str | None:
    """The last migration that this database has; `None` for an empty one."""
    engine = build_engine(sqlalchemy_url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
