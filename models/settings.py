"""Every setting, read once from the environment and `.env`. The table is in `docs/settings.md`."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

VAR = Path("var")
#: How often the bot is asked in one turn; all tries together must fit into the turn's lease.
BOT_TRIES = 2


class Environment(StrEnum):
    DEMO = "demo"
    PRODUCTION = "production"
    TEST = "test"


class SettingsError(ValueError):
    """The settings do not fit together. The message says in one plain sentence what to do."""


class Settings(BaseSettings):
    """All settings; names are the environment's, in lower case. Raises `SettingsError` when they clash."""

    # Inputs are hidden in errors, because some of them are secrets.
    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    linkline_env: Environment = Environment.DEMO
    database_url: str = "sqlite:///var/linkline.db"
    port: int = 8000
    public_url: str = ""
    secret_key: str = ""
    twilio_account_sid: str = ""
    twilio_auth_token: str = ""
    twilio_from: str = ""
    twilio_messaging_service_sid: str = ""
    twilio_api_url: str = "https://api.twilio.com"
    bot_url: str = ""
    bot_token: str = ""
    bot_timeout_seconds: float = 10.0
    #: How long a turn may take before another worker takes it; more than every try of the bot together.
    turn_lease_seconds: float = 45.0
    #: How long a send may take before its fate counts as unknown, and how long we then wait for word.
    send_lease_seconds: float = 30.0
    unknown_after_seconds: float = 60.0
    #: How long a person waits for an unreachable bot before the holding reply.
    holding_after_seconds: float = 120.0
    smtp_url: str = ""
    mail_from: str = ""
    redis_url: str = ""
    allow_test_numbers: bool | None = None
    var_dir: Path = VAR

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.linkline_env is Environment.PRODUCTION:
            self._check_production()
        elif self.linkline_env is Environment.DEMO and not is_loopback(self.public_address):
            raise SettingsError(
                "PUBLIC_URL is not this machine. Set LINKLINE_ENV=production for a real line, or unset PUBLIC_URL."
            )
        if self.turn_lease_seconds <= BOT_TRIES * self.bot_timeout_seconds:
            raise SettingsError("TURN_LEASE_SECONDS must be more than twice BOT_TIMEOUT_SECONDS.")
        for url in self.bot_urls:
            if urlsplit(url).scheme != "https" and not is_loopback(url):
                raise SettingsError("BOT_URL is on another machine, so it must start with https://.")
        return self

    def _check_production(self) -> None:
        if not self.secret_key:
            raise SettingsError("Set SECRET_KEY to a long random text before you start in production.")
        if urlsplit(self.public_url).scheme != "https":
            raise SettingsError(
                "Set PUBLIC_URL to the https:// address of this service before you start in production."
            )
        if not self.smtp_url:
            raise SettingsError(
                "Set SMTP_URL, so that alerts can be sent by email, before you start in production."
            )

    @property
    def is_production(self) -> bool:
        return self.linkline_env is Environment.PRODUCTION

    @property
    def public_address(self) -> str:
        """The address that Twilio signs and people open, without a slash at the end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def bot_urls(self) -> tuple[str, ...]:
        """Where the bot answers; loopback, five ports above the web process, unless told otherwise."""
        urls = self.bot_url or f"http://127.0.0.1:{self.port + 5}"
        return tuple(url.strip().rstrip("/") for url in urls.split(",") if url.strip())

    @property
    def test_numbers_allowed(self) -> bool:
        """Whether Ofcom's drama numbers are taken: on in demo and test unless set."""
        return not self.is_production if self.allow_test_numbers is None else self.allow_test_numbers

    @property
    def twilio_is_set(self) -> bool:
        """Whether real texts can be sent."""
        sender = self.twilio_from or self.twilio_messaging_service_sid
        return bool(self.twilio_account_sid and self.twilio_auth_token and sender)

    @property
    def sqlalchemy_url(self) -> str:
        """The database's address with the driver that we ship."""
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else self.database_url

    @property
    def spool_dir(self) -> Path:
        """Where texts wait that the database refused."""
        return self.var_dir / "spool"

    def secret(self) -> str:
        """`SECRET_KEY`, or one made once and kept in `var/secrets/` outside production."""
        return self.secret_key or _kept_secret(self.var_dir / "secrets" / "secret_key")

    def bot_secret(self) -> str:
        """`BOT_TOKEN`, or one made once and kept in `var/secrets/`, where the bot reads it too."""
        return self.bot_token or _kept_secret(self.var_dir / "secrets" / "bot_token")

    def derived_key(self, use: str) -> bytes:
        """A key for one use, so that no two uses share one. `use` is a fixed word in the code."""
        return hmac.new(self.secret().encode(), use.encode(), hashlib.sha256).digest()


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache
def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        # Of several that start together the first to link wins, and nobody ever sees half a secret.
        with suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    return path.read_text().strip()


@lru_cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
