"""Fetches the NHS.UK front end from npm and puts what the pages need into web/static/build.

No page may ask another host for anything, and Frutiger is for NHS bodies only: its font faces are
cut out of the style sheet, which then falls back to Arial. Our own files in web/assets are copied.
All of it stands in one folder named after its content, so that browsers may keep it for ever; the
file `version` says which folder that is.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from setup import stamps
from setup.say import ROOT, SetupError, run_command

OUT = ROOT / "web" / "static" / "build"
ASSETS = ROOT / "web" / "assets"
NHSUK = ROOT / "node_modules" / "nhsuk-frontend" / "dist" / "nhsuk"
LOCK = ROOT / "package-lock.json"

_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
_FRUTIGER = re.compile(r"""["']?Frutiger W01["']?\s*,\s*""", re.IGNORECASE)
_SOURCE_MAP = re.compile(r"(/\*#|//#)\s*sourceMappingURL=[^\s*]+(\s*\*/)?")
_OUTSIDE = re.compile(r"""(?:url\(\s*["']?|@import\s+["']?)(?:https?:)?//[^)"']*""", re.IGNORECASE)


def build() -> None:
    """Fetch and copy what has changed. Raises `SetupError`."""
    fetched = stamps.digest([ROOT / "package.json", LOCK])
    fetch_stamp = ROOT / "node_modules" / ".linkline-stamp"
    if not stamps.is_fresh(fetch_stamp, fetched):
        _fetch()
        stamps.write(fetch_stamp, fetched)
    built = stamps.digest([Path(__file__), LOCK, ASSETS])
    if not stamps.is_fresh(OUT / ".stamp", built):
        _copy()
        stamps.write(OUT / ".stamp", built)


def local_style(css: str) -> str:
    """The style sheet without fonts from elsewhere. Raises `SetupError` if any outside address is left."""
    local = _SOURCE_MAP.sub("", _FRUTIGER.sub("", _FONT_FACE.sub("", css)))
    left = _OUTSIDE.search(local)
    if left or "frutiger" in local.lower():
        raise SetupError(
            "The NHS.UK style sheet still asks for something from elsewhere; see build_front_end.py."
        )
    return local


def local_script(script: str) -> str:
    """The script without the pointer to a source map that is not shipped."""
    return _SOURCE_MAP.sub("", script)


def _fetch() -> None:
    env = dict(os.environ)
    # Node brings its own certificates; a company's are added to them.
    if "SSL_CERT_FILE" in env:
        env.setdefault("NODE_EXTRA_CA_CERTS", env["SSL_CERT_FILE"])
    env.setdefault("NODE_USE_SYSTEM_CA", "1")
    env["NPM_CONFIG_UPDATE_NOTIFIER"] = "false"
    bin_folder = ROOT / ".venv" / "bin"
    env["PATH"] = f"{bin_folder}{os.pathsep}{env.get('PATH', os.defpath)}"
    run_command(
        [bin_folder / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        failed="The NHS.UK front end could not be fetched from registry.npmjs.org; the lines above say why.",
        env=env,
    )


def _copy() -> None:
    draft = OUT.with_name("build.new")
    shutil.rmtree(draft, ignore_errors=True)
    files = draft / "files"
    files.mkdir(parents=True)
    if ASSETS.is_dir():
        shutil.copytree(ASSETS, files, dirs_exist_ok=True)
    style = (NHSUK / "nhsuk-frontend.min.css").read_text(encoding="utf-8")
    script = (NHSUK / "nhsuk-frontend.min.js").read_text(encoding="utf-8")
    (files / "nhsuk-frontend.min.css").write_text(local_style(style), encoding="utf-8")
    (files / "nhsuk-frontend.min.js").write_text(local_script(script), encoding="utf-8")
    version = version_of(files)
    files.rename(draft / version)
    (draft / "version").write_text(version, encoding="utf-8")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(OUT)


def version_of(folder: Path) -> str:
    """Twelve hexadecimal digits that change with the name or content of any file in the folder."""
    digest = hashlib.sha256()
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]
