"""The first safety net: says whether a text needs a person, how soon, and down which lane.

Rules over plain words, sentence by sentence, without the bot and without a model, so that every
alert can be explained by the rules it names. Recall comes before precision. The rules themselves
are data (`rules.yaml`); what this module knows is negation, time and precedence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.safety.normalise import plain_words
from bot.safety.rulebook import Rule, Rulebook, rulebook
from models.enums import AlertKind, AlertLevel

_LEVELS: Final = {AlertLevel.URGENT: 2, AlertLevel.SOFT: 1, AlertLevel.ROUTINE: 0}
#: Where levels are equal: what kills within the hour first, then danger to life, then harm by others.
_KINDS: Final = {AlertKind.MEDICAL_EMERGENCY: 2, AlertKind.RISK_DISCLOSURE: 1, AlertKind.SAFEGUARDING: 0}
#: What a bare "no" can deny: "no chest pain". "No I want to die" is an answer and a cry.
_NOUN = re.compile(
    r"suicid|self ?harm|chest|pains?\b|overdose|stroke|heart|thoughts|abuse|domestic|dark|rape"
)
_WHY: Final = frozenset({"why", "if", "unless"})
_LOOK_BACK: Final = 9


@dataclass(frozen=True, slots=True)
class Alert:
    """What was found: the lane, how soon, and the rules that say so with the version they come from."""

    kind: AlertKind
    level: AlertLevel
    rules: tuple[str, ...]
    rules_version: str


@dataclass(frozen=True, slots=True)
class Screening:
    """The outcome for one text. `reply_key` names the signposting reply (`replies.yaml`), if one is due."""

    alert: Alert | None
    reply_key: str | None


@dataclass(frozen=True, slots=True)
class _Finding:
    rule: str
    kind: AlertKind
    level: AlertLevel
    other_person: bool = False
    silent: bool = False

    @property
    def weight(self) -> tuple[int, int]:
        return _LEVELS[self.level], _KINDS[self.kind]


def screen(text: str, *, asked: str | None = None, under_18: bool = False) -> Screening:
    """Screen one text. `asked` is the line's last message to this person, `under_18` what the record knows.

    Takes any string, never raises, and bounds its work. A text too long to be read whole gets at
    least a soft alert, so that nothing unread passes for safe.
    """
    book = rulebook()
    words = plain_words(text, book.spelling)
    findings = list(_findings(words.sentences, book))
    findings += _answer(words.sentences, asked, book)
    if any(book.phrases["not_safe_to_text"].search(sentence) for sentence in words.sentences):
        rule = "safeguarding.not_safe_to_text"
        findings.append(_Finding(rule, AlertKind.SAFEGUARDING, AlertLevel.URGENT, silent=True))
    if words.cut:
        findings.append(_Finding("engine.too_long", AlertKind.RISK_DISCLOSURE, AlertLevel.SOFT))
    if not findings:
        return Screening(None, None)
    first = max(findings, key=lambda found: found.weight)
    rules = tuple(sorted({found.rule for found in findings}))
    young = under_18 or any(book.phrases["young"].search(sentence) for sentence in words.sentences)
    return Screening(
        Alert(first.kind, first.level, rules, book.version),
        _reply_key(first, findings, young=young),
    )


def _findings(sentences: tuple[str, ...], book: Rulebook) -> Iterator[_Finding]:
    seen: set[tuple[str, str]] = set()
    for position, sentence in enumerate(sentences):
        after = sentences[position + 1] if position + 1 < len(sentences) else ""
        if (sentence, after) in seen:
            continue
        seen.add((sentence, after))
        # What is known to be harmless is blanked out, so that the rest of the sentence still counts.
        bare = book.harmless.sub("~", sentence)
        for rule in book.rules:
            if rule.unless is None or not rule.unless.search(sentence):
                yield from _matches(rule, bare, after, book)


def _matches(rule: Rule, sentence: str, after: str, book: Rulebook) -> Iterator[_Finding]:
    """At most one finding for each level that this rule reaches in this sentence."""
    levels: dict[AlertLevel, bool] = {}
    for found in rule.pattern.finditer(sentence):
        before = sentence[max(0, found.start() - 80) : found.start()]
        if rule.unless_before is not None and rule.unless_before.search(before):
            continue
        level = _level(rule, found, sentence, after, book)
        if level is not None:
            other = book.phrases["other_person"].search(f"{before}{found.group()}") is not None
            levels[level] = levels.get(level, True) and other
        if rule.level in levels and not levels[rule.level]:
            break
    for level, other in levels.items():
        yield _Finding(rule.id, rule.kind, level, other_person=other)


def _level(rule: Rule, found: re.Match[str], sentence: str, after: str, book: Rulebook) -> AlertLevel | None:
    """The rule's level, softened by negation or by a time long past; None when it does not count."""
    before, rest = sentence[: found.start()].split()[-_LOOK_BACK:], sentence[found.end() :]
    if rule.negatable and _negated(before, found.group(), book):
        follows = book.phrases["but"].search(f"{rest[:60]} {after[:20]}")
        return AlertLevel.SOFT if follows and rule.level is AlertLevel.URGENT else None
    told_as_past = _told_as_past(before, found.group(), book)
    if told_as_past and _long_past(sentence, after, book):
        resolved = book.phrases["resolved"].search(f"{sentence} {after}")
        if rule.kind is AlertKind.SAFEGUARDING and not resolved:
            return AlertLevel.SOFT
        return None if rule.past_drops else AlertLevel.ROUTINE
    if rule.kind is AlertKind.MEDICAL_EMERGENCY and told_as_past and _not_now(sentence, book):
        return None if rule.past_drops else AlertLevel.ROUTINE
    return rule.level


