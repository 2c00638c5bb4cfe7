"""Fails when Rasa changes under the remedy in `start.py`; then read Rasa again before you mend it."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

import pytest
import rasa
from jsonschema import Draft202012Validator, ValidationError
from rasa.core.actions.action import RemoteAction
from start import prepare_schema_check

VALIDATE = RemoteAction._validate_action_result
SOURCE = "f8cdb4be6812396167ced74161b2ccd65c5ea676ad86d7d359d8c322d9d8dc42"
GOOD: dict[str, Any] = {
    "events": [{"event": "slot", "name": "stage", "value": "asked"}],
    "responses": [{"text": "hi", "buttons": []}],
}
BAD = [
    {"events": "none"},
    {"responses": {}},
    {"responses": ["hi"]},
    {"events": [{"event": "slot"}]},
    {"events": [{"event": "nobody knows this"}]},
]


@pytest.fixture(autouse=True)
def _remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteAction, "_validate_action_result", VALIDATE)
    prepare_schema_check()


def test_rasas_own_check_is_still_the_one_we_replace() -> None:
    digest = hashlib.sha256(inspect.getsource(VALIDATE).encode()).hexdigest()

    assert (rasa.__version__, digest) == ("3.6.21", SOURCE)


def test_a_good_result_passes() -> None:
    assert RemoteAction("action_x", None)._validate_action_result(GOOD) is True
    assert VALIDATE(RemoteAction("action_x", None), GOOD) is True


@pytest.mark.parametrize("result", BAD)
def test_a_bad_result_is_refused_by_both(result: dict[str, Any]) -> None:
    action = RemoteAction("action_x", None)
    with pytest.raises(ValidationError):
        action._validate_action_result(result)
    with pytest.raises(ValidationError):
        VALIDATE(action, result)


def test_the_schema_is_not_checked_again_at_every_action(monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[object] = []
    monkeypatch.setattr(
        Draft202012Validator, "check_schema", classmethod(lambda _, schema: checks.append(schema))
    )

    RemoteAction("action_x", None)._validate_action_result(GOOD)
    assert checks == []
    VALIDATE(RemoteAction("action_x", None), GOOD)
    assert checks
