"""Fetches uv, which makes the Python environments, from PyPI. Debian ships Python without pip and venv.

One version is pinned by hash for each kind of machine. A uv that is on the machine already is not
used: the lock files are read by the version they were written with, everywhere alike.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import ssl
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from setup.say import ROOT, SetupError, say, stop_with

VERSION = "0.13.9"
TOOLS = ROOT / ".tools"
TIMEOUT_SECONDS = 60
TRIES = 3


@dataclass(frozen=True)
class Wheel:
    """One file on PyPI and the SHA-256 that it must have."""

    url: str
    sha256: str


_FILES = "https://files.pythonhosted.org/packages"
_TAGS_X86 = "manylinux_2_17_x86_64.manylinux2014_x86_64"
_TAGS_ARM = "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64"
WHEELS = {
    "x86_64": Wheel(
        f"{_FILES}/3d/aa/26d64642d808de4a652579ef950d7cd2d37f080a8babf9c67c6b75fc4c3f/"
        f"uv-{VERSION}-py3-none-{_TAGS_X86}.whl",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    "aarch64": Wheel(
        f"{_FILES}/57/15/94b6cd62ac3ff6550288328e8035288875197cbc183f51554b266a69877b/"
        f"uv-{VERSION}-py3-none-{_TAGS_ARM}.whl",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
}


def ensure_uv(tools: Path = TOOLS) -> Path:
    """The path of our uv, fetched when it is not there. Raises `SetupError` in one plain sentence."""
    uv = tools / f"uv-{VERSION}" / "uv"
    if not uv.is_file():
        wheel = wheel_for(platform.system(), platform.machine())
        say(f"    fetching uv {VERSION} from PyPI (18 MB)")
        unpack(checked(download(wheel.url), wheel), uv)
    return uv


def wheel_for(system: str, machine: str) -> Wheel:
    """The wheel for this kind of machine. Raises `SetupError` when there is none."""
    wheel = WHEELS.get(machine) if system == "Linux" else None
    if wheel is None:
        raise SetupError(
            f"Linkline sets itself up on Linux on x86_64 and aarch64; this is {system} on {machine}."
        )
    return wheel


def download(url: str, open_url: Callable[..., io.BufferedIOBase] | None = None) -> bytes:
    """The file's bytes. Honours SSL_CERT_FILE and the proxy settings. Raises `SetupError`."""
    opener = open_url or urllib.request.urlopen
    problem: Exception | None = None
    for _attempt in range(TRIES):
        try:
            with opener(url, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()) as answer:
                return answer.read()
        except (urllib.error.URLError, OSError) as caught:
            problem = caught
    reason = getattr(problem, "reason", problem)
    raise SetupError(
        f"uv could not be fetched from files.pythonhosted.org: {reason}. Check the network; behind a company "
        "proxy set HTTPS_PROXY, and SSL_CERT_FILE to the company's certificates."
    )


def checked(content: bytes, wheel: Wheel) -> bytes:
    """The same bytes, if they are what was pinned. Raises `SetupError` if not."""
    if hashlib.sha256(content).hexdigest() != wheel.sha256:
        raise SetupError(
            "The uv that came from files.pythonhosted.org is not the one we know (its SHA-256 differs), so it "
            "was thrown away. Something on the way changes downloads."
        )
    return content


def unpack(content: bytes, uv: Path) -> None:
    """Put the program from the wheel into its place, whole or not at all."""
    uv.parent.mkdir(parents=True, exist_ok=True)
    draft = uv.with_name(f"uv.{os.getpid()}.new")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inside = f"uv-{VERSION}.data/scripts/uv"
        with archive.open(inside) as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target)
    draft.chmod(0o755)
    draft.replace(uv)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{ensure_uv()}\n")
    except SetupError as error:
        stop_with(str(error))
