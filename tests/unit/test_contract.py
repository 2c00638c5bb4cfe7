from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract import STATE_LIMIT, ContractError, Outcome, Reply, TurnReply, TurnRequest

SECRET = "my husband reads this"
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=8), PLAIN, max_size=4)


def request(**changes: object) -> str:
    body: dict[str, object] = {"version": 1, "conversation": "c", "texts": ["hi"], **changes}
    return json.dumps(body)


def reply(**changes: object) -> str:
    body: dict[str, object] = {
        "version": 1,
        "replies": [{"text": "hi"}],
        "outcomes": [],
        "state": {},
        **changes,
    }
    return json.dumps(body)


@given(
    conversation=st.text(min_size=1, max_size=40),
    texts=st.lists(st.text(max_size=50), max_size=4),
    parsed=OBJECTS,
    context=OBJECTS,
    state=OBJECTS,
    trigger=st.none() | st.text(max_size=10),
)
def test_a_request_comes_back_as_it_was(
    conversation: str,
    texts: list[str],
    parsed: dict[str, object],
    context: dict[str, object],
    state: dict[str, object],
    trigger: str | None,
) -> None:
    asked = TurnRequest(conversation, tuple(texts), parsed, trigger, context, state)

    assert TurnRequest.from_json(asked.to_json()) == asked


@given(
    replies=st.lists(
        st.builds(
            Reply, st.text(min_size=1, max_size=200), st.lists(st.text(max_size=9), max_size=3).map(tuple)
        ),
        max_size=3,
    ),
    outcomes=st.lists(
        st.builds(
            Outcome,
            st.text(min_size=1, max_size=20),
            st.dictionaries(st.text(max_size=8).filter(lambda key: key != "type"), PLAIN, max_size=3),
        ),
        max_size=3,
    ),
)
def test_a_reply_comes_back_as_it_was(replies: list[Reply], outcomes: list[Outcome]) -> None:
    said = TurnReply(tuple(replies), tuple(outcomes), {"v": 1})

    assert TurnReply.from_json(said.to_json()) == said


@pytest.mark.parametrize(
    "raw",
    [
        "",
        SECRET,
        "[]",
        "null",
        b"\xff\xfe\x00",
        "[" * 100_000,
        request(version=2),
        request(version=None),
        request(conversation=""),
        request(conversation=7),
        request(texts=SECRET),
        request(texts=[SECRET, 7]),
        request(texts=None),
        request(trigger=[SECRET]),
        request(context=SECRET),
        request(state=[SECRET]),
        request(parsed=[SECRET]),
    ],
)
def test_a_bad_request_is_refused_without_its_words(raw: str | bytes) -> None:
    with pytest.raises(ContractError) as refused:
        TurnRequest.from_json(raw)

    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "<html>502</html>",
        "[]",
        reply(version=2),
        reply(replies=None),
        reply(replies=[SECRET]),
        reply(replies=[{"text": ""}]),
        reply(replies=[{"text": 7}]),
        reply(replies=[{"text": "hi", "choices": "OK"}]),
        reply(replies=[{"text": "hi", "choices": [1]}]),
        reply(outcomes=[SECRET]),
        reply(outcomes=[{"scope": "contact"}]),
        reply(state=[SECRET]),
        reply(state={"slots": "x" * STATE_LIMIT}),
    ],
)
def test_a_bad_reply_is_refused_without_its_words(raw: str) -> None:
    with pytest.raises(ContractError) as refused:
        TurnReply.from_json(raw)

    assert SECRET not in str(refused.value)


def test_what_may_be_left_out_is_empty() -> None:
    asked = TurnRequest.from_json(request())

    assert (asked.parsed, asked.trigger, asked.context, asked.state) == ({}, None, {}, {})


def test_a_state_of_just_the_limit_is_taken() -> None:
    state = {"s": "x" * (STATE_LIMIT - len(json.dumps({"s": ""})))}

    assert TurnReply.from_json(reply(state=state)).state == state
