"""All pages: no barrier that axe can find, wide enough for no window, usable by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import barriers, focused, sideways
from tests.support.running_line import RunningLine

PATHS = ["/", "/chat", "/phone", "/phone?number=07911+123456", "/nothing-here"]


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing(open_page: OpenPage, line_without_bot: RunningLine, path: str) -> None:
    page = open_page(line_without_bot.url + path)
    assert barriers(page) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert barriers(page) == []


@pytest.mark.parametrize("path", PATHS)
def test_nothing_scrolls_sideways_on_a_small_phone(
    open_page: OpenPage, line_without_bot: RunningLine, path: str
) -> None:
    page = open_page(line_without_bot.url + path, viewport={"width": 320, "height": 568})
    assert sideways(page) == 0


def test_large_print_fits_too(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    for path in ("/", "/chat"):
        page = open_page(line_without_bot.url + path, viewport={"width": 400, "height": 700})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert sideways(page) == 0


def test_the_first_tab_skips_to_the_content(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/chat")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to main content"
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_styles_and_scripts_are_ours_and_kept_for_ever(
    open_page: OpenPage, line_without_bot: RunningLine
) -> None:
    page = open_page(line_without_bot.url + "/chat")
    assert page.evaluate("document.body.classList.contains('js-enabled')")
    sheet = page.locator("link[rel=stylesheet]").first.get_attribute("href")
    answer = line_without_bot.http.get(str(sheet))
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert "Frutiger" not in answer.text and "@font-face" not in answer.text
    assert line_without_bot.http.get("/static/build/version").status_code == 404
