"""The first page: what this is, and where to go on to."""

from __future__ import annotations

from flask import Blueprint, render_template, send_from_directory
from flask.typing import ResponseReturnValue

from web.front_end import ASSETS

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """What this is, with links to what there is."""
    return render_template("home.html")


@blueprint.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """Browsers ask for it here, whatever the page says."""
    return send_from_directory(ASSETS, "favicon.svg", mimetype="image/svg+xml", max_age=86_400)
