"""All tables in one place, for those who need the whole record: migrations, export, tests."""

from models.base import Base
from models.conversations import Conversation, OpenQuestion, Turn
from models.messages import DeliveryReceipt, InboundMessage, OutboundMessage
from models.people import Consent, ContactPoint, Hub, OptOut, Patient
from models.referrals import Need, Referral
from models.safety import SafetyAlert, Task
from models.staff import AuditEvent, Heartbeat, Staff, StaffHub

__all__ = [
    "AuditEvent",
    "Base",
    "Consent",
    "ContactPoint",
    "Conversation",
    "DeliveryReceipt",
    "Heartbeat",
    "Hub",
    "InboundMessage",
    "Need",
    "OpenQuestion",
    "OptOut",
    "OutboundMessage",
    "Patient",
    "Referral",
    "SafetyAlert",
    "Staff",
    "StaffHub",
    "Task",
    "Turn",
]
