"""The `linkline` command: thin, one file a noun. Exit 0 for success, 2 for bad usage, 1 for a failure."""

from __future__ import annotations

import sys

import click
from pydantic import ValidationError

from cli import db, demo, hub, patient, scheduler, worker
from models.logs import describe


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="linkline")
def linkline() -> None:
    """Linkline: a text line for social prescribing."""


for noun in (db.db, demo.demo, hub.hub, patient.patient, scheduler.scheduler, worker.worker):
    linkline.add_command(noun)


def main() -> None:
    """Run the command line; every failure is one plain sentence on standard error."""
    try:
        linkline.main(standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.Abort:
        _fail("Stopped.", 1)
    except click.UsageError as error:
        _fail(error.format_message(), 2)
    except click.ClickException as error:
        _fail(error.format_message(), 1)
    except ValidationError as error:
        # The settings do not fit; inputs are hidden, because some of them are secrets.
        _fail(" ".join(str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors()), 1)
    except Exception as error:  # noqa: BLE001 - a traceback helps nobody who runs a charity
        _fail(f"Something went wrong that should not have: {describe(error)}.", 1)


def _fail(sentence: str, status: int) -> None:
    click.echo(sentence, err=True)
    sys.exit(status)
