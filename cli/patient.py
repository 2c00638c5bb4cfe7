"""`linkline patient`: give a person what we hold about them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import UUID

import click

from care.export import NobodyFoundError, export
from cli.context import open_record
from models import phone_numbers
from models.session import transaction


@click.group()
def patient() -> None:
    """People and their records."""


@patient.command("export")
@click.argument("who")
@click.option("--to", "to", required=True, type=click.Path(dir_okay=False, path_type=Path))
def export_patient(who: str, to: Path) -> None:
    """Write everything about one person to a JSON file. WHO is an id or a telephone number."""
    settings = open_record("cli")
    patient_id, address = _id_or_number(who, allow_test_numbers=settings.test_numbers_allowed)
    try:
        with transaction() as session:
            found = export(session, patient_id, address)
    except NobodyFoundError:
        raise click.ClickException("Nobody with this id or number is in the record.") from None
    try:
        # A new file, which only the person who runs this may read, in place of any that stood there.
        part = to.with_name(f".{to.name}.{os.getpid()}")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(found, file, ensure_ascii=False, indent=2)
        part.replace(to)
    except OSError as error:
        raise click.ClickException(f"The file could not be written: {error.strerror}.") from None
    click.echo(f"Written to {to}.")


def _id_or_number(who: str, *, allow_test_numbers: bool) -> tuple[UUID | None, str | None]:
    try:
        return UUID(who), None
    except ValueError:
        number = phone_numbers.normalise(who, allow_test_numbers=allow_test_numbers)
    if number is None:
        raise click.UsageError("This is neither an id nor a telephone number.")
    return None, number
