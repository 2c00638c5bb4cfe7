"""Templates and static files: the NHS.UK macros, our own pages, and what the build has put together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import nhsuk_frontend_jinja  # type: ignore[import-untyped]
import structlog
from flask import Flask
from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemLoader, PackageLoader
from whitenoise import WhiteNoise  # type: ignore[import-untyped]

from models.clock import in_london
from models.settings import Settings

HERE: Final = Path(__file__).parent
TEMPLATES: Final = HERE / "templates"
ASSETS: Final = HERE / "assets"
#: Holds one folder, named after what is in it, so that its files may be kept for ever.
BUILD: Final = HERE / "static" / "build"
VERSION_FILE: Final = BUILD / "version"
_IMMUTABLE: Final = re.compile(r"^/static/[0-9a-f]{12}/")

log = structlog.get_logger()


def make_flask(name: str) -> Flask:
    """A Flask app whose templates know the NHS.UK macros and cannot fail over a missing parameter."""

    class LinklineFlask(Flask):
        # The macros read parameters of parameters that need not be there.
        jinja_options = {  # noqa: RUF012 - Flask's own way to set it
            "undefined": ChainableUndefined,
            "trim_blocks": True,
            "lstrip_blocks": True,
            "loader": ChoiceLoader(
                [FileSystemLoader(TEMPLATES), PackageLoader(nhsuk_frontend_jinja.__name__)]
            ),
        }

    return LinklineFlask(name, static_folder=None, template_folder=None)


def dress(app: Flask, settings: Settings) -> None:
    """Serve the built front end and tell the templates where it is."""
    version = VERSION_FILE.read_text(encoding="utf-8").strip() if VERSION_FILE.is_file() else ""
    if version:
        app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
            app.wsgi_app,
            root=str(BUILD),
            prefix="static/",
            allow_all_origins=False,
            immutable_file_test=lambda _path, url: bool(_IMMUTABLE.match(url)),
            add_headers_function=_only_as_it_is,
        )
    else:
        log.warning("front_end_not_built")
    app.jinja_env.globals["asset"] = lambda name: f"/static/{version or 'missing'}/{name}"
    app.jinja_env.globals["simulator"] = not settings.is_production
    app.jinja_env.filters["clock"] = lambda moment: f"{in_london(moment):%H:%M}"
    app.jinja_env.filters["moment"] = lambda moment: f"{in_london(moment):%-d %B %Y, %H:%M}"


def _only_as_it_is(headers: object, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"  # type: ignore[index]
