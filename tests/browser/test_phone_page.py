"""The phone simulator as somebody tries it: with the real bot, without it, without scripts or mouse."""

from __future__ import annotations

import random
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from messaging import sms_text
from tests.browser.conftest import OpenPage
from tests.browser.looking import barriers, quickest, sideways, tab_to
from tests.support.running_line import RunningLine

WELCOME = "Reply OK to go on, STOP at any time."
CRISIS = "Samaritans on 116 123, day or night"


def handset(page: Page, digits: str) -> Locator:
    return page.get_by_role("region", name=f"07700 900{digits}", exact=True)


def write(page: Page, digits: str, text: str) -> None:
    handset(page, digits).get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")


def test_two_phones_at_once(open_page: OpenPage, line: RunningLine) -> None:
    page = open_page(line.url + "/phone?handset=101.shared-line&handset=102.shared-line")
    write(page, "101", "hello")
    write(page, "102", "hello")
    for digits in ("101", "102"):
        box = handset(page, digits)
        expect(box.get_by_role("log")).to_contain_text(WELCOME)
        expect(box.locator(".ll-text--theirs .ll-text__meta")).to_have_text("Delivered, 1 part")
        expect(box.locator(".ll-text--mine .ll-text__meta")).to_have_text("Sent, 1 part")
    assert barriers(page) == []
    handset(page, "101").get_by_role("button", name="OK").click()
    expect(handset(page, "101").locator(".ll-text--theirs")).to_have_count(2)
    expect(handset(page, "102").locator(".ll-text--theirs")).to_have_count(1)
    page.set_viewport_size({"width": 320, "height": 640})
    assert sideways(page) == 0
    page.reload()
    expect(handset(page, "101").locator(".ll-text")).to_have_count(4)


def test_a_cry_for_help_is_answered_within_two_seconds_without_the_bot(
    open_page: OpenPage, line_without_bot: RunningLine
) -> None:
    phones = iter(("171", "172", "173"))

    def seconds() -> float:
        digits = next(phones)
        page = open_page(line_without_bot.url + f"/phone?handset={digits}.shared-line")
        write(page, digits, "hello")
        expect(handset(page, digits).locator(".ll-text--mine[data-n]")).to_have_count(1)
        began = time.monotonic()
        write(page, digits, "I want to kill myself")
        expect(handset(page, digits).get_by_role("log")).to_contain_text(CRISIS)
        return time.monotonic() - began

    assert quickest(seconds) < 2


def test_a_text_that_arrives_otherwise_appears_by_itself(
    open_page: OpenPage, line_without_bot: RunningLine
) -> None:
    page = open_page(line_without_bot.url + "/phone?handset=110.shared-line")
    line_without_bot.text("+447700900110", "from elsewhere")
    expect(handset(page, "110").get_by_role("log")).to_contain_text("from elsewhere", timeout=3_000)


def test_without_scripts(open_page: OpenPage, line: RunningLine) -> None:
    page = open_page(line.url + "/phone?handset=120.shared-line", java_script_enabled=False)
    box = handset(page, "120")
    box.get_by_role("textbox").fill("hello")
    box.get_by_role("button", name="Send").click()
    for _ in range(50):
        if WELCOME in box.get_by_role("log").inner_text():
            break
        page.wait_for_timeout(200)
        box.get_by_role("link", name="See new texts").click()
        page.reload()
    expect(box.get_by_role("log")).to_contain_text(WELCOME)
    box.get_by_role("button", name="OK").click()
    assert box.locator(".ll-text--mine .ll-text__words").all_inner_texts() == ["hello", "OK"]


def test_with_the_keyboard_only(open_page: OpenPage, line: RunningLine) -> None:
    page = open_page(line.url + "/phone?handset=130.shared-line")
    tab_to(page, "text-130")
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(handset(page, "130").get_by_role("button", name="OK")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(handset(page, "130").locator(".ll-text--theirs")).to_have_count(2)
    tab_to(page, "Change")
    page.keyboard.press("Enter")
    expect(handset(page, "130").get_by_label("Texts go to")).to_be_visible()
    tab_to(page, "add-number")


def test_phones_come_and_go_and_drafts_stay(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/phone?handset=140.shared-line&handset=141.shared-line")
    handset(page, "140").get_by_role("textbox").fill("half written")
    page.get_by_role("textbox", name="Its number").fill("07700 900142")
    page.get_by_role("button", name="Add").click()
    expect(handset(page, "142")).to_be_visible()
    expect(handset(page, "140").get_by_role("textbox")).to_have_value("half written")
    handset(page, "141").get_by_text("Change 07700 900141").click()
    page.get_by_role("link", name="Put 07700 900141 away").click()
    expect(handset(page, "141")).to_have_count(0)
    expect(handset(page, "142")).to_be_visible()


def test_offline_keeps_the_draft_and_says_so(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/phone?handset=150.shared-line")
    page.context.set_offline(True)
    write(page, "150", "do not lose me")
    box = handset(page, "150")
    expect(box.get_by_role("alert")).to_contain_text("It is still here")
    expect(box.get_by_role("textbox")).to_have_value("do not lose me")
    page.context.set_offline(False)
    write(page, "150", "do not lose me")
    expect(box.get_by_role("log")).to_contain_text("do not lose me")
    write(page, "150", "x" * 1_601)
    expect(box.get_by_role("alert")).to_contain_text("up to 1,600 characters")


def texts() -> list[str]:
    """Texts around every border that the counting rule has."""
    dice = random.Random(20261122)
    signs = "a ^{}\\[~]|€\f\né£Δ😀“—漢👨‍👩‍👧\r\x00"
    made = ["", "a", "€", "😀", *(sign * n for sign in ("a", "€", "😀", "é") for n in (69, 70, 71, 134, 135))]
    made += [sign * n for sign in ("a", "€") for n in (76, 77, 80, 81, 152, 153, 154, 160, 161, 306, 307)]
    made += ["".join(dice.choices(signs, k=dice.randint(1, 400))) for _ in range(150)]
    plain = "ab ^€\n"
    return made + ["".join(dice.choices(plain, k=dice.randint(100, 500))) for _ in range(150)]


def test_the_counter_counts_as_the_record_does(open_page: OpenPage, line_without_bot: RunningLine) -> None:
    page = open_page(line_without_bot.url + "/phone")
    source = page.locator("script[src$='phone.js']").get_attribute("src")
    script = str(source).replace("phone.js", "sms-parts.js")
    counted = page.evaluate(
        """async ([script, texts]) => {
             const { describe } = await import(script);
             return texts.map((text) => Object.values(describe(text)));
        }""",
        [script, texts()],
    )
    assert len(counted) == len(texts())
    for text, (encoding, units, parts, left) in zip(texts(), counted, strict=True):
        size = sms_text.describe(text)
        assert (encoding, units, parts, left) == (size.encoding, size.units, size.parts, size.left_in_part)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "160 characters a part"),
        ("x" * 159, "1 part, 1 left"),
        ("x" * 161, "2 parts, 145 left"),
        ("x" * 69 + "😀", "2 parts, 63 left (a sign here makes parts shorter)"),
        ("x" * 1_602, "Too long by 2 characters"),
    ],
)
def test_the_counter_in_words(
    open_page: OpenPage, line_without_bot: RunningLine, text: str, words: str
) -> None:
    page = open_page(line_without_bot.url + "/phone?handset=160.shared-line")
    handset(page, "160").get_by_role("textbox").fill(text)
    expect(handset(page, "160").locator(".ll-count")).to_have_text(words)
