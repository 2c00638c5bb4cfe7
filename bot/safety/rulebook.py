"""Loads `rules.yaml` once and compiles it. The engine is in `screen.py`; the judgement is in the data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from bot.safety.normalise import Spelling
from models.enums import AlertKind, AlertLevel

RULES_FILE: Final = Path(__file__).with_name("rules.yaml")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `unless_before` looks at the words just before what was found, `unless` at the whole sentence.

    `past_drops`: in another time than now this rule says nothing, because another lane's rule does.
    """

    id: str
    kind: AlertKind
    level: AlertLevel
    pattern: re.Pattern[str]
    unless_before: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    negatable: bool
    past_drops: bool


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All the rules, and the words and phrases that the engine needs to judge them in context."""

    version: str
    spelling: Spelling
    rules: tuple[Rule, ...]
    harmless: re.Pattern[str]
    negators: frozenset[str]
    between: frozenset[str]
    phrases: Mapping[str, re.Pattern[str]]


@cache
def rulebook() -> Rulebook:
    """The rules in force. Raises `ValueError` or `KeyError` at start, never while screening, if the file is wrong."""
    return read_rulebook(RULES_FILE.read_text(encoding="utf-8"))


def read_rulebook(source: str) -> Rulebook:
    """Compile rules from YAML text; raises `ValueError` for a rule id given twice."""
    data: dict[str, Any] = yaml.safe_load(source)
    macros = _macros(data["macros"])
    rules = tuple(_rule(item, macros) for item in data["rules"])
    if len({rule.id for rule in rules}) != len(rules):
        raise ValueError("a rule id is given twice")
    # Where a rule says "cutting", people also write "cuttin".
    dropped = {word[:-1]: word for word in re.findall(r"\b[a-z]{3,}ing\b", source)}
    spelling = Spelling(
        known=frozenset(data["known_words"].split()),
        forms=dropped | {str(key): str(value) for key, value in data["spellings"].items()},
    )
    return Rulebook(
        version=str(data["version"]),
        spelling=spelling,
        rules=rules,
        harmless=_compile(data["harmless"], macros),
        negators=frozenset(data["negators"].split()),
        between=frozenset(data["between"].split()),
        phrases={name: _compile(forms, macros) for name, forms in data["phrases"].items()},
    )


def _macros(raw: Mapping[str, str]) -> dict[str, str]:
    """Each macro may use the ones above it."""
    done = {f"<g{size}>": rf"(?:[\w,]+ ){{0,{size}}}" for size in range(1, 13)}
    for name, body in raw.items():
        done[f"<{name}>"] = f"(?:{_expand(body, done)})"
    return done


def _expand(form: str, macros: Mapping[str, str]) -> str:
    return _whole_words(re.sub(r"<[a-z]\w*>", lambda found: macros[found.group()], form))


def _whole_words(form: str) -> str:
    """End every negative look-ahead at the end of a word, or "not before 'a'" would also mean "again"."""
    done, at = "", 0
    while (start := form.find("(?!", at)) != -1:
        depth, end = 1, start + 3
        while depth:
            depth += {"(": 1, ")": -1}.get(form[end], 0)
            end += 1
        done += f"{form[at:start]}(?!(?:{form[start + 3 : end - 1]})(?!\\w))"
        at = end
    return done + form[at:]


def _compile(forms: list[str], macros: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(_expand(form, macros) for form in forms)})(?!\w)")


def _rule(item: Mapping[str, Any], macros: Mapping[str, str]) -> Rule:
    before, unless = item.get("unless_before"), item.get("unless")
    return Rule(
        id=str(item["id"]),
        kind=AlertKind(item["kind"]),
        level=AlertLevel(item["level"]),
        pattern=_compile(item["any"], macros),
        unless_before=re.compile(rf"(?:{_expand(before, macros)}) $") if before else None,
        unless=_compile(unless, macros) if unless else None,
        negatable=bool(item.get("negatable", True)),
        past_drops=item.get("past") == "drop",
    )
