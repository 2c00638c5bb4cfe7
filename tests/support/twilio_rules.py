"""Twilio's Messages API as rules: checks requests and answers against its OpenAPI document.

A trimmed copy of the document is in `data/`. What it leaves open (which error code, which pairs of
fields) follows Twilio's error dictionary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "twilio_messages_openapi.json").read_text("utf-8")
)
_SCHEMAS: dict[str, Any] = _DOCUMENT["components"]["schemas"]
_LIST_PATH = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
_CREATE: dict[str, Any] = _DOCUMENT["paths"][_LIST_PATH]["post"]["requestBody"]["content"][
    "application/x-www-form-urlencoded"
]["schema"]
_MESSAGE: dict[str, Any] = _SCHEMAS["api.v2010.account.message"]
LIST_PARAMETERS = frozenset(
    parameter["name"] for parameter in _DOCUMENT["paths"][_LIST_PATH]["get"]["parameters"]
)

BODY_LIMIT = 1600
_ADDRESS = re.compile(r"(?:whatsapp:)?\+[1-9][0-9]{6,14}\Z")
_SENDER = re.compile(r"(?:whatsapp:)?\+[1-9][0-9]{6,14}\Z|[0-9]{3,8}\Z|[A-Za-z0-9 ]{1,11}\Z")
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
}

Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One of Twilio's errors, as its JSON has it."""

    status: int
    code: int
    message: str

    def as_json(self) -> dict[str, Any]:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.message, "more_info": more, "status": self.status}


def problem_of(form: Form) -> Problem | None:
    """What Twilio would refuse about a request to send, or nothing."""
    return _broken_fields(form) or _broken_schema(form)


def broken_shape(resource: Mapping[str, Any]) -> list[str]:
    """What in a Message resource goes against the document: for tests of the fake itself."""
    properties: dict[str, Any] = _MESSAGE["properties"]
    found = [f"{name} is not in the document" for name in resource.keys() - properties.keys()]
    found += [f"{name} is missing" for name in properties.keys() - resource.keys()]
    for name in resource.keys() & properties.keys():
        schema = _resolved(properties[name])
        value = resource[name]
        if value is None:
            if not schema.get("nullable"):
                found.append(f"{name} is null")
        elif not isinstance(value, _JSON_TYPES[schema["type"]]) or (
            isinstance(value, str) and not _text_fits(value, schema)
        ):
            found.append(f"{name} does not fit")
    return sorted(found)


def _broken_fields(form: Form) -> Problem | None:
    def first(name: str) -> str:
        return (form.get(name) or [""])[0]

    to, sender, service, body = (first(n) for n in ("To", "From", "MessagingServiceSid", "Body"))
    callback = first("StatusCallback")
    checks = (
        (not to, 21604, "A 'To' phone number is required."),
        (not _ADDRESS.match(to), 21211, f"Invalid 'To' Phone Number: {to}"),
        (not sender and not service, 21603, "A 'From' or 'MessagingServiceSid' parameter is required."),
        (bool(sender) and not _SENDER.match(sender), 21212, f"Invalid From Number: {sender}"),
        (bool(sender) and _is_whatsapp(to) != _is_whatsapp(sender), 21910, "Invalid From and To pair."),
        (not (body or "MediaUrl" in form or "ContentSid" in form), 21602, "Message body is required."),
        (len(body) > BODY_LIMIT, 21617, "The concatenated message body exceeds the 1600 character limit"),
        (bool(callback) and not _is_web_address(callback), 21609, "The StatusCallback URL is not valid."),
    )
    return next((Problem(400, code, message) for wrong, code, message in checks if wrong), None)


def _broken_schema(form: Form) -> Problem | None:
    properties: dict[str, Any] = _CREATE["properties"]
    for name, values in form.items():
        if name not in properties:
            # Stricter than Twilio, which ignores such a name: here it is a mistyped parameter.
            return Problem(400, 20001, f"Unknown parameter {name}")
        schema = _resolved(properties[name])
        if schema["type"] == "array":
            schema = schema["items"]
        elif len(values) != 1:
            return Problem(400, 20001, f"{name} came more than once")
        if not all(_text_fits(value, schema) for value in values):
            return Problem(400, 20001, f"Invalid value of {name}")
    return None


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference: str | None = schema.get("$ref")
    return _SCHEMAS[reference.rsplit("/", 1)[1]] if reference else schema


def _text_fits(value: str, schema: Mapping[str, Any]) -> bool:
    kinds = {"integer": r"-?[0-9]+", "number": r"-?[0-9.]+", "boolean": r"true|false|True|False"}
    if schema["type"] in kinds:
        return re.fullmatch(kinds[schema["type"]], value) is not None
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and re.search(schema.get("pattern", ""), value) is not None
        and value in schema.get("enum", [value])
    )


def _is_whatsapp(address: str) -> bool:
    return address.startswith("whatsapp:")


def _is_web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "_" not in (parts.hostname or "")
