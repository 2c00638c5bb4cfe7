"""The command line as a person uses it: exit status, one plain sentence on failure, files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bot.contract import Outcome
from models.session import reading
from models.staff import AuditEvent
from tests.support.line import PHONE, Line, conversation

LINKLINE = Path(sys.executable).with_name("linkline")


def _linkline(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINKLINE, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_upgrade_and_check(empty_database_url: str, tmp_path: Path) -> None:
    told = {"DATABASE_URL": empty_database_url}
    behind = _linkline(tmp_path, "db", "check", **told)
    assert (behind.returncode, behind.stderr.count("\n")) == (1, 1)
    assert "linkline db upgrade" in behind.stderr
    assert _linkline(tmp_path, "db", "upgrade", **told).returncode == 0
    assert "Nothing to do" in _linkline(tmp_path, "db", "upgrade", **told).stdout
    assert _linkline(tmp_path, "db", "check", **told).returncode == 0


def test_a_database_that_is_away_is_one_plain_sentence(tmp_path: Path) -> None:
    away = _linkline(tmp_path, "db", "check", DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none")
    assert away.returncode == 1
    assert "cannot be reached" in away.stderr
    assert "secret" not in away.stderr
    assert "Traceback" not in away.stderr


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("hub", "create"), ("scheduler", "run-once", "--at", "yesterday")]
)
@pytest.mark.usefixtures("settings")
def test_bad_usage_is_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = _linkline(tmp_path, *arguments)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_settings_that_clash_are_one_plain_sentence(tmp_path: Path) -> None:
    answer = _linkline(tmp_path, "hub", "list", LINKLINE_ENV="production")
    assert answer.returncode == 1
    assert answer.stderr.strip().startswith("Set SECRET_KEY")


@pytest.mark.usefixtures("settings")
def test_hubs_are_added_listed_and_refused(tmp_path: Path) -> None:
    add = ("hub", "create", "--slug", "skem", "--name", "Skelmersdale Wellbeing", "--number", "07700 900901")
    assert _linkline(tmp_path, *add).returncode == 0
    again = _linkline(tmp_path, *add)
    assert (again.returncode, again.stderr.strip()) == (1, "There is already a hub called skem.")
    [hub] = json.loads(_linkline(tmp_path, "hub", "list", "--format", "json").stdout)
    assert (hub["slug"], hub["number"]) == ("skem", "+447700900901")
    bad = _linkline(tmp_path, "hub", "create", "--slug", "x", "--name", "X", "--number", "12")
    assert bad.returncode == 2


@pytest.mark.usefixtures("settings")
def test_demonstration_hubs_are_loaded_once(tmp_path: Path) -> None:
    assert "Added 5" in _linkline(tmp_path, "demo", "load").stdout
    assert "already" in _linkline(tmp_path, "demo", "load").stdout


def test_run_once_does_what_waits_and_ends(database: Engine, tmp_path: Path) -> None:
    line = Line()
    line.text("I want to kill myself")
    assert "Done: 2." in _linkline(tmp_path, "worker", "run-once").stdout
    assert len(line.heard()) == 1


def test_the_scheduler_lists_without_doing(database: Engine, tmp_path: Path) -> None:
    line = Line()
    line.bot.failing = True
    line.says("hello")
    later = ("scheduler", "run-once", "--format", "json", "--at", "2099-01-01T09:00:00+00:00")
    listed = json.loads(_linkline(tmp_path, *later, "--dry-run").stdout)
    assert [item["what"] for item in listed["due"]] == ["holding_replies"]
    assert json.loads(_linkline(tmp_path, *later).stdout)["done"]["holding_replies"] == 1
    assert json.loads(_linkline(tmp_path, *later).stdout)["done"]["holding_replies"] == 0


@pytest.mark.usefixtures("settings")
def test_a_real_line_does_not_live_at_another_time(tmp_path: Path) -> None:
    real = {
        "LINKLINE_ENV": "production",
        "SECRET_KEY": "long and random",
        "PUBLIC_URL": "https://line.example.org",
        "SMTP_URL": "smtp://mail.example.org",
    }
    later = ("scheduler", "run-once", "--at", "2099-01-01T09:00:00+00:00")
    assert _linkline(tmp_path, *later, **real).returncode == 2
    assert _linkline(tmp_path, *later, "--dry-run", **real).returncode == 0


def test_an_export_holds_everything_by_number_and_by_id(database: Engine, tmp_path: Path) -> None:
    line = Line()
    line.bot.outcomes = (Outcome("consent_given", {"text_version": "welcome-1"}), Outcome("referral_started"))
    line.says("OK, my name is Albert")
    line.says("I want to kill myself")
    line.says("STOP")
    file = tmp_path / "albert.json"
    done = _linkline(tmp_path, "patient", "export", PHONE, "--to", str(file))
    assert done.returncode == 0
    assert file.stat().st_mode & 0o077 == 0, "nobody else may read it"
    found = json.loads(file.read_text())
    assert [text["text"] for text in found["texts_from_them"]] == [
        "OK, my name is Albert",
        "I want to kill myself",
        "STOP",
    ]
    counts = {name: len(rows) for name, rows in found.items() if isinstance(rows, list)}
    assert counts["texts_to_them"] == 3
    assert counts["alerts"] == counts["opt_outs"] == counts["referrals"] == counts["consents"] == 1
    assert found["contact_points"][0]["address"] == PHONE
    patient_id = str(conversation().patient_id)
    by_id = _linkline(tmp_path, "patient", "export", patient_id, "--to", str(tmp_path / "again.json"))
    assert by_id.returncode == 0
    assert json.loads((tmp_path / "again.json").read_text()) == found
    with reading() as session:
        events = session.scalars(select(AuditEvent)).all()
    assert [(event.action, str(event.patient_id)) for event in events] == [("export", patient_id)] * 2


@pytest.mark.usefixtures("settings")
def test_an_export_of_nobody_is_a_plain_failure(tmp_path: Path) -> None:
    nobody = _linkline(tmp_path, "patient", "export", "07700900055", "--to", "x.json")
    assert (nobody.returncode, nobody.stderr.strip()) == (
        1,
        "Nobody with this id or number is in the record.",
    )
    assert _linkline(tmp_path, "patient", "export", "fish", "--to", "x.json").returncode == 2
    assert not (tmp_path / "x.json").exists()
