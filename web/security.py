"""What every answer carries so that a browser keeps to our pages, and who may post forms."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]
from werkzeug.middleware.proxy_fix import ProxyFix

from models.settings import Settings

#: Nothing inline and nothing from elsewhere: a text that holds HTML stays a text. Images may be
#: `data:` because the NHS.UK style sheet draws its icons so.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Nobody else may know that somebody was here.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TWO_YEARS: Final = 2 * 365 * 24 * 60 * 60


def protect(app: Flask, settings: Settings) -> CSRFProtect:
    """Headers on every answer, safe cookies, CSRF tokens in forms; returns what exempts JSON views."""
    is_https = settings.public_address.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="linkline_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        # A chat stays open all day; the token is bound to the session in any case.
        WTF_CSRF_TIME_LIMIT=None,
        # Privacy tools and proxies drop or change the Referer of honest people; the token is enough.
        WTF_CSRF_SSL_STRICT=False,
    )
    if is_https:
        # Only then is there a TLS proxy in front of us that sets these headers; without one, anybody
        # could write them and pass for another address.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]

    @app.after_request
    def add_headers(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if is_https:
            answer.headers.setdefault("Strict-Transport-Security", f"max-age={_TWO_YEARS}")
        # A shared computer keeps no page with what somebody wrote.
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    return CSRFProtect(app)
