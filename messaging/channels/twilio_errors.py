"""What Twilio's error codes mean for a text.

Codes and meanings are from Twilio's error dictionary, read 2026-11-22; the classes are our own
judgement, except where the dictionary itself says to retry (20429, 30003) or not to (30006).
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import Final

from messaging.channels.base import Failure

_CLASSES: Final = {
    "retry": Failure.RETRY,
    "permanent": Failure.PERMANENT,
    "opted_out": Failure.OPTED_OUT,
    "config": Failure.CONFIG,
    # Our own mistake in the request: sending the same again cannot help.
    "bug": Failure.PERMANENT,
}


@lru_cache(maxsize=1)
def known_codes() -> dict[str, Failure]:
    """Every code in the table and what it means for a text. Raises `KeyError` on an unknown class."""
    table = files("messaging.channels").joinpath("twilio_errors.csv").read_text("utf-8")
    return {row["code"]: _CLASSES[row["class"]] for row in csv.DictReader(table.splitlines())}


def classify(code: str | int | None) -> Failure:
    """What an error code, of an answer or of a status callback, means. PERMANENT when it is not known."""
    return known_codes().get(str(code).strip(), Failure.PERMANENT)
