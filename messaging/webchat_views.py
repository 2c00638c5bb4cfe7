"""The web chat: one page, and two JSON addresses behind it. The same path as a text, another channel.

Another site cannot post in a visitor's name: the cookie is SameSite=Lax, a JSON post must say
`application/json` (which a browser lets no other site send without asking us first, and we never
agree), and the form for browsers without scripts carries a CSRF token (checked in `web/`).
"""

from __future__ import annotations

from uuid import uuid4

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from messaging import intake, threads, visitors
from messaging.channels.base import IncomingText
from messaging.page_texts import (
    BODY_LIMIT,
    BadRequestError,
    checked_text,
    entry_json,
    message_uuid,
    number_after,
    posted,
)
from models.enums import Channel
from models.session import reading
from models.settings import Settings

TEXT_LIMIT = 5_000

blueprint = Blueprint("webchat", __name__)


@blueprint.get("/chat")
def page() -> ResponseReturnValue:
    """The chat page with the thread so far; it works without JavaScript."""
    return _page(_visitor() or visitors.new_visitor())


@blueprint.post("/chat")
def send_form() -> ResponseReturnValue:
    """A message from a browser without scripts; afterwards the page again, by a GET."""
    visitor = _visitor() or visitors.new_visitor()
    text = request.form.get("text", "").replace("\r\n", "\n")
    if not text.strip():
        return _page(visitor, error="Write a message first.", status=400)
    try:
        _take_in(
            visitor, message_uuid(request.form.get("id") or str(uuid4())), checked_text(text, TEXT_LIMIT)
        )
    except BadRequestError as problem:
        return _page(visitor, draft=text, error=str(problem), status=problem.status)
    return _with_cookie(make_response(redirect("/chat#latest", 303)), visitor)


def form_too_old() -> Response:
    """The page again with what was written, when its token was no longer good: nothing is lost."""
    visitor = _visitor() or visitors.new_visitor()
    error = "This page was open for a long time. Your message is still here. Please send it again."
    return _page(visitor, draft=request.form.get("text", ""), error=error, status=400)


@blueprint.post("/chat/end")
def end() -> ResponseReturnValue:
    """Forget this visitor in this browser, for people who share a computer."""
    answer = make_response(redirect("/chat?ended=1", 303))
    answer.delete_cookie(visitors.COOKIE, path="/")
    return answer


@blueprint.post("/chat/messages")
def send_json() -> ResponseReturnValue:
    """Take in one message; 202 once it is stored. The same id again is the same message."""
    if not request.is_json:
        raise BadRequestError("Send the message as application/json.", 415)
    request.max_content_length = BODY_LIMIT
    message = posted(request.get_data(cache=False), limit=TEXT_LIMIT)
    message_id = message_uuid(message.message_id)
    visitor = _visitor() or visitors.new_visitor()
    _take_in(visitor, message_id, message.text)
    return _with_cookie(make_response(jsonify(stored=True, id=message_id), 202), visitor)


@blueprint.get("/chat/messages")
def messages() -> ResponseReturnValue:
    """The visitor's thread above `after`; empty for somebody without a cookie of ours."""
    after = number_after(request.args.get("after"))
    return jsonify(messages=[entry_json(entry) for entry in _thread(_visitor(), after)])


def _take_in(visitor: str, message_id: str, text: str) -> None:
    intake.take_in(
        IncomingText(
            channel=Channel.WEBCHAT.value,
            account=visitor,
            provider_id=message_id,
            from_address=visitor,
            to_address="",
            text=text,
        )
    )


def _thread(visitor: str | None, after: int = 0) -> list[threads.Entry]:
    if visitor is None:
        return []
    with reading() as session:
        conversation = threads.find(session, Channel.WEBCHAT, visitor)
        if conversation is None:
            return []
        return threads.entries(session, conversation.id, after=after, reached_only=True)


def _page(visitor: str, *, draft: str = "", error: str = "", status: int = 200) -> Response:
    html = render_template(
        "chat.html",
        thread=_thread(visitor),
        draft=draft,
        error=error,
        limit=TEXT_LIMIT,
        message_id=str(uuid4()),
        ended="ended" in request.args,
    )
    return _with_cookie(make_response(html, status), visitor)


def _visitor() -> str | None:
    return visitors.read(request.cookies.get(visitors.COOKIE), _settings())


def _with_cookie(answer: Response, visitor: str) -> Response:
    settings = _settings()
    answer.set_cookie(
        visitors.COOKIE,
        visitors.signed(visitor, settings),
        max_age=visitors.COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.public_address.startswith("https://"),
    )
    return answer


def _settings() -> Settings:
    settings: Settings = current_app.config["LINKLINE"]
    return settings
