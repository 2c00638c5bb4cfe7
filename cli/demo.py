"""`linkline demo`: invented hubs to try the line with."""

from __future__ import annotations

import click

from care import demonstration
from cli.context import open_record
from models.session import transaction
from models.settings import Environment


@click.group()
def demo() -> None:
    """Demonstration data."""


@demo.command()
def load() -> None:
    """Add the demonstration hubs."""
    if open_record("cli").linkline_env is Environment.PRODUCTION:
        raise click.ClickException("Demonstration data does not belong in production.")
    with transaction() as session:
        added = demonstration.load(session)
    click.echo(f"Added {added} demonstration hubs." if added else "The demonstration hubs are there already.")
