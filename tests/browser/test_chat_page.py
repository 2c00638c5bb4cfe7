"""The web chat as a person meets it: with the real bot, without it, without scripts, without a mouse."""

from __future__ import annotations

import time

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import barriers, quickest, sideways, tab_to
from tests.support.running_line import RunningLine

WELCOME = "not watched all the time and not for emergencies"
CRISIS = "Samaritans on 116 123, day or night"


def theirs(page: Page) -> list[str]:
    return page.locator(".ll-text--theirs .ll-text__words").all_inner_texts()


def mine(page: Page) -> list[str]:
    return page.locator(".ll-text--mine .ll-text__words").all_inner_texts()


def test_hello_welcome_ok_and_on(open_page: OpenPage, line: RunningLine) -> None:
    page = open_page(line.url + "/chat", viewport={"width": 320, "height": 640})
    page.get_by_label("Your message").fill("hello")
    page.get_by_role("button", name="Send").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text(WELCOME)
    expect(page.get_by_text("We have your message,")).to_be_visible()
    expect(page.get_by_label("Your message")).to_have_value("")
    page.get_by_role("button", name="OK").click()
    expect(page.locator(".ll-text--theirs")).to_have_count(2)
    assert mine(page) == ["hello", "OK"]
    assert barriers(page) == []
    assert sideways(page) == 0
    page.reload()
    assert len(theirs(page)) == 2 and mine(page) == ["hello", "OK"]


def test_a_cry_for_help_is_answered_within_two_seconds_without_the_bot(
    open_page: OpenPage, line_without_bot: RunningLine
) -> None:
    def seconds() -> float:
        page = open_page(line_without_bot.url + "/chat")
        page.get_by_label("Your message").fill("hello")
        page.keyboard.press("Enter")
        expect(page.locator(".ll-text--mine[data-n]")).to_have_count(1)
        page.get_by_label("Your message").fill("I want to kill myself")
        began = time.monotonic()
        page.keyboard.press("Enter")
        expect(page.get_by_role("log")).to_contain_text(CRISIS)
        expect(page.get_by_role("link", name="999").first).to_be_in_viewport()
        return time.monotonic() - began

    assert quickest(seconds) < 2


def test_two_visitors_do_not_see_each_other(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    one, other = (open_page(line_without_bot.url + "/chat") for _ in range(2))
    one.get_by_label("Your message").fill("only mine")
    one.keyboard.press("Enter")
    expect(one.get_by_role("log")).to_contain_text("only mine")
    other.reload()
    assert mine(other) == []


def test_without_scripts(open_page: OpenPage, line: RunningLine) -> None:
    page = open_page(line.url + "/chat", java_script_enabled=False)
    page.get_by_label("Your message").fill("hello")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("log")).to_contain_text("hello")
    for _ in range(50):
        if theirs(page):
            break
        page.wait_for_timeout(200)
        page.get_by_role("link", name="See new messages").click()
        page.reload()
    assert WELCOME in theirs(page)[0]
    page.get_by_role("button", name="OK").click()
    assert mine(page) == ["hello", "OK"]
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_have_text("Write a message first.")


def test_with_the_keyboard_only(open_page: OpenPage, line: RunningLine) -> None:
    page = open_page(line.url + "/chat")
    tab_to(page, "text")
    page.keyboard.type("hello")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("and more")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="OK")).to_be_visible()
    assert mine(page) == ["hello\nand more"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".ll-text--mine")).to_have_count(2)
    assert mine(page)[1] == "OK"


def test_offline_keeps_the_draft_and_says_so(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/chat")
    page.context.set_offline(True)
    page.get_by_label("Your message").fill("do not lose me")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("It is still here")
    expect(page.get_by_label("Your message")).to_have_value("do not lose me")
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("do not lose me")
    expect(page.locator("#problem")).to_be_hidden()


def test_an_answer_lost_on_the_way_doubles_nothing(
    open_page: OpenPage, line_without_bot: RunningLine
) -> None:
    page = open_page(line_without_bot.url + "/chat")
    lost: list[int] = []

    def lose(route: Route) -> None:
        if lost or route.request.method != "POST":
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/chat/messages", lose)
    page.get_by_label("Your message").fill("only once")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Your message")).to_have_value("only once")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your message")).to_have_value("")
    page.wait_for_timeout(1_500)
    assert lost == [202]
    assert mine(page) == ["only once"]


def test_a_fast_writer_loses_nothing_and_keeps_the_order(
    open_page: OpenPage, line_without_bot: RunningLine
) -> None:
    page = open_page(line_without_bot.url + "/chat")

    def slow(route: Route) -> None:
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/chat/messages", slow)
    field = page.get_by_label("Your message")
    for words in ("one", "two", "two", "three"):
        field.fill(words)
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
    assert mine(page) == ["one", "two", "two", "three"]
    expect(page.locator(".ll-text--pending")).to_have_count(0)
    assert mine(page) == ["one", "two", "two", "three"]
    page.reload()
    assert mine(page) == ["one", "two", "two", "three"]


def test_what_failed_together_comes_back_together(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/chat")

    def slow_and_in_vain(route: Route) -> None:
        page.wait_for_timeout(300)
        route.abort()

    page.route("**/chat/messages", slow_and_in_vain)
    field = page.get_by_label("Your message")
    for words in ("one", "two"):
        field.fill(words)
        page.keyboard.press("Enter")
    field.type("thr")
    expect(field).to_have_value("one\ntwo\nthr")


def test_too_long_is_said_before_anything_is_lost(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/chat")
    field = page.get_by_label("Your message")
    field.fill("x" * 4_900)
    expect(page.locator("#count")).to_have_text("100 characters left")
    field.fill("x" * 5_001)
    expect(page.locator("#count")).to_have_text("Too long by 1 character")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("up to 5,000 characters")
    expect(field).to_have_value("x" * 5_001)
    assert barriers(page) == []


def test_what_is_written_is_never_run(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/chat")
    words = "<img src=x onerror=\"document.title='run'\"><b>bold</b>"
    page.get_by_label("Your message").fill(words)
    page.keyboard.press("Enter")
    expect(page.locator(".ll-text--mine .ll-text__words")).to_have_text(words)
    page.reload()
    assert mine(page) == [words]
    assert page.title() == "Chat with us – Linkline"


def test_a_chat_is_forgotten_on_a_shared_device(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/chat")
    page.get_by_label("Your message").fill("private")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("private")
    page.get_by_role("button", name="Forget this chat on this device").click()
    expect(page.get_by_text("has forgotten your chat")).to_be_visible()
    assert mine(page) == []
    page.go_back()
    assert mine(page) == []
