"""STOP, START and HELP: the words a carrier acts on, and plain ways of saying the same.

Only what cannot be meant otherwise is taken here. "Stop" about life, pain, a person or a bus is
no keyword; opting out by meaning is a separate step with a gentler answer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Keyword(StrEnum):
    """What the person wants of the line itself."""

    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class KeywordMatch:
    """A keyword found. `exact`: Twilio knows this word too and answers it itself on SMS.

    `word` is the word used, in capitals, so that a CANCEL, END or QUIT after an appointment text can
    be told apart from a STOP, and a YES from a START.
    """

    keyword: Keyword
    exact: bool
    word: str


#: Twilio's default words, read 2026-11-22. They count only as the whole message, in any case.
_EXACT: Final = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), Keyword.STOP
    ),
    **dict.fromkeys(("START", "YES", "UNSTOP"), Keyword.START),
    **dict.fromkeys(("HELP", "INFO"), Keyword.HELP),
}
#: No clear request needs more, and a long text is for the other readers.
_LONGEST: Final = 160

_POLITE = (
    r"(?:please|pls|plz|plse|thanks|thankyou|thank you|thx|ta|cheers|now|ok|okay|hi|hello|sorry|kindly|"
    r"immediately|asap|wrong number|many thanks|thank u|right now|at once|from now on)"
)
_ASK = r"(?:(?:can|could|would|will) (?:you|u|we) (?:please )?(?:just )?)?"
_WISH = rf"(?:{_ASK}|(?:i )?(?:want|wish|need) (?:you )?to |(?:id|i would|would) like (?:you )?to |let me )"
_TEXT = r"(?:texts?|txts?|messages?|msgs?|sms|text messages?|notifications?|reminders?)"
_SUCH = r"(?:(?:the|these|this|those|your|all|any|any more|more|all the|all these|all your|me) ){0,2}"
_TO_ME = r"(?: (?:to )?(?:me|us|my phone|this number|my number|here))?"
_AGAIN = r"(?: (?:again|any ?more|any longer|ever again|ever))?"
_DOING = r"(?:texting|txting|messaging|contacting|sending)"

_STOP_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        rf"{_ASK}(stop)(?: stop)*(?: all)?",
        r"(stop ?all|opt ?out|revoke|unsubscribe|unsub|unsubcribe|unsuscribe|unsubscibe)",
        rf"{_WISH}(unsubscribe|unsub)(?: me)?(?: from (?:{_SUCH}(?:{_TEXT}|list|service)|this|here))?",
        rf"{_WISH}(opt) (?:me )?out(?: of {_SUCH}(?:{_TEXT}|service|this))?",
        rf"{_WISH}(stop|quit) {_DOING}(?: {_SUCH}{_TEXT})?{_TO_ME}{_AGAIN}",
        rf"{_WISH}(stop|end|cancel|quit) (?:getting |receiving )?{_SUCH}{_TEXT}{_TO_ME}{_AGAIN}",
        rf"(no) more (?:of )?{_SUCH}{_TEXT}{_TO_ME}",
        rf"(?:(?:do not|dont|never) )(text|txt|message|contact|send){_TO_ME}(?: {_SUCH}{_TEXT})?{_AGAIN}",
        rf"i (?:do not|dont) want (?:to (?:get|receive) )?(?:any |any more |more |these |your ){{1,2}}({_TEXT}){_AGAIN}",
        rf"{_WISH}(take|remove) me (?:off|from) (?:this|the|your) (?:list|{_TEXT}|service)",
    )
)
_START_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        r"(start|unstop)(?: start)*",
        rf"{_WISH}(opt) (?:me )?(?:back )?in",
        rf"{_WISH}(start|restart|resume) (?:{_DOING}|{_SUCH}{_TEXT}){_TO_ME}{_AGAIN}",
        r"(resubscribe|unstop|subscribe)(?: me)?",
    )
)
_HELP_FORMS: Final = (re.compile(r"(help|info)(?: help)*"), re.compile(r"(help|info) menu"))
_TRIM = re.compile(rf"^(?:{_POLITE} )+|(?: {_POLITE})+$")


def keyword(text: str) -> KeywordMatch | None:
    """The keyword that this whole text is, or None. Takes any string and never raises."""
    bare = text.strip(" \t\r\n")
    # ASCII alone: "ſtop" in capitals would be STOP to Python and not to a carrier.
    if bare.isascii() and (known := _EXACT.get(bare.upper())) is not None:
        return KeywordMatch(known, exact=True, word=bare.upper())
    if len(bare) > _LONGEST:
        return None
    words = _TRIM.sub("", _TRIM.sub("", _words(bare)))
    for kind, forms in (
        (Keyword.STOP, _STOP_FORMS),
        (Keyword.START, _START_FORMS),
        (Keyword.HELP, _HELP_FORMS),
    ):
        for form in forms:
            if found := form.fullmatch(words):
                return KeywordMatch(kind, exact=False, word=_word(kind, found.group(1)))
    return None


def _words(text: str) -> str:
    """Lower-case words with single spaces; signs, emoji and apostrophes gone, "stoppp" as "stop"."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = re.sub(r"['’‘`]", "", folded)
    folded = re.sub(r"([a-z])\1{2,}", r"\1", folded)
    return " ".join(re.findall(r"[^\W_]+", folded))


def _word(kind: Keyword, found: str) -> str:
    word = found.upper().replace(" ", "")
    return word if word in _EXACT else kind.name