def _negated(before: list[str], found: str, book: Rulebook) -> bool:
    """Walk back over the few words that may stand between "not" and the thing; anything else ends the walk."""
    skipped: set[str] = set()
    for position in range(len(before) - 1, -1, -1):
        word = before[position]
        if word == "no":
            return (
                "thoughts" in skipped
                or bool(skipped & {"plans", "plan", "intention", "urge", "desire"})
                or (not skipped and _NOUN.match(found) is not None)
            )
        if word in book.negators:
            # "I don't want to feel suicidal" is a disclosure, and "why don't I kill myself" no denial.
            wishes_otherwise = "want" in skipped and not skipped.isdisjoint({"feel", "be", "have", "keep"})
            return not wishes_otherwise and _WHY.isdisjoint(before[max(0, position - 2) : position])
        if word not in book.between:
            return False
        skipped.add(word)
    return False


def _told_as_past(before: list[str], found: str, book: Rulebook) -> bool:
    """Whether the thing itself is told as past. "Ten years ago he died and I want to die" is not."""
    near = f"{' '.join(before[-5:])} {found}"
    return book.phrases["past_verb"].search(near) is not None and not book.phrases["present"].search(near)


def _not_now(sentence: str, book: Rulebook) -> bool:
    """Weeks or months ago: too late for 999, though never too late for the risk lane."""
    earlier = book.phrases["earlier"].search(sentence)
    return earlier is not None and not book.phrases["right_now"].search(sentence)


def _long_past(sentence: str, after: str, book: Rulebook) -> bool:
    """Years ago, said here or in a next sentence that points back, and not come back since."""
    marked = book.phrases["long_past"].search(sentence)
    if not marked and re.match(r"(?:that|this|it) (?:was|is|were)\b", after):
        marked = book.phrases["long_past"].search(after)
    return marked is not None and not book.phrases["returned"].search(f"{sentence} {after}")


def _answer(sentences: tuple[str, ...], asked: str | None, book: Rulebook) -> list[_Finding]:
    """What a short answer means after a question about safety. Questions are read as texts are."""
    if not asked or not sentences:
        return []
    question = " ".join(plain_words(asked, book.spelling).sentences)
    phrases, start = book.phrases, sentences[0]
    not_yes = phrases["answer_no"].match(start) or phrases["answer_unsure"].match(start)
    if phrases["asks_safe_to_text"].search(question):
        # The answer itself says that no reply is wanted on this phone.
        if phrases["answer_no"].match(start):
            rule = "asked.not_safe_to_text"
            return [_Finding(rule, AlertKind.SAFEGUARDING, AlertLevel.URGENT, silent=True)]
        return []
    if phrases["asks_keep_safe"].search(question) and not_yes:
        return [_Finding("asked.cannot_keep_safe", AlertKind.RISK_DISCLOSURE, AlertLevel.URGENT)]
    if phrases["asks_about_harm"].search(question) and phrases["answer_some"].match(start):
        return [_Finding("asked.thoughts_of_harm", AlertKind.RISK_DISCLOSURE, AlertLevel.URGENT)]
    return []


def _reply_key(first: _Finding, findings: list[_Finding], *, young: bool) -> str | None:
    if any(found.silent for found in findings) or first.level is AlertLevel.ROUTINE:
        return None
    if first.level is AlertLevel.SOFT:
        return "are_you_ok"
    if first.kind is AlertKind.MEDICAL_EMERGENCY:
        return "emergency"
    if first.kind is AlertKind.SAFEGUARDING:
        return "safeguarding"
    if young:
        return "risk_child"
    about_others = all(found.other_person for found in findings if found.weight == first.weight)
    return "risk_other_person" if about_others else "risk_adult"
