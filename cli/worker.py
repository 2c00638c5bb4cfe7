"""`linkline worker`: screen, answer and send."""

from __future__ import annotations

import click

from cli.context import bot_client, open_record, stop_on_signals
from messaging import worker as work
from messaging.channels.registry import channels


@click.group()
def worker() -> None:
    """The process that screens, answers and sends texts."""


@worker.command()
def run() -> None:
    """Work until stopped."""
    settings = open_record("worker")
    work.run(bot_client(settings).turn, channels(settings), stop_on_signals())


@worker.command("run-once")
def run_once() -> None:
    """Handle everything that waits, then end."""
    settings = open_record("worker")
    done = work.run_once(bot_client(settings).turn, channels(settings))
    click.echo(f"Done: {done}.")
