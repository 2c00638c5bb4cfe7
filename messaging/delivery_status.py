"""Where a text is, as receipts come in: a pure state machine that any order of receipts leaves the same.

A receipt is a word of the supplier's about one text. Receipts come twice and out of order, so each
word means one status (`_MEANING`) and the statuses stand in one line (`_ORDER`): a receipt can only
move a text further along it. Taking the further of two is the same in any order and any number of
times, which is the whole proof that the last state does not depend on the network.
"""

from __future__ import annotations

from typing import Final

from models.enums import DeliveryStatus

# From the least to the most certain, each with the reason why it stands where it does.
_ORDER: Final[tuple[tuple[DeliveryStatus, str], ...]] = (
    (DeliveryStatus.QUEUED, "nothing has left here; any receipt knows more"),
    (DeliveryStatus.HELD, "the send guard holds it; a receipt shows that it left all the same"),
    (DeliveryStatus.SENDING, "handed over, no answer yet; a receipt may overtake the answer"),
    (DeliveryStatus.UNKNOWN, "the answer was lost; any receipt settles it"),
    (DeliveryStatus.ACCEPTED, "the supplier has it"),
    (DeliveryStatus.CANCELLED, "withdrawn before it left; only proof that it left is stronger"),
    (DeliveryStatus.EXPIRED, "too late to be of use; only proof that it left is stronger"),
    (DeliveryStatus.SENT, "the network has it"),
    (DeliveryStatus.FAILED, "the supplier gave up: later than sent, and the end unless it arrived"),
    (DeliveryStatus.UNDELIVERED, "the network gave up: it says more than the supplier's own failure"),
    (DeliveryStatus.DELIVERED, "it arrived: final. Long texts report a failed part before they arrive"),
)

# Every word in Twilio's list of message statuses (Messages API, 2010-04-01) that tells us something.
_MEANING: Final[dict[str, tuple[DeliveryStatus, str]]] = {
    "accepted": (DeliveryStatus.ACCEPTED, "the messaging service is choosing a sender"),
    "scheduled": (DeliveryStatus.ACCEPTED, "the supplier keeps it until its time"),
    "queued": (DeliveryStatus.ACCEPTED, "it waits at the supplier, not with us"),
    "sending": (DeliveryStatus.ACCEPTED, "the supplier is handing it to the network"),
    "sent": (DeliveryStatus.SENT, "the network has it"),
    "partially_delivered": (DeliveryStatus.SENT, "some of it arrived, so it was sent; not all of it"),
    "canceled": (DeliveryStatus.CANCELLED, "withdrawn at the supplier before it was sent"),
    "failed": (DeliveryStatus.FAILED, "the supplier could not send it"),
    "undelivered": (DeliveryStatus.UNDELIVERED, "the network could not deliver it"),
    "delivered": (DeliveryStatus.DELIVERED, "the network says that it reached the handset"),
    "read": (DeliveryStatus.DELIVERED, "read, so it arrived (WhatsApp)"),
}

# Twilio's words for texts to us; on a text from us they say nothing.
_INBOUND_WORDS: Final = frozenset({"receiving", "received"})

_RANK: Final = {status: rank for rank, (status, _reason) in enumerate(_ORDER)}


def advance(current: DeliveryStatus, reported: str) -> DeliveryStatus:
    """The status after the supplier reported this word; the same status if it says nothing new.

    Total: any string may come. Never moves backwards, and the order and number of receipts make no
    difference. The receipt must be about the latest attempt: once a failed text is queued again,
    the caller leaves out receipts with an earlier attempt's provider id.
    """
    meaning = _MEANING.get(_word(reported))
    if meaning is None:
        return current
    return max(current, meaning[0], key=_RANK.__getitem__)


def is_known(reported: str) -> bool:
    """Whether this word is in the supplier's list; the caller counts those that are not."""
    word = _word(reported)
    return word in _MEANING or word in _INBOUND_WORDS


def _word(reported: str) -> str:
    return reported.strip().lower()
