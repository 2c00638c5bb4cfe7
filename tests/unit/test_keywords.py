"""STOP, START and HELP: exact words, plain wordings, and all that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.safety.keywords import Keyword, KeywordMatch, keyword

STOPS = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]


@pytest.mark.parametrize("word", STOPS)
@pytest.mark.parametrize("shape", ["{}", " {} ", "{}\n", "\t{}"])
def test_exact_stop_words(word: str, shape: str) -> None:
    for written in (word, word.lower(), word.title()):
        assert keyword(shape.format(written)) == KeywordMatch(Keyword.STOP, exact=True, word=word)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("start", "start"), ("Yes", "start"), ("UNSTOP", "start"), ("help ", "help"), ("Info", "help")],
)
def test_exact_other_words(text: str, kind: str) -> None:
    assert keyword(text) == KeywordMatch(Keyword(kind), exact=True, word=text.strip().upper())


@pytest.mark.parametrize(
    "text",
    [
        "stop please",
        "STOP.",
        "please stop texting me",
        "unsubscribe pls",
        "no more texts thanks",
        "stop!!",
        "Stop. Thank you",
        "'STOP'",
        "“Stop”",
        "Stop 🛑",
        "STOPPPP",
        "stop stop stop",
        "Please stop",
        "stop now please",
        "can you stop texting me",
        "don't text me again",
        "Do not contact me",
        "stop sending me messages",
        "stop all messages",
        "stop these texts",
        "I want to stop getting these texts",
        "please take me off your list",
        "remove me from this list",
        "opt out",
        "Opt me out please",
        "I don't want any more texts",
        "stop txting me",
        "cancel these messages",
        "end the texts",
        "quit texting me",
        "unsubscribe me from this list",
        "STOP\u00a0",
        "ｓｔｏｐ",
        "STOP ALL",
        "stop wrong number",
        "no more messages please",
        "unsubscribe!",
        "never text me again",
        "I'd like to unsubscribe",
        "dont message me anymore",
        "could you stop please",
    ],
)
def test_clear_ways_of_stopping_are_ours_to_answer(text: str) -> None:
    found = keyword(text)
    assert found is not None
    assert found.keyword is Keyword.STOP
    assert not found.exact


@pytest.mark.parametrize(
    "text",
    [
        "I want it all to stop",
        "stop the pain",
        "we have got to stop this bill",
        "he won't stop hitting me",
        "bus stop",
        "cancel my appointment",
        "end it",
        "end it all",
        "make it stop",
        "I want to stop",
        "stop i want to die",
        "stop smoking",
        "please stop him",
        "yes please",
        "yes.",
        "cancel please",
        "cancel.",
        "END.",
        "quit smoking",
        "when does it end",
        "don't text me at work",
        "stop texting after 8",
        "help me",
        "I need help",
        "help with money",
        "start tuesday",
        "when do I start",
        "start again",
        "ok",
        "",
        "   ",
        "\x00",
        "what's the point",
        "no more",
        "I can't stop crying",
        "non-stop pain",
        "can you stop my benefits being cut",
        "stop by tomorrow",
        "the end",
        "don't",
        "don't contact my son",
        "no",
        "informed",
        "stopping",
        "no more pain",
        "don't message my wife",
        "stop telling me what to do",
        "I want to end it",
        "please end it",
        "stop it",
        "stop it hurts",
        "cancel my texts on Tuesday",
    ],
)
def test_other_uses_are_no_keyword(text: str) -> None:
    assert keyword(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "start please",
        "START!",
        "please start texting me again",
        "opt me back in",
        "unstop please",
        "resume texts",
    ],
)
def test_clear_ways_of_starting(text: str) -> None:
    found = keyword(text)
    assert found is not None and found.keyword is Keyword.START and not found.exact


@pytest.mark.parametrize("text", ["help!", "Help?", "info please", "HELP PLEASE"])
def test_clear_ways_of_asking_for_help(text: str) -> None:
    found = keyword(text)
    assert found is not None and found.keyword is Keyword.HELP and not found.exact


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cancel", "CANCEL"),
        ("End", "END"),
        ("quit", "QUIT"),
        ("cancel these texts", "CANCEL"),
        ("stop please", "STOP"),
        ("no more texts", "STOP"),
    ],
)
def test_the_word_tells_them_apart(text: str, word: str) -> None:
    found = keyword(text)
    assert found is not None and found.word == word


def test_a_long_s_is_not_the_carriers_stop() -> None:
    found = keyword("ſtop")
    assert found is not None and not found.exact


@given(st.text())
def test_never_raises(text: str) -> None:
    keyword(text)


@given(st.text(alphabet="stop please thank you ok now ", min_size=100, max_size=160))
def test_no_slow_pattern(text: str) -> None:
    keyword(text)
