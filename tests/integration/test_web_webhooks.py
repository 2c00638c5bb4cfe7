"""Twilio's webhooks through the whole app: whatever comes, the right status, nothing lost, never a 500."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine
from twilio.request_validator import RequestValidator

from messaging import spool
from models.settings import Settings
from tests.support.line import HUB_NUMBER, Line, inbound
from tests.support.pages import Pages
from web.app import create_app

pytestmark = pytest.mark.usefixtures("database")
PUBLIC_URL = "https://line.example.org"
INBOUND, STATUS = "/webhooks/twilio/inbound", "/webhooks/twilio/status"
TOKEN = "a twilio token"
FORM = {"MessageSid": "SM1", "AccountSid": "AC1", "From": "+447700900001", "To": HUB_NUMBER, "Body": "hello"}


@pytest.fixture
def pages(settings: Settings) -> Pages:
    told = {"twilio_auth_token": TOKEN, "twilio_account_sid": "AC1", "public_url": PUBLIC_URL}
    return Pages(create_app(settings.model_copy(update=told)))


@pytest.fixture
def line(database: Engine) -> Line:
    return Line()


def post(pages: Pages, path: str, form: dict[str, Any]) -> int:
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + path, form)
    answer = pages.post(path, data=form, headers={"X-Twilio-Signature": signature})
    return answer.status_code


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Body": ""},
        {
            "Body": "",
            "NumMedia": "1",
            "MediaUrl0": "https://api.twilio.com/m",
            "MediaContentType0": "image/png",
        },
        {"Body": "😀"},
        {"Body": "x" * 1_600},
        {"To": "+447700900777"},
        {"Body": "/restart"},
        {"Body": " \n /restart"},
        {"Body": "a\x00b"},
        {"From": "whatsapp:+447700900001", "To": f"whatsapp:{HUB_NUMBER}"},
        {"From": "NHSNoReply"},
        {"NewParameter": "x"},
        {"NumMedia": "many"},
    ],
)
def test_a_signed_text_is_taken_in_and_worked_off(pages: Pages, line: Line, change: dict[str, str]) -> None:
    assert post(pages, INBOUND, FORM | change) == 200
    assert len(inbound()) == 1
    line.work()
    assert inbound()[0].screened_at is not None and inbound()[0].turn_id is not None


def test_the_same_text_again_is_200_and_one_text(pages: Pages, line: Line) -> None:
    assert [post(pages, INBOUND, FORM) for _ in range(3)] == [200, 200, 200]
    assert len(inbound()) == 1


@pytest.mark.parametrize("missing", ["MessageSid", "AccountSid", "From"])
def test_a_form_that_is_not_a_text_is_400(pages: Pages, missing: str) -> None:
    assert post(pages, INBOUND, {name: value for name, value in FORM.items() if name != missing}) == 400
    assert inbound() == []


@pytest.mark.parametrize("signature", ["", "x", "é", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
@pytest.mark.parametrize("path", [INBOUND, STATUS])
def test_a_wrong_signature_is_403_and_stores_nothing(pages: Pages, path: str, signature: str) -> None:
    answer = pages.post(path, data=FORM, headers={"X-Twilio-Signature": signature.encode().decode("latin-1")})
    assert answer.status_code == 403
    assert inbound() == [] and spool.waiting() == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"%%%&&&===;;;", "application/x-www-form-urlencoded"),
        (b"Body=\xff\xfe&From=%ff", "application/x-www-form-urlencoded"),
        (b"--x\r\nnot a part", "multipart/form-data; boundary=x"),
        (b"anything", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"x" * 10_000_000, "application/x-www-form-urlencoded"),
        (urlencode([(f"p{n}", "") for n in range(20_000)]).encode(), "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("path", [INBOUND, STATUS])
def test_a_malformed_form_is_refused(pages: Pages, path: str, body: bytes, kind: str) -> None:
    answer = pages.post(path, data=body, content_type=kind, headers={"X-Twilio-Signature": "x"})
    assert answer.status_code in {400, 403, 413}
    assert inbound() == []


@pytest.mark.parametrize(
    "form",
    [
        {"MessageSid": "SM-nobody-knows", "MessageStatus": "delivered"},
        {"MessageSid": "SM1", "MessageStatus": "a new word"},
        {"MessageSid": "SM1"},
        {},
        {"MessageSid": "x" * 1_000, "MessageStatus": "y" * 1_000, "ErrorCode": "z" * 100},
    ],
)
@pytest.mark.parametrize("query", ["", "?message=1", "?message=x"])
def test_a_receipt_that_we_cannot_place_is_204(pages: Pages, form: dict[str, str], query: str) -> None:
    assert post(pages, STATUS + query, form) == 204
