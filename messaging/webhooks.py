"""Twilio's webhooks: inbound texts and status callbacks. Answer at once, work later."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, current_app, request

from messaging import intake, receipts
from messaging.signature import is_signed, public_url
from messaging.spool import SpoolError
from messaging.twilio_forms import NotTwilio, incoming_text, status_update
from models.settings import Settings

#: Twilio's texts are small; anything near this is not a text.
BODY_LIMIT = 256 * 1024
LONGEST_ID = 19
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

blueprint = Blueprint("twilio", __name__, url_prefix="/webhooks/twilio")
log = structlog.get_logger()


@blueprint.before_request
def only_from_twilio() -> Response | None:
    """T0: verify the signature over the public address before the database is touched."""
    request.max_content_length = BODY_LIMIT
    settings: Settings = current_app.config["LINKLINE"]
    url = public_url(settings.public_address, request.path, request.query_string.decode("latin-1"))
    if not is_signed(url, request.form.to_dict(flat=False), request.headers, settings.twilio_auth_token):
        log.warning("webhook_not_signed")
        return Response("This did not come from Twilio.", 403, mimetype="text/plain")
    return None


@blueprint.post("/inbound")
def inbound() -> Response:
    """T1: store the text, then say so. 503 makes Twilio report it as failed, so that it is not lost."""
    try:
        incoming = incoming_text(request.form.to_dict(flat=False))
    except NotTwilio:
        return Response("This is not a text from Twilio.", 400, mimetype="text/plain")
    try:
        taken = intake.take_in(incoming)
    except SpoolError:
        return Response("The text could not be stored. Please send it again.", 503, mimetype="text/plain")
    log.info("text_taken_in", result=taken.value)
    return Response(EMPTY_TWIML, 200, mimetype="text/xml")


@blueprint.post("/status")
def status() -> Response:
    """T4: a receipt. Anything we cannot place is answered 204 too, or Twilio would repeat it."""
    update = status_update(request.form.to_dict(flat=False))
    if update.provider_id:
        receipts.record(
            receipts.Receipt(
                provider_id=update.provider_id,
                status=update.status,
                error_code=update.error_code,
                message_id=_our_id(request.args.get("message", "")),
            )
        )
    return Response(status=204)


def _our_id(raw: str) -> int | None:
    """Our id from the callback's address; nothing for what cannot be an id of the record's 64 bits."""
    is_id = raw.isascii() and raw.isdigit() and len(raw) < LONGEST_ID
    return int(raw) if is_id else None
