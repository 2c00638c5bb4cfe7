"""The app as a whole: its pages, its headers, its errors, and what it is in production."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from bot.safety.replies import reply_book
from models.settings import Environment, Settings
from tests.support.line import Line
from tests.support.pages import Page, Pages
from web.app import create_app

pytestmark = pytest.mark.usefixtures("database")
SECRET_WORDS = "my husband hits me"


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def pages(app: Flask) -> Pages:
    return Pages(app)


def production(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "linkline_env": Environment.PRODUCTION,
            "public_url": "https://line.example.org",
            "secret_key": "long and random",
            "smtp_url": "smtp://localhost",
        }
    )


def test_the_first_page_says_what_this_is_and_links_on(pages: Pages, database: Engine) -> None:
    Line()
    page = pages.page("/")
    links = {link["href"] for link in page.all("a")}
    assert {"/chat", "/phone"} <= links
    assert not {"/join", "/refer", "/console/"} & links
    assert "Skelmersdale Wellbeing" in page.text and "07700 900901" in page.text


@pytest.mark.parametrize("path", ["/", "/chat", "/phone", "/nothing-here"])
def test_every_page_is_sound(pages: Pages, path: str) -> None:
    pages.page(path, 404 if path == "/nothing-here" else 200)


def test_the_helplines_on_the_pages_are_those_of_the_texts(pages: Pages) -> None:
    page = pages.page("/chat")
    told = " ".join([*reply_book().sources, *reply_book().texts.values()])
    for link in page.all("a"):
        number = re.sub(r"^tel:", "", link["href"])
        assert not link["href"].startswith("tel:") or number in told.replace(" ", "")
    for helpline in ("999", "111 and choose option 2", "Samaritans, 116 123"):
        assert helpline in page.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/chat", 405), ("GET", "/webhooks/twilio/inbound", 405)],
)
def test_errors_are_kind_pages(pages: Pages, method: str, path: str, status: int) -> None:
    answer = pages.client.open(path, method=method)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_an_error_is_json_for_those_who_ask_for_it(pages: Pages) -> None:
    answer = pages.get("/nothing", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.get_json() == {
        "error": "Page not found. Check the address, or start again from the first page."
    }


def test_an_unforeseen_error_says_nothing_of_what_went_wrong(
    app: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError(SECRET_WORDS)

    answer = Pages(app).get("/broken")
    assert answer.status_code == 500
    said = answer.text + "".join(capfd.readouterr())
    assert SECRET_WORDS not in said and "Traceback" not in said
    assert "RuntimeError at test_web_pages.py" in said


def test_a_database_that_is_away_is_503_and_leaks_nothing(
    app: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    @app.get("/phone/broken")
    def broken() -> str:
        raise OperationalError(SECRET_WORDS, {"text": SECRET_WORDS}, Exception(SECRET_WORDS))

    answer = Pages(app).get("/phone/broken")
    assert answer.status_code == 503
    assert "error" in answer.get_json()
    assert SECRET_WORDS not in answer.text + "".join(capfd.readouterr())


def test_production_has_no_simulator_and_safe_cookies(settings: Settings) -> None:
    pages = Pages(create_app(production(settings)))
    assert pages.get("/phone").status_code == 404
    assert pages.get("/phone/+447700900001/messages").status_code == 404
    assert pages.client.post("/phone/+447700900001/messages", json={"text": "x"}).status_code == 404
    answer = pages.get("/chat", base_url="https://line.example.org")
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
    assert "/phone" not in {link["href"] for link in Page(answer.text).all("a")}


def test_plain_http_promises_no_https(pages: Pages) -> None:
    assert "Strict-Transport-Security" not in pages.get("/").headers


def test_the_icon_is_there(pages: Pages) -> None:
    assert pages.get("/favicon.ico").status_code == 200


def test_a_form_that_is_larger_than_any_message_is_413(pages: Pages) -> None:
    assert pages.post("/chat", data={"text": "x" * 10_000_000}).status_code == 413
    answer = pages.client.post("/webhooks/twilio/inbound", data=b"x" * 10_000_000)
    assert answer.status_code in {403, 413}
