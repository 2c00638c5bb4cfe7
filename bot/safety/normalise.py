"""One plain form for the many ways people write: lower-case words, one sentence at a time.

Nothing here decides what a text means. It undoes spelling, masking and ornament ("s u i c i d e",
"k*ll", "d1e", bold letters, stacked accents), so that the rules can be written once, in plain words.
The work is bounded whatever comes in: a text too long to be read whole is cut in the middle, and
the caller is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Longest text that is read whole, in characters; a text message is at most 1,600.
READ_WHOLE: Final = 8_000
_KEEP_HEAD: Final = 6_000
_RAW_LIMIT: Final = 100_000

_APOSTROPHES = re.compile(r"['\u2019\u2018\u02bc\u0060\u00b4\u2032\uff07]")
_SPELLED_OUT = re.compile(r"(?<![a-z0-9])[a-z0-9](?:[ .\-_*]{1,2}[a-z0-9](?![a-z0-9])){2,}")
_MASKED = re.compile(r"\S+")
_MASK_SIGNS: Final = frozenset("*#@$!|0134578_")
_STANDS_FOR: Final = {
    "@": "a", "4": "a", "$": "s", "5": "s", "!": "i", "1": "il", "|": "il", "0": "o", "3": "e", "7": "t", "8": "b",
}  # fmt: skip
_WILD: Final = frozenset("*#_")
_SENTENCE_END = re.compile(r"(?<!\.)\.(?!\.)|[!?;\n\r]+")
_TOKEN = re.compile(r"[^\W_]+|,")
_THRICE = re.compile(r"(.)\1\1")
_RUN = re.compile(r"(.)\1+")
_EMOJI: Final = {"\U0001f52a": " knifeemoji ", "\U0001f5e1": " knifeemoji ", "\U0001f48a": " pillsemoji "}
_LOOKALIKES = str.maketrans("асеорхуіѕјԁӏ", "aceopxyisjdl")
_CYRILLIC = re.compile(r"[\u0400-\u04ff\u0500-\u052f]")


@dataclass(frozen=True, slots=True)
class Spelling:
    """How words are mended. `known` are words worth recognising when masked; `forms` maps one spelling to words."""

    known: frozenset[str]
    forms: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in plain form. `cut` says that the middle of a very long one was left out."""

    sentences: tuple[str, ...]
    cut: bool


def plain_words(text: str, spelling: Spelling) -> Plain:
    """Fold a text and split it into sentences of plain words, commas kept as words of their own."""
    raw, cut_raw = _bounded(text, _RAW_LIMIT // 5)
    folded, cut_folded = _bounded(_fold(raw), READ_WHOLE)
    folded = _SPELLED_OUT.sub(lambda found: _join_letters(found.group(), spelling), folded)
    folded = _MASKED.sub(lambda found: _unmask(found.group(), spelling), folded)
    # Dots of hesitation do not end a thought: "I can't... go on".
    folded = re.sub(r"\.{2,}", " ", folded)
    sentences = (_sentence(part, spelling) for part in _SENTENCE_END.split(folded))
    return Plain(tuple(sentence for sentence in sentences if sentence), cut_raw or cut_folded)


def _bounded(text: str, limit: int) -> tuple[str, bool]:
    if len(text) <= limit:
        return text, False
    head = limit * _KEEP_HEAD // READ_WHOLE
    return f"{text[:head]}\n{text[head - limit :]}", True


def _fold(text: str) -> str:
    for emoji, word in _EMOJI.items():
        text = text.replace(emoji, word)
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    kept = [sign for sign in decomposed if sign in "\n\r\t" or unicodedata.category(sign)[0] not in "MC"]
    folded = "".join(kept)
    if _CYRILLIC.search(folded) and re.search(r"[a-z]", folded):
        folded = folded.translate(_LOOKALIKES)
    folded = re.sub(r"\bo\.?d'e?d\b", "overdosed", _APOSTROPHES.sub("'", folded)).replace("'", "")
    # A dash with room around it, a colon or a bracket is a pause like a comma; inside a word it is a space.
    folded = re.sub(r"[\u2010-\u2015\u2212]", "-", folded)
    folded = re.sub(r"[ \t]+", " ", folded)
    return re.sub(r" -+ |[:()\[\]{}\"\u201c\u201d]", " , ", folded)


def _join_letters(run: str, spelling: Spelling) -> str:
    letters = re.sub(r"[^a-z0-9]", "", run)
    if letters in spelling.known or letters in spelling.forms:
        return letters
    inside = [word for word in spelling.known if len(word) > 4 and word in letters]  # noqa: PLR2004
    return max(inside, key=len) if inside else run


def _unmask(token: str, spelling: Spelling) -> str:
    if _MASK_SIGNS.isdisjoint(token) or len(token) > 40:  # noqa: PLR2004
        return token
    for candidate in (token, token.rstrip(".,!?*_"), token.strip(".,!?*_")):
        if candidate.isalpha() or not candidate or candidate.isdigit():
            continue
        for word in spelling.known:
            if _fits(candidate, word):
                return token.replace(candidate, word)
    return token


def _fits(masked: str, word: str) -> bool:
    if len(masked) != len(word):
        return False
    wild = sum(sign in _WILD for sign in masked)
    if wild * 2 > len(word):
        return False
    return all(
        sign == letter or sign in _WILD or letter in _STANDS_FOR.get(sign, "")
        for sign, letter in zip(masked, word, strict=True)
    )


def _sentence(part: str, spelling: Spelling) -> str:
    return " ".join(_mend(token, spelling) for token in _TOKEN.findall(part)).strip(" ,")


def _mend(token: str, spelling: Spelling) -> str:
    if token in spelling.forms:
        return spelling.forms[token]
    if _THRICE.search(token):
        token = _RUN.sub(r"\1\1", token)
        squeezed = _RUN.sub(r"\1", token)
        for word in spelling.known | spelling.forms.keys():
            if _RUN.sub(r"\1", word) == squeezed:
                return spelling.forms.get(word, word)
        return squeezed if squeezed in {"i", "so", "no", "me"} else token
    return token
