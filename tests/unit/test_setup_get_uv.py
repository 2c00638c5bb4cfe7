from __future__ import annotations

import hashlib
import io
import urllib.error
import zipfile
from pathlib import Path

import pytest

from setup import get_uv
from setup.get_uv import Wheel
from setup.say import SetupError


def wheel_with(program: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"uv-{get_uv.VERSION}.data/scripts/uv", program)
    return buffer.getvalue()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_each_machine_has_a_wheel_of_the_pinned_version(machine: str) -> None:
    wheel = get_uv.wheel_for("Linux", machine)
    assert machine in wheel.url
    assert f"uv-{get_uv.VERSION}-" in wheel.url
    assert wheel.url.startswith("https://files.pythonhosted.org/")
    assert len(bytes.fromhex(wheel.sha256)) == hashlib.sha256().digest_size


@pytest.mark.parametrize(
    ("system", "machine"), [("Linux", "riscv64"), ("Darwin", "arm64"), ("Windows", "AMD64")]
)
def test_another_machine_is_told_plainly(system: str, machine: str) -> None:
    with pytest.raises(SetupError, match=f"this is {system} on {machine}"):
        get_uv.wheel_for(system, machine)


def test_a_changed_download_is_refused() -> None:
    good = Wheel("https://example.org/uv.whl", hashlib.sha256(b"good").hexdigest())
    assert get_uv.checked(b"good", good) == b"good"
    with pytest.raises(SetupError, match="not the one we know"):
        get_uv.checked(b"bad", good)


def test_the_program_is_unpacked_ready_to_run(tmp_path: Path) -> None:
    uv = tmp_path / "tools" / "uv"
    get_uv.unpack(wheel_with(b"#!/bin/sh\n"), uv)
    assert uv.read_bytes() == b"#!/bin/sh\n"
    assert uv.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in uv.parent.iterdir()] == ["uv"]


def test_a_network_without_a_way_out_is_said_plainly_after_some_tries() -> None:
    tries = []

    def no_way_out(url: str, **_options: object) -> io.BufferedIOBase:
        tries.append(url)
        raise urllib.error.URLError("no route to host")

    with pytest.raises(SetupError, match=r"no route to host.*HTTPS_PROXY.*SSL_CERT_FILE"):
        get_uv.download("https://example.org/uv.whl", no_way_out)
    assert len(tries) == get_uv.TRIES


def test_what_is_there_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / f"uv-{get_uv.VERSION}" / "uv"
    uv.parent.mkdir()
    uv.touch()
    monkeypatch.setattr(get_uv, "download", lambda url: pytest.fail("fetched again"))
    assert get_uv.ensure_uv(tmp_path) == uv
