"""Whether a webhook really comes from Twilio: its signature over the public address and the form.

Source of the rule: Twilio's "Webhooks security", as in `twilio.request_validator` 9.13. Twilio
sends no timestamp, so a signed request can be played again; only the message id stops that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from urllib.parse import parse_qs, parse_qsl, urlparse

from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    add_port,
    get_signature_algorithm,
    remove_port,
)


class Headers(Protocol):
    """Headers of a request, as Flask or a plain dict holds them. Names in any case."""

    def items(self) -> Iterable[tuple[str, str]]: ...


class _Form(dict[str, list[str]]):
    """A form in the shape the validator asks for: every value of a name."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def public_url(public_base: str, path: str, query_string: str) -> str:
    """The address that Twilio called and signed, rebuilt behind a proxy.

    `public_base` is PUBLIC_URL, perhaps with a path prefix; `path` begins with "/" and is what the
    app saw below that prefix; `query_string` is raw, as it stood on the wire, without "?".
    """
    question_mark = "?" if query_string else ""
    return f"{public_base.rstrip('/')}{path}{question_mark}{query_string}"


def is_signed(url: str, form: Mapping[str, Sequence[str]] | bytes, headers: Headers, auth_token: str) -> bool:
    """Whether `headers` carry a right signature over `url` and every parameter of `form`.

    `form` maps each name to all its values (a Flask `MultiDict` will do), or is the raw body, for
    requests that are not forms (`bodySHA256` in the address) or not parsed yet. The algorithm is
    the one that the settings header names: HMAC-SHA1 by default, or HMAC-SHA256. Never raises:
    whatever cannot be checked is not signed.
    """
    try:
        return bool(auth_token) and _is_signed(url, form, headers, auth_token)
    except (ValueError, TypeError, AttributeError):
        # A port that is no number, text without a UTF-8 form, an unknown algorithm, a header that is no text.
        return False


def _is_signed(
    url: str, form: Mapping[str, Sequence[str]] | bytes, headers: Headers, auth_token: str
) -> bool:
    signature = _header(headers, SIGNATURE_HEADER)
    algorithm = get_signature_algorithm(_header(headers, SIGNATURE_SETTINGS_HEADER))
    if not signature:
        return False
    parsed = urlparse(url)
    body_hash = parse_qs(parsed.query).get("bodySHA256", [""])[0]
    if isinstance(form, bytes) and body_hash:
        values = _Form()
        body_is_right = _same(hashlib.sha256(form).hexdigest(), body_hash.lower())
    else:
        values = _values(form)
        body_is_right = True
    validator = RequestValidator(auth_token)
    # Twilio signs the address now with and now without its port, so both are right.
    candidates = dict.fromkeys((url, remove_port(parsed), add_port(parsed)))
    matches = [
        _same(validator.compute_signature(candidate, values, algorithm), signature)
        for candidate in candidates
    ]
    return body_is_right and any(matches)


def _values(form: Mapping[str, Sequence[str]] | bytes) -> _Form:
    if isinstance(form, bytes):
        values = _Form()
        text = form.decode("utf-8", "replace")
        for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
            values.setdefault(name, []).append(value)
        return values
    every = getattr(form, "getlist", None)
    return _Form({name: _listed(every(name) if every else form[name]) for name in form})


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _header(headers: Headers, name: str) -> str:
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")


def _same(expected: str, given: str) -> bool:
    # Bytes, because `compare_digest` refuses text outside ASCII. Takes the same time wherever they differ.
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape"))
