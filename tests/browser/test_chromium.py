"""The browser itself: it is there, it runs scripts, and axe can look at a page in it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

PAGE = '<html lang="en"><title>Linkline</title><main><h1>Hello</h1>{}</main></html>'


def violations(chromium: Browser, body: str) -> int:
    with chromium.new_context() as context:
        page = context.new_page()
        page.set_content(PAGE.format(body))
        count: int = Axe().run(page).violations_count
        return count


def test_axe_finds_what_is_wrong_and_only_that(chromium: Browser) -> None:
    assert violations(chromium, "<p>Hello</p>") == 0
    assert violations(chromium, '<img src="data:,">') == 1
