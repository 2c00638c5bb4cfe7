"""A client for our pages that looks at every HTML page it is given, as a careful reader would."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_OUTSIDE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_LOADS = {"src", "href", "action", "formaction", "poster", "data", "srcset"}
_LABELLED = {"input", "select", "textarea"}


class Page(HTMLParser):
    """A parsed page: its elements, its problems, and the values of its forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.problems: list[str] = []
        self._text_in: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)
        self._check_page()

    @property
    def text(self) -> str:
        """The words of the page."""
        return " ".join(" ".join(self.texts.get("body", [])).split())

    def all(self, tag: str, /, **attributes: str) -> list[dict[str, str]]:
        """The attributes of every element with this name and these attributes."""
        wanted = attributes.items()
        return [found for name, found in self.elements if name == tag and wanted <= found.items()]

    def value(self, name: str) -> str:
        """The value of the first hidden field with this name."""
        return self.all("input", name=name)[0]["value"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in {"meta", "link", "input", "br", "img", "hr"}:
            self._text_in.append(tag)
        self._check_element(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        while self._text_in and self._text_in.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        for tag in set(self._text_in):
            self.texts.setdefault(tag, []).append(data)

    def _check_element(self, tag: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if name.startswith("on") or name == "style":
                self.problems.append(f"<{tag} {name}> is inline")
            if name in _LOADS and _OUTSIDE.match(value):
                self.problems.append(f"<{tag} {name}> goes elsewhere: {value}")
        if tag == "style" or (tag == "script" and "src" not in attributes):
            self.problems.append(f"<{tag}> is inline")
        if tag == "form" and not attributes.get("action"):
            self.problems.append("a form without an action")
        if tag == "button" and "type" not in attributes:
            self.problems.append("a button without a type")
        if tag == "img" and "alt" not in attributes:
            self.problems.append("an image without a description")

    def _check_page(self) -> None:
        if not self.html.lstrip().lower().startswith("<!doctype html>"):
            self.problems.append("no doctype")
        if self.all("html") != [{"lang": "en"}]:
            self.problems.append("no language")
        for tag in ("title", "h1", "main"):
            if len(self.all(tag)) != 1:
                self.problems.append(f"{len(self.all(tag))} <{tag}> instead of one")
            if not "".join(self.texts.get(tag, [])).strip():
                self.problems.append(f"an empty <{tag}>")
        ids = Counter(attributes["id"] for _, attributes in self.elements if "id" in attributes)
        self.problems += [f"{count} elements with the id {name}" for name, count in ids.items() if count > 1]
        self._check_references(set(ids))
        self._check_tokens()

    def _check_references(self, ids: set[str]) -> None:
        labels = {found.get("for", "") for found in self.all("label")}
        for tag, attributes in self.elements:
            names = [*attributes.get("aria-describedby", "").split()]
            names += attributes.get("aria-labelledby", "").split()
            names += [attributes["for"]] if "for" in attributes else []
            self.problems += [
                f"<{tag}> names {name}, which is not there" for name in names if name not in ids
            ]
            labelled = attributes.get("id") in labels or "aria-label" in attributes
            if tag in _LABELLED and attributes.get("type") not in {"hidden", "submit"} and not labelled:
                self.problems.append(f"a <{tag}> without a label")

    def _check_tokens(self) -> None:
        posts = sum(form.get("method", "").lower() == "post" for form in self.all("form"))
        if len(self.all("input", name="csrf_token")) != posts:
            self.problems.append("a form that posts without a token")


class Pages:
    """A test client: every HTML answer must be sound, every answer must carry the security headers."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        """The answer to a GET. Raises `AssertionError` for an unsound page."""
        return self._checked(self.client.get(path, **more))

    def post(self, path: str, **more: Any) -> TestResponse:
        """The answer to a POST. Raises `AssertionError` for an unsound page."""
        return self._checked(self.client.post(path, **more))

    def page(self, path: str, status: int = 200) -> Page:
        """The page at this address, which must have this status."""
        answer = self.get(path)
        assert answer.status_code == status
        return Page(answer.get_data(as_text=True))

    def _checked(self, answer: TestResponse) -> TestResponse:
        policy = answer.headers["Content-Security-Policy"]
        assert (
            "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store" or answer.request.path == "/favicon.ico"
        if answer.mimetype == "text/html" and answer.status_code not in {204, 302, 303, 308}:
            page = Page(answer.get_data(as_text=True))
            assert page.problems == []
        return answer
