"""Run by the app's own Python: what the settings say, and whether the database is new, as JSON."""

from __future__ import annotations

import json
import sys

from pydantic import ValidationError

from models.migrate import current_revision
from models.settings import Settings, SettingsError, get_settings, is_loopback


def answers(settings: Settings) -> dict[str, object]:
    """What `make run` must know before it starts anything."""
    return {
        "public_address": settings.public_address,
        "demo": settings.linkline_env.value == "demo",
        "local_bot": all(is_loopback(url) for url in settings.bot_urls),
        "new_database": current_revision(settings.sqlalchemy_url) is None,
    }


def main() -> int:
    """Print the answers; exit status 1 and one plain sentence on stderr when the settings are wrong."""
    try:
        settings = get_settings()
    except ValidationError as problem:
        for error in problem.errors(include_input=False, include_context=False, include_url=False):
            name = ".".join(str(part) for part in error["loc"]).upper()
            text = error["msg"].removeprefix("Value error, ")
            print(f"{name}: {text}" if name else text, file=sys.stderr)
        return 1
    except SettingsError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(json.dumps(answers(settings)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
