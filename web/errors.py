"""Kind error pages: HTML for people, JSON for scripts, and never a word of what went wrong inside."""

from __future__ import annotations

from typing import Final

import structlog
from flask import Flask, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from messaging import webchat_views
from messaging.page_texts import BadRequestError
from messaging.spool import SpoolError
from models.logs import describe

log = structlog.get_logger()

#: Status: (heading, what to do about it).
WORDS: Final[dict[int, tuple[str, str]]] = {
    400: ("We could not read that", "Go back and try again."),
    403: ("You cannot see this page", "If you think that you should, ask the people who run this service."),
    404: ("Page not found", "Check the address, or start again from the first page."),
    405: ("That does not work here", "Go back and try again."),
    413: ("That is too long", "Go back and send it in smaller pieces."),
    415: ("We could not read that", "Send it as application/json."),
    500: ("Sorry, there is a problem with the service", "Try again in a few minutes."),
    503: ("Sorry, the service is not working at the moment", "Try again in a few minutes."),
}
_JSON_PATHS: Final = ("/chat/messages", "/phone/", "/webhooks/", "/healthz", "/readyz")


def register(app: Flask) -> None:
    """Answer every error of this app."""
    app.register_error_handler(CSRFError, _form_too_old)
    app.register_error_handler(BadRequestError, _bad_request)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SQLAlchemyError, _not_stored)
    app.register_error_handler(SpoolError, _not_stored)
    app.register_error_handler(Exception, _unforeseen)


def answer(status: int, advice: str = "") -> ResponseReturnValue:
    """The page, or the JSON, for this status. `advice` is a plain sentence that replaces the usual one."""
    heading, usual = WORDS.get(status, WORDS[500 if status >= 500 else 400])  # noqa: PLR2004 - classes of status
    if _wants_json():
        return make_response(jsonify(error=advice or f"{heading}. {usual}"), status)
    return make_response(render_template("error.html", heading=heading, advice=advice or usual), status)


def _form_too_old(_error: Exception) -> ResponseReturnValue:
    if request.path == "/chat":
        return webchat_views.form_too_old()
    return answer(400, "This page was open for a long time. Go back, load it again and send it once more.")


def _bad_request(error: Exception) -> ResponseReturnValue:
    status = error.status if isinstance(error, BadRequestError) else 400
    return answer(status, str(error))


def _http(error: Exception) -> ResponseReturnValue:
    if not isinstance(error, HTTPException) or error.code is None:
        return answer(500)
    if error.response is not None or error.code < 400:  # noqa: PLR2004 - a redirect is not an error
        return error.get_response()
    made = make_response(answer(error.code))
    # "Allow" with 405, "Retry-After" with 503.
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            made.headers[name] = value
    return made


def _not_stored(error: Exception) -> ResponseReturnValue:
    log.error("request_not_served", endpoint=request.endpoint, error=describe(error))
    return answer(503)


def _unforeseen(error: Exception) -> ResponseReturnValue:
    log.error("request_broke", endpoint=request.endpoint, error=describe(error))
    return answer(500)


def _wants_json() -> bool:
    if request.path.startswith(_JSON_PATHS):
        return True
    accepts = request.accept_mimetypes
    return accepts.quality("application/json") > accepts.quality("text/html")
