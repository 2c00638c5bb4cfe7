"""Which way out each channel has, from the settings."""

from __future__ import annotations

from datetime import datetime

from messaging.channels.base import Accepted, Channel, Failure, OutgoingText, SendError
from messaging.channels.page import PageChannel
from messaging.channels.twilio import TwilioChannel
from models import enums
from models.settings import Settings


class NotSetUpChannel:
    """Stands for a supplier without settings: texts are kept until somebody sets it up."""

    repeat_is_safe = False

    def send(self, message: OutgoingText) -> Accepted:
        """Always raises `SendError` of kind CONFIG."""
        raise SendError(Failure.CONFIG, "not_set_up")

    def taken_on(self, message: OutgoingText, since: datetime) -> list[Accepted]:
        """Always raises `SendError` of kind CONFIG: another process may have sent it, and we cannot ask."""
        raise SendError(Failure.CONFIG, "not_set_up")


def channels(settings: Settings) -> dict[enums.Channel, Channel]:
    """Every channel's way out. Without Twilio's settings, texts and WhatsApp wait."""
    return {
        enums.Channel.SMS: _twilio(settings, whatsapp=False),
        enums.Channel.WHATSAPP: _twilio(settings, whatsapp=True),
        enums.Channel.WEBCHAT: PageChannel("webchat"),
        enums.Channel.SIMULATOR: PageChannel("simulator"),
    }


def _twilio(settings: Settings, *, whatsapp: bool) -> Channel:
    if not settings.twilio_is_set:
        return NotSetUpChannel()
    return TwilioChannel(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.twilio_api_url,
        settings.public_address,
        settings.twilio_messaging_service_sid or None,
        whatsapp=whatsapp,
    )
