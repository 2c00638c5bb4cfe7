"""Settings: what fits together, what is refused in plain words, and secrets that are made once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import ValidationError

from models.settings import Settings, _kept_secret, is_loopback

PRODUCTION = {
    "linkline_env": "production",
    "secret_key": "long and random",
    "public_url": "https://line.example.org",
    "smtp_url": "smtp://mail.example.org",
}


def test_a_secret_is_made_once_however_many_start_together(tmp_path: Path) -> None:
    ready = Barrier(16)

    def start(_number: int) -> str:
        ready.wait()
        # Each thread stands for a process of its own, which has not read the secret before.
        return _kept_secret.__wrapped__(tmp_path / "secrets" / "key")

    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(start, range(16)))
    assert len(made) == 1
    assert len(made.pop()) > 40
    [file] = (tmp_path / "secrets").iterdir()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("missing", ["secret_key", "public_url", "smtp_url"])
def test_production_says_what_is_missing(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing.upper()):
        Settings.model_validate({**PRODUCTION, missing: ""})


def test_production_that_is_whole_starts_and_takes_no_drama_numbers() -> None:
    assert Settings.model_validate(PRODUCTION).test_numbers_allowed is False


def test_demo_refuses_a_public_address() -> None:
    with pytest.raises(ValidationError, match="PUBLIC_URL"):
        Settings.model_validate({"linkline_env": "demo", "public_url": "https://line.example.org"})


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("http://127.0.0.1:9000", True),
        ("https://bot.example.org", True),
        ("http://bot.example.org", False),
        ("http://127.0.0.1:1, http://10.0.0.1", False),
    ],
)
def test_a_bot_elsewhere_must_be_https(url: str, fine: bool) -> None:
    if fine:
        assert Settings.model_validate({"linkline_env": "test", "bot_url": url}).bot_urls
    else:
        with pytest.raises(ValidationError, match="https"):
            Settings.model_validate({"linkline_env": "test", "bot_url": url})


def test_an_error_never_shows_a_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({**PRODUCTION, "smtp_url": "", "twilio_auth_token": "hush-hush"})
    assert "hush-hush" not in str(caught.value)


def test_ports_follow_one_another() -> None:
    moved = Settings.model_validate({"linkline_env": "test", "port": 8100})
    assert moved.bot_urls == ("http://127.0.0.1:8105",)
    assert moved.public_address == "http://localhost:8100"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_names_of_postgresql_mean_our_driver(scheme: str) -> None:
    told = Settings.model_validate({"linkline_env": "test", "database_url": f"{scheme}://u@h/d"})
    assert told.sqlalchemy_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://[::1]:1", True), ("http://localhost", True), ("http://localhost.evil.org", False)],
)
def test_what_is_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here
