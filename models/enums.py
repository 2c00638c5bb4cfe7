"""The words that statuses may take in the record. Stored by value, with a CHECK constraint each."""

from enum import StrEnum


class Channel(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    WEBCHAT = "webchat"
    SIMULATOR = "simulator"


class ContactKind(StrEnum):
    PHONE = "phone"
    WEBCHAT = "webchat"


class Sender(StrEnum):
    """Who a text to a person is from. `SYSTEM` texts (crisis, opt-out) read as the bot's to them."""

    BOT = "bot"
    SYSTEM = "system"
    LINK_WORKER = "link_worker"


class Purpose(StrEnum):
    """Why a text goes out; the send guard and the order of sending depend on it."""

    REPLY = "reply"
    CRISIS = "crisis"
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    OPT_IN_CONFIRMATION = "opt_in_confirmation"
    HELP = "help"
    HOLDING = "holding"
    LINK_WORKER = "link_worker"


class DeliveryStatus(StrEnum):
    """Where a text to a person is. `messaging/delivery_status.py` says which may follow which."""

    QUEUED = "queued"
    HELD = "held"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class TurnKind(StrEnum):
    """Who dealt with the texts of a turn."""

    BOT = "bot"
    SAFETY = "safety"
    KEYWORD = "keyword"
    PERSON = "person"
    OPTED_OUT = "opted_out"
    NOT_SAFE = "not_safe"
    FROZEN = "frozen"


class OptChoice(StrEnum):
    OUT = "out"
    IN = "in"


class OptScope(StrEnum):
    CHECK_INS = "check_ins"
    ALL = "all"
    ERASE = "erase"


class ConsentScope(StrEnum):
    CONTACT = "contact"
    GP_SHARING = "gp_sharing"


class QuestionStatus(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class ReferralSource(StrEnum):
    SELF = "self"
    GP = "gp"
    PROFESSIONAL = "professional"
    CARER = "carer"


class ReferralStatus(StrEnum):
    STARTED = "started"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    CLOSED = "closed"
    DECLINED = "declined"


class Reason(StrEnum):
    """Why a person seeks support; the list the report counts by."""

    LONELINESS_ISOLATION = "loneliness_isolation"
    LOW_MOOD_ANXIETY_STRESS = "low_mood_anxiety_stress"
    MONEY_DEBT_BENEFITS = "money_debt_benefits"
    HOUSING = "housing"
    PHYSICAL_ACTIVITY_WEIGHT = "physical_activity_weight"
    LONG_TERM_CONDITION = "long_term_condition"
    CANCER_SUPPORT = "cancer_support"
    LONG_COVID = "long_covid"
    CARING_RESPONSIBILITIES = "caring_responsibilities"
    BEREAVEMENT = "bereavement"
    WORK_VOLUNTEERING_LEARNING = "work_volunteering_learning"
    FOOD_FUEL_POVERTY = "food_fuel_poverty"
    DRUGS_ALCOHOL = "drugs_alcohol"
    DOMESTIC_FAMILY_RELATIONSHIPS = "domestic_family_relationships"
    DEMENTIA_MEMORY = "dementia_memory"
    OTHER = "other"


class AlertKind(StrEnum):
    """The lane an alert goes down."""

    RISK_DISCLOSURE = "risk_disclosure"
    SAFEGUARDING = "safeguarding"
    MEDICAL_EMERGENCY = "medical_emergency"
    #: The safety net itself failed on this text: a person must read it.
    NOT_SCREENED = "not_screened"


class AlertLevel(StrEnum):
    """`urgent`: a person must look now. `soft`: a gentle check and a note. `routine`: a note."""

    URGENT = "urgent"
    SOFT = "soft"
    ROUTINE = "routine"


class AlertStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class TaskKind(StrEnum):
    """Something a link worker must do; open until somebody says it is done."""

    PHONE_THIS_PERSON = "phone_this_person"
    CALL_REQUESTED = "call_requested"
    TEXT_NOT_DELIVERED = "text_not_delivered"
    TEXT_NOT_ANSWERED = "text_not_answered"
    READ_PICTURE = "read_picture"


class TaskStatus(StrEnum):
    OPEN = "open"
    DONE = "done"


class StaffRole(StrEnum):
    LINK_WORKER = "link_worker"
    TEAM_LEAD = "team_lead"
    ADMIN = "admin"
    COMMISSIONER = "commissioner"
