"""`linkline db`: bring the database up to date, or say whether it is."""

from __future__ import annotations

import click
from sqlalchemy.exc import SQLAlchemyError

from models import migrate
from models.settings import get_settings


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Make or update the database's tables."""
    url = get_settings().sqlalchemy_url
    try:
        before = migrate.current_revision(url)
        migrate.upgrade(url)
    except SQLAlchemyError as error:
        raise click.ClickException(_unreachable()) from error
    after = migrate.current_revision(url)
    click.echo(f"The database is up to date (version {after})." if before != after else "Nothing to do.")


@db.command()
def check() -> None:
    """Say whether the database can be reached and is up to date."""
    try:
        current = migrate.current_revision(get_settings().sqlalchemy_url)
    except SQLAlchemyError as error:
        raise click.ClickException(_unreachable()) from error
    newest = migrate.newest_revision()
    if current != newest:
        raise click.ClickException("The database is not up to date. Run: linkline db upgrade")
    click.echo(f"The database is up to date (version {current}).")


def _unreachable() -> str:
    return "The database cannot be reached. Look at DATABASE_URL and whether the database is running."
