"""`linkline hub`: add a hub, list the hubs."""

from __future__ import annotations

import json

import click

from care import audit, hubs
from cli.context import open_record
from models import phone_numbers
from models.session import reading, transaction


@click.group()
def hub() -> None:
    """Hubs: the services that people text."""


@hub.command()
@click.option("--slug", required=True, help="Short name in small letters, digits and hyphens.")
@click.option("--name", required=True, help="What the hub calls itself in texts.")
@click.option("--number", help="The hub's own telephone number, if it has one.")
@click.option("--area", default="", help="The area it serves, in words.")
@click.option("--hours", default="", help="When texts are read, such as '9am to 5pm, Monday to Friday'.")
def create(slug: str, name: str, number: str | None, area: str, hours: str) -> None:
    """Add a hub."""
    settings = open_record("cli")
    phone_number = None
    if number:
        phone_number = phone_numbers.normalise(number, allow_test_numbers=settings.test_numbers_allowed)
        if phone_number is None:
            raise click.UsageError(
                "--number is not a telephone number we know. Write it as +44 and the rest."
            )
    try:
        with transaction() as session:
            made = hubs.add(session, slug=slug, name=name, area=area, phone_number=phone_number, hours=hours)
            audit.record(session, "create", "hub", str(made.id), actor=audit.COMMAND)
    except hubs.HubError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Added the hub {slug}.")


@hub.command(name="list")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
def list_hubs(style: str) -> None:
    """List the hubs."""
    open_record("cli")
    with reading() as session:
        found = [
            {"slug": h.slug, "name": h.name, "number": h.phone_number, "area": h.area, "hours": h.hours}
            for h in hubs.all_hubs(session)
        ]
    if style == "json":
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("There is no hub yet. Add one with: linkline hub create")
    for row in found:
        click.echo(f"{row['slug']:<20} {row['name']:<40} {row['number'] or 'the shared number'}")
