"""The phone simulator: several handsets side by side with the real line behind them. Never in production.

Only numbers that Ofcom keeps for drama may be used, so no text of it can ever be a real person's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from flask import Blueprint, current_app, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from messaging import intake
from messaging.channels.base import IncomingText
from messaging.page_texts import BODY_LIMIT, BadRequestError, checked_text, number_after, posted
from models.enums import Channel
from models.session import reading
from models.settings import Settings
from web import phone_lines
from web.phone_lines import Line

#: Ten parts, Twilio's limit for one text.
TEXT_LIMIT: Final = 1_600
START_WITH: Final = 3
MOST_HANDSETS: Final = 12

blueprint = Blueprint("phone", __name__)


@dataclass(frozen=True, slots=True)
class Handset:
    """One phone on the page: its number, the line that it texts, and what was said."""

    digits: str
    line: Line
    thread: tuple[dict[str, Any], ...] = ()
    draft: str = ""
    error: str = ""

    @property
    def e164(self) -> str:
        return f"+447700900{self.digits}"

    @property
    def shown(self) -> str:
        return f"07700 900{self.digits}"

    @property
    def key(self) -> str:
        """How the page's address names this handset."""
        return f"{self.digits}.{self.line.slug}"


@blueprint.get("/phone")
def page() -> ResponseReturnValue:
    """The handsets that the address names, three to begin with; `number` and `to` add or change one."""
    keys = request.args.getlist("handset")
    wanted = request.args.get("number", "")
    problem = ""
    if wanted:
        try:
            keys.append(f"{phone_lines.drama_number(wanted)[-3:]}.{request.args.get('to', '')}")
        except BadRequestError as error:
            problem = str(error)
    with reading() as session:
        html = _render(session, _handsets(session, keys), wanted=wanted if problem else "", problem=problem)
    return html, 404 if problem else 200


@blueprint.post("/phone")
def send_form() -> ResponseReturnValue:
    """A text from a browser without scripts; afterwards the page again, by a GET."""
    e164 = phone_lines.drama_number(request.form.get("number", ""))
    slug = request.form.get("to", "")
    text = (request.form.get("choice") or request.form.get("text", "")).replace("\r\n", "\n")
    keys = request.form.getlist("handset")
    with reading() as session:
        line = phone_lines.line_called(session, _settings(), slug)
        try:
            checked = checked_text(text, TEXT_LIMIT)
        except BadRequestError as problem:
            handsets = [
                replace(h, draft=text, error=str(problem)) if (h.e164, h.line) == (e164, line) else h
                for h in _handsets(session, keys)
            ]
            return _render(session, handsets), problem.status
    _take_in(e164, line, checked, str(uuid4()))
    return redirect(f"/phone?{_query(keys)}#handset-{e164[-3:]}", 303)


@blueprint.post("/phone/<number>/messages")
def send_json(number: str) -> ResponseReturnValue:
    """Take in one text from a handset; 202 once it is stored. The same id again is the same text."""
    e164 = phone_lines.drama_number(number)
    if not request.is_json:
        raise BadRequestError("Send the text as application/json.", 415)
    request.max_content_length = BODY_LIMIT
    text = posted(request.get_data(cache=False), limit=TEXT_LIMIT)
    message_id = text.message_id or str(uuid4())
    with reading() as session:
        line = _line(session, e164, text.to)
    _take_in(e164, line, text.text, message_id)
    return jsonify(stored=True, id=message_id, to=line.slug), 202


@blueprint.get("/phone/<number>/messages")
def messages(number: str) -> ResponseReturnValue:
    """What the handset shows above `after`. `unsent=1` adds what it does not show, and says why."""
    e164 = phone_lines.drama_number(number)
    after = number_after(request.args.get("after"))
    unsent = request.args.get("unsent") == "1"
    with reading() as session:
        line = _line(session, e164, request.args.get("to"))
        found = phone_lines.thread(session, e164, line, after=after, unsent=unsent)
    return jsonify(messages=found)


def _take_in(e164: str, line: Line, text: str, message_id: str) -> None:
    intake.take_in(
        IncomingText(
            channel=Channel.SIMULATOR.value,
            # One handset's ids are its own: the same id from another handset is another text.
            account=f"simulator:{e164}",
            provider_id=message_id[:100],
            from_address=e164,
            to_address=line.address,
            text=text,
        )
    )


def _line(session: Session, e164: str, slug: str | None) -> Line:
    if slug:
        return phone_lines.line_called(session, _settings(), slug)
    return phone_lines.line_texted(session, _settings(), e164)


def _handsets(session: Session, keys: list[str]) -> list[Handset]:
    """The handsets named in the address ("001.riverside"); what cannot be read is left out."""
    lines = phone_lines.lines(session, _settings())
    named = {line.slug: line for line in lines}
    found: dict[str, Handset] = {}
    for key in keys:
        digits, _, slug = key.partition(".")
        if len(found) >= MOST_HANDSETS and digits not in found:
            continue
        if len(digits) == 3 and digits.isascii() and digits.isdigit():  # noqa: PLR2004 - 000 to 999
            found[digits] = Handset(digits, named.get(slug, lines[0]))
    if not found:
        found = {f"{i:03}": Handset(f"{i:03}", lines[0]) for i in range(1, START_WITH + 1)}
    return [
        replace(handset, thread=tuple(phone_lines.thread(session, handset.e164, handset.line, unsent=True)))
        for handset in found.values()
    ]


def _render(session: Session, handsets: list[Handset], *, wanted: str = "", problem: str = "") -> str:
    keys = [handset.key for handset in handsets]
    return render_template(
        "phone.html",
        handsets=handsets,
        lines=phone_lines.lines(session, _settings()),
        limit=TEXT_LIMIT,
        here=f"/phone?{_query(keys)}",
        without={key: f"/phone?{_query([k for k in keys if k != key])}" for key in keys},
        free=_free_digits(handsets),
        can_add=len(handsets) < MOST_HANDSETS,
        wanted=wanted,
        problem=problem,
    )


def _free_digits(handsets: list[Handset]) -> str:
    taken = {handset.digits for handset in handsets}
    return next(f"{i:03}" for i in range(1, 1000) if f"{i:03}" not in taken)


def _query(keys: list[str]) -> str:
    return urlencode([("handset", key) for key in keys])


def _settings() -> Settings:
    settings: Settings = current_app.config["LINKLINE"]
    return settings
