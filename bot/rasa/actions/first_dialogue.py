"""The first dialogue: welcome, OK, the person's own words, and the small talk around them.

Which action answers which intent is in `data/rules/`; what is said is in `wording.yml`. A bare
yes or no is only ever an answer to `question`, the one that the last reply left open.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.speech import Speech

#: The wording of the welcome that a consent was given to; goes up when its meaning changes.
WELCOME_VERSION = "welcome-1"
OK = ("OK",)
OK_OR_NO = ("OK", "NO")


class Answer(Action, ABC):
    """An action that says something and remembers what it must; understanding resets the misses."""

    understood = True

    @property
    @abstractmethod
    def action(self) -> str:
        """The name the domain and the rules know it by. Abstract, so that rasa_sdk skips the base."""

    def name(self) -> str:
        """The same, where rasa_sdk looks for it."""
        return self.action

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> list[dict[str, Any]]:
        """Answer; returns the slots that changed, as events."""
        speech = Speech(dispatcher, tracker)
        if self.understood and speech.misses:
            speech.remember(misses=0)
        self.answer(speech)
        return speech.events()

    @abstractmethod
    def answer(self, speech: Speech) -> None:
        """Say what there is to say."""


class Simple(Answer):
    """Says one reply, whatever went before. The welcome's question stays open where it is repeated."""

    @property
    @abstractmethod
    def reply(self) -> str:
        """The wording's name."""

    def answer(self, speech: Speech) -> None:
        """Say it; in the stage where we wait for OK, an OK still answers the welcome."""
        waiting = speech.stage == "welcomed"
        speech.say(self.reply, choices=OK if waiting else ())
        speech.remember(question="ok" if waiting else "nothing")


class Welcome(Answer):
    """The first thing anybody hears from the line."""

    action = "action_welcome"

    def answer(self, speech: Speech) -> None:
        """Say who this is, and wait for OK."""
        speech.say("welcome", choices=OK)
        speech.remember(stage="welcomed", question="ok", first_said=speech.intent)


class Consent(Answer):
    """OK to the welcome."""

    action = "action_consent"

    def answer(self, speech: Speech) -> None:
        """Report the consent, start the referral, ask what would help."""
        speech.report("consent_given", scope="contact", text_version=WELCOME_VERSION)
        speech.report("referral_started")
        speech.remember(stage="asked", question="nothing")
        if speech.first_said == "speak_to_human" and not speech.handed_over:
            speech.report("handover_requested")
            speech.remember(handed_over=True)
            speech.say("consent_after_wish_for_person")
        elif speech.first_said in {"self_refer", "wellbeing_update"}:
            speech.say("consent_after_reason")
        else:
            speech.say("consent")
        speech.remember(first_said=None)


class DeclineWelcome(Answer):
    """No to the welcome."""

    action = "action_decline_welcome"

    def answer(self, speech: Speech) -> None:
        """Leave it there; an OK later on has to be asked for again."""
        speech.say("decline_welcome")
        speech.remember(question="nothing")


class TakeWords(Answer):
    """What would help, in the person's own words."""

    action = "action_take_words"

    def answer(self, speech: Speech) -> None:
        """Thank them; the app keeps the words, which it has already."""
        speech.report("words_for_link_worker")
        speech.say("take_words")
        speech.remember(question="nothing")


class ReasonBeforeConsent(Answer):
    """A reason for help that came before the OK."""

    action = "action_reason_before_consent"

    def answer(self, speech: Speech) -> None:
        """Acknowledge it and ask for the OK again; afterwards it is not asked for a second time."""
        speech.say("reason_before_consent", choices=OK)
        speech.remember(question="ok", first_said=speech.intent)


class Handover(Answer):
    """A person is wanted."""

    action = "action_handover"

    def answer(self, speech: Speech) -> None:
        """Report it once; say that a link worker will be told, and promise no time."""
        again = speech.handed_over
        if not again:
            speech.report("handover_requested")
        speech.say("handover_again" if again else "handover")
        speech.remember(handed_over=True, question="nothing")


class DeclinePerson(Simple):
    """No to the offer of a person."""

    action = "action_decline_person"
    reply = "decline_person"

    def answer(self, speech: Speech) -> None:
        """Go on; this reply does not ask for the OK, so an OK does not give it."""
        speech.say(self.reply)
        speech.remember(question="nothing")


class Fallback(Answer):
    """Not understood: other words, then the offer of a person, then a person is told."""

    action = "action_fallback"
    understood = False

    def answer(self, speech: Speech) -> None:
        """Take the next step of the three; after a person was told it starts again."""
        misses = speech.misses + 1
        if misses == 1 or speech.handed_over:
            waiting = speech.stage == "welcomed"
            speech.say("fallback_other_words", choices=OK if waiting else ())
            speech.remember(misses=1, question="ok" if waiting else "nothing")
        elif misses == 2:  # noqa: PLR2004 - the second in a row
            speech.say("fallback_offer_person", choices=OK_OR_NO)
            speech.remember(misses=2, question="person")
        else:
            speech.report("handover_requested")
            speech.say("fallback_handover")
            speech.remember(misses=0, handed_over=True, question="nothing")


class NoWords(Simple):
    """Emoji only, or nothing at all."""

    action = "action_no_words"
    reply = "no_words"

    def answer(self, speech: Speech) -> None:
        """Ask for words; what was open stays open."""
        speech.say(self.reply)


class Thanks(NoWords):
    """Thank you. What was open stays open."""

    action = "action_thanks"
    reply = "thanks"


class Goodbye(NoWords):
    """Goodbye. What was open stays open."""

    action = "action_goodbye"
    reply = "goodbye"


class Help(NoWords):
    """How do I use this. What was open stays open."""

    action = "action_help"
    reply = "help"


class OutOfScope(NoWords):
    """Not for this service. What was open stays open."""

    action = "action_out_of_scope"
    reply = "out_of_scope"


class Greet(Simple):
    """Hello."""

    action = "action_greet"
    reply = "greet"


class ServiceInfo(Simple):
    """What is this, what does it cost, are you a robot."""

    action = "action_service_info"
    reply = "service_info"


class Affirm(Simple):
    """A yes to nothing."""

    action = "action_affirm"
    reply = "affirm"


class Deny(Answer):
    """A no to nothing."""

    action = "action_deny"

    def answer(self, speech: Speech) -> None:
        """Leave it there."""
        speech.say("deny")
        speech.remember(question="nothing")
