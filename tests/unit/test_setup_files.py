"""Stamps, `.env`, the Procfile, ports, the style sheet, licences and lock files."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from setup import licences, lock_files, run, stamps
from setup.build_front_end import local_script, local_style
from setup.env_file import parse, with_env_file
from setup.say import ROOT, SetupError
from setup.supervisor import LONGEST_WAIT_SECONDS, STEADY_SECONDS, read_procfile, wait_before_restart


def test_a_stamp_is_fresh_until_something_changes(tmp_path: Path) -> None:
    source, stamp = tmp_path / "lock", tmp_path / "deep" / "stamp"
    source.write_text("one")
    before = stamps.digest([source], "3.11")
    assert not stamps.is_fresh(stamp, before)
    stamps.write(stamp, before)
    assert stamps.is_fresh(stamp, before)
    source.write_text("two")
    assert not stamps.is_fresh(stamp, stamps.digest([source], "3.11"))


def test_a_stamp_knows_new_files_in_a_folder(tmp_path: Path) -> None:
    before = stamps.digest([tmp_path])
    (tmp_path / "new.css").touch()
    assert stamps.digest([tmp_path]) != before


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PORT=8080", {"PORT": "8080"}),
        ("export PORT = 8080 # the port", {"PORT": "8080"}),
        ("SECRET_KEY='a # b'", {"SECRET_KEY": "a # b"}),
        ('SECRET_KEY="a=b"', {"SECRET_KEY": "a=b"}),
        ("DATABASE_URL=postgresql://u:p#1@h/d?x=1", {"DATABASE_URL": "postgresql://u:p#1@h/d?x=1"}),
        ("PORT=", {"PORT": ""}),
        ("PORT= # none", {"PORT": ""}),
        ("# PORT=1", {}),
        ("no name", {}),
    ],
)
def test_env_file(line: str, expected: dict[str, str]) -> None:
    assert parse(f"\n{line}\n") == expected


def test_the_environment_wins_over_the_file_unless_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=file\nB=file\nC=file\n")
    assert with_env_file({"A": "set", "B": "", "D": ""}, path) == {
        "A": "set",
        "B": "file",
        "C": "file",
        "D": "",
    }
    assert with_env_file({"A": "set"}, tmp_path / "none") == {"A": "set"}


def test_our_procfile_names_the_four_processes() -> None:
    programs = read_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))
    assert list(programs) == ["web", "worker", "scheduler", "bot"]
    assert programs["worker"] == [".venv/bin/linkline", "worker", "run"]


def test_a_wrong_procfile_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line"):
        read_procfile("web gunicorn")


def test_a_process_that_keeps_dying_is_started_ever_more_seldom() -> None:
    waits, wait = [], 1.0
    for _death in range(8):
        now, wait = wait_before_restart(wait, lived=0.5)
        waits.append(now)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert wait_before_restart(wait, lived=STEADY_SECONDS) == (1, 2)


@pytest.mark.parametrize("text", ["http", "0", "-1", "65531", "99999"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match="PORT must be a number"):
        run.read_port(text)


def test_the_port_is_8000_by_default() -> None:
    assert (run.read_port(""), run.read_port("8080")) == (8000, 8080)


@pytest.mark.parametrize("offset", [0, run.BOT_PORT_OFFSET])
def test_a_taken_port_is_said_plainly(offset: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            SetupError, match=rf"port {port} cannot be used.*make run$".replace("port", "[Pp]ort", 1)
        ):
            run.check_ports_free(port - offset)


def test_the_style_sheet_asks_nobody_else() -> None:
    css = (
        "@font-face{font-family:Frutiger W01;src:url(https://assets.nhs.uk/a.woff2)}"
        "body{font-family:Frutiger W01,arial,sans-serif}/*# sourceMappingURL=a.css.map */"
    )
    assert local_style(css) == "body{font-family:arial,sans-serif}"


@pytest.mark.parametrize(
    "css",
    [
        "a{background:url(https://example.org/a.png)}",
        "a{background:url('//example.org/a.png')}",
        '@import "https://example.org/a.css";',
        "a{font-family:FrutigerLTW01}",
    ],
)
def test_a_style_sheet_that_asks_elsewhere_is_refused(css: str) -> None:
    with pytest.raises(SetupError, match="from elsewhere"):
        local_style(css)


def test_the_script_points_to_no_source_map() -> None:
    assert local_script("export{a};//# sourceMappingURL=a.js.map") == "export{a};"


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("a", "MIT License"),
        ("a", "BSD-3-Clause"),
        ("a", "Apache-2.0 OR BSD-2-Clause"),
        ("a", "GPL-2.0-or-later OR MIT"),
        ("a", "Mozilla Public License 2.0 (MPL 2.0)"),
        ("psycopg", "GNU Lesser General Public License v3 (LGPLv3)"),
        ("psycopg_binary", "LGPL-3.0-only"),
    ],
)
def test_licences_that_may_be_shipped(name: str, licence: str) -> None:
    assert licences.verdict(name, licence) is None


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "UNKNOWN",
        "GPL-3.0-only",
        "GNU Affero General Public License v3",
        "AGPL-3.0",
        "LGPL-2.1",
        "MIT AND GPL-3.0",
    ],
)
def test_licences_that_may_not(licence: str) -> None:
    assert licences.verdict("a", licence) is not None


def test_lock_files_name_only_the_public_hosts() -> None:
    for name, allowed in lock_files.HOSTS.items():
        assert lock_files.strange_hosts((ROOT / name).read_text(encoding="utf-8"), allowed) == set()
    assert lock_files.strange_hosts('"https://mirror.example.org/x"', {"pypi.org"}) == {"mirror.example.org"}


def test_a_package_without_a_wheel_is_found() -> None:
    source = 'source = { registry = "https://pypi.org/simple" }'
    lock = (
        f'[[package]]\nname = "built"\n{source}\n'
        f'[[package]]\nname = "docopt"\n{source}\n'
        f'[[package]]\nname = "ready"\n{source}\nwheels = [{{ url = "https://pypi.org/ready-any.whl" }}]\n'
        '[[package]]\nname = "ours"\nsource = { editable = "." }\n'
    )
    assert lock_files.needs_compiler(lock) == ["built"]
