"""`linkline scheduler`: the clock that ticks, or one tick of it."""

from __future__ import annotations

import json
from datetime import datetime

import click

from cli.context import open_record, stop_on_signals
from messaging import housekeeping
from messaging.channels.registry import channels
from models import clock
from scheduler import ticks


@click.group()
def scheduler() -> None:
    """The process that does what is due."""


@scheduler.command()
def run() -> None:
    """Tick until stopped."""
    settings = open_record("scheduler")
    ticks.run(housekeeping.sweepers(channels(settings)), stop_on_signals())


@scheduler.command("run-once")
@click.option(
    "--at",
    "at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]),
    help="As if it were this moment, with its time zone.",
)
@click.option("--dry-run", is_flag=True, help="Only list what is due.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
def run_once(*, at: datetime | None, dry_run: bool, style: str) -> None:
    """Do, or only list, everything that is due now."""
    settings = open_record("scheduler")
    if at is not None:
        if settings.is_production and not dry_run:
            # It would write times that have not come, and texts would wait for them.
            raise click.UsageError("On a real line --at only goes with --dry-run.")
        clock.move_to(at)
    sweepers = housekeeping.sweepers(channels(settings))
    due = [{"what": s.name, "which": which} for s in sweepers for which in s.due()]
    done = {} if dry_run else ticks.tick(sweepers)
    if style == "json":
        click.echo(json.dumps({"due": due, "done": done}, indent=2))
        return
    for item in due:
        click.echo(f"{item['what']}: {item['which']}")
    click.echo(f"{len(due)} due." if dry_run else f"{sum(done.values())} done.")
