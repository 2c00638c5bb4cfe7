"""The one place that decides, at the moment of sending, whether a text may go out, and says why not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from care import opt_outs
from models import phone_numbers
from models.conversations import Conversation
from models.enums import Channel, Purpose
from models.messages import OutboundMessage
from models.people import ContactPoint
from models.settings import get_settings


class Why(StrEnum):
    """Why a text does not go out. Kept with the text and shown to staff in plain English."""

    OPTED_OUT = "opted_out"
    NOT_SAFE_TO_TEXT = "not_safe_to_text"
    FROZEN = "frozen"
    ERASED = "erased"
    CANNOT_BE_TEXTED = "cannot_be_texted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`stopped_by` is `None` when the text may go now."""

    stopped_by: Why | None

    @property
    def may_go(self) -> bool:
        return self.stopped_by is None


GO = Verdict(None)


def check(session: Session, message: OutboundMessage, conversation: Conversation) -> Verdict:
    """Whether this text may go to this person now. Reads the record as it stands at this moment."""
    contact = session.get_one(ContactPoint, conversation.contact_point_id)
    if contact.address is None:
        return Verdict(Why.ERASED)
    if not contact.safe_to_text:
        return Verdict(Why.NOT_SAFE_TO_TEXT)
    # The one text after STOP says that it worked, where no supplier says so.
    if message.purpose is not Purpose.OPT_OUT_CONFIRMATION and opt_outs.opted_out(session, contact.id):
        return Verdict(Why.OPTED_OUT)
    if conversation.frozen_at is not None:
        return Verdict(Why.FROZEN)
    if not _can_be_texted(conversation.channel, contact.address):
        return Verdict(Why.CANNOT_BE_TEXTED)
    return GO


def _can_be_texted(channel: Channel, address: str) -> bool:
    """A number that has texted us can be texted; a sender's name or a short code cannot."""
    if channel not in (Channel.SMS, Channel.WHATSAPP):
        return True
    if phone_numbers.is_test_number(address):
        return get_settings().test_numbers_allowed
    return phone_numbers.is_e164(address)
