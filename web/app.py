"""The composition root of the web process: puts settings, pages and webhooks together."""

from __future__ import annotations

from flask import Flask

from messaging import webchat_views, webhooks
from messaging.page_texts import BODY_LIMIT
from models import session
from models.settings import Settings, get_settings
from web import errors, health, home, phone
from web.front_end import dress, make_flask
from web.security import protect


def create_app(settings: Settings | None = None) -> Flask:
    """The web app for these settings (the process's own by default). Uses their database from now on."""
    settings = settings or get_settings()
    session.configure(settings.sqlalchemy_url)
    app = make_flask("web")
    app.config.update(
        LINKLINE=settings,
        SECRET_KEY=settings.derived_key("web session").hex(),
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=BODY_LIMIT,
    )
    csrf = protect(app, settings)
    errors.register(app)
    # Signed by Twilio, or JSON that no other site can send: they carry no token.
    csrf.exempt(webhooks.blueprint)
    csrf.exempt(webchat_views.send_json)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(webchat_views.blueprint)
    app.register_blueprint(home.blueprint)
    app.register_blueprint(health.blueprint)
    if not settings.is_production:
        csrf.exempt(phone.send_json)
        app.register_blueprint(phone.blueprint)
    dress(app, settings)
    return app
