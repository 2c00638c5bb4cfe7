"""The first page: what this is, and where to go on to."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from care import hubs
from models.logs import describe
from models.session import reading
from web.front_end import ASSETS

blueprint = Blueprint("home", __name__)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HubCard:
    """A hub as the first page shows it; `number` is empty when it has none of its own."""

    name: str
    area: str
    number: str
    hours: str


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """What this is, with links to what there is, and whom to text."""
    return render_template("home.html", hubs=_hubs())


@blueprint.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """Browsers ask for it here, whatever the page says."""
    answer = Response((ASSETS / "favicon.svg").read_bytes(), mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "max-age=86400"
    return answer


def _hubs() -> list[HubCard]:
    try:
        with reading() as session:
            return [
                HubCard(hub.name, hub.area, _as_dialled(hub.phone_number or ""), hub.hours)
                for hub in hubs.all_hubs(session)
            ]
    except SQLAlchemyError as error:
        # The page says how to get help in a crisis; it must show whatever happens to the database.
        log.warning("hubs_not_shown", error=describe(error))
        return []


def _as_dialled(e164: str) -> str:
    """A British number as people write it: "07700 900901"."""
    national = "0" + e164.removeprefix("+44") if e164.startswith("+44") else e164
    return f"{national[:5]} {national[5:]}" if e164 else ""
