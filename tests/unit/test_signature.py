"""Signatures are checked against HMAC worked out here by hand, not by the code under test."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers, MultiDict

from messaging.signature import is_signed, public_url

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": ["CA1234567890ABCDE"],
    "Caller": ["+14158675309"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
}
# The example in Twilio's own documentation and client libraries.
DOCUMENTED = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def sign(url: str, form: dict[str, list[str]], token: str = TOKEN, algorithm: str = "sha1") -> str:
    text = url + "".join(n + v for n in sorted(form) for v in sorted(set(form[n])))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), algorithm).digest()).decode()


def headers(signature: str, settings: str | None = None) -> dict[str, str]:
    named = {"X-Twilio-Signature": signature}
    return named if settings is None else {**named, "X-Twilio-Webhooks-Signature-Settings": settings}


def test_the_documented_example_is_signed() -> None:
    assert is_signed(URL, FORM, headers(DOCUMENTED), TOKEN)


@pytest.mark.parametrize(
    "form",
    [
        MultiDict([(n, v) for n, values in FORM.items() for v in values]),
        urlencode(FORM, doseq=True).encode(),
        {n: v[0] for n, v in FORM.items()},
    ],
    ids=["multidict", "raw body", "plain values"],
)
def test_every_shape_of_the_form_is_understood(form: Any) -> None:
    assert is_signed(URL, form, headers(DOCUMENTED), TOKEN)
    assert not is_signed(URL + "3", form, headers(DOCUMENTED), TOKEN)


@pytest.mark.parametrize("name", ["X-Twilio-Signature", "x-twilio-signature", "X-TWILIO-SIGNATURE"])
def test_header_names_come_in_any_case(name: str) -> None:
    assert is_signed(URL, FORM, {name: DOCUMENTED}, TOKEN)
    assert is_signed(URL, FORM, Headers({name: DOCUMENTED}), TOKEN)


@pytest.mark.parametrize(
    ("signed", "called"),
    [
        ("https://line.example/w", "https://line.example:443/w"),
        ("https://line.example:443/w", "https://line.example/w"),
        ("http://line.example:80/w?a=1", "http://line.example/w?a=1"),
        ("https://line.example/w", "https://line.example:8443/w"),
        ("http://[::1]:8000/w", "http://[::1]:8000/w"),
    ],
)
def test_the_port_may_be_signed_or_not(signed: str, called: str) -> None:
    assert is_signed(called, FORM, headers(sign(signed, FORM)), TOKEN)


@pytest.mark.parametrize(
    ("url", "form", "token"),
    [
        (URL.replace("https", "http"), FORM, TOKEN),
        (URL + "&x=1", FORM, TOKEN),
        (URL, {**FORM, "New": ["1"]}, TOKEN),
        (URL, {**FORM, "Digits": ["1235"]}, TOKEN),
        (URL, {**FORM, "Digits": ["1234", "1235"]}, TOKEN),
        (URL, {n: v for n, v in FORM.items() if n != "To"}, TOKEN),
        (URL, FORM, "12346"),
        (URL, FORM, ""),
    ],
)
def test_any_difference_is_refused(url: str, form: dict[str, list[str]], token: str) -> None:
    assert not is_signed(url, form, headers(DOCUMENTED), token)


def test_no_token_set_refuses_what_is_signed_with_no_token() -> None:
    assert not is_signed(URL, FORM, headers(sign(URL, FORM, token="")), "")


def test_every_value_of_a_repeated_name_is_signed_over() -> None:
    form = {"Tag": ["b", "a", "b"], "Body": ["", " x "]}
    right = headers(sign(URL, form))
    assert is_signed(URL, form, right, TOKEN)
    assert is_signed(URL, MultiDict([(n, v) for n in form for v in form[n]]), right, TOKEN)
    assert not is_signed(URL, {**form, "Tag": ["b"]}, right, TOKEN)


def test_sha256_counts_when_the_settings_header_names_it() -> None:
    signature = sign(URL, FORM, algorithm="sha256")
    settings = "key=webhooks_sharedkey_01,algorithm=HMAC_SHA256"
    assert is_signed(URL, FORM, headers(signature, settings), TOKEN)
    assert is_signed(URL, FORM, headers(signature, settings.lower()), TOKEN)
    assert not is_signed(URL, FORM, headers(signature), TOKEN)
    assert not is_signed(URL, FORM, headers(DOCUMENTED, settings), TOKEN)


@pytest.mark.parametrize("algorithm", ["HMAC_MD5", "none", "é", "HMAC_SHA1\x00"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    assert not is_signed(URL, FORM, headers(DOCUMENTED, f"algorithm={algorithm}"), TOKEN)


def test_a_body_that_is_no_form_is_held_to_its_hash() -> None:
    body = b'{"a": "\xff"}'
    url = f"https://line.example/w?bodySHA256={hashlib.sha256(body).hexdigest()}"
    right = headers(sign(url, {}))
    assert is_signed(url, body, right, TOKEN)
    assert not is_signed(url, body + b" ", right, TOKEN)


@pytest.mark.parametrize(
    "given",
    [
        {},
        headers(""),
        headers("é" * 28),
        headers("\udcff"),
        headers(DOCUMENTED + "="),
        headers(DOCUMENTED[:-1]),
    ],
)
def test_a_missing_or_broken_header_is_refused(given: dict[str, str]) -> None:
    assert not is_signed(URL, FORM, given, TOKEN)


@pytest.mark.parametrize("url", ["", "nonsense", "http://[", "http://h:notaport/", "http://h:99999999/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert not is_signed(url, FORM, headers(DOCUMENTED), TOKEN)


@pytest.mark.parametrize("body", [b"\xff\xfe=\xff", b"Body=%FF%FE", b"=&=&;", b"\x00" * 100])
def test_broken_utf8_is_refused_and_not_raised(body: bytes) -> None:
    assert not is_signed(URL, body, headers(DOCUMENTED), TOKEN)


def test_lone_surrogates_are_refused_and_not_raised() -> None:
    assert not is_signed(URL, {"Body": ["\ud800"]}, headers(DOCUMENTED), TOKEN)


@given(
    url=st.text(),
    form=st.one_of(st.binary(), st.dictionaries(st.text(), st.lists(st.text(alphabet=st.characters())))),
    given_headers=st.dictionaries(st.sampled_from(["X-Twilio-Signature", "X-Other"]), st.text()),
)
def test_random_input_is_refused_and_never_raises(
    url: str, form: bytes | dict[str, list[str]], given_headers: dict[str, str]
) -> None:
    assert is_signed(url, form, given_headers, TOKEN) is False


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(st.text(st.characters(codec="utf-8"))))
)
def test_whatever_is_rightly_signed_is_taken(form: dict[str, list[str]]) -> None:
    assert is_signed(URL, form, headers(sign(URL, form)), TOKEN)


@pytest.mark.parametrize(
    ("base", "query", "expected"),
    [
        ("https://line.example", "", "https://line.example/webhooks/x"),
        ("https://line.example/", "message=1", "https://line.example/webhooks/x?message=1"),
        ("https://h.example:8443/line", "a=%20+b&a=", "https://h.example:8443/line/webhooks/x?a=%20+b&a="),
    ],
)
def test_the_public_address_keeps_prefix_port_and_raw_query(base: str, query: str, expected: str) -> None:
    assert public_url(base, "/webhooks/x", query) == expected
