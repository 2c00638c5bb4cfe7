"""What browser tests look for on any page."""

from __future__ import annotations

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# The Web Content Accessibility Guidelines at the level that the law asks of public services, and good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def barriers(page: Page) -> list[str]:
    """What axe finds on the page as it is now: rule and element."""
    found = Axe().run(page, options={"runOnly": _RULES}).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def sideways(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def focused(page: Page) -> str:
    """The words of what the keyboard is on, or its id where it has none."""
    words: str = page.evaluate(
        "(document.activeElement.innerText || document.activeElement.id || '').trim().split('\\n')[0]"
    )
    return words


def tab_to(page: Page, words: str, most: int = 40) -> None:
    """Press Tab until the keyboard is on the thing with these words or this id. Raises `AssertionError`."""
    passed = []
    for _ in range(most):
        page.keyboard.press("Tab")
        passed.append(focused(page))
        if passed[-1] == words:
            return
    raise AssertionError(f"Tab never came to {words}, only to {passed}")


def quickest(seconds: Callable[[], float], tries: int = 3, enough: float = 2.0) -> float:
    """The shortest of a few measurements: a machine that is busy elsewhere makes one slow, not all."""
    times: list[float] = []
    while len(times) < tries and min(times, default=enough) >= enough:
        times.append(seconds())
    return min(times)
